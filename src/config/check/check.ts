import { isTimeZone } from '../../lib/zones/local-time.ts'
import { checkPath, parseRepository } from '../../oci/reference.ts'
import { checkRegistries, notAHost, registryOf } from './check-registries.ts'
import { checkPromotionCycles } from './check-promotions.ts'
import { checkReading, checkTags } from './check-tags.ts'
import { findProblem } from './find-problem.ts'
import { readRequirements } from './requirements.ts'
import { noEnvironment } from './unknown-name.ts'
import {
  type AuditConfig,
  type Config,
  type Environment,
  type ImageConfig,
  imagePlaceholder,
  type ReadingConfig,
  type SigningConfig,
  type TagsConfig,
  type TargetConfig,
  type WebhookConfig,
} from '../config.ts'
import { addSections } from '../sections/add-sections.ts'
import { namesIn } from '../sections/known-names.ts'
import type { KnownNames, SectionReaders } from '../sections/sections.ts'
import { namesFile } from '../names-file.ts'
import { RegistryNames } from '../registry-names.ts'
import { parseBandwidth } from '../settings/bandwidth.ts'
import { startsWithRegistry } from '../resolver/argument-grammar.ts'
import type { WrittenConfig, WrittenEnvironment } from '../schema/schema.ts'
import type { Path } from '../key-path.ts'
import type { Issue, ReportIssue } from '../shape.ts'

/**
 * Checks rules that span several keys, and expands short forms.
 * @param absolute resolves a path that is relative to the file
 * @param readers of the sections that few files have: all that the file needs
 * @param known the names in the file, also of parts with mistakes
 */
export function checkConfig(
  written: WrittenConfig,
  absolute: (path: string) => string,
  readers: SectionReaders,
  known: KnownNames = namesIn(written),
): { config: Config; issues: readonly Issue[] } {
  const issues: Issue[] = []
  const report: ReportIssue = (path, message, at = 'value', needs = false) =>
    void issues.push({ path, at, message, ...(needs && { needs }) })
  const registries = checkRegistries(written.registries, absolute, report)
  const names = new RegistryNames(registries)
  const environments = new Map<string, Environment>()
  const ofImages = Object.values(written.images ?? {}).flatMap((one) => (one?.tags ?? []) as ReadingConfig)
  const requirements = (of: WrittenEnvironment['require'], path: Path): Environment['require'] =>
    of === undefined ? undefined : readRequirements(of, [...path, 'require'], readers, report)
  for (const [name, environment] of Object.entries(written.environments ?? {})) {
    const path = ['environments', name]
    checkPromoteFrom(environment, name, known.environments, report)
    const targets = targetsOf(environment, path, names, report)
    checkTags(environment, path, ofImages, report)
    const { promoteFrom, attest, tags, currentTag } = environment
    const require = requirements(environment.require, path)
    environments.set(name, {
      targets,
      ...(promoteFrom !== undefined && { promoteFrom }),
      ...(attest !== undefined && { attest }),
      ...(require !== undefined && { require }),
      ...(tags !== undefined && { tags: tags as TagsConfig }),
      ...(currentTag !== undefined && { currentTag }),
    })
  }
  checkPromotionCycles(environments, report)
  for (const name of known.environments) if (!environments.has(name)) environments.set(name, { targets: [] })
  const channels = [...environments.values()].flatMap(({ tags }) => tags?.channels ?? [])
  const images = imagesOf(written, channels, report)
  const audit = auditOf(written, absolute, names, requirements(written.audit?.require, ['audit']), report)
  const transfer = transferOf(written, report)
  const config = { registries, environments, images, audit, ...(transfer !== undefined && { transfer }) }
  return { config: addSections(config, written, readers, { known, absolute, report }), issues }
}

function transferOf({ transfer }: WrittenConfig, report: ReportIssue): Config['transfer'] {
  if (transfer?.bandwidth === undefined) return undefined
  const bandwidth = parseBandwidth(transfer.bandwidth)
  if (bandwidth === undefined) report(['transfer', 'bandwidth'], 'must be more than 0')
  return bandwidth === undefined ? undefined : { bandwidth }
}

