import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { LoadedConfig } from '../../config/parse.ts'
import type { WatchConfig } from '../../config/watch/watch-config.ts'
import type { Call } from '../../lib/call.ts'
import type { WatchRun } from '../../usecases/watch/queue/watch-work.ts'
import type { FinishedRun, WatchReport } from '../../usecases/watch/watch-report.ts'
import { Context } from '../wiring/context.ts'
import { findPrivateFolder } from '../wiring/private-folders.ts'
import { Journal } from './journal.ts'
import type { RuleFlags } from './runs/rule-runner.ts'
import { runRule } from './runs/run-rule.ts'
import { WatchService } from './watch-service.ts'

export interface OpenWatchOptions {
  readonly watch: WatchConfig
  readonly context: Context
  readonly flags: RuleFlags
  readonly report: (report: WatchReport) => void
}

/**
 * Opens the journal and the queue. Each run has a context of its own, with the configuration of the
 * start.
 * @throws `refused` if another process has the journal open; `io`; the signal's reason.
 */
export async function openWatch(options: OpenWatchOptions, call: Call): Promise<WatchService> {
  const { watch, context, flags, report } = options
  const { clock } = context
  const loaded = await context.config()
  const rules = new Map(watch.rules.map((rule) => [rule.name, rule]))
  const path = watch.journal ?? defaultJournal(context, loaded.file ?? '')
  const warn = (text: string): void => call.notify({ kind: 'warning', text })
  const opened = await Journal.open(path, { clock, warn }, call.signal)
  const execute = async (run: WatchRun, service: WatchService): Promise<FinishedRun> =>
    await runRule(run, {
      rules,
      openContext: () => contextOfRun(context, loaded),
      clock,
      flags,
      stop: call.signal,
      call,
      isHandled: (event, digest) => service.queue.isHandled(event, digest, clock.now()),
    })
  try {
    const { notify } = call
    return await WatchService.open(opened, { loaded, watch, clock, execute, report, notify })
  } catch (error) {
    await opened.journal.close()
    throw error
  }
}

/** With the credentials and limits of the command, and connections of its own. */
export function contextOfRun({ options, clock }: Context, loaded: LoadedConfig): Context {
  return new Context({ ...options, loaded, clock })
}

/** One journal for each configuration file of a user. */
function defaultJournal({ env }: Context, file: string): string {
  const folder = findPrivateFolder('state', ['watch'], env, { create: true })
  const name = createHash('sha256').update(file).digest('hex').slice(0, 16)
  return join(folder, `${name}.watch.jsonl`)
}
