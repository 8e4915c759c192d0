import { digestOf } from '../../oci/digest.ts'
import { type Platform, formatPlatform, parsePlatformName } from '../../oci/platform.ts'
import { findProblem } from '../check/find-problem.ts'
import { checkReading } from '../check/check-tags.ts'
import type { ReadingConfig } from '../config.ts'
import type { GateDefinition } from '../gates/gate.ts'
import { readGate } from '../gates/read-gate.ts'
import type { Path } from '../key-path.ts'
import { ageOf } from '../retention/age.ts'
import type { TimeSource } from '../retention/policy.ts'
import type { WrittenSyncDelete, WrittenSyncRule } from '../schema/schema-sync.ts'
import { canonicalJson, namedTwice } from '../sections/named-entries.ts'
import { readDestination, readSource } from './read-places.ts'
import { readRepositories } from './read-repositories.ts'
import { readExclude, readInclude } from './read-selectors.ts'
import type { RuleContext } from './rule-context.ts'
import type { SyncDelete, SyncRule } from './sync-rule.ts'

/** A copy keeps the time at which the image was pushed to its source, if an inventory knows it. */
const defaultTimeFrom: readonly TimeSource[] = ['pushed', 'annotation', 'config']

const readingKeys = ['scheme', 'variants', 'ignoreVersions', 'buildMetadata'] as const

/** Parses a rule; undefined if it has a mistake, which is reported. */
export function readRule(written: WrittenSyncRule, path: Path, context: RuleContext): SyncRule | undefined {
  const before = context.issues.length
  const from = readSource(written.from, [...path, 'from'], context)
  const to = readDestinations(written.to, [...path, 'to'], context)
  const repositories = from === undefined ? [] : readRepositories(written.repositories, from, path, context)
  const include = readInclude(written.include ?? [], [...path, 'include'], context)
  const exclude =
    written.exclude === undefined ? undefined : readExclude(written.exclude, [...path, 'exclude'], context)
  const platforms = readPlatforms(written.platforms, [...path, 'platforms'], context)
  const ofDelete =
    written.delete === undefined ? undefined : readDelete(written.delete, [...path, 'delete'], context)
  const reading = Object.fromEntries(
    readingKeys.flatMap((key) => (written[key] === undefined ? [] : [[key, written[key]]])),
  ) as ReadingConfig
  const channels = [...context.config.environments.values()].flatMap(({ tags }) => tags?.channels ?? [])
  checkReading(reading, path, channels, context.report)
  const { timeFrom = defaultTimeFrom } = written
  if (new Set(timeFrom).size < timeFrom.length)
    context.report([...path, 'timeFrom'], 'it lists a source twice')
  const gates = readGates(written, path, context)
  if (context.issues.length > before || from === undefined) return undefined
  return {
    name: written.name,
    from,
    repositories,
    to: to.filter((one) => one !== undefined),
    include: include.filter((one) => one !== undefined),
    exclude: exclude === undefined ? [] : [exclude],
    ...(platforms !== undefined && { platforms }),
    movedTags: written.movedTags ?? 'follow',
    ...(ofDelete !== undefined && { delete: ofDelete }),
    reading,
    timeFrom,
    gates,
    optional: written.optional ?? false,
    hash: digestOf(canonicalJson(written)),
  }
}

function readDestinations(
  written: WrittenSyncRule['to'],
  path: Path,
  context: RuleContext,
): readonly ReturnType<typeof readDestination>[] {
  if (typeof written === 'string') return [readDestination(written, path, context)]
  const seen = new Set<string>()
  return written.map((text, i) => {
    const at = [...path, i]
    const destination = readDestination(text, at, context)
    const key = JSON.stringify(destination)
    if (destination !== undefined && seen.has(key))
      context.report(at, `${JSON.stringify(text)} is listed twice`)
    seen.add(key)
    return destination
  })
}

function readPlatforms(
  written: readonly string[] | undefined,
  path: Path,
  { report }: RuleContext,
): readonly Platform[] | undefined {
  const seen = new Set<string>()
  return written?.flatMap((text, i): Platform[] => {
    const problem = findProblem(() => parsePlatformName(text))
    if (problem !== undefined) {
      report([...path, i], `${problem}: write one such as linux/amd64 or linux/arm/v7`)
      return []
    }
    const platform = parsePlatformName(text)
    const name = formatPlatform(platform)
    if (seen.has(name)) report([...path, i], `${name} is listed twice`)
    seen.add(name)
    return [platform]
  })
}

function readDelete(
  { gracePeriod, limits = {} }: WrittenSyncDelete,
  path: Path,
  { report }: RuleContext,
): SyncDelete {
  const { maxDeletes, maxPercent } = limits
  const age = gracePeriod === undefined ? 0 : ageOf(gracePeriod, 'omit the key to delete at once')
  if (typeof age === 'string') report([...path, 'gracePeriod'], age)
  return {
    exclusive: true,
    gracePeriod: typeof age === 'string' ? 0 : age,
    ...(maxDeletes !== undefined && { maxDeletes }),
    ...(maxPercent !== undefined && { maxPercent }),
  }
}

function readGates(
  { name, gates = [] }: WrittenSyncRule,
  rule: Path,
  context: RuleContext,
): readonly GateDefinition[] {
  const path = [...rule, 'gates']
  context.issues.push(...namedTwice(gates, path))
  // The images of a rule are those of its source, so the names in the file do not limit them.
  const own = { ...context, known: { ...context.known, images: [] } }
  return gates.flatMap((gate, i) => {
    if (gate.approvals !== undefined) {
      const message =
        'an approval is for an environment: add the gate to the environment that the rule copies to'
      context.report([...path, i, 'approvals'], message, 'key')
      return []
    }
    return readGate(gate, gateOwner(name), [...path, i], own) ?? []
  })
}

/** The `environment` of the gates of a rule. No environment can have this name. */
function gateOwner(rule: string): string {
  return `sync:${rule}`
}
