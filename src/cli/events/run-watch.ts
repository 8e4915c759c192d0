import type { WatchConfig } from '../../config/watch/watch-config.ts'
import type { Call } from '../../lib/call.ts'
import { type DrayError, toDrayError } from '../../lib/errors.ts'
import { writeExposition } from '../ci/exposition.ts'
import type { Context } from '../wiring/context.ts'
import { checkRules } from './checks/check-rules.ts'
import type { ListeningServer } from './limited-server.ts'
import { loadSources } from './load-secrets.ts'
import { EventMatcher } from './match-events.ts'
import { startMetricsServer } from './metrics-server.ts'
import { startReceiver } from './receiver.ts'
import type { WatchService } from './watch-service.ts'

/** Milliseconds between two writes of the metrics file. */
const metricsMs = 15_000

export interface RunningWatch {
  readonly watch: WatchConfig
  readonly service: WatchService
  readonly context: Context
  /** `--metrics`, absolute */
  readonly metricsFile: string | undefined
  /** aborted: no further event is accepted */
  readonly stop: AbortSignal
  readonly call: Call
  /** Called when dray listens. */
  readonly ready: (address: string, metrics: string | undefined) => void
  /** Shows a request that was refused. */
  readonly refused: (source: string | undefined, why: string, error: DrayError | undefined) => void
}

/**
 * Receives events and runs their rules until `stop` aborts, and then finishes the runs that have
 * begun. @throws `io` if it cannot listen; `config` for a missing secret; `conflict` if another
 * process has taken the journal over.
 */
export async function runWatch(running: RunningWatch): Promise<void> {
  const { watch, service, context, stop } = running
  const { clock } = context
  const sources = await loadSources(watch.sources, context.env)
  // Ends the parts together if one of them fails.
  const ending = new AbortController()
  const end = AbortSignal.any([stop, ending.signal])
  const servers: ListeningServer[] = []
  try {
    const receiver = await startReceiver({
      ...watch.listen,
      sources,
      now: () => clock.now(),
      accept: (source, events) => service.accept(source, events),
      report: (source, result, error) => {
        if (result === 'received') return
        service.counts.countEvent(source, result, clock.now())
        running.refused(source, result, error)
      },
    })
    servers.push(receiver)
    const { metricsListen } = watch
    const metrics =
      metricsListen === undefined
        ? undefined
        : await startMetricsServer({ ...metricsListen, metrics: () => service.metrics() })
    if (metrics !== undefined) servers.push(metrics)
    running.ready(addressOf(receiver), metrics && addressOf(metrics))
    const parts = [service.run(end), checkRepeatedly(running, end), writeMetrics(running, end)]
    try {
      await Promise.race([service.lost, Promise.all([untilAborted(end), ...parts.map(failFast)])])
    } finally {
      ending.abort()
      await Promise.all(servers.map((server) => server.stop()))
      await Promise.all(parts)
      // The runs that ended after the stop count too.
      await writeMetricsFile(running)
    }
  } finally {
    await Promise.all(servers.map((server) => server.stop()))
  }
}

/** Checks all rules once, runs what waits, and writes the metrics. */
export async function runOnce(running: Omit<RunningWatch, 'ready' | 'refused'>): Promise<void> {
  const { service, stop } = running
  await check(running)
  await Promise.race([service.lost, service.drain(stop)])
  await writeMetricsFile(running)
}

async function failFast(part: Promise<void>): Promise<void> {
  await part
}

async function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  const { promise, resolve } = Promise.withResolvers<void>()
  signal.addEventListener('abort', () => resolve(), { once: true })
  await promise
}

async function checkRepeatedly(running: RunningWatch, end: AbortSignal): Promise<void> {
  const { watch, context } = running
  const { everyMs } = watch
  if (everyMs === undefined) return
  while (!end.aborted) {
    await check(running)
    await context.clock.sleep(everyMs, end).catch(() => undefined)
  }
}

/** A check that fails does not end the process: the next one comes. */
async function check({
  watch,
  service,
  context,
  stop,
  call,
}: Omit<RunningWatch, 'ready' | 'refused'>): Promise<void> {
  const { config } = await context.config()
  const matcher = new EventMatcher(config, watch)
  const own = new AbortController()
  const follow = (): void => own.abort(stop.reason)
  // A signal that follows one of the whole process would stay in memory.
  stop.addEventListener('abort', follow, { once: true })
  try {
    stop.throwIfAborted()
    const reading = { ...call, signal: own.signal }
    const first = await checkRules({ rules: watch.rules, matcher, service }, context, reading)
    if (first > 0) call.notify({ kind: 'warning', text: firstCheck(first) })
  } catch (error) {
    if (stop.aborted || call.signal.aborted) return
    call.notify({ kind: 'warning', text: `the check of the rules failed: ${toDrayError(error).message}` })
  } finally {
    stop.removeEventListener('abort', follow)
    // The next check reads again.
    await context.renew()
  }
}

function firstCheck(count: number): string {
  const images = count === 1 ? 'of 1 image' : `of ${count} images`
  return `this is the first check ${images}: dray promotes only tags that are new from now on. To promote one that was there before, run: dray promote`
}

async function writeMetrics(running: RunningWatch, end: AbortSignal): Promise<void> {
  if (running.metricsFile === undefined) return
  while (!end.aborted) {
    await writeMetricsFile(running)
    await running.context.clock.sleep(metricsMs, end).catch(() => undefined)
  }
}

async function writeMetricsFile({
  metricsFile,
  service,
  call,
}: Pick<RunningWatch, 'metricsFile' | 'service' | 'call'>): Promise<void> {
  if (metricsFile === undefined) return
  try {
    await writeExposition(metricsFile, service.metrics())
  } catch (error) {
    call.notify({ kind: 'warning', text: toDrayError(error).message })
  }
}

function addressOf({ address }: ListeningServer): string {
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address
  return `http://${host}:${address.port}`
}
