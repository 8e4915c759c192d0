import type { NamedImage, StandIn } from './stand-in.ts'

/** The containers of the cluster: a version that is behind, a current one, and an unknown image. */
const containers = [
  { workload: 'api', image: 'registry.example.com/prod/api:1.4.0', pods: 3 },
  { workload: 'web', image: 'registry.example.com/prod/web:2.0.0', pods: 2 },
  { workload: 'job', image: 'registry.example.com/prod/debug:latest', pods: 1 },
] as const

/** `kubectl get` lists the pods of a cluster; other commands print a token. */
export const runKubectl: StandIn = async (args, { imageOf }) => {
  if (!args.includes('get')) return 'token\n'
  const pods = await Promise.all(
    containers.map(async ({ workload, image, pods: count }) => {
      const pod = podOf(workload, image, await imageOf(image).catch(() => undefined))
      return Array.from({ length: count }, () => pod)
    }),
  )
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items: pods.flat() })
}

function podOf(name: string, image: string, found: NamedImage | undefined): object {
  const imageID = `${image.replace(/:[^:]*$/, '')}@${found?.manifest.digest ?? `sha256:${'d'.repeat(64)}`}`
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `${name}-5f7c9d-x2k4p`,
      namespace: 'shop',
      labels: { 'pod-template-hash': '5f7c9d' },
      ownerReferences: [{ kind: 'ReplicaSet', name: `${name}-5f7c9d`, controller: true }],
    },
    spec: { containers: [{ name, image }] },
    status: { phase: 'Running', containerStatuses: [{ name, imageID }] },
  }
}
