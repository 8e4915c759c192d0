import { type Digest, isDigest } from '../../../oci/digest.ts'
import { isRecord } from '../../../oci/json.ts'
import { platformNamed } from '../../../oci/platform.ts'
import { formatRepository, isTag, type RepositoryName } from '../../../oci/reference.ts'
import type { DestinationState } from '../../../usecases/sync/sync-state.ts'

const schema = 'dray.sync-state/1'
/** The latest time that a date can have (ECMA-262, Time Values), ms since 1970. */
const latestTime = 8.64e15

/** The rule and the destination repository that a state belongs to. */
export interface StateOwner {
  readonly rule: string
  readonly repository: RepositoryName
}

/** Formats the state of a rule in one destination repository as JSON. */
export function formatState({ rule, repository }: StateOwner, state: DestinationState): string {
  const { written, beingWritten, absentSince, childrenSearchedAt, platforms, sourceTags, succeededAt } = state
  const document = {
    schema,
    rule,
    repository: formatRepository(repository),
    written: entriesOf(written),
    ...(beingWritten !== undefined && { beingWritten: entriesOf(beingWritten) }),
    absentSince: entriesOf(absentSince),
    childrenSearchedAt: entriesOf(childrenSearchedAt),
    ...(platforms !== undefined && { platforms }),
    ...(sourceTags !== undefined && { sourceTags }),
    ...(succeededAt !== undefined && { succeededAt }),
  }
  return `${JSON.stringify(document)}\n`
}

/** Returns the state in a document; undefined if it is damaged or belongs to another owner. */
export function parseState(document: unknown, owner: StateOwner): DestinationState | undefined {
  if (!isRecord(document) || document['schema'] !== schema) return undefined
  if (document['rule'] !== owner.rule || document['repository'] !== formatRepository(owner.repository))
    return undefined
  const written = mapOf(document['written'], isTag, isDigestText)
  const absentSince = mapOf(document['absentSince'], isTag, isTime)
  const childrenSearchedAt = mapOf(document['childrenSearchedAt'], isDigest, isTime)
  const { platforms, sourceTags, succeededAt } = document
  const isIntent = document['beingWritten'] !== undefined
  const beingWritten = isIntent ? mapOf(document['beingWritten'], isTag, isDigests) : undefined
  if (isIntent && beingWritten === undefined) return undefined
  if (written === undefined || absentSince === undefined || childrenSearchedAt === undefined) return undefined
  if (platforms !== undefined && !isPlatforms(platforms)) return undefined
  if (sourceTags !== undefined && !isTime(sourceTags)) return undefined
  if (succeededAt !== undefined && !isTime(succeededAt)) return undefined
  return {
    written,
    ...(beingWritten !== undefined && { beingWritten }),
    absentSince,
    childrenSearchedAt,
    ...(platforms !== undefined && { platforms }),
    ...(sourceTags !== undefined && { sourceTags }),
    ...(succeededAt !== undefined && { succeededAt }),
  }
}

/** Pairs, because a tag can have the name of a member of every object. */
function entriesOf<V>(map: ReadonlyMap<string, V>): readonly (readonly [string, V])[] {
  return [...map]
}

function mapOf<K extends string, V>(
  value: unknown,
  isKey: (key: string) => key is K,
  isValue: (value: unknown) => value is V,
): ReadonlyMap<K, V> | undefined
function mapOf<V>(
  value: unknown,
  isKey: (key: string) => boolean,
  isValue: (value: unknown) => value is V,
): ReadonlyMap<string, V> | undefined
function mapOf<V>(
  value: unknown,
  isKey: (key: string) => boolean,
  isValue: (value: unknown) => value is V,
): ReadonlyMap<string, V> | undefined {
  if (!Array.isArray(value)) return undefined
  const map = new Map<string, V>()
  for (const entry of value as readonly unknown[]) {
    if (!Array.isArray(entry) || entry.length !== 2) return undefined
    const [key, content] = entry as readonly unknown[]
    if (typeof key !== 'string' || !isKey(key) || !isValue(content)) return undefined
    map.set(key, content)
  }
  return map
}

function isDigests(value: unknown): value is readonly Digest[] {
  return Array.isArray(value) && value.every(isDigestText)
}

function isDigestText(value: unknown): value is Digest {
  return typeof value === 'string' && isDigest(value)
}

/** Whether it is a count or a time in milliseconds since 1970. */
function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= latestTime
}

function isPlatforms(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string' && isPlatformText(one))
}

function isPlatformText(text: string): boolean {
  return platformNamed(text) !== undefined
}
