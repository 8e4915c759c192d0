import { boolean, integer } from '@oclif/core/flags'
import { BaseCommand } from '../cli/command/base-command.ts'
import { exitOfView } from '../cli/command/view-exit.ts'
import { warnAboutAbsent } from '../cli/arguments/named-images.ts'
import { resolveDiffRequest } from '../cli/arguments/diff-request.ts'
import type { DiffEntry } from '../usecases/views/diff/diff.ts'
import { renderDiff, renderDiffSummary } from '../render/views/diff.ts'
import { renderUnreachable, type Unreachable } from '../render/views/unreachable.ts'

export default class Diff extends BaseCommand {
  static override summary =
    'Compare two environments: what would be promoted, what is only there, what has drifted.'
  static override description = `The environment that images come from is named first. "+" is a version that only that one has, "-" one that only the other has, "≠" a tag that both have on different images: a version tag should never be. A floating tag that differs because newer versions are still to be promoted says so.

Versions are compared, not spellings: v1.4.2 and 1.4.2 are one. Every tag that both have is asked for on both sides; --limit asks for the highest only.`
  static override examples = [
    { description: 'All images of dray.yaml:', command: '<%= config.bin %> diff staging prod' },
    {
      description: 'One image, the ten highest common tags:',
      command: '<%= config.bin %> diff staging prod api --limit 10',
    },
    {
      description: 'In a pipeline: exit 2 where anything differs:',
      command: '<%= config.bin %> diff staging prod --detailed-exitcode',
    },
    {
      description: 'Versions that have drifted, for a script:',
      command: `<%= config.bin %> diff staging prod --json | jq '.result.images[] | {image, drift: [.drift[] | select(.kind == "exact")]}'`,
    },
  ]
  static override strict = false
  static override usage = ['diff FROM TO [IMAGE...]']
  static override flags = {
    limit: integer({
      char: 'n',
      summary: 'Compare so many of the tags that both have, the highest; else all.',
      min: 1,
      helpValue: 'COUNT',
    }),
    'all-tags': boolean({
      summary:
        'List the tags too on one side only that are neither versions nor floating; and all versions, of which a screen shows a few.',
    }),
    'detailed-exitcode': boolean({ summary: 'Exit 2 where anything differs.' }),
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
    for (const text of warnAboutAbsent(listAbsentImages(view.images), argv.slice(2) as string[], config))
      this.warn(text)
    this.finish(
      view,
      (page) => renderDiff(view, { ...page, allTags: flags['all-tags'] }),
      exitOfView(summariseTargets(view.images), flags['detailed-exitcode']),
    )
    for (const line of renderUnreachable(listUnreachable(view.images), this.errorPage.style)) this.say(line)
    this.say(renderDiffSummary(view, this.errorPage.style))
  }
}

function summariseTargets(images: readonly DiffEntry[]): Parameters<typeof exitOfView>[0] {
  return {
    total: images.length,
    unreachable: images.filter(({ state }) => state === 'unreachable').length,
    differs: images.some(({ state }) => state === 'differs'),
  }
}

function listAbsentImages(images: readonly DiffEntry[]): readonly string[] {
  const byImage = [...Map.groupBy(images, ({ image }) => image)]
  return byImage.flatMap(([image, all]) => (all.every(({ state }) => state === 'absent') ? [image] : []))
}

function listUnreachable(images: readonly DiffEntry[]): readonly Unreachable[] {
  return images.flatMap(({ unread, error }) =>
    unread === undefined || error === undefined ? [] : [{ registry: unread.registry, error }],
  )
}
