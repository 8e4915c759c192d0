import { boolean, integer } from '@oclif/core/flags'
import { BaseCommand } from '../cli/command/base-command.ts'
import { flagGroups } from '../cli/help/flag-groups.ts'
import { outputFlag } from '../cli/command/global-flags.ts'
import { exitOfView } from '../cli/command/view-exit.ts'
import { warnAboutAbsent } from '../cli/arguments/named-images.ts'
import { resolveDiffRequest } from '../cli/arguments/diff-request.ts'
import type { DiffEntry } from '../usecases/views/diff/diff.ts'
import { renderDiff, renderDiffSummary } from '../render/views/diff.ts'
import { renderUnreachable, type Unreachable } from '../render/views/unreachable.ts'

export default class Diff extends BaseCommand {
  static override summary = 'Compare the versions in two environments.'
  static override description = `FROM is the environment that images come from. Without IMAGE, dray compares all images of dray.yaml. Each line of the result begins with a sign:

- \`+\` is a version that only FROM has.
- \`-\` is a version that only TO has.
- \`≠\` is a tag that both have, on different images.

dray compares versions and not their spelling: v1.4.2 and 1.4.2 are the same version. It reads every tag that both environments have, or only the highest with \`--limit\`.`
  static override examples = [
    { description: 'Compare all images of dray.yaml', command: 'dray diff staging prod' },
    {
      description: 'Compare the ten highest common tags of one image',
      command: 'dray diff staging prod api --limit 10',
    },
    {
      description: 'Fail a CI job with exit code 2 if there is a difference',
      command: 'dray diff staging prod --detailed-exitcode',
    },
    {
      description: 'Print the version tags that differ',
      command: `dray diff staging prod --json | jq \\
    '.result.images[] | {image, drift: [.drift[] | select(.kind=="exact")]}'`,
    },
  ]
  static override strict = false
  static override usage = ['diff FROM TO [IMAGE...]']
  static override flags = {
    ...outputFlag('jsonl'),
    limit: integer({
      char: 'n',
      summary: 'Compare only the highest common tags.',
      min: 1,
      helpValue: 'COUNT',
      helpGroup: flagGroups.target,
    }),
    'all-tags': boolean({
      summary: 'List every version, and tags that are not versions.',
      helpGroup: flagGroups.output,
    }),
    'detailed-exitcode': boolean({
      summary: 'Exit 2 if there is a difference.',
      helpGroup: flagGroups.output,
    }),
  }

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(Diff)
    const { config } = await this.context.config()
    const { from, to, images } = resolveDiffRequest(argv as string[], config)
    const [{ gatherDiff }, { buildDiff }] = await Promise.all([
      import('../usecases/views/diff/gather-diff.ts'),
      import('../usecases/views/diff/diff.ts'),
    ])
    const repositories = images
      .flatMap((image) => [...image.from, ...image.to])
      .map((side) => side.repository)
    await this.context.expectRepositories([], repositories, 'read')
    const facts = await gatherDiff(await this.context.stores(), images, { limit: flags.limit }, this.call)
    const view = { from, to, images: facts.map((fact) => buildDiff(fact)) }
    const absent = listAbsentImages(view.images)
    for (const text of warnAboutAbsent(absent, argv.slice(2) as string[], [from, to], config)) this.warn(text)
    this.finish(
      view,
      (page) =>
        `${renderDiff(view, { ...page, allTags: flags['all-tags'] })}\n${renderDiffSummary(view, page.style, page.width)}`,
      exitOfView(summariseTargets(view.images), flags['detailed-exitcode']),
      { rows: () => view.images },
    )
    for (const line of renderUnreachable(listUnreachable(view.images), this.errorPage.style))
      this.printAside(line)
  }
}

function summariseTargets(images: readonly DiffEntry[]): Parameters<typeof exitOfView>[0] {
  return {
    total: images.length,
    unreachable: images.filter(({ state }) => state === 'unreachable').length,
    differs: images.some(({ state }) => state !== 'in-sync' && state !== 'unreachable'),
  }
}

function listAbsentImages(images: readonly DiffEntry[]): readonly string[] {
  const byImage = [...Map.groupBy(images, ({ image }) => image)]
  return byImage.flatMap(([image, all]) =>
    all.every(({ state }) => state === 'not-deployed') ? [image] : [],
  )
}

function listUnreachable(images: readonly DiffEntry[]): readonly Unreachable[] {
  return images.flatMap(({ unread, error }) =>
    unread === undefined || error === undefined ? [] : [{ repository: unread, error }],
  )
}
