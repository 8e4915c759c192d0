import { onTestFinished } from 'vitest'
import { runRule } from '../../src/cli/events/runs/run-rule.ts'
import { Journal } from '../../src/cli/events/journal.ts'
import { WatchService, type WatchServiceOptions } from '../../src/cli/events/watch-service.ts'
import { contextOfRun } from '../../src/cli/events/open-watch.ts'
import { Context, type ContextOptions } from '../../src/cli/wiring/context.ts'
import { parseWholeConfig } from '../../src/config/parse.ts'
import { watchOf } from '../../src/config/watch/watch-of.ts'
import type { WatchConfig } from '../../src/config/watch/watch-config.ts'
import type { LoadedConfig } from '../../src/config/parse.ts'
import type { Call } from '../../src/lib/call.ts'
import { systemClock } from '../../src/lib/clock.ts'
import type { WatchReport } from '../../src/usecases/watch/watch-report.ts'
import type { QueueLimits } from '../../src/usecases/watch/queue/event-queue.ts'
import { type ManualClock, manualClock } from './manual-clock.ts'

/** A service in this process, with a manual clock and a journal in a folder. */
export interface Watching {
  readonly service: WatchService
  readonly clock: ManualClock
  readonly reports: WatchReport[]
  readonly warnings: string[]
  /** requests that `--verbose` shows */
  readonly requests: string[]
  readonly loaded: LoadedConfig
  readonly watch: WatchConfig
  readonly call: Call
  /** a context as those of runs */
  readonly openContext: () => Context
  /** Advances the clock when the loop of runs sleeps. */
  readonly advance: (ms: number) => Promise<void>
  /** Ends the process: nothing more is written. */
  readonly stop: () => Promise<void>
}

export interface WatchingOptions {
  /** the content of dray.yaml */
  readonly config: string
  readonly folder: string
  readonly limits?: QueueLimits
  readonly clock?: ManualClock
  /** in place of real runs */
  readonly execute?: WatchServiceOptions['execute']
  readonly isDryRun?: boolean
  /** of the command */
  readonly context?: Partial<ContextOptions>
}

/** Opens the journal and starts the loop of runs. */
export async function startWatching(options: WatchingOptions): Promise<Watching> {
  const { folder, limits, clock = manualClock() } = options
  const found = { file: `${folder}/dray.yaml`, content: options.config }
  const loaded = await parseWholeConfig(found, 'dray.yaml', clock.now())
  const watch = watchOf(loaded, clock.now())
  if (watch === undefined) throw new Error('there is no section watch')
  const reports: WatchReport[] = []
  const warnings: string[] = []
  const ended = new AbortController()
  const hard = new AbortController()
  const requests: string[] = []
  const notify: Call['notify'] = (event) => {
    if (event.kind === 'request') requests.push(`${event.method} ${event.url} ${event.status}`)
    if (event.kind === 'warning') warnings.push(event.text)
  }
  const call: Call = { signal: hard.signal, notify }
  const context = new Context({
    configFile: undefined,
    env: { HOME: folder },
    cwd: folder,
    version: '0',
    clock,
    ...options.context,
  })
  const openContext = (): Context => contextOfRun(context, loaded)
  // The lock of a file has heartbeats of its own.
  const journalOptions = { clock: systemClock, warn: (text: string) => void warnings.push(text) }
  const opened = await Journal.open(`${folder}/watch.jsonl`, journalOptions, hard.signal)
  const service = await WatchService.open(opened, {
    loaded,
    watch,
    clock,
    execute:
      options.execute ??
      (async (run, self) =>
        await runRule(run, {
          rules: new Map(watch.rules.map((rule) => [rule.name, rule])),
          openContext,
          clock,
          flags: { 'dry-run': options.isDryRun ?? false, 'audit-file': `${folder}/audit.jsonl` },
          stop: hard.signal,
          call,
          isHandled: (event, digest) => self.queue.isHandled(event, digest, clock.now()),
        })),
    report: (report) => void reports.push(report),
    notify,
    ...(limits !== undefined && { limits }),
  })
  const running = service.run(ended.signal)
  let isStopped = false
  const stop = async (): Promise<void> => {
    if (isStopped) return
    isStopped = true
    ended.abort()
    await running
    await service.close()
  }
  onTestFinished(stop)
  const advance = async (ms: number): Promise<void> => {
    await clock.sleepers(1)
    await clock.advance(ms)
  }
  return { service, clock, reports, warnings, requests, loaded, watch, call, openContext, advance, stop }
}
