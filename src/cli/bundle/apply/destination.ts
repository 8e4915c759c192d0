import { resolve } from 'node:path'
import type { Config } from '../../../config/config.ts'
import { environmentAt, environmentNamed, repositoriesOf } from '../../../config/environments.ts'
import { asUsage } from '../../../lib/as-usage.ts'
import { DrayError } from '../../../lib/errors.ts'
import { checkPath, layoutRegistry, parseRegistry, type RepositoryName } from '../../../oci/reference.ts'

/** The place of `--to`, to which the images of a bundle are written. */
export interface BundleDestination {
  /** as in receipts: `mirror.internal/hub`, `@prod`, `oci:/srv/images` */
  readonly name: string
  /**
   * Returns the repositories for a path of the bundle, such as `library/alpine`.
   * @throws `usage`, `malformed`.
   */
  readonly repositoriesAt: (path: string) => readonly RepositoryName[]
  /** The environment whose rules hold for a repository of it. */
  readonly environmentOf: (repository: RepositoryName) => string | undefined
}

/** Parses the value of `--to`: HOST, HOST/PATH, @ENV or oci:DIR. @throws `usage`. */
export function bundleDestination(text: string, config: Config, cwd: string): BundleDestination {
  if (text.startsWith('@')) return environmentDestination(text.slice(1), config)
  if (text.startsWith(layoutRegistry)) return layoutDestination(text, cwd)
  return asUsage(() => registryDestination(text, config))
}

function environmentDestination(environment: string, config: Config): BundleDestination {
  environmentNamed(config, environment)
  return {
    name: `@${environment}`,
    repositoriesAt: (path) => repositoriesOf(config, environment, imageNamed(path, config)),
    environmentOf: (repository) => environmentAt(config, repository, environment) ?? environment,
  }
}

/** The image of a path: one of `dray.yaml` by its whole path or its last component. */
function imageNamed(path: string, { images }: Config): string {
  const last = path.split('/').at(-1) ?? path
  return images?.has(path) !== true && images?.has(last) === true ? last : path
}

function layoutDestination(text: string, cwd: string): BundleDestination {
  const folder = text.slice(layoutRegistry.length)
  if (folder === '') {
    throw new DrayError('usage', 'oci: does not name a folder', { hint: 'Write --to oci:./images.' })
  }
  const base = resolve(cwd, folder)
  return {
    name: `${layoutRegistry}${base}`,
    repositoriesAt: (path) => [{ registry: layoutRegistry, path: resolve(base, path) }],
    environmentOf: () => undefined,
  }
}

function registryDestination(text: string, config: Config): BundleDestination {
  const [host = '', ...parts] = text.replace(/\/$/, '').split('/')
  if (!/[.:[]|^localhost$/.test(host)) {
    throw new DrayError('usage', `--to ${text} does not begin with the host of a registry`, {
      hint: 'Write --to registry.example.com/PATH, --to @ENV or --to oci:DIR.',
    })
  }
  const registry = parseRegistry(host)
  const prefix = parts.join('/')
  if (prefix !== '') checkPath(prefix, text)
  return {
    name: prefix === '' ? registry : `${registry}/${prefix}`,
    repositoriesAt: (path) => {
      const whole = prefix === '' ? path : `${prefix}/${path}`
      asUsage(() => checkPath(whole))
      return [{ registry, path: whole }]
    },
    environmentOf: (repository) => environmentAt(config, repository, undefined),
  }
}
