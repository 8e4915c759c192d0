import { isRecord } from '../../../oci/json.ts'
import { parseReference, parseRepository } from '../../../oci/reference.ts'
import { findProblem } from '../../check/find-problem.ts'
import { registryOf } from '../../check/check-registries.ts'
import { type ImportedEntry, type ImportedFile, quoted, RuleNames, textsIn } from './imported-rule.ts'
import { importTagSets } from './import-tags.ts'

type RegsyncMap = Readonly<Record<string, unknown>>

/** Keys of `defaults` and of entries that dray converts or needs no equivalent for. */
const converted: ReadonlySet<string> = new Set([
  'source',
  'target',
  'type',
  'tags',
  'tagSets',
  'repos',
  'platform',
  'ratelimit',
  'referrers',
  'digestTags',
  'skipDockerConfig',
])

/** The advice for each key that has no equivalent. */
const advice: Readonly<Record<string, string>> = {
  schedule: 'start `dray sync` from cron or CI.',
  interval: 'start `dray sync` from cron or CI.',
  backup: 'dray keeps no second tag of an image that it replaces.',
  parallel: 'set `registries.HOST.concurrency`.',
  targetTag: 'dray keeps the tags of the source.',
  fastCopy: 'dray copies what is missing.',
  forceRecursive: 'dray copies what is missing.',
}

/** Converts a `regsync.yml` of regclient (its documentation, usage/regsync.md). */
export function importRegsync(file: RegsyncMap): ImportedFile {
  const defaults = isRecord(file['defaults']) ? file['defaults'] : {}
  const notes = ['dray copies signatures and other attached artifacts together with their images.']
  for (const key of Object.keys(file))
    if (!['version', 'creds', 'defaults', 'sync'].includes(key) && !key.startsWith('x-'))
      notes.push(noEquivalent(key))
  notes.push(...unsupported(defaults).map((text) => `defaults: ${text}`))
  const registries = registriesOf(file['creds'], notes)
  const names = new RuleNames()
  const entries = (Array.isArray(file['sync']) ? file['sync'] : []).map(
    (entry: unknown, i): ImportedEntry => {
      if (!isRecord(entry)) return { rule: undefined, notes: [`entry ${i + 1} is not a map.`] }
      const own: string[] = unsupported(entry)
      const rule = ruleOf(entry, defaults, names, own)
      const limit = limitOf(entry) ?? limitOf(defaults)
      const host = rule?.from.split('/')[0] ?? ''
      if (limit !== undefined && registryOf(host) !== undefined)
        registries[host] = { ...registries[host], reservePulls: limit }
      return { rule, notes: rule === undefined ? [`entry ${i + 1} is not imported.`, ...own] : own }
    },
  )
  return { notes, registries, entries }
}

function unsupported(written: RegsyncMap): string[] {
  return Object.entries(written).flatMap(([key, value]) => {
    if (converted.has(key) || key.startsWith('x-')) return []
    const shown =
      (key === 'schedule' || key === 'interval') && typeof value === 'string' ? ` ${quoted(value)}` : ''
    return [noEquivalent(key, shown)]
  })
}

function noEquivalent(key: string, value = ''): string {
  return `\`${key.slice(0, 60)}\`${value} has no equivalent${key in advice ? `: ${advice[key]}` : '.'}`
}

function limitOf({ ratelimit }: RegsyncMap): number | undefined {
  const min = isRecord(ratelimit) ? Number(ratelimit['min']) : Number.NaN
  return Number.isSafeInteger(min) && min >= 0 ? min : undefined
}

/** Converts connection settings. It reads no user, password or key. */
function registriesOf(creds: unknown, notes: string[]): Record<string, object> {
  const found: Record<string, object> = {}
  for (const one of Array.isArray(creds) ? creds.filter(isRecord) : []) {
    const host = typeof one['registry'] === 'string' ? registryOf(one['registry']) : undefined
    if (host === undefined) {
      notes.push('an entry of `creds` names no registry that dray reads.')
      continue
    }
    const concurrency = Number(one['reqConcurrent'])
    const settings = {
      ...(one['tls'] === 'disabled' && { insecure: true }),
      ...(Number.isInteger(concurrency) && concurrency > 0 && concurrency <= 256 && { concurrency }),
    }
    if (Object.keys(settings).length > 0) found[host] = settings
    if ('user' in one || 'pass' in one || 'credHelper' in one)
      notes.push(`the credentials of ${host} are not imported: log in with \`docker login ${host}\`.`)
    if (one['tls'] === 'insecure')
      notes.push(`dray verifies the certificate of ${host}: set \`registries.${JSON.stringify(host)}.ca\`.`)
    const others = Object.keys(one).filter(
      (key) => !['registry', 'user', 'pass', 'credHelper', 'tls', 'reqConcurrent'].includes(key),
    )
    for (const key of others) notes.push(`creds of ${host}: ${noEquivalent(key)}`)
  }
  return found
}