function auditOf(
  written: WrittenConfig,
  absolute: (path: string) => string,
  names: RegistryNames,
  require: AuditConfig['require'],
  report: ReportIssue,
): AuditConfig {
  const { audit = {} } = written
  const { file, sign, repository, webhook, timezone } = audit
  const complaint = repository === undefined ? undefined : complaintAboutRepository(repository, written)
  if (complaint !== undefined) report(['audit', 'repository'], complaint)
  if (file !== undefined && !namesFile(file)) report(['audit', 'file'], 'does not name a file')
  if (timezone !== undefined && !isTimeZone(timezone))
    report(['audit', 'timezone'], 'must be the name of a time zone, such as Europe/Berlin')
  const named = repository === undefined || complaint !== undefined ? undefined : parseRepository(repository)
  return {
    ...(file !== undefined && { file: absolute(file) }),
    ...(require !== undefined && { require }),
    ...(sign !== undefined && { sign: { ...sign, key: absolute(sign.key) } as SigningConfig }),
    ...(named !== undefined && { repository: { ...named, registry: names.canonical(named.registry) } }),
    ...(webhook !== undefined && { webhook: webhook as WebhookConfig }),
    ...(timezone !== undefined && { timezone }),
  }
}

/** If the file defines environments, Docker Hub has to be written out, as in every argument. */
function complaintAboutRepository(text: string, { environments = {} }: WrittenConfig): string | undefined {
  const complaint = findProblem(() => parseRepository(text))
  if (complaint !== undefined || startsWithRegistry(text) || Object.keys(environments).length === 0)
    return complaint
  return `the registry of ${JSON.stringify(text)} is missing; write docker.io/${text} for Docker Hub`
}

function checkPromoteFrom(
  { promoteFrom = [] }: WrittenEnvironment,
  own: string,
  known: readonly string[],
  report: ReportIssue,
): void {
  for (const [i, name] of promoteFrom.entries()) {
    const path = ['environments', own, 'promoteFrom', i]
    if (name === own) report(path, `${own} cannot be promoted from itself`)
    else if (!known.includes(name)) report(path, noEnvironment(name, known))
  }
}

function targetsOf(
  environment: WrittenEnvironment,
  path: Path,
  names: RegistryNames,
  report: ReportIssue,
): readonly TargetConfig[] {
  const { registry, path: template, targets } = environment
  if (targets === undefined) {
    if (registry !== undefined && template !== undefined)
      return [checkTarget({ registry, path: template }, path, names, report)]
    report(path, 'an environment needs `registry` and `path`, or `targets`', 'key', true)
    return []
  }
  for (const key of ['registry', 'path'] as const) {
    if (environment[key] === undefined) continue
    report(
      [...path, key],
      `\`${key}\` and \`targets\` exclude each other: move \`${key}\` into the list`,
      'key',
    )
  }
  const seen = new Set<string>()
  return targets.map((written, i) => {
    const target = checkTarget(written, [...path, 'targets', i], names, report)
    const name = `${target.registry}/${target.path}`
    if (seen.has(name)) report([...path, 'targets', i], `${name} is listed twice`)
    seen.add(name)
    return target
  })
}

function checkTarget(
  target: TargetConfig,
  path: Path,
  names: RegistryNames,
  report: ReportIssue,
): TargetConfig {
  const normal = registryOf(target.registry)
  if (normal === undefined) report([...path, 'registry'], notAHost(target.registry))
  const complaint = checkTemplate(target.path)
  if (complaint !== undefined) report([...path, 'path'], complaint)
  return { registry: normal === undefined ? target.registry : names.canonical(normal), path: target.path }
}

/** Returns the problem of the path of an environment, or undefined. */
export function checkTemplate(template: string): string | undefined {
  const parts = template.split(imagePlaceholder)
  if (parts.length !== 2) {
    return `must contain ${imagePlaceholder} ${parts.length === 1 ? '' : 'only '}once, in place of the image name`
  }
  return findProblem(() => checkPath(parts.join('image')))
}

function imagesOf(
  { images: written }: WrittenConfig,
  channels: readonly string[],
  report: ReportIssue,
): Config['images'] {
  if (written === undefined) return undefined
  const images = new Map<string, ImageConfig>()
  const owners = new Map<string, string>()
  for (const [image, settings] of Object.entries(written)) {
    const path = ['images', image]
    const name = settings?.name ?? image
    const own = findProblem(() => checkPath(image))
    if (own !== undefined) report(path, own, 'key')
    const other = name === image ? undefined : findProblem(() => checkPath(name))
    if (other !== undefined) report([...path, 'name'], other)
    const owner = owners.get(name)
    if (owner !== undefined) {
      const names = `${JSON.stringify(image)} and ${JSON.stringify(owner)}`
      report(path, `${names} have the same name in repositories`, 'key')
    }
    owners.set(name, image)
    const tags = settings?.tags as ReadingConfig | undefined
    if (tags !== undefined) checkReading(tags, [...path, 'tags'], channels, report)
    images.set(image, { ...(settings?.name !== undefined && { name }), ...(tags !== undefined && { tags }) })
  }
  return images
}
