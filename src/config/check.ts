import { nearest } from '../nearest.ts'
import { isDrayError } from '../errors.ts'
import { checkPath, parseRegistry, parseRepository } from '../oci/reference.ts'
import { checkTags } from './check-tags.ts'
import {
  type AuditConfig,
  type Config,
  type Environment,
  imagePlaceholder,
  type SigningConfig,
  type TagsConfig,
  type TargetConfig,
  type WebhookConfig,
} from './config.ts'
import { namesFile } from './names-file.ts'
import type { WrittenConfig, WrittenEnvironment } from './schema.ts'
import type { Issue, Path } from './shape.ts'

/**
 * The rules that span several keys, and the short forms written out.
 * @param absolute makes a path that is relative to the file absolute
 */
export function checkConfig(
  written: WrittenConfig,
  absolute: (path: string) => string,
): { config: Config; issues: readonly Issue[] } {
  const issues: Issue[] = []
  const environments = new Map<string, Environment>()
  const known = Object.keys(written.environments ?? {})
  for (const [name, environment] of Object.entries(written.environments ?? {})) {
    const path = ['environments', name]
    issues.push(...checkPromoteFrom(environment, name, known))
    const { targets, found } = targetsOf(environment, path)
    issues.push(...found)
    issues.push(...checkTags(environment, path))
    const { promoteFrom, attest, require, tags, marker } = environment
    environments.set(name, {
      targets,
      ...(promoteFrom !== undefined && { promoteFrom }),
      ...(attest !== undefined && { attest }),
      ...(require !== undefined && { require }),
      ...(tags !== undefined && { tags: tags as TagsConfig }),
      ...(marker !== undefined && { marker }),
    })
  }
  const config: Config = {
    registries: registriesOf(written, absolute, issues),
    environments,
    images: imagesOf(written, issues),
    audit: auditOf(written, absolute, issues),
  }
  return { config, issues }
}

function auditOf(
  { audit = {} }: WrittenConfig,
  absolute: (path: string) => string,
  issues: Issue[],
): AuditConfig {
  const { file, require, sign, repository, webhook } = audit
  const path = ['audit', 'repository']
  const complaint = repository === undefined ? undefined : complaintOf(() => parseRepository(repository))
  if (complaint !== undefined) issues.push({ path, at: 'value', message: complaint })
  if (file !== undefined && !namesFile(file)) {
    issues.push({ path: ['audit', 'file'], at: 'value', message: 'does not name a file' })
  }
  const isNamed = repository !== undefined && complaint === undefined
  return {
    ...(file !== undefined && { file: absolute(file) }),
    ...(require !== undefined && { require }),
    ...(sign !== undefined && { sign: { ...sign, key: absolute(sign.key) } as SigningConfig }),
    ...(isNamed && { repository: parseRepository(repository) }),
    ...(webhook !== undefined && { webhook: webhook as WebhookConfig }),
  }
}

function checkPromoteFrom(environment: WrittenEnvironment, own: string, known: readonly string[]): Issue[] {
  return (environment.promoteFrom ?? []).flatMap((name, i): Issue[] => {
    const path = ['environments', own, 'promoteFrom', i]
    if (name === own) return [{ path, at: 'value', message: `${own} cannot be promoted from itself` }]
    return known.includes(name) ? [] : [{ path, at: 'value', message: noEnvironment(name, known) }]
  })
}

export function noEnvironment(name: string, known: readonly string[]): string {
  const near = nearest(name, known)
  const others = known.length === 0 ? 'none are configured' : `known: ${known.join(', ')}`
  const hint = near === undefined ? others : `did you mean ${JSON.stringify(near)}?`
  return `there is no environment ${JSON.stringify(name)}; ${hint}`
}

function targetsOf(environment: WrittenEnvironment, path: Path): { targets: TargetConfig[]; found: Issue[] } {
  const { registry, path: template, targets } = environment
  if (targets === undefined) {
    if (registry === undefined || template === undefined) {
      const message = 'an environment needs `registry` and `path`, or `targets`'
      return { targets: [], found: [{ path, at: 'key', message }] }
    }
    const checked = checkTarget({ registry, path: template }, path)
    return { targets: [checked.target], found: checked.found }
  }
  const found: Issue[] = []
  for (const key of ['registry', 'path'] as const) {
    if (environment[key] === undefined) continue
    const message = `\`${key}\` cannot stand beside \`targets\`: move it into the list`
    found.push({ path: [...path, key], at: 'key', message })
  }
  const checked = targets.map((target, i) => checkTarget(target, [...path, 'targets', i]))
  found.push(...checked.flatMap((c) => c.found))
  const seen = new Set<string>()
  for (const [i, { target }] of checked.entries()) {
    const whole = `${target.registry}/${target.path}`
    if (seen.has(whole)) {
      found.push({ path: [...path, 'targets', i], at: 'value', message: `${whole} is listed twice` })
    }
    seen.add(whole)
  }
  return { targets: checked.map((c) => c.target), found }
}

