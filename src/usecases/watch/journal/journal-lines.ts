import { type Digest, parseDigest } from '../../../oci/digest.ts'
import { isRecord, parseJson } from '../../../oci/json.ts'
import { parseRepository, parseTag } from '../../../oci/reference.ts'
import type { SeenTags } from '../checks/seen-tags.ts'
import { keyOf } from '../queue/handled-tags.ts'
import type { HandledTag, QueuedEvent } from '../queue/watch-work.ts'

/** An event as the journal has it: its rule is compared with `dray.yaml` before it runs. */
export type JournalEvent = Pick<
  QueuedEvent,
  'seq' | 'source' | 'rule' | 'repository' | 'tag' | 'digest' | 'firstAt'
>

/** The content of a journal. */
export interface JournalContent {
  /** without the events that a later line ended */
  readonly events: readonly JournalEvent[]
  readonly handled: readonly HandledTag[]
  readonly seen: readonly SeenTags[]
  /** lines that are no entry of a journal, with their numbers from 1 */
  readonly damaged: readonly { readonly line: number; readonly text: string }[]
}

const version = 1

export function formatEvent(event: JournalEvent): string {
  const { seq, source, rule, repository, tag, digest, firstAt } = event
  const at = new Date(firstAt).toISOString()
  return JSON.stringify({ v: version, kind: 'event', seq, at, source, rule, repository, tag, digest })
}

/** Ends the events of a tag up to `event`. */
export function formatEnd(event: Pick<QueuedEvent, 'seq' | 'rule' | 'repository' | 'tag'>): string {
  const { seq, rule, repository, tag } = event
  return JSON.stringify({ v: version, kind: 'end', seq, rule, repository, tag })
}

export function formatHandled({ rule, repository, tag, digest, at }: HandledTag): string {
  const time = new Date(at).toISOString()
  return JSON.stringify({ v: version, kind: 'handled', at: time, rule, repository, tag, digest })
}

export function formatSeen({ rule, repository, highest, tags }: SeenTags): string {
  return JSON.stringify({
    v: version,
    kind: 'seen',
    rule,
    repository,
    ...(highest !== undefined && { highest }),
    tags: Object.fromEntries(tags),
  })
}

/** Parses the lines of a journal. Damaged lines are returned and stop nothing. */
export function parseJournal(text: string): JournalContent {
  const events = new Map<string, JournalEvent>()
  const handled = new Map<string, HandledTag>()
  const seen = new Map<string, SeenTags>()
  const damaged: { line: number; text: string }[] = []
  for (const [i, line] of text.split('\n').entries()) {
    if (line === '') continue
    const entry = parseEntry(line)
    if (entry === undefined) damaged.push({ line: i + 1, text: line })
    else if (entry.kind === 'event') events.set(keyOf(entry.event), mergeEvents(entry.event, events))
    else if (entry.kind === 'handled') handled.set(keyOf(entry.handled), entry.handled)
    else if (entry.kind === 'seen') seen.set(`${entry.seen.rule}\0${entry.seen.repository}`, entry.seen)
    else if ((events.get(keyOf(entry.end))?.seq ?? 0) <= entry.end.seq) events.delete(keyOf(entry.end))
  }
  return {
    events: [...events.values()].sort((a, b) => a.seq - b.seq),
    handled: [...handled.values()],
    seen: [...seen.values()],
    damaged,
  }
}

/** An event that waits for longer decides the age. */
function mergeEvents(event: JournalEvent, events: ReadonlyMap<string, JournalEvent>): JournalEvent {
  const before = events.get(keyOf(event))
  return before === undefined ? event : { ...event, firstAt: Math.min(before.firstAt, event.firstAt) }
}

type Entry =
  | { readonly kind: 'event'; readonly event: JournalEvent }
  | { readonly kind: 'end'; readonly end: Pick<QueuedEvent, 'seq' | 'rule' | 'repository' | 'tag'> }
  | { readonly kind: 'handled'; readonly handled: HandledTag }
  | { readonly kind: 'seen'; readonly seen: SeenTags }

/** Returns undefined for a line that dray did not write as a whole. */
function parseEntry(line: string): Entry | undefined {
  try {
    const value: unknown = parseJson(line, 'the line')
    if (!isRecord(value) || value['v'] !== version) return undefined
    const rule = textIn(value, 'rule')
    const repository = textIn(value, 'repository')
    parseRepository(repository)
    if (value['kind'] === 'seen') return { kind: 'seen', seen: parseSeen(value, rule, repository) }
    const tag = parseTag(textIn(value, 'tag'))
    if (value['kind'] === 'handled') {
      const digest = parseDigest(textIn(value, 'digest'))
      return { kind: 'handled', handled: { rule, repository, tag, digest, at: timeIn(value) } }
    }
    const seq = numberIn(value, 'seq')
    if (value['kind'] === 'end') return { kind: 'end', end: { seq, rule, repository, tag } }
    if (value['kind'] !== 'event') return undefined
    const digest = value['digest'] === undefined ? undefined : parseDigest(textIn(value, 'digest'))
    const source = textIn(value, 'source')
    const event = { seq, source, rule, repository, tag, firstAt: timeIn(value) }
    return { kind: 'event', event: { ...event, ...(digest !== undefined && { digest }) } }
  } catch {
    return undefined
  }
}

type Members = Readonly<Record<string, unknown>>

function parseSeen(value: Members, rule: string, repository: string): SeenTags {
  const tags: Members = isRecord(value['tags']) ? value['tags'] : {}
  const highest = value['highest'] === undefined ? undefined : parseTag(textIn(value, 'highest'))
  return {
    rule,
    repository,
    ...(highest !== undefined && { highest }),
    tags: new Map(
      Object.keys(tags).map((tag): [string, Digest] => [parseTag(tag), parseDigest(textIn(tags, tag))]),
    ),
  }
}

function textIn(value: Members, key: string): string {
  const text = value[key]
  if (typeof text !== 'string' || text === '') throw new TypeError(key)
  return text
}

function numberIn(value: Members, key: string): number {
  const number = value[key]
  if (!Number.isSafeInteger(number)) throw new TypeError(key)
  return number as number
}

function timeIn(value: Members): number {
  const at = Date.parse(textIn(value, 'at'))
  if (Number.isNaN(at)) throw new TypeError('at')
  return at
}
