import { checkPath } from '../../oci/reference.ts'
import { normalRegistry } from '../../oci/registry-host.ts'
import { findProblem } from './find-problem.ts'
import type { Config, RegistryConfig } from '../config.ts'
import type { RegistryAlias } from '../config.ts'
import { RegistryNames } from '../registry-names.ts'
import type { WrittenConfig } from '../schema/schema.ts'
import type { Path } from '../key-path.ts'
import type { ReportIssue } from '../shape.ts'

type Written = NonNullable<WrittenConfig['registries']>[string]

/** Checks the section `registries` and keys it by the names in references. */
export function checkRegistries(
  written: WrittenConfig['registries'] = {},
  absolute: (path: string) => string,
  report: ReportIssue,
): Config['registries'] {
  const names = new RegistryNames(
    new Map(
      Object.entries(written).map(([host, settings]) => [
        registryOf(host) ?? host,
        registryConfig(settings, () => [], absolute),
      ]),
    ),
  )
  const hosts = new Map<string, string>()
  const registries = new Map<string, RegistryConfig>()
  for (const [host, settings] of Object.entries(written)) {
    const path = ['registries', host]
    const normal = registryOf(host)
    const registry = normal === undefined ? host : names.canonical(normal)
    const other = hosts.get(registry)
    if (normal === undefined) report(path, notAHost(host), 'key')
    else if (other !== undefined) {
      const twice = `as ${JSON.stringify(other)} and as ${JSON.stringify(host)}`
      report(path, `${registry} is listed twice, ${twice}`, 'key')
    }
    hosts.set(registry, host)
    const readAliases = (spelled: readonly string[]) =>
      aliasesOf(spelled, names, report, [...path, 'aliases'])
    registries.set(registry, registryConfig(settings, readAliases, absolute))
  }
  checkAliases(registries, hosts, report)
  return registries
}

function registryConfig(
  { aliases: spelled = [], ca, clientCertificate: own, ...settings }: Written,
  readAliases: (spelled: readonly string[]) => readonly RegistryAlias[],
  absolute: (path: string) => string,
): RegistryConfig {
  const aliases = readAliases(spelled)
  return {
    ...(settings as RegistryConfig),
    ...(aliases.length > 0 && { aliases }),
    ...(ca !== undefined && { ca: absolute(ca) }),
    ...(own !== undefined && {
      clientCertificate: {
        ...(own as NonNullable<RegistryConfig['clientCertificate']>),
        cert: absolute(own.cert),
        key: absolute(own.key),
      },
    }),
  }
}

/** Parses `mirror.example.com`, or `cache.example.com/hub` with a prefix of the path. */
function aliasesOf(
  spelled: readonly string[],
  names: RegistryNames,
  report: ReportIssue,
  path: Path,
): readonly RegistryAlias[] {
  return spelled.flatMap((text, i): RegistryAlias[] => {
    const slash = text.indexOf('/')
    const host = slash < 0 ? text : text.slice(0, slash)
    const prefix = slash < 0 ? '' : text.slice(slash + 1)
    const registry = registryOf(host)
    const message =
      registry === undefined
        ? notAHost(host)
        : slash < 0
          ? undefined
          : findProblem(() => checkPath(prefix, text))
    if (message !== undefined) report([...path, i], message)
    return registry === undefined || message !== undefined
      ? []
      : [{ registry: names.canonical(registry), prefix }]
  })
}

/** Aliases have one owner and form no circle, so that dray can compare names of repositories. */
function checkAliases(
  registries: Config['registries'],
  hosts: ReadonlyMap<string, string>,
  report: ReportIssue,
): void {
  const names = new RegistryNames(registries)
  const owners = new Map<string, string>()
  const leadsTo = new Map<string, string[]>()
  for (const [registry, { aliases = [] }] of registries) {
    const path = ['registries', hosts.get(registry) ?? registry, 'aliases']
    for (const alias of aliases) {
      const from = names.endpoint(alias.registry)
      // A loopback name or a name of Docker Hub is always an alias, so it may also be listed.
      if (alias.prefix === '' && from === names.endpoint(registry)) continue
      const text = alias.prefix === '' ? alias.registry : `${alias.registry}/${alias.prefix}`
      const key = `${from}/${alias.prefix}`
      const owner = owners.get(key)
      if (owner !== undefined) report(path, `${text} is an alias of ${owner} already`)
      owners.set(key, registry)
      if (reaches(leadsTo, names.endpoint(registry), from))
        report(path, `${text} and ${registry} are aliases of each other`)
      else leadsTo.set(from, [...(leadsTo.get(from) ?? []), names.endpoint(registry)])
    }
  }
}

function reaches(leadsTo: ReadonlyMap<string, readonly string[]>, from: string, to: string): boolean {
  return from === to || (leadsTo.get(from) ?? []).some((next) => reaches(leadsTo, next, to))
}

/** The host as references have it; undefined if no reference can name it. */
export function registryOf(host: string): string | undefined {
  const registry = normalRegistry(host)
  // distribution/reference reads a first component without dot, port or "localhost" as path.
  const isNamed = registry !== undefined && (registry === 'localhost' || /[.:]/.test(registry))
  return isNamed ? registry : undefined
}

/** Returns the problem of the host of a registry, or undefined. */
export function checkHost(host: string): string | undefined {
  return registryOf(host) === undefined ? notAHost(host) : undefined
}

export function notAHost(host: string): string {
  const [scheme] = /^https?:\/\//i.exec(host) ?? []
  const form = scheme === undefined ? 'a name with a dot or a port, without a path' : `it without ${scheme}`
  return `${JSON.stringify(host)} is not the host of a registry: write ${form}`
}
