import { boolean, string } from '@oclif/core/flags'
import { BaseCommand } from '../cli/command/base-command.ts'
import { exitCodes } from '../cli/command/exit-codes.ts'
import { outputFlag } from '../cli/command/global-flags.ts'
import { exitOfView, type ViewFindings } from '../cli/command/view-exit.ts'
import { flagGroups } from '../cli/help/flag-groups.ts'
import { parseInterval } from '../cli/watch/interval.ts'
import { isDocument } from '../cli/output/formats.ts'
import { formatLines } from '../cli/output/result-lines.ts'
import { warnAboutAbsent } from '../cli/arguments/named-images.ts'
import { resolveStatusRequest, type StatusRequest } from '../cli/arguments/status-request.ts'
import type { Call } from '../lib/call.ts'
import { DrayError } from '../lib/errors.ts'
import type { StatusView } from '../usecases/views/status/status.ts'
import { renderStatus, renderStatusSummary } from '../render/views/status.ts'
import { listUnreachable, renderUnreachable } from '../render/views/unreachable.ts'

export default class Status extends BaseCommand {
  static override summary = 'Show the version of each image in each environment.'
  static override description = `IMAGE is an image of dray.yaml, such as api or \`@prod/api\`. Without IMAGE, dray shows all images of dray.yaml.

dray compares each environment with those in its promoteFrom. If no environment has promoteFrom, dray compares it with the one before it in dray.yaml. It uses the first of these that applies:

- the digests of the current-version tag (currentTag in dray.yaml, default latest), if both have the tag
- the highest version: first its number, then its digest
- the digests of the tags that both have

The result is "in sync", "behind", "drifted" or "unknown". An image can also be "not deployed", and a target "unreachable".

With \`--detailed-exitcode\`, the exit code is 0 if all pairs were compared and are in sync, and 2 if not. If targets are unreachable, the exit code is 4, or 1 if all of them are.

With \`--watch\`, dray reads again after each interval (default: 30s). On a terminal it redraws the table. In a pipe and with \`-o jsonl\`, it prints only changes.

With \`--ages\`, dray sends one more request for each multi-platform image whose index has no creation time.`
  static override examples = [
    { description: 'Show all images of dray.yaml in all environments', command: 'dray status' },
    {
      description: 'Show two images in two environments',
      command: 'dray status api web --env staging --env prod',
    },
    {
      description: 'Fail a CI job with exit code 2 unless prod is in sync with staging',
      command: 'dray status --env staging --env prod --detailed-exitcode',
    },
    {
      description: 'Watch two environments',
      command: 'dray status --env staging --env prod --watch',
    },
    {
      description: 'Print the images that are behind',
      command: `dray status --json | jq -r \\
    '.result.images[] | select(any(.steps[]; .state == "behind")).image'`,
    },
  ]
  static override strict = false
  static override usage = ['status [IMAGE...]']
  static override flags = {
    ...outputFlag('jsonl'),
    env: string({
      char: 'e',
      summary: 'Show only this environment.',
      helpValue: 'ENV',
      helpGroup: flagGroups.target,
      multiple: true,
      multipleNonGreedy: true,
    }),
    ages: boolean({
      summary: 'Read the age of every multi-platform image.',
      helpGroup: flagGroups.output,
    }),
    'detailed-exitcode': boolean({
      summary: 'Exit 2 unless everything is in sync.',
      helpGroup: flagGroups.output,
    }),
    watch: boolean({ summary: 'Repeat until Ctrl-C.', helpGroup: flagGroups.output }),
    interval: string({
      summary: 'Pause between two reads of --watch, at least 5s.',
      helpValue: 'DURATION',
      helpGroup: flagGroups.output,
      dependsOn: ['watch'],
    }),
  }

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(Status)
    const { config } = await this.context.config()
    const request = resolveStatusRequest(argv as string[], flags.env ?? [], config)
    const detailed = flags['detailed-exitcode']
    const read = async (call: Call, now: Date): Promise<StatusView> => {
      const view = await this.#read(request, { now, children: flags.ages }, call)
      const absent = listAbsentImages(view)
      for (const text of warnAboutAbsent(absent, argv as string[], request.environments, config))
        call.notify({ kind: 'warning', text })
      return view
    }
    if (flags.watch) {
      await this.#watch(read, flags.interval ?? '30s', detailed)
      return
    }
    const now = new Date(this.context.clock.now())
    const view = await read(this.call, now)
    this.finish(
      view,
      (page) => `${renderStatus(view, now, page)}\n${renderStatusSummary(view, page.style, page.width)}`,
      exitOfView(findingsIn(view), detailed),
      { rows: () => view.images },
    )
    for (const line of renderUnreachable(listUnreachable(view), this.errorPage.style)) this.printAside(line)
  }

  async #read(
    { environments, paths, targets }: StatusRequest,
    options: { readonly now: Date; readonly children: boolean },
    call: Call,
  ): Promise<StatusView> {
    const [{ gatherStatus }, { buildStatus }] = await Promise.all([
      import('../usecases/views/status/gather-status.ts'),
      import('../usecases/views/status/status.ts'),
    ])
    await this.context.expectRepositories(
      [],
      targets.map(({ repository }) => repository),
      'read',
    )
    const inventory = (registry: string): ReturnType<typeof this.context.inventory> =>
      this.context.inventory(registry)
    const stores = await this.context.stores()
    const facts = await gatherStatus(stores, targets, paths, { ...options, inventory }, call)
    return buildStatus(environments, paths, facts)
  }

  /** Ends by Ctrl-C with 130, and by `--timeout` with the exit code of the last status. */
  async #watch(
    read: (call: Call, now: Date) => Promise<StatusView>,
    interval: string,
    detailed: boolean,
  ): Promise<void> {
    const intervalMs = parseInterval(interval)
    if (isDocument(this.format)) {
      throw new DrayError('usage', '--watch prints no single document', {
        hint: 'Pass -o jsonl to print an object for each image that changed.',
      })
    }
    const { runStatusWatch } = await import('../cli/watch/run-watch.ts')
    const last = await runStatusWatch({
      output: process.stdout,
      page: this.page,
      env: process.env,
      interval,
      intervalMs,
      clock: this.context.clock,
      call: this.call,
      warn: (text) => this.printAside(text),
      formatRows: this.format === 'jsonl' ? (rows) => formatLines('jsonl', { rows: () => rows }) : undefined,
      read: async (call, now) => {
        await this.context.renew()
        return await read(call, now)
      },
    })
    process.exitCode = last === undefined ? exitCodes.interrupted : exitOfView(findingsIn(last), detailed)
  }
}

function findingsIn({ environments, summary }: StatusView): ViewFindings {
  const { cells: total, unreachableCells: unreachable, inSync, behind, drifted, unknown } = summary
  const different = behind + drifted + unknown
  // Several environments of which none promotes to another one are not in sync.
  const isUncompared = environments.length > 1 && inSync + different === 0
  return { total, unreachable, differs: different > 0 || isUncompared }
}

function listAbsentImages({ images }: StatusView): readonly string[] {
  return images.flatMap(({ image, cells }) =>
    cells.every(({ state }) => state === 'not-deployed') ? [image] : [],
  )
}
