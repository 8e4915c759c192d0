import { nearest } from '../../lib/nearest.ts'
import { checkPath, parseRepository } from '../../oci/reference.ts'
import { checkRegistries, notAHost, registryOf } from './check-registries.ts'
import { checkTags } from './check-tags.ts'
import { complaintOf } from './complaint.ts'
import {
  type AuditConfig,
  type Config,
  type Environment,
  imagePlaceholder,
  type SigningConfig,
  type TagsConfig,
  type TargetConfig,
  type WebhookConfig,
} from '../config.ts'
import { namesFile } from '../names-file.ts'
import { RegistryNames } from '../registry-names.ts'
import type { WrittenConfig, WrittenEnvironment } from '../schema/schema.ts'
import type { Issue, Path } from '../shape.ts'

/**
 * Checks rules that span several keys, and expands short forms.
 * @param absolute resolves a path that is relative to the file
 */
export function checkConfig(
  written: WrittenConfig,
  absolute: (path: string) => string,
): { config: Config; issues: readonly Issue[] } {
  const issues: Issue[] = []
  const registries = checkRegistries(written.registries, absolute, issues)
  const names = new RegistryNames(registries)
  const environments = new Map<string, Environment>()
  const known = Object.keys(written.environments ?? {})
  for (const [name, environment] of Object.entries(written.environments ?? {})) {
    const path = ['environments', name]
    issues.push(...checkPromoteFrom(environment, name, known))
    const { targets, found } = targetsOf(environment, path, names)
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
    registries,
    environments,
    images: imagesOf(written, issues),
    audit: auditOf(written, absolute, names, issues),
  }
  return { config, issues }
}

function auditOf(
  { audit = {} }: WrittenConfig,
  absolute: (path: string) => string,
  names: RegistryNames,
  issues: Issue[],
): AuditConfig {
  const { file, require, sign, repository, webhook } = audit
  const path = ['audit', 'repository']
  const complaint = repository === undefined ? undefined : complaintOf(() => parseRepository(repository))
  if (complaint !== undefined) issues.push({ path, at: 'value', message: complaint })
  if (file !== undefined && !namesFile(file)) {
    issues.push({ path: ['audit', 'file'], at: 'value', message: 'does not name a file' })
  }
  const named = repository === undefined || complaint !== undefined ? undefined : parseRepository(repository)
  return {
    ...(file !== undefined && { file: absolute(file) }),
    ...(require !== undefined && { require }),
    ...(sign !== undefined && { sign: { ...sign, key: absolute(sign.key) } as SigningConfig }),
    ...(named !== undefined && { repository: { ...named, registry: names.canonical(named.registry) } }),
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

function targetsOf(
  environment: WrittenEnvironment,
  path: Path,
  names: RegistryNames,
): { targets: TargetConfig[]; found: Issue[] } {
  const { registry, path: template, targets } = environment
  if (targets === undefined) {
    if (registry === undefined || template === undefined) {
      const message = 'an environment needs `registry` and `path`, or `targets`'
      return { targets: [], found: [{ path, at: 'key', message }] }
    }
    const checked = checkTarget({ registry, path: template }, path, names)
    return { targets: [checked.target], found: checked.found }
  }
  const found: Issue[] = []
  for (const key of ['registry', 'path'] as const) {
    if (environment[key] === undefined) continue
    const message = `\`${key}\` cannot stand beside \`targets\`: move it into the list`
    found.push({ path: [...path, key], at: 'key', message })
  }
  const checked = targets.map((target, i) => checkTarget(target, [...path, 'targets', i], names))
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

function checkTarget(
  target: TargetConfig,
  path: Path,
  names: RegistryNames,
): { target: TargetConfig; found: Issue[] } {
  const found: Issue[] = []
  const normal = registryOf(target.registry)
  const registry = normal === undefined ? target.registry : names.canonical(normal)
  if (normal === undefined)
    found.push({ path: [...path, 'registry'], at: 'value', message: notAHost(target.registry) })
  const complaint = templateComplaint(target.path)
  if (complaint !== undefined) found.push({ path: [...path, 'path'], at: 'value', message: complaint })
  return { target: { registry, path: target.path }, found }
}

/** What is wrong with the path of an environment, or undefined. */
export function templateComplaint(template: string): string | undefined {
  const pieces = template.split(imagePlaceholder)
  if (pieces.length !== 2) {
    return `must have ${imagePlaceholder} in it ${pieces.length === 1 ? '' : 'only '}once: it stands for the name of the image`
  }
  return complaintOf(() => checkPath(pieces.join('image')))
}

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
