import type { Capability, Known } from '../store/store.ts'

/** What is known of a hosted registry before it is asked; found by its host. */
export interface KnownRegistry {
  readonly name: string
  readonly hosts: RegExp
  readonly capabilities: Readonly<Partial<Record<Capability, Known>>>
  /** what to do where it refuses */
  readonly hints: Readonly<Partial<Record<Capability | 'createOnPush', string>>>
  /** where the claim comes from */
  readonly source: string
}

/**
 * Registries that a host gives away, and how they differ. Reads of evidence never lean on this table:
 * `referrers` is not in it, so that an old row cannot hide evidence.
 */
export const knownRegistries: readonly KnownRegistry[] = [
  {
    name: 'GitHub Container Registry',
    hosts: /^ghcr\.io$/,
    capabilities: { deleteTag: 'no', deleteManifest: 'no' },
    hints: {
      deleteTag: "GitHub deletes images by its Packages API or the package's page, not by the registry API.",
      deleteManifest:
        "GitHub deletes images by its Packages API or the package's page, not by the registry API.",
    },
    source: 'docs.github.com, Deleting and restoring a package; DELETE answers 405',
  },
  {
    name: 'Amazon ECR',
    hosts: /^\d+\.dkr\.ecr(?:-fips)?\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?$/,
    capabilities: { deleteTag: 'no' },
    hints: {
      deleteTag:
        'Amazon ECR removes tags by its own API: aws ecr batch-delete-image --image-ids imageTag=TAG.',
      createOnPush:
        'Amazon ECR does not create a repository on push unless a creation template says so: aws ecr create-repository.',
    },
    source: 'docs.aws.amazon.com/AmazonECR, image-push and repository-creation-templates',
  },
  {
    name: 'Azure Container Registry',
    hosts: /\.azurecr\.(?:io|cn|us)$/,
    capabilities: {},
    hints: { deleteTag: 'Azure Container Registry removes tags by az acr repository untag.' },
    source: 'learn.microsoft.com, container-registry-delete; /acr/v1/_tags',
  },
  {
    name: 'Google Artifact Registry',
    hosts: /(?:^|-)docker\.pkg\.dev$/,
    capabilities: {},
    hints: {
      deleteManifest:
        'Google Artifact Registry refuses while a tag or an index points at it: remove those first.',
      createOnPush:
        'Google Artifact Registry needs the repository first: gcloud artifacts repositories create.',
    },
    source: 'cloud.google.com/artifact-registry/docs/docker/manage-images',
  },
]

/** The row of a registry's host, if there is one. */
export function knownRegistry(registry: string): KnownRegistry | undefined {
  return knownRegistries.find((known) => known.hosts.test(registry))
}

export function knownCapability(registry: string, name: Capability): Known {
  return knownRegistry(registry)?.capabilities[name] ?? 'unknown'
}
