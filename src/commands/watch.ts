import { resolve } from 'node:path'
import { boolean, string } from '@oclif/core/flags'
import { BaseCommand } from '../cli/command/base-command.ts'
import { type ExitCode, exitCodes } from '../cli/command/exit-codes.ts'
import { outputFlag } from '../cli/command/global-flags.ts'
import { flagGroups } from '../cli/help/flag-groups.ts'
import { formatLines } from '../cli/output/result-lines.ts'
import { toDrayError } from '../lib/errors.ts'
import type { ListeningReport, WatchReport } from '../usecases/watch/watch-report.ts'
import { renderWatchReport } from '../render/watch/watch-report.ts'
import { escapeText } from '../render/text/escape.ts'

export default class Watch extends BaseCommand {
  static override summary = 'Receive events of registries and run rules.'
  static override description = `The sources of events and the rules are under \`watch\` in dray.yaml. Each source has a secret, in an environment variable or a file. dray answers an event after it is on disk. After a restart, dray continues with these events.

An event only says that a tag may have changed. dray waits until no event of the image arrives for 2 seconds, at most for 30 seconds, and reads the tags from the registry with its own credentials. Then it does the same as \`dray promote --yes\` or \`dray sync --yes\`, with the same gates, limits and audit records. The actor in audit records is watch:SOURCE. dray repeats a run if a registry is not available.

With \`--every\`, dray also checks all rules at the start and after each interval, because registries can lose events. The first check of an image only notes its tags. Later checks promote the versions that are new since then, at most 20, and the tags without a wildcard that moved.

dray uses plain HTTP and listens only on this machine by default. To receive events from other machines, put a proxy with TLS in front of it. GET /healthz answers 200.

SIGTERM or Ctrl-C ends dray with exit code 0 after the running work is done.`
  static override examples = [
    { description: 'Receive events until Ctrl-C', command: 'dray watch' },
    {
      description: 'Also check the rules every ten minutes, and log in JSON',
      command: 'dray watch --every 10m -o jsonl',
    },
    {
      description: 'Check all rules once and exit, from cron',
      command: 'dray watch --once',
    },
    {
      description: 'Show the runs of events and change nothing',
      command: 'dray watch --dry-run --listen 127.0.0.1:9000',
    },
  ]
  static override flags = {
    ...outputFlag('jsonl'),
    listen: string({
      summary: 'Address and port (default: listen in dray.yaml).',
      helpValue: 'ADDRESS:PORT',
      helpGroup: flagGroups.connection,
    }),
    every: string({
      summary: 'Also check the rules after each interval.',
      helpValue: 'DURATION',
      helpGroup: flagGroups.connection,
    }),
    once: boolean({
      summary: 'Check the rules once and exit; receive nothing.',
      helpGroup: flagGroups.connection,
      exclusive: ['every', 'listen'],
    }),
    'dry-run': boolean({
      summary: 'Plan each run and change nothing.',
      helpGroup: flagGroups.safety,
    }),
    'audit-file': string({
      summary: 'Audit log to write to.',
      helpValue: 'FILE',
      helpGroup: flagGroups.audit,
      env: 'DRAY_AUDIT_FILE',
    }),
    metrics: string({
      summary: 'Write metrics for Prometheus to this file.',
      helpValue: 'FILE',
      helpGroup: flagGroups.output,
    }),
  }

  protected override readonly graceful = true

  async run(): Promise<void> {
    const { flags } = await this.parse(Watch)
    const [{ watchSettings }, { openWatch }, { runOnce, runWatch }] = await Promise.all([
      import('../cli/events/watch-settings.ts'),
      import('../cli/events/open-watch.ts'),
      import('../cli/events/run-watch.ts'),
    ])
    const { context, call, stop } = this
    const watch = watchSettings(await context.config(), flags, context.clock.now())
    const service = await openWatch(
      {
        watch,
        context,
        flags,
        report: (report) => this.#show(report, flags.verbose),
      },
      call,
    )
    const metricsFile = flags.metrics === undefined ? undefined : resolve(context.cwd, flags.metrics)
    const running = { watch, service, context, metricsFile, stop, call }
    try {
      if (flags.once) await runOnce(running)
      else
        await runWatch({
          ...running,
          ready: (address, metrics) => {
            this.say(`Listening on ${address}. Ctrl-C ends it.`)
            if (metrics !== undefined) this.say(`Metrics: ${metrics}/metrics`)
            const url = metrics === undefined ? null : `${metrics}/metrics`
            this.#write({ kind: 'listening', address, metrics: url })
            if (!/\/\/(?:127\.|\[::1\])/.test(address))
              this.warn('dray receives events from other machines with plain HTTP: use a proxy with TLS')
          },
          refused: (source, result, error) => {
            const from = source === undefined ? '' : ` of ${source}`
            const why = error === undefined ? '' : `: ${error.message}`
            if (flags.verbose || error !== undefined) this.say(escapeText(`request${from}: ${result}${why}`))
          },
        })
    } finally {
      await service.close()
    }
    // A signal is the normal end.
    if (stop.aborted && toDrayError(stop.reason).code !== 'interrupted') throw stop.reason
    const totals = service.counts.totals()
    const exitCode = flags.once ? exitOfRuns(totals.runs) : exitCodes.done
    this.finish({ ...totals, waiting: service.queue.length }, () => this.#summary(totals), exitCode, {
      rows: () => [],
    })
  }

  #show(report: WatchReport, isVerbose: boolean): void {
    this.#write(report)
    const isQuiet = report.kind === 'event' && ['ignored', 'duplicate'].includes(report.result)
    if (this.format !== 'text' || (isQuiet && !isVerbose)) return
    process.stdout.write(`${renderWatchReport(report, this.page)}\n`)
  }

  /** Writes an object to stdout, if the format is JSON Lines. */
  #write(row: WatchReport | ListeningReport): void {
    if (this.format === 'jsonl') process.stdout.write(formatLines('jsonl', { rows: () => [row] }))
  }

  #summary({ events, runs }: { readonly events: object; readonly runs: object }): string {
    const listed = (counts: object): string =>
      Object.entries(counts)
        .map(([result, count]) => `${String(count)} ${result}`)
        .join(', ') || 'none'
    return `Events: ${listed(events)}. Runs: ${listed(runs)}.`
  }
}

/** As that of one run with all of the images. */
function exitOfRuns(runs: Readonly<Record<string, number>>): ExitCode {
  const { refused = 0, failed = 0, retried = 0, changed = 0, unchanged = 0 } = runs
  if (refused + failed + retried === 0) return exitCodes.done
  if (changed + unchanged > 0) return exitCodes.partly
  return failed + retried > 0 ? exitCodes.failed : exitCodes.refused
}