function ruleOf(
  entry: RegsyncMap,
  defaults: RegsyncMap,
  names: RuleNames,
  notes: string[],
): ImportedEntry['rule'] {
  const { type } = entry
  const source = expand(entry['source'], entry, notes, 'source')
  const target = expand(entry['target'], entry, notes, 'target')
  if (source === undefined || target === undefined) return undefined
  const places =
    type === 'registry'
      ? registryPlaces(source, target, entry, notes)
      : repositoryPlaces(source, target, type, notes)
  if (places === undefined) return undefined
  const { tag, path, ...rest } = places
  const sets = [entry['tags'], ...(Array.isArray(entry['tagSets']) ? entry['tagSets'] : [])].filter(isRecord)
  const tags = tag === undefined ? importTagSets(sets, notes) : { include: [{ tags: [tag] }] }
  if (tags === undefined) {
    notes.push('none of its tags can be selected.')
    return undefined
  }
  const platform = entry['platform'] ?? defaults['platform']
  if (platform !== undefined)
    notes.push(
      '`platform` keeps the index, so that its digest stays: the destination must accept an index with missing children.',
    )
  return {
    name: names.take(path),
    ...rest,
    ...tags,
    ...(typeof platform === 'string' && { platforms: [platform] }),
  }
}

interface Places {
  readonly from: string
  readonly repositories?: readonly string[]
  readonly to: string
  readonly tag?: string
  /** for the name of the rule */
  readonly path: string
}

function repositoryPlaces(
  source: string,
  target: string,
  type: unknown,
  notes: string[],
): Places | undefined {
  if (type !== 'image' && type !== 'repository') {
    notes.push('its `type` is not image, repository or registry.')
    return undefined
  }
  const [from, to] = [placeOf(source), placeOf(target)]
  if (from === undefined || to === undefined) {
    notes.push(
      `its \`${from === undefined ? 'source' : 'target'}\` is not a repository that dray reads, or has a digest.`,
    )
    return undefined
  }
  const tag = type === 'image' ? (from.tag ?? 'latest') : undefined
  if (tag !== undefined && tag !== (to.tag ?? 'latest')) {
    notes.push(`it copies the tag ${quoted(tag)} to another tag, which has no equivalent.`)
    return undefined
  }
  const common = { to: to.place, ...(tag !== undefined && { tag }) }
  if (from.registry === undefined) return { ...common, from: from.place, path: from.path }
  return { ...common, from: from.registry, repositories: [from.path], path: from.path }
}

interface NamedPlace {
  /** as dray writes it */
  readonly place: string
  /** undefined: an image layout */
  readonly registry?: string
  readonly path: string
  readonly tag?: string
}

function placeOf(text: string): NamedPlace | undefined {
  const [, folder, ofFolder] = /^ocidir:\/\/([^@]+?)(?::([\w][\w.-]*))?$/.exec(text) ?? []
  if (folder !== undefined)
    return { place: `oci:${folder}`, path: folder, ...(ofFolder !== undefined && { tag: ofFolder }) }
  if (text.includes('@') || findProblem(() => parseReference(text)) !== undefined) return undefined
  const { registry, path, tag } = parseReference(text)
  return { place: `${registry}/${path}`, registry, path, ...(tag !== undefined && { tag }) }
}

function registryPlaces(
  source: string,
  target: string,
  { repos }: RegsyncMap,
  notes: string[],
): Places | undefined {
  const registry = registryOf(source)
  const isHost = registryOf(target) !== undefined
  if (registry === undefined || (!isHost && findProblem(() => parseRepository(target)) !== undefined)) {
    notes.push(`its \`${registry === undefined ? 'source' : 'target'}\` is not a registry that dray reads.`)
    return undefined
  }
  const filters = isRecord(repos) ? repos : {}
  if (textsIn(filters['deny']).length > 0)
    notes.push('`repos.deny` has no equivalent: the rule also selects these repositories.')
  const allow = textsIn(filters['allow'])
  const repositories = allow.flatMap((regex) => {
    const pattern = patternOf(regex)
    if (pattern === undefined)
      notes.push(`the expression ${quoted(regex)} of repositories has no equivalent as a pattern.`)
    return pattern ?? []
  })
  if (allow.length > 0 && repositories.length === 0) return undefined
  return {
    from: registry,
    repositories: allow.length === 0 ? ['**'] : [...new Set(repositories)],
    to: `${target.replace(/\/$/, '')}/{repository}`,
    path: registry,
  }
}

/** Converts an expression of names, characters after `.*` and `[^/]*` to a pattern. */
function patternOf(regex: string): string | undefined {
  const pattern = regex
    .replaceAll(/^\^|\$$/g, '')
    .replaceAll('[^/]+', '*')
    .replaceAll('[^/]*', '*')
    .replaceAll(/(?<!\\)\.[*+]/g, '**')
    .replaceAll(/\\([./_-])/g, '$1')
  const isExact = /^[a-z0-9_/*-]+$/.test(pattern.replaceAll('.', '')) && !/(?<!\\)\.(?![*+])/.test(regex)
  return isExact ? pattern : undefined
}

/** Expands `{{ .Sync.Source }}`; undefined with a note for other templates. */
function expand(value: unknown, { source }: RegsyncMap, notes: string[], key: string): string | undefined {
  const text =
    typeof value === 'string'
      ? value.replaceAll(/\{\{\s*\.Sync\.Source\s*\}\}/g, () => (typeof source === 'string' ? source : ''))
      : ''
  if (text !== '' && !text.includes('{{')) return text
  notes.push(
    text === '' ? `its \`${key}\` is missing.` : `its \`${key}\` has a template, which has no equivalent.`,
  )
  return undefined
}
