import { boolean, string } from '@oclif/core/flags'
import { BaseCommand } from '../cli/command/base-command.ts'
import { exitOfView } from '../cli/command/view-exit.ts'
import { warnAboutAbsent } from '../cli/arguments/named-images.ts'
import { resolveStatusRequest } from '../cli/arguments/status-request.ts'
import type { StatusView } from '../usecases/views/status/status.ts'
import { renderStatus, renderStatusSummary } from '../render/views/status.ts'
import { renderUnreachable, type Unreachable } from '../render/views/unreachable.ts'

export default class Status extends BaseCommand {
  static override summary =
    'Show which version of each image stands in which environment, and what is behind.'
  static override description = `What is current in an environment is what its marker stands on: the tag "marker" in dray.yaml, "latest" where it says nothing. The version is the exact tag on the same digest; it is looked for among the highest nine.

Each environment is compared with those that it takes images from: "=" is the same digest, "behind" a lower version or none, "differs" anything else. What cannot be reached is shown as unreachable, and the rest all the same.`
  static override examples = [
    { description: 'All images of dray.yaml in all environments:', command: '<%= config.bin %> status' },
    {
      description: 'Two images in two environments:',
      command: '<%= config.bin %> status api web --env staging --env prod',
    },
    {
      description: 'In a pipeline: exit 2 where prod is not what staging is:',
      command: '<%= config.bin %> status --env staging --env prod --detailed-exitcode',
    },
    {
      description: 'What is behind, for a script:',
      command: `<%= config.bin %> status --json | jq -r '.result.images[] | select(any(.steps[]; .state == "behind")).image'`,
    },
  ]
  static override strict = false
  static override usage = ['status [IMAGE...]']
  static override flags = {
    env: string({
      char: 'e',
      summary: 'Look into this environment only; may be given several times.',
      helpValue: 'ENV',
      multiple: true,
      multipleNonGreedy: true,
    }),
    ages: boolean({
      summary:
        'Show the age of multi-platform images too whose index does not tell it; one request more for each.',
    }),
    'detailed-exitcode': boolean({ summary: 'Exit 2 where something is behind or differs.' }),
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
    const facts = await gatherStatus(await this.context.stores(), targets, options, this.call)
    const view = buildStatus(environments, paths, facts)
    for (const text of warnAboutAbsent(listAbsentImages(view), argv as string[], config)) this.warn(text)
    const { summary } = view
    const findings = {
      total: summary.cells,
      unreachable: summary.unreachableCells,
      differs: summary.behind + summary.differs > 0,
    }
    this.finish(
      view,
      (page) => renderStatus(view, now, page),
      exitOfView(findings, flags['detailed-exitcode']),
    )
    for (const line of renderUnreachable(listUnreachable(view), this.errorPage.style)) this.say(line)
    this.say(renderStatusSummary(view, this.errorPage.style))
  }
}

function listAbsentImages({ images }: StatusView): readonly string[] {
  return images.flatMap(({ image, cells }) => (cells.every(({ state }) => state === 'absent') ? [image] : []))
}

function listUnreachable({ images }: StatusView): readonly Unreachable[] {
  return images.flatMap(({ cells }) =>
    cells.flatMap(({ error, repository: { registry } }) =>
      error === undefined ? [] : [{ registry, error }],
    ),
  )
}
