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

interface RegistryConfig {
  /** plain http; loopback addresses need no such permission */
  readonly insecure?: boolean
  /** absolute path of a PEM file with further authorities */
  readonly ca?: string
  /** the URL that may ask for this registry's credentials though it is on another host */
  readonly tokenRealm?: string
  /** requests at once */
  readonly concurrency?: number
}

export interface Environment {
  /** at least one */
  readonly targets: readonly TargetConfig[]
  /** the environments that it takes images from; undefined: from any */
  readonly promoteFrom?: readonly string[]
}

export interface TargetConfig {
  readonly registry: string
  /** of the repository, with `{image}` in it once */
  readonly path: string
}

interface ImageConfig {
  /** what stands for `{image}` in a path, where it is not the image's own name */
  readonly name?: string
}

interface AuditConfig {
  /** absolute path of the record */
  readonly file?: string
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
