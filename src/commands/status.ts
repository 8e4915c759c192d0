import { boolean, string } from '@oclif/core/flags'
import { BaseCommand } from '../cli/command/base-command.ts'
import { flagGroups } from '../cli/help/flag-groups.ts'
import { outputFlag } from '../cli/command/global-flags.ts'
import { exitOfView } from '../cli/command/view-exit.ts'
import { warnAboutAbsent } from '../cli/arguments/named-images.ts'
import { resolveStatusRequest } from '../cli/arguments/status-request.ts'
import type { StatusView } from '../usecases/views/status/status.ts'
import { renderStatus, renderStatusSummary } from '../render/views/status.ts'
import { renderUnreachable, type Unreachable } from '../render/views/unreachable.ts'

export default class Status extends BaseCommand {
  static override summary = 'Show the version of each image in each environment.'
  static override description = `IMAGE is an image of dray.yaml, such as api or \`@prod/api\`. Without IMAGE, dray shows all images of dray.yaml.

dray compares each environment with those in its promoteFrom. If no environment has promoteFrom, dray compares it with the one before it in dray.yaml. It uses the first of these that applies:

- the digests of the current-version tag (currentTag in dray.yaml, default latest), if both have the tag
- the highest version: first its number, then its digest
- the digests of the tags that both have

The result is "in sync", "behind", "drifted" or "unknown". An image can also be "not deployed", and a target "unreachable".

With \`--detailed-exitcode\`, the exit code is 0 if all pairs were compared and are in sync, and 2 if not. If targets are unreachable, the exit code is 4, or 1 if all of them are.

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
  }

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(Status)
    const { config } = await this.context.config()
    const { environments, paths, targets } = resolveStatusRequest(argv as string[], flags.env ?? [], config)
    const [{ gatherStatus }, { buildStatus }] = await Promise.all([
      import('../usecases/views/status/gather-status.ts'),
      import('../usecases/views/status/status.ts'),
    ])
    await this.context.expectRepositories(
      [],
      targets.map(({ repository }) => repository),
      'read',
    )
    const now = new Date(this.context.clock.now())
    const options = { now, children: flags.ages }
    const facts = await gatherStatus(await this.context.stores(), targets, paths, options, this.call)
    const view = buildStatus(environments, paths, facts)
    for (const text of warnAboutAbsent(listAbsentImages(view), argv as string[], config)) this.warn(text)
    const { summary } = view
    const findings = {
      total: summary.cells,
      unreachable: summary.unreachableCells,
      differs: summary.behind + summary.drifted + summary.unknown > 0,
    }
    this.finish(
      view,
      (page) => `${renderStatus(view, now, page)}\n${renderStatusSummary(view, page.style)}`,
      exitOfView(findings, flags['detailed-exitcode']),
      { rows: () => view.images },
    )
    for (const line of renderUnreachable(listUnreachable(view), this.errorPage.style)) this.printAside(line)
  }
}

function listAbsentImages({ images }: StatusView): readonly string[] {
  return images.flatMap(({ image, cells }) =>
    cells.every(({ state }) => state === 'not-deployed') ? [image] : [],
  )
}

function listUnreachable({ images }: StatusView): readonly Unreachable[] {
  return images.flatMap(({ cells }) =>
    cells.flatMap(({ error, repository: { registry } }) =>
      error === undefined ? [] : [{ registry, error }],
    ),
  )
}
