import { boolean, option, string } from '@oclif/core/flags'
import { ChangeCommand } from '../cli/changes/change-command.ts'
import { changeFlags, outFlag } from '../cli/command/change-flags.ts'
import type { CompleteTagging, TaggingArguments } from '../cli/terminal/complete-tagging.ts'
import { parseChannels, parseLevels, parseList } from '../cli/command/tag-flags.ts'
import { planTagging } from '../cli/changes/tagging.ts'

export default class Tag extends ChangeCommand {
  static override summary = 'Put the tags of a version on an image, by the rules of versions.'
  static override description = `The exact tag (1.4.2) does not move to another image. The floating tags (1.4, 1, latest) move forward only, by all version tags of the repository: 1.3.9 after 1.4.0 moves 1.3 and nothing else. Pre-releases get their exact tag alone. The plan says of each tag why it moves, or why not. What is so already is not written.

The version is given behind the image, or is the tag of the image itself, or comes from --from-label or --next. Images in an environment of dray.yaml follow its rules for tags.`
  static override examples = [
    {
      description: 'A build becomes version 1.4.2:',
      command: '<%= config.bin %> tag registry.example.com/team/api:build-77 1.4.2',
    },
    {
      description: 'The version after the highest; a second run changes nothing:',
      command: '<%= config.bin %> tag @staging/api:build-77 --next minor --yes',
    },
    {
      description: 'Set right the floating tags of a version that is there:',
      command: '<%= config.bin %> tag @prod/api:1.4.2',
    },
    {
      description: 'Several images at once, each by the version that it says of itself:',
      command: '<%= config.bin %> tag api:build-77 web:build-31 --env staging --from-label',
    },
    { description: 'Plain tags:', command: '<%= config.bin %> tag @staging/api:1.4.2 --tags stable,tested' },
  ]
  static override strict = false
  static override usage = [
    'tag IMAGE... VERSION',
    'tag IMAGE... --next patch|minor|major',
    'tag IMAGE... --from-label',
    'tag IMAGE... --tags TAG,TAG',
  ]
  static override flags = {
    env: string({ summary: 'The environment that the images are in.', helpValue: 'ENV' }),
    tags: string({
      summary: 'Put these tags, which are no versions.',
      helpValue: 'TAG,TAG',
      multiple: true,
      multipleNonGreedy: true,
    }),
    next: option({ options: ['patch', 'minor', 'major'] as const })({
      summary: 'The version after the highest in the repository.',
    }),
    'from-label': boolean({
      summary: 'The version that the image says of itself (org.opencontainers.image.version).',
    }),
    'move-tag': boolean({
      summary: 'Let tags move that do not: exact versions, and what is immutable there.',
    }),
    'allow-backward': boolean({ summary: 'Let floating tags move to a lower version.' }),
    'prerelease-channel': string({
      summary: 'Pre-releases of this name move the tag of this name: with beta, 2.0.0-beta.3 moves beta.',
      helpValue: 'NAME',
      multiple: true,
      multipleNonGreedy: true,
    }),
    semver: string({
      summary: 'Which tags of the version: of exact, minor, major and latest.',
      helpValue: 'LEVEL,LEVEL',
    }),
    'v-prefix': option({ options: ['keep', 'none', 'always'] as const })({
      summary: 'Whether tags begin with "v", where the repository does not say so itself.',
    }),
    'build-metadata': boolean({ summary: 'Read 1.4.1_build.7 as the version 1.4.1+build.7.', allowNo: true }),
    'major-zero': boolean({ summary: 'Keep up the tag 0 too.', allowNo: true }),
    partial: boolean({ summary: 'Let the targets that are ready go ahead of those that are not.' }),
    ...outFlag,
    ...changeFlags,
  }

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(Tag)
    const tags = parseList(flags.tags ?? [])
    const hasTagOption = tags.length > 0 || flags.next !== undefined || flags['from-label']
    const { next, fromLabel, ...named } = await this.#completed({
      references: argv as string[],
      env: flags.env,
      hasTagOption,
    })
    const args = {
      ...named,
      tags,
      next: flags.next ?? next,
      fromLabel: flags['from-label'] || fromLabel === true,
      policy: {
        levels: flags.semver === undefined ? undefined : parseLevels(flags.semver),
        channels: flags['prerelease-channel'] && parseChannels(flags['prerelease-channel']),
        allowBackward: flags['allow-backward'],
        ...(flags['v-prefix'] !== undefined && { v: flags['v-prefix'] }),
        ...(flags['build-metadata'] !== undefined && { buildMetadata: flags['build-metadata'] }),
        ...(flags['major-zero'] !== undefined && { majorZero: flags['major-zero'] }),
      },
    }
    await this.carryOut('tag', await planTagging(args, flags, this.context, this.reading), flags)
  }

  /** Asks for missing arguments, unless the run is non-interactive. */
  async #completed(given: TaggingArguments): Promise<Omit<CompleteTagging, 'flags'>> {
    const ports = await this.asking()
    if (ports === undefined) return given
    const { completeTagging } = await import('../cli/terminal/complete-tagging.ts')
    const is = await completeTagging(given, ports)
    if (is === undefined) return given
    await this.sayWithoutQuestions({ was: given.references, is: is.references, flags: is.flags })
    return is
  }
}
