/** The first words of commands with two words, each with its summary. */
export const topics: Readonly<Record<string, string>> = {
  auth: 'Show which credentials dray uses.',
  audit: 'Read, check, verify, sign, export and merge audit logs.',
  bundle: 'Carry images in a file across an air gap.',
  config: 'Write, show and check a dray.yaml.',
  gitops: 'Write digests into deployment files.',
  k8s: 'Print manifests for Kubernetes.',
  plan: 'Show saved plans.',
}

export function isTopic(name: string): boolean {
  return Object.hasOwn(topics, name)
}
