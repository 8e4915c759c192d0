import type { WatchConfig, WatchSource } from '../../config/watch/watch-config.ts'
import type { LoadedConfig } from '../../config/parse.ts'
import type { Call } from '../../lib/call.ts'
import type { Clock } from '../../lib/clock.ts'
import { DrayError, toDrayError } from '../../lib/errors.ts'
import { parseRepository } from '../../oci/reference.ts'
import type { SeenTags } from '../../usecases/watch/checks/seen-tags.ts'
import {
  formatEnd,
  formatEvent,
  formatHandled,
  formatSeen,
  type JournalContent,
  type JournalEvent,
} from '../../usecases/watch/journal/journal-lines.ts'
import {
  EventQueue,
  type QueueLimits,
  queueLimits,
  type SettledRun,
} from '../../usecases/watch/queue/event-queue.ts'
import { QueueLoop } from '../../usecases/watch/queue/run-queue.ts'
import type {
  MatchedEvent,
  QueuedEvent,
  RunEnd,
  Trigger,
  WatchRun,
} from '../../usecases/watch/queue/watch-work.ts'
import type { RegistryEvent } from '../../usecases/watch/registry-event.ts'
import type { EventResult, FinishedRun, RunReport, WatchReport } from '../../usecases/watch/watch-report.ts'
import type { Journal } from './journal.ts'
import { EventMatcher } from './match-events.ts'
import { SeenState } from './checks/seen-state.ts'
import { allRepositories } from './whole-rule.ts'
import { WatchCounts } from './watch-metrics.ts'

/** Milliseconds after which a check starts a refused run again: each attempt is an audit record. */
const repeatRefusedMs = 60 * 60_000
const maxRefused = 10_000

export interface WatchServiceOptions {
  readonly loaded: LoadedConfig
  readonly watch: WatchConfig
  readonly clock: Clock
  /** Executes a run. It must not throw. */
  readonly execute: (run: WatchRun, service: WatchService) => Promise<FinishedRun>
  readonly report: (report: WatchReport) => void
  readonly notify: Call['notify']
  readonly limits?: QueueLimits
}

/** The events of a process: from their acceptance to the end of their runs. */
export class WatchService {
  readonly queue: EventQueue
  readonly counts: WatchCounts = new WatchCounts()
  readonly seen: SeenState
  readonly #options: WatchServiceOptions
  readonly #journal: Journal
  readonly #matcher: EventMatcher
  readonly #sources: ReadonlyMap<string, WatchSource>
  readonly #loop: QueueLoop
  readonly #refusedAt = new Map<string, number>()
  readonly #lost = Promise.withResolvers<never>()

