import type { RepositoryName } from '../oci/reference.ts'
import type { RegistryAlias } from './registry-names.ts'

/** What `dray.yaml` says, checked and with its short forms written out. */
export interface Config {
  /** by host, as it stands in a reference */
  readonly registries: ReadonlyMap<string, RegistryConfig>
  /** in the order of the file */
  readonly environments: ReadonlyMap<string, Environment>
  /** undefined: any name is an image */
  readonly images: ReadonlyMap<string, ImageConfig> | undefined
  readonly audit: AuditConfig
}

export interface RegistryConfig {
  /** plain http; loopback addresses need no such permission */
  readonly insecure?: boolean
  /** absolute path of a PEM file with further authorities */
  readonly ca?: string
  readonly clientCertificate?: {
    /** absolute paths of PEM files */
    readonly cert: string
    readonly key: string
    /** the environment variable with the password of the key */
    readonly passwordEnv?: string
  }
  /** the URL that may ask for this registry's credentials though it is on another host */
  readonly tokenRealm?: string
  /** the only `service` of a challenge that tokens are requested for */
  readonly tokenService?: string
  /** requests at once */
  readonly concurrency?: number
  /** other names of its repositories: they are compared, and dray does not connect to them in its place */
  readonly aliases?: readonly RegistryAlias[]
}

export interface Environment {
  /** at least one */
  readonly targets: readonly TargetConfig[]
  /** the environments that it takes images from; undefined: from any */
  readonly promoteFrom?: readonly string[]
  /** a statement of each promotion to it is put beside the image */
  readonly attest?: boolean
  /** what every promotion to it has to be given */
  readonly require?: readonly Requirement[]
  readonly tags?: TagsConfig
  /** the tag that says what is current there; `latest` where it is not given */
  readonly marker?: string
}

/** What happens to tags in an environment. */
export interface TagsConfig {
  /** the tags of a version that a promotion keeps up; undefined: none but those that are named */
  readonly semver?: readonly TagLevel[]
  /** globs of tags that do not move, beside the exact versions, which never do */
  readonly immutable?: readonly string[]
  /** whether tags of versions begin with `v`, where the repository does not say so itself */
  readonly v?: 'keep' | 'none' | 'always'
  /** first identifiers of pre-releases that have a floating tag of their name */
  readonly channels?: readonly string[]
  /** `1.4.1_build.7` is the version 1.4.1+build.7 */
  readonly buildMetadata?: boolean
  /** `0` is kept up as `1` is */
  readonly majorZero?: boolean
}

export type TagLevel = 'exact' | 'minor' | 'major' | 'latest'

export type Requirement = 'reason' | 'ticket'

export interface TargetConfig {
  readonly registry: string
  /** of the repository, with `{image}` in it once */
  readonly path: string
}

interface ImageConfig {
  /** what stands for `{image}` in a path, where it is not the image's own name */
  readonly name?: string
}

export interface AuditConfig {
  /** absolute path of the record */
  readonly file?: string
  /** what every change has to be given */
  readonly require?: readonly Requirement[]
  readonly sign?: SigningConfig
  /** where checkpoints are pushed to */
  readonly repository?: RepositoryName
  readonly webhook?: WebhookConfig
}

export interface SigningConfig {
  /** absolute path of a PEM file */
  readonly key: string
  /** the environment variable with its password */
  readonly passwordEnv?: string
  /** what the key is called in checkpoints */
  readonly name?: string
}

export interface WebhookConfig {
  readonly url: string
  readonly format?: 'cloudevents' | 'ocsf'
  /** the environment variable with the secret that events are signed with */
  readonly secretEnv?: string
  /** a run fails whose events do not arrive */
  readonly required?: boolean
  /** plain HTTP to another machine */
  readonly insecure?: boolean
}

/** The place in a path that an image's name takes. */
export const imagePlaceholder = '{image}'

/** What is in force where there is no file. */
export const emptyConfig: Config = {
  registries: new Map(),
  environments: new Map(),
  images: undefined,
  audit: {},
}

/** What an environment may be called: it stands in addresses, `@staging/api`. */
export const environmentName: RegExp = /^[a-z0-9][a-z0-9-]*$/
