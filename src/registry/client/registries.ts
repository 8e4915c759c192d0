import type { Capability, Known } from '../../images/ports.ts'

/** The documented behavior of a hosted registry, by its host. */
export interface KnownRegistry {
  readonly name: string
  readonly hosts: RegExp
  readonly capabilities: Readonly<Partial<Record<Capability, Known>>>
  /** the fix if it refuses */
  readonly hints: Readonly<Partial<Record<Capability | 'createOnPush', string>>>
  /** the source of the claim */
  readonly source: string
}

/**
 * Hosted registries, and how they differ. Reads of attached artifacts never rely on this table: it
 * has no `referrers`, so that an old row cannot hide an artifact.
 */
export const knownRegistries: readonly KnownRegistry[] = [
  {
    name: 'GitHub Container Registry',
    hosts: /^ghcr\.io$/,
    capabilities: { deleteTag: 'no', deleteManifest: 'no', chunks: 'no' },
    hints: {
      deleteTag: 'GitHub deletes no single tags. Delete the image with all its tags, or keep all of them.',
      deleteManifest:
        "Let dray use GitHub's API: remove kind: none from registries.ghcr.io in dray.yaml, and name the variable with a classic token (scopes read:packages and delete:packages) in tokenEnv.",
    },
    source:
      'docs.github.com, Deleting and restoring a package; DELETE answers 405; github.com/ocx-sh/ocx/pull/237: a PATCH of more than 4 MiB is 416, a PUT is not',
  },
  {
    name: 'Amazon ECR',
    hosts: /^\d+\.dkr\.ecr(?:-fips)?\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?$/,
    capabilities: { deleteTag: 'no', uploadRange: 'no' },
    hints: {
      deleteTag:
        'Let dray use the API of Amazon ECR: remove kind: none from registries.HOST in dray.yaml, and provide AWS credentials with ecr:DescribeImages and ecr:BatchDeleteImage.',
      createOnPush:
        'Create the repository with aws ecr create-repository, or use a repository creation template.',
    },
    source:
      'docs.aws.amazon.com/AmazonECR, image-push and repository-creation-templates; github.com/aws/containers-roadmap/issues/2831: Range stays at the first chunk',
  },
  {
    name: 'Azure Container Registry',
    hosts: /\.azurecr\.(?:io|cn|us)$/,
    capabilities: { deleteManifest: 'yes', deleteTagged: 'yes', uploadRange: 'no' },
    hints: {
      deleteTag: 'Use the API of Azure Container Registry: az acr repository untag.',
      deleteManifest:
        'If the image or repository is locked (az acr repository show), unlock it: az acr repository update --write-enabled true --delete-enabled true.',
    },
    source:
      'learn.microsoft.com, container-registry-delete and container-registry-image-lock; /acr/v1/_tags; github.com/Azure/acr-cli/issues/70: 405 REGISTRY_DISALLOWED_OPERATION; github.com/Azure/azure-sdk-for-js/issues/25448: uploads do not resume',
  },
  {
    name: 'Google Artifact Registry',
    hosts: /(?:(?:^|-)docker\.pkg\.dev|^(?:[a-z]+\.)?gcr\.io)$/,
    capabilities: { deleteManifest: 'yes', deleteTagged: 'no', chunks: 'no' },
    hints: {
      deleteManifest:
        'Delete the tags, indexes and referrers that point to it first. Google Artifact Registry requires that.',
      createOnPush: 'Create the repository first: gcloud artifacts repositories create.',
    },
    source:
      'cloud.google.com/artifact-registry/docs/docker/manage-images and docs/reference/docker-api: monolithic uploads only; github.com/enix/kube-image-keeper/issues/636: 400 GOOGLE_MANIFEST_DANGLING_TAG; gcr-cleaner: GOOGLE_MANIFEST_DANGLING_PARENT_IMAGE',
  },
  {
    name: 'Docker Hub',
    hosts: /^(?:(?:registry-1\.)?docker\.io|registry\.hub\.docker\.com(?::443)?)$/,
    capabilities: { deleteTagged: 'no', freeReads: 'no' },
    hints: {
      deleteManifest:
        'Use a personal access token with the permission to delete, and delete the tags and indexes that point to the manifest first.',
    },
    source:
      'docs.docker.com/reference/api/registry/latest, Deleting Images: 403 while referenced, 500 while a delete is still running; docs.docker.com/docker-hub/usage/pulls: HEAD does not count',
  },
  {
    name: 'Quay',
    hosts: /^quay\.io$/,
    capabilities: { deleteTag: 'yes', deleteManifest: 'yes', deleteTagged: 'yes' },
    hints: {
      deleteManifest:
        'Delete the tags of the manifest. Quay deletes untagged manifests itself after the time machine period.',
    },
    source: 'github.com/quay/quay, endpoints/v2/manifest.py: delete_tags_for_manifest, 404 if there are none',
  },
  {
    name: 'GitLab',
    hosts: /^registry\.gitlab\.com$/,
    capabilities: {},
    hints: {
      deleteManifest: 'Delete the index that lists it first. GitLab requires that.',
    },
    source:
      'gitlab.com/gitlab-org/container-registry, docs/spec/gitlab and issue 1091: tags are deleted since 16.4',
  },
]

/** The documented behavior of a registry program that runs on any host. */
interface RegistryProgram {
  readonly name: string
  /** the header, in lower case, by which an answer shows the program */
  readonly header: string
  readonly value: RegExp
  readonly capabilities: Readonly<Partial<Record<Capability, 'yes' | 'no'>>>
  /** the source of the claim */
  readonly source: string
}

/** Registries that run on any host. Their own headers show them, so that dray needs no probe. */
const registryPrograms: readonly RegistryProgram[] = [
  {
    name: 'zot',
    header: 'access-control-allow-headers',
    value: /\bx-zot-api-client\b/i,
    capabilities: { keepsUntagged: 'no' },
    source:
      'github.com/project-zot/zot/issues/4444 (2.1.21; a later version may keep the image, and no header shows the version); pkg/api/routes.go, getUIHeadersHandler; pkg/storage/common/common.go, CheckIfIndexNeedsUpdate: the entry of a tag that moves is dropped, and PutImageManifest in pkg/storage/imagestore/imagestore.go keeps none without a tag',
  },
]

/** Returns the row of the program that the headers of an answer show, if there is one. */
export function registryProgram(headers: ReadonlyMap<string, string>): RegistryProgram | undefined {
  return registryPrograms.find(({ header, value }) => value.test(headers.get(header) ?? ''))
}

/** Returns the row of a registry's host, if there is one. */
export function knownRegistry(registry: string): KnownRegistry | undefined {
  return knownRegistries.find((known) => known.hosts.test(registry))
}

export function knownCapability(registry: string, name: Capability): Known {
  return knownRegistry(registry)?.capabilities[name] ?? 'unknown'
}