  private constructor(journal: Journal, content: JournalContent, options: WatchServiceOptions) {
    const { loaded, watch, clock, limits = queueLimits } = options
    this.#journal = journal
    this.#options = options
    this.#matcher = new EventMatcher(loaded.config, watch)
    this.#sources = new Map(watch.sources.map((source) => [source.name, source]))
    this.queue = new EventQueue(limits)
    this.seen = new SeenState(content.seen)
    this.#loop = new QueueLoop({
      queue: this.queue,
      clock,
      execute: (run) => this.#execute(run),
      settled: (_, settled) => this.#settled(settled),
    })
    this.#lost.promise.catch(() => undefined)
    const events = content.events.flatMap((event) => this.#restored(event))
    this.queue.restore(events, content.handled, clock.now())
  }

  /** Continues with the content of the journal. @throws what the journal throws. */
  static async open(
    { journal, content }: { readonly journal: Journal; readonly content: JournalContent },
    options: WatchServiceOptions,
  ): Promise<WatchService> {
    const service = new WatchService(journal, content, options)
    await journal.compact(() => service.#lines())
    return service
  }

  get journalPath(): string {
    return this.#journal.path
  }

  /** Rejects if another process has taken the journal over. */
  get lost(): Promise<never> {
    return this.#lost.promise
  }

  /**
   * Resolves when the events of a request are on disk, or need no place there.
   * @throws `io`, `conflict`: the sender has to repeat the request.
   */
  async accept(name: string, events: readonly RegistryEvent[]): Promise<'accepted' | 'full'> {
    const source = this.#sources.get(name)
    if (source === undefined) throw new DrayError('internal', `there is no source ${name}`)
    return await this.add(events.map((event) => this.#matcher.match(source, event) ?? unmatched(name, event)))
  }

  /** As `accept`, for events that have been matched. */
  async add(matched: readonly MatchedEvent[]): Promise<'accepted' | 'full'> {
    const added: QueuedEvent[] = []
    const results = matched.map((one) => [one, this.#add(one, added)] as const)
    await this.#write(added)
    for (const [one, result] of results) this.#reportEvent(one, result)
    const isFull = results.some(([, result]) => result === 'full')
    this.#loop.notice()
    if (this.#journal.isLarge) await this.#journal.compact(() => this.#lines())
    return isFull ? 'full' : 'accepted'
  }

  /** Starts runs until `stop` aborts, and resolves when the last one has ended. */
  async run(stop: AbortSignal): Promise<void> {
    await this.#loop.run(stop)
  }

  /** Runs what waits, without waiting for more events. */
  async drain(stop: AbortSignal): Promise<void> {
    await this.#loop.drain(stop)
  }

  /** Whether a check may start a run again: not soon after it was refused, which is recorded. */
  mayRepeat({ rule, subject }: Trigger, tag: string): boolean {
    const at = this.#refusedAt.get(`${rule}\0${subject}\0${tag}`)
    return at === undefined || this.#options.clock.now() - at >= repeatRefusedMs
  }

  /** Writes tags that a check has seen. @throws as `accept`. */
  async remember(seen: SeenTags): Promise<void> {
    if (this.seen.set(seen)) await this.#append([formatSeen(seen)])
  }

  /** The metrics in the text format of Prometheus. */
  metrics(): readonly string[] {
    return this.counts.format(this.queue, this.#options.clock.now())
  }

  async close(): Promise<void> {
    await this.#journal.close()
  }

  #add({ event, triggers }: MatchedEvent, added: QueuedEvent[]): EventResult {
    if (triggers.length === 0) return 'ignored'
    const result = this.queue.add(event, triggers, this.#options.clock.now())
    if (result.kind === 'queued') added.push(...result.events)
    return result.kind
  }

  /** A duplicate is answered when the event before it is on disk. */
  async #write(added: readonly QueuedEvent[]): Promise<void> {
    if (added.length === 0) return await this.#journal.flushed()
    try {
      await this.#append(added.filter(isKept).map(formatEvent))
    } catch (error) {
      this.queue.remove(added)
      throw error
    }
  }

  async #append(lines: readonly string[]): Promise<void> {
    try {
      await this.#journal.append(lines)
    } catch (error) {
      if (toDrayError(error).code === 'conflict') this.#lost.reject(error)
      throw error
    }
  }

  async #execute(run: WatchRun): Promise<RunEnd> {
    const { report, end } = await this.#options.execute(run, this)
    for (const _ of report.tags) this.counts.countRun(report.rule, report.result)
    this.#noteRefusal(report)
    this.#options.report(report)
    return end
  }

  async #settled({ removed, dropped, handled }: SettledRun): Promise<void> {
    const { notify } = this.#options
    for (const { repository, tag, rule } of dropped)
      notify({
        kind: 'warning',
        text: `dray drops ${repository}:${tag} of the rule ${rule}: its runs have failed for a day`,
      })
    const seen = handled.flatMap((one) => this.seen.handle(one) ?? [])
    try {
      await this.#append([
        ...removed.filter(isKept).map(formatEnd),
        ...handled.map(formatHandled),
        ...seen.map(formatSeen),
      ])
      if (this.#journal.isLarge) await this.#journal.compact(() => this.#lines())
    } catch (error) {
      const { message, why } = toDrayError(error)
      const text = `${message}: a restart repeats finished runs`
      notify({ kind: 'warning', text: why === undefined ? text : `${text} (${why})` })
    }
  }

  #noteRefusal({ rule, subject, tags, result }: RunReport): void {
    const isRefused = result === 'refused' || result === 'failed'
    for (const tag of tags) {
      const key = `${rule}\0${subject}\0${tag}`
      this.#refusedAt.delete(key)
      if (isRefused && this.#refusedAt.size < maxRefused) this.#refusedAt.set(key, this.#options.clock.now())
    }
  }

  #restored(event: JournalEvent): readonly QueuedEvent[] {
    const { repository, tag, firstAt, rule } = event
    const trigger = this.#matcher
      .triggersOf(parseRepository(repository), tag)
      .find((one) => one.rule === rule)
    if (trigger !== undefined) return [{ ...event, ...trigger, lastAt: firstAt, attempts: 0, notBefore: 0 }]
    const text = `the journal has an event of ${repository}:${tag} for the rule ${rule}, which does not read it: dray drops it`
    this.#options.notify({ kind: 'warning', text })
    return []
  }

  #lines(): readonly string[] {
    const { events, handled } = this.queue.snapshot()
    return [
      ...events.filter(isKept).map(formatEvent),
      ...handled.map(formatHandled),
      ...this.seen.list().map(formatSeen),
    ]
  }

  #reportEvent({ event, triggers }: MatchedEvent, result: EventResult): void {
    const { clock, report } = this.#options
    const { source, repository, tag, digest } = event
    this.counts.countEvent(source, result, clock.now())
    report({
      kind: 'event',
      at: new Date(clock.now()).toISOString(),
      source,
      result,
      repository,
      tag,
      ...(digest !== undefined && { digest }),
      rules: triggers.map(({ rule }) => rule),
    })
  }
}

/** The next start checks whole rules anyway. */
function isKept({ subject }: QueuedEvent): boolean {
  return subject !== allRepositories
}

function unmatched(source: string, { path, tag }: RegistryEvent): MatchedEvent {
  return { event: { source, repository: path, tag }, triggers: [] }
}
