import type { InventoryKind } from '../images/inventory/inventory.ts'

/** A vendor with an inventory. This table is data: it loads no module of `vendors/`. */
export interface KnownVendor {
  readonly kind: InventoryKind
  readonly name: string
  /** the hosts of the vendor's own service; undefined: it is always self-hosted */
  readonly hosts?: RegExp
  /**
   * the origin of the API that belongs to the hosts, and that may get the registry's credentials;
   * `registry`: the registry's own origin; `signed`: each request is signed, and no secret is sent
   */
  readonly api: `https://${string}` | 'registry' | 'signed'
  /** what a token needs and where a person creates it */
  readonly token: {
    readonly permissions: string
    readonly create: string
    /** the value of the variable of `tokenEnv`; by default `TOKEN` */
    readonly form?: string
  }
  /** the source of the claims */
  readonly source: string
}

const knownVendors: readonly KnownVendor[] = [
  {
    kind: 'ghcr',
    name: 'GitHub Container Registry',
    hosts: /^ghcr\.io$/,
    api: 'https://api.github.com',
    token: {
      permissions: 'the scopes read:packages and delete:packages (a classic token)',
      create: 'https://github.com/settings/tokens',
    },
    source: 'docs.github.com, REST API endpoints for packages',
  },
  {
    kind: 'ecr',
    name: 'Amazon ECR',
    hosts:
      /^\d+\.dkr[.-]ecr(?:-fips)?\.[a-z0-9-]+\.(?:amazonaws\.(?:com(?:\.cn)?|eu)|on\.(?:aws|amazonwebservices\.com\.cn))$/,
    api: 'signed',
    token: {
      permissions: 'ecr:DescribeImages, ecr:DescribeRepositories and ecr:BatchDeleteImage',
      create: 'the AWS credential chain: variables, profile, SSO, or the role of the machine',
    },
    source: 'docs.aws.amazon.com/AmazonECR/latest/APIReference',
  },
  {
    kind: 'harbor',
    name: 'Harbor',
    api: 'registry',
    token: {
      permissions: 'a robot account that lists and deletes artifacts and tags',
      create: 'the page Robot Accounts of the project',
      form: "'USER:SECRET'",
    },
    source: 'github.com/goharbor/harbor, api/v2.0/swagger.yaml',
  },
  {
    kind: 'gar',
    name: 'Google Artifact Registry',
    // mirror.gcr.io and others are no repositories of users.
    hosts: /^(?:[a-z0-9-]+-docker\.pkg\.dev|(?:(?:us|eu|asia)\.)?gcr\.io)$/,
    api: 'https://artifactregistry.googleapis.com',
    token: {
      permissions:
        'artifactregistry.repositories.get, versions.list and tags.list, and versions.delete and tags.delete to delete',
      create: 'gcloud auth configure-docker, or a service account',
    },
    source: 'cloud.google.com/artifact-registry/docs/reference/rest',
  },
  {
    kind: 'acr',
    name: 'Azure Container Registry',
    hosts: /\.azurecr\.(?:io|cn|us)$/,
    api: 'registry',
    token: {
      permissions: 'metadata_read and delete on the repositories',
      create: 'az acr token create, or a role assignment',
    },
    source: 'github.com/Azure/azure-rest-api-specs, containerregistry.json',
  },
  {
    kind: 'dockerhub',
    name: 'Docker Hub',
    hosts: /^docker\.io$/,
    api: 'https://hub.docker.com',
    token: {
      permissions: 'a personal access token with the permission Read',
      create: 'https://app.docker.com/settings/personal-access-tokens',
    },
    source: 'docs.docker.com/reference/api/hub/latest',
  },
  {
    kind: 'gitlab',
    name: 'GitLab',
    hosts: /^registry\.gitlab\.com$/,
    api: 'registry',
    token: {
      permissions: 'the scope read_registry, and write_registry to delete',
      create: 'the page Access tokens of the project',
    },
    source: 'gitlab.com/gitlab-org/container-registry, docs/spec/gitlab/api.md',
  },
  {
    kind: 'quay',
    name: 'Quay',
    hosts: /^quay\.io$/,
    api: 'registry',
    token: {
      permissions: 'an OAuth application token with repo:read, and repo:write to delete',
      create: 'the page Applications of the organization',
    },
    source: 'docs.quay.io/api',
  },
  {
    kind: 'gitea',
    name: 'Gitea or Forgejo',
    api: 'registry',
    token: {
      permissions: 'a token with the scopes read:package, and write:package to delete',
      create: 'Settings, Applications',
    },
    source: 'docs.gitea.com, API, package',
  },
]

/** Returns the vendor of a registry in its normal form by its host, if there is one. */
export function vendorOfHost(registry: string): KnownVendor | undefined {
  return knownVendors.find(({ hosts }) => hosts?.test(registry) === true)
}

export function vendorOfKind(kind: InventoryKind): KnownVendor | undefined {
  return knownVendors.find((vendor) => vendor.kind === kind)
}

/** Returns the name of the vendor of a kind, or the kind if dray does not know it. */
export function vendorName(kind: string): string {
  return knownVendors.find((vendor) => vendor.kind === kind)?.name ?? kind
}
