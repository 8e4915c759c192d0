import type { RepositoryName } from '../oci/reference.ts'
import type { GateDefinition, TrustConfig } from './gates/gate.ts'
import type { ResidencyPolicy } from './gates/residency.ts'
import type { TagLevel } from '../semver/tag-policy.ts'
import type { VersionScheme } from '../semver/version.ts'

/** The content of `dray.yaml`, checked and with its short forms expanded. */
export interface Config {
  /** by host, as in references */
  readonly registries: ReadonlyMap<string, RegistryConfig>
  /** in the order of the file */
  readonly environments: ReadonlyMap<string, Environment>
  /** undefined: every name is an image */
  readonly images: ReadonlyMap<string, ImageConfig> | undefined
  readonly audit: AuditConfig
  /** absent without `signers` and `approvers` */
  readonly trust?: TrustConfig
  readonly residency?: ResidencyPolicy
  readonly transfer?: TransferConfig
}

/** Limits of the transfers of one run. */
interface TransferConfig {
  /** bytes in a second, of all bodies in both directions together */
  readonly bandwidth?: number
}

/** Another name of a registry. */
export interface RegistryAlias {
  readonly registry: string
  /** the components before the path there, without slashes at its ends; can be empty */
  readonly prefix: string
}

export interface RegistryConfig {
  /** plain HTTP; always allowed for loopback addresses */
  readonly insecure?: boolean
  /** absolute path of a PEM file with additional certificate authorities */
  readonly ca?: string
  readonly clientCertificate?: {
    /** absolute paths of PEM files */
    readonly cert: string
    readonly key: string
    /** the environment variable with the password of the key */
    readonly passwordEnv?: string
  }
  /** the token URL on another host that may receive the credentials of this registry */
  readonly tokenRealm?: string
  /** the only `service` in a challenge that dray requests tokens for */
  readonly tokenService?: string
  /** the number of concurrent requests */
  readonly concurrency?: number
  /** other names of its repositories; dray compares them but does not connect to them instead */
  readonly aliases?: readonly RegistryAlias[]
  /** the vendor, whose API lists more than the OCI API; `none`: it is not used */
  readonly kind?: VendorKind | 'none'
  /** the URL of the vendor's API; by default the one that belongs to the host */
  readonly api?: string
  /** the environment variable with the token for the vendor's API */
  readonly tokenEnv?: string
  /** the price of stored bytes, in any currency */
  readonly pricePerGiBMonth?: number
  /** the pulls of the registry's quota that a sync leaves for others */
  readonly reservePulls?: number
  /** whether repositories share stored blobs; by default they do */
  readonly dedupe?: 'registry' | 'repository'
}

/** The values of `registries.HOST.kind` that name a vendor. */
export const vendorKinds = [
  'ghcr',
  'ecr',
  'harbor',
  'gar',
  'acr',
  'dockerhub',
  'gitlab',
  'quay',
  'gitea',
] as const

export type VendorKind = (typeof vendorKinds)[number]

export interface Environment {
  /** at least one */
  readonly targets: readonly TargetConfig[]
  /** the environments whose images may be promoted to this one; undefined: all */
  readonly promoteFrom?: readonly string[]
  /** attach an attestation of each promotion to the image */
  readonly attest?: boolean
  /** the justification that every promotion to this environment requires */
  readonly require?: readonly Requirement[]
  readonly tags?: TagsConfig
  /** the tag of the deployed version; by default `latest` */
  readonly currentTag?: string
  /** what must be true before an image is written to this environment */
  readonly gates?: readonly GateDefinition[]
}

/** How tags are read as versions. A key of an image replaces that of its environments. */
export interface ReadingConfig {
  /** the numbers of versions; undefined: `semver` */
  readonly scheme?: VersionScheme
  /** globs of suffixes that are not pre-releases */
  readonly variants?: readonly string[]
  /** globs of tags that are never versions */
  readonly ignoreVersions?: readonly string[]
  /** reads `1.4.1_build.7` as the version 1.4.1+build.7 */
  readonly buildMetadata?: boolean
}

/** The tag rules of an environment. */
export interface TagsConfig extends ReadingConfig {
  /** the tags of a version that a promotion moves; undefined: only the named ones */
  readonly semver?: readonly TagLevel[]
  /** globs of tags that never move, in addition to exact versions */
  readonly immutable?: readonly string[]
  /** whether version tags begin with `v`, unless the repository has a style of its own */
  readonly v?: 'keep' | 'none' | 'always'
  /** first identifiers of pre-releases that have a floating tag of that name */
  readonly channels?: readonly string[]
  /** moves the tag `0` like `1` */
  readonly majorZero?: boolean
}

/**
 * A text that a change must have, for the audit log; or, in an environment, that every bundle which
 * is applied to it is signed.
 */
export interface Requirement {
  readonly name: 'reason' | 'ticket' | 'signed'
  /** a regular expression (RE2) that matches the whole text */
  readonly pattern?: string
}

export interface TargetConfig {
  readonly registry: string
  /** of the repository; contains `{image}` once */
  readonly path: string
}

export interface ImageConfig {
  /** replaces `{image}` in a path; by default the name of the image */
  readonly name?: string
  readonly tags?: ReadingConfig
}

export interface AuditConfig {
  /** absolute path of the audit log */
  readonly file?: string
  /** the justification that every change requires */
  readonly require?: readonly Requirement[]
  readonly sign?: SigningConfig
  /** the repository for checkpoints */
  readonly repository?: RepositoryName
  readonly webhook?: WebhookConfig
  /** IANA name of the time zone in which `audit anomalies` counts hours and days */
  readonly timezone?: string
}

export interface SigningConfig {
  /** absolute path of a PEM file */
  readonly key: string
  /** the environment variable with its password */
  readonly passwordEnv?: string
  /** the name of the key in checkpoints */
  readonly name?: string
}

export interface WebhookConfig {
  readonly url: string
  readonly format?: 'cloudevents' | 'cdevents' | 'ocsf'
  /** the environment variable with the secret that signs events */
  readonly secretEnv?: string
  /** fail the run if an event is not delivered */
  readonly required?: boolean
  /** plain HTTP to another machine */
  readonly insecure?: boolean
}

/** Stands for the name of an image in a path. */
export const imagePlaceholder = '{image}'

/** The configuration if there is no file. */
export const emptyConfig: Config = {
  registries: new Map(),
  environments: new Map(),
  images: undefined,
  audit: {},
}

/** A valid name of an environment, as in the reference `@staging/api`. */
export const environmentName: RegExp = /^[a-z0-9][a-z0-9-]*$/
