import { string as stringArg } from '@oclif/core/args'
import { boolean, integer, string } from '@oclif/core/flags'
import { BaseCommand } from '../cli/command/base-command.ts'
import { exitOfView } from '../cli/command/view-exit.ts'
import { listOptions } from '../cli/command/list-options.ts'
import { resolveRepositoriesToList } from '../cli/arguments/image-requests.ts'
import { renderOmitted, renderRepositories } from '../render/views/list.ts'
import { renderUnreachable } from '../render/views/unreachable.ts'

export default class Ls extends BaseCommand {
  static override summary = 'List the tags of a repository.'
  static override description =
    'The highest tags come first, with what they point at: digest, age, size, platforms, and in short words the evidence of the image itself (sig, sbom, att, scan, other). Asks for nothing of tags that are not shown. Tags under which evidence stands are left out. A tag has to fit all filters. Ranges are those of npm: a pre-release is in one only where the range names a pre-release of that version. The age is what the image says of itself; 1970 and the like count as undated.'
  static override examples = [
    { description: 'Of an image in an environment:', command: '<%= config.bin %> ls @staging/api' },
    {
      description: 'Of any repository, all of them:',
      command: '<%= config.bin %> ls registry.example.com/team/api --all',
    },
    {
      description: 'Versions in a range:',
      command: `<%= config.bin %> ls @staging/api --semver '>=1.4 <2'`,
    },
    {
      description: 'What pull requests made in the last week:',
      command: `<%= config.bin %> ls @dev/api --glob 'pr-*' --since 7d`,
    },
    {
      description: 'Digests alone, where pulls are counted:',
      command: '<%= config.bin %> ls docker.io/library/alpine --brief',
    },
    { description: 'Of an image layout on disk:', command: '<%= config.bin %> ls oci:./dir' },
    {
      description: 'Tags alone, for a script:',
      command: `<%= config.bin %> ls @staging/api --brief --json | jq -r '.result[].tags[].tag'`,
    },
  ]
  static override args = {
    repository: stringArg({
      description: 'A repository: a reference, @ENV/IMAGE, or oci:DIR.',
      required: true,
      ignoreStdin: true,
    }),
  }
  static override flags = {
    all: boolean({ char: 'a', summary: 'Show all tags, not only the first of them.', exclusive: ['limit'] }),
    limit: integer({ char: 'n', summary: 'Show so many tags.', default: 50, min: 1, helpValue: 'COUNT' }),
    'all-tags': boolean({ summary: 'Show the tags too under which evidence stands.' }),
    semver: string({
      summary: "Tags that are whole versions in this range, such as '>=1.4 <2' or '^1.4'.",
      helpValue: 'RANGE',
    }),
    glob: string({
      summary: "Tags of this form, such as 'pr-*'; given several times, one has to fit.",
      helpValue: 'PATTERN',
      multiple: true,
      multipleNonGreedy: true,
    }),
    since: string({
      summary: 'Images made since then: 2026-03-04, 2026-03-04T05:06Z, or 7d ago. Reads images to know.',
      helpValue: 'TIME',
      exclusive: ['brief'],
    }),
    brief: boolean({ summary: 'Digests alone: one HEAD for each tag that is shown, and no image is read.' }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Ls)
    const options = listOptions(flags, this.context.clock.now())
    const { config } = await this.context.config()
    const { repositories, isInSeveral } = resolveRepositoriesToList(args.repository, config)
    const { listRepositories } = await import('../usecases/views/list/list.ts')
    const stores = await this.context.stores()
    await this.context.expectRepositories([], repositories, 'read')
    const views = await listRepositories(stores, repositories, options, this.call)
    // An image of dray.yaml need not be in every environment.
    const mayBeAbsent = isInSeveral && views.some((view) => !('error' in view))
    const missed = views.flatMap(({ repository: { registry }, ...view }) =>
      'error' in view && !(mayBeAbsent && view.error.code === 'not-found')
        ? [{ registry, error: view.error }]
        : [],
    )
    const findings = { total: views.length, unreachable: missed.length, differs: false }
    this.finish(views, (page) => renderRepositories({ ...options, views }, page), exitOfView(findings, false))
    for (const line of renderUnreachable(missed, this.errorPage.style)) this.say(line)
    for (const line of renderOmitted(views, this.errorPage.style)) this.say(line)
  }
}
