import { string as stringArg } from '@oclif/core/args'
import { boolean, string } from '@oclif/core/flags'
import { BaseCommand } from '../cli/command/base-command.ts'
import { flagGroups } from '../cli/help/flag-groups.ts'
import { limitFlags, outputFlag } from '../cli/command/global-flags.ts'
import { exitOfView } from '../cli/command/view-exit.ts'
import { listLines, listOptions } from '../cli/command/list-options.ts'
import { resolveRepositoriesToList } from '../cli/arguments/image-requests.ts'
import { renderOmitted, renderRepositories } from '../render/views/list.ts'
import { renderUnreachable } from '../render/views/unreachable.ts'

export default class Ls extends BaseCommand {
  static override summary = 'List the tags of a repository.'
  static override description = `The highest versions come first. Each row has the digest, age, size and platforms of the image, and the kinds of its attached artifacts (sig, sbom, att, scan, other). The age is the creation time in the image. Times before 2013 and in the future count as unknown.

A tag must match all filters:

- RANGE is a range as in npm, such as \`>=1.4 <2\`. It includes a pre-release only if it names a pre-release of the same version.
- PATTERN has \`*\` for any characters and \`?\` for one character. With several patterns, a tag must match one of them.
- TIME is a day (2026-03-04), a time (2026-03-04T05:06Z) or an age (7d). dray reads the images to find their creation time.

\`--brief\` reads no image. A HEAD request does not count as a pull at Docker Hub.

With \`--all\`, or a limit above 100, dray takes the digests from the API of the vendor if it knows one. That needs one request for about 100 tags, and the list can be some seconds late.`
  static override examples = [
    { description: 'List the tags of an image in an environment', command: 'dray ls @staging/api' },
    {
      description: 'List all tags of any repository',
      command: 'dray ls registry.example.com/team/api --all',
    },
    { description: 'List the versions in a range', command: `dray ls @staging/api --semver '>=1.4 <2'` },
    {
      description: 'List the pull request builds of the last week',
      command: `dray ls @dev/api --glob 'pr-*' --since 7d`,
    },
    {
      description: 'List tags and digests with HEAD requests only',
      command: 'dray ls docker.io/library/alpine --brief',
    },
    { description: 'List the tags of an OCI image layout on disk', command: 'dray ls oci:./dir' },
    {
      description: 'Print only the tags',
      command: `dray ls @staging/api --brief --json | jq -r '.result[].tags[].tag'`,
    },
  ]
  static override args = {
    repository: stringArg({
      description: 'Reference, image of dray.yaml, @ENV/IMAGE or oci:DIR.',
      required: true,
      ignoreStdin: true,
    }),
  }
  static override flags = {
    ...outputFlag('jsonl', 'name', 'digest'),
    ...limitFlags('tags', 50),
    'all-tags': boolean({
      summary: 'Show tags of attached artifacts too.',
      helpGroup: flagGroups.output,
    }),
    semver: string({
      summary: "Only versions in this range, such as '>=1.4 <2'.",
      helpValue: 'RANGE',
      helpGroup: flagGroups.target,
    }),
    glob: string({
      summary: "Only tags that match this pattern, such as 'pr-*'.",
      helpValue: 'PATTERN',
      helpGroup: flagGroups.target,
      multiple: true,
      multipleNonGreedy: true,
    }),
    since: string({
      summary: 'Only images created since this time, such as 7d.',
      helpValue: 'TIME',
      helpGroup: flagGroups.target,
      exclusive: ['brief'],
    }),
    brief: boolean({
      summary: 'Show digests only, with one HEAD request per tag.',
      helpGroup: flagGroups.output,
    }),
    times: boolean({
      summary: "Show push and pull times from the vendor's API.",
      helpGroup: flagGroups.output,
    }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Ls)
    // Names and digests need no image; the filter by age reads images anyway.
    const isShort = (this.format === 'name' || this.format === 'digest') && flags.since === undefined
    const { config } = await this.context.config()
    const { repositories, isInSeveral, readingOf } = resolveRepositoriesToList(args.repository, config)
    const flagged = listOptions({ ...flags, brief: flags.brief || isShort }, this.context.clock.now())
    const options = {
      ...flagged,
      readingOf,
      inventory: (registry: string) => this.context.inventory(registry),
    }
    const { listRepositories } = await import('../usecases/views/list/list.ts')
    const stores = await this.context.stores()
    await this.context.expectRepositories([], repositories, 'read')
    const views = await listRepositories(stores, repositories, options, this.call)
    // An image of dray.yaml need not be in every environment.
    const mayBeAbsent = isInSeveral && views.some((view) => !('error' in view))
    const missed = views.flatMap((view) =>
      'error' in view && !(mayBeAbsent && view.error.code === 'not-found') ? [view] : [],
    )
    const findings = { total: views.length, unreachable: missed.length, differs: false }
    const exitCode = exitOfView(findings, false)
    this.finish(views, (page) => renderRepositories({ ...options, views }, page), exitCode, listLines(views))
    for (const line of renderUnreachable(missed, this.errorPage.style)) this.printAside(line)
    for (const line of renderOmitted(views, this.errorPage.style)) this.say(line)
  }
}