function checkTarget(target: TargetConfig, path: Path): { target: TargetConfig; found: Issue[] } {
  const found: Issue[] = []
  const registry = registryOf(target.registry)
  if (registry === undefined)
    found.push({ path: [...path, 'registry'], at: 'value', message: notAHost(target.registry) })
  const complaint = templateComplaint(target.path)
  if (complaint !== undefined) found.push({ path: [...path, 'path'], at: 'value', message: complaint })
  return { target: { registry: registry ?? target.registry, path: target.path }, found }
}

/** What is wrong with the path of an environment, or undefined. */
export function templateComplaint(template: string): string | undefined {
  const pieces = template.split(imagePlaceholder)
  if (pieces.length !== 2) {
    return `must have ${imagePlaceholder} in it ${pieces.length === 1 ? '' : 'only '}once: it stands for the name of the image`
  }
  return complaintOf(() => checkPath(pieces.join('image')))
}

function registriesOf(
  written: WrittenConfig,
  absolute: (path: string) => string,
  issues: Issue[],
): Config['registries'] {
  const registries = new Map<string, WrittenRegistry>()
  for (const [host, settings] of Object.entries(written.registries ?? {})) {
    const path = ['registries', host]
    const registry = registryOf(host)
    if (registry === undefined) issues.push({ path, at: 'key', message: notAHost(host) })
    else if (registries.has(registry))
      issues.push({ path, at: 'key', message: `${registry} is listed twice` })
    const { ca, clientCertificate: own } = settings
    registries.set(registry ?? host, {
      ...settings,
      ...(ca !== undefined && { ca: absolute(ca) }),
      ...(own !== undefined && {
        clientCertificate: { ...own, cert: absolute(own.cert), key: absolute(own.key) },
      }),
    })
  }
  return registries as Config['registries']
}

type WrittenRegistry = NonNullable<WrittenConfig['registries']>[string]

function imagesOf(written: WrittenConfig, issues: Issue[]): Config['images'] {
  if (written.images === undefined) return undefined
  const images = new Map<string, { name?: string }>()
  const owners = new Map<string, string>()
  for (const [image, settings] of Object.entries(written.images)) {
    const path = ['images', image]
    const own = complaintOf(() => checkPath(image))
    if (own !== undefined) issues.push({ path, at: 'key', message: own })
    const name = settings?.name
    const other = name === undefined ? undefined : complaintOf(() => checkPath(name))
    if (other !== undefined) issues.push({ path: [...path, 'name'], at: 'value', message: other })
    const owner = owners.get(name ?? image)
    if (owner !== undefined) {
      const message = `${JSON.stringify(image)} and ${JSON.stringify(owner)} have the same name in repositories`
      issues.push({ path, at: 'key', message })
    }
    owners.set(name ?? image, image)
    images.set(image, name === undefined ? {} : { name })
  }
  return images
}

/** The host in the form that references have; undefined where no reference can name it. */
function registryOf(host: string): string | undefined {
  // distribution/reference takes a first component without dot, port or "localhost" for part of the path
  if (host !== 'localhost' && !/[.:]/.test(host)) return undefined
  return complaintOf(() => parseRegistry(host)) === undefined ? parseRegistry(host) : undefined
}

/** What is wrong with the host of a registry in a configuration, or undefined. */
export function hostComplaint(host: string): string | undefined {
  return registryOf(host) === undefined ? notAHost(host) : undefined
}

function notAHost(host: string): string {
  return `${JSON.stringify(host)} is not the host of a registry: a name with a dot or a port, without a path`
}

/** What a parser of `oci/` says against a text, or undefined. */
export function complaintOf(parse: () => unknown): string | undefined {
  try {
    parse()
    return undefined
  } catch (thrown) {
    if (isDrayError(thrown)) return thrown.message
    throw thrown
  }
}
