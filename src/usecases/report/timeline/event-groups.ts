import type { AuditRecord, LogEntry, RecordedStep } from '../../../audit/log/record.ts'
import { affectedBy } from '../../../audit/query/affected.ts'
import type { Digest } from '../../../oci/digest.ts'
import { formatRepository } from '../../../oci/reference.ts'
import type { RecordedOperation } from '../../../plan/plan.ts'
import {
  type LaneOperation,
  laneOperations,
  type OtherOperation,
  type TimelineEvent,
  type TimelineResult,
  type TimelineTag,
} from './timeline.ts'

const gravest: readonly TimelineResult[] = ['failed', 'conflict', 'refused', 'open', 'done', 'unchanged']

type LaneRecord = LogEntry & AuditRecord & { readonly operation: LaneOperation }

/** The records of one event so far. */
interface OpenEvent {
  first: LaneRecord
  last: LaneRecord
  count: number
  readonly lane: string
  /** the results of steps by their ids, and of refusals of the image as a whole */
  readonly results: Map<string, TimelineResult>
  readonly tags: Map<string, TimelineTag>
  readonly overridden: Set<string>
  digest: Digest | undefined
  error: AuditRecord['error']
}

/**
 * Groups the records of a log to events. A promotion of one image to one environment has many
 * records: an intent and an outcome of each step. Records are added in the order of the log.
 */
export class EventGroups {
  readonly #events = new Map<string, OpenEvent>()
  readonly #others = new Map<RecordedOperation, { readonly runs: Set<string>; records: number }>()
  readonly #mergedFrom = new Set<string>()

  add(entry: LogEntry): void {
    if (entry.origin !== undefined) this.#mergedFrom.add(entry.origin.log)
    if (entry.phase === 'recovered') return
    if (isLaneRecord(entry)) this.#addToEvent(entry)
    else this.#addToOthers(entry)
  }

  /** newest first */
  events(): readonly TimelineEvent[] {
    const events = [...this.#events.values()].map(toEvent)
    return events.toSorted((a, b) => compareTexts(b.time, a.time) || b.records.last - a.records.last)
  }

  others(): readonly OtherOperation[] {
    return [...this.#others].map(([operation, { runs, records }]) => ({
      operation,
      runs: runs.size,
      records,
    }))
  }

  /** the names of the logs that the records were merged from */
  mergedFrom(): readonly string[] {
    return [...this.#mergedFrom]
  }

  #addToEvent(entry: LaneRecord): void {
    const lane = laneOf(entry)
    const key = JSON.stringify([entry.run, entry.image ?? '', lane])
    const event = this.#events.get(key) ?? newEvent(entry, lane)
    this.#events.set(key, event)
    event.last = entry
    event.count++
    const result = resultOf(entry)
    event.results.set(entry.step?.id ?? 'image', result)
    if (entry.error !== undefined) event.error = entry.error
    for (const gate of entry.gates ?? []) if (gate.effect === 'overridden') event.overridden.add(gate.name)
    if (entry.step !== undefined) noteStep(event, entry, entry.step, result)
  }

  #addToOthers({ operation, run }: AuditRecord): void {
    const other = this.#others.get(operation) ?? { runs: new Set(), records: 0 }
    this.#others.set(operation, other)
    other.runs.add(run)
    other.records++
  }
}

function newEvent(entry: LaneRecord, lane: string): OpenEvent {
  return {
    first: entry,
    last: entry,
    count: 0,
    lane,
    results: new Map(),
    tags: new Map(),
    overridden: new Set(),
    digest: undefined,
    error: undefined,
  }
}

function isLaneRecord(entry: LogEntry & AuditRecord): entry is LaneRecord {
  return (laneOperations as readonly RecordedOperation[]).includes(entry.operation)
}

/** The environment that changes; without one, the repository, or the image of a refusal. */
function laneOf(record: AuditRecord): string {
  const repository = affectedBy(record)?.repository
  const name = repository === undefined ? record.image : formatRepository(repository)
  return record.environment?.to ?? name ?? record.operation
}

function resultOf({ phase, result }: AuditRecord): TimelineResult {
  if (phase === 'refused') return 'refused'
  return phase === 'intent' ? 'open' : (result ?? 'open')
}

function noteStep(event: OpenEvent, record: AuditRecord, step: RecordedStep, result: TimelineResult): void {
  if (step.kind === 'copy') event.digest ??= step.root.digest
  if (step.kind !== 'tag') return
  event.digest = step.target.digest
  const repository = formatRepository(step.repository)
  event.tags.set(`${repository}:${step.tag}`, {
    repository,
    tag: step.tag,
    before: record.before ?? null,
    after: record.after ?? null,
    result,
  })
}

function toEvent(event: OpenEvent): TimelineEvent {
  const { first, last, count, lane, results, tags, overridden, digest, error } = event
  const found = new Set(results.values())
  const { image, environment, actor, reason, ticket, operation, run, plan, policy } = last
  return {
    time: last.time,
    operation,
    ...(image !== undefined && { image }),
    ...(environment?.from !== undefined && { from: environment.from }),
    lane,
    result: gravest.find((one) => found.has(one)) ?? 'open',
    ...(digest !== undefined && { digest }),
    tags: [...tags.values()],
    actor,
    ...(reason !== undefined && { reason }),
    ...(ticket !== undefined && { ticket }),
    ...(error !== undefined && { error }),
    overriddenGates: [...overridden],
    run,
    plan,
    policy,
    records: { first: first.seq, last: last.seq, count },
  }
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : Number(a > b)
}
