import { boolean, option, string } from '@oclif/core/flags'
import { ChangeCommand } from '../cli/changes/change-command.ts'
import {
  allowBackwardFlag,
  changeFlags,
  metricsFlag,
  moveTagFlag,
  outFlag,
  partialFlag,
  gitopsFlags,
} from '../cli/command/change-flags.ts'
import { flagGroups } from '../cli/help/flag-groups.ts'
import type { CompleteTagging, TaggingArguments } from '../cli/terminal/complete-tagging.ts'
import { parseChannels, parseGlobs, parseLevels, parseList, parseVariants } from '../cli/command/tag-flags.ts'
import { overrideGateFlag, scanReportFlag } from '../cli/gates/gate-flags.ts'
import { planTagging } from '../cli/changes/tagging.ts'

export default class Tag extends ChangeCommand {
  static override summary = 'Write version tags on images.'
  static override description = `IMAGE is \`@ENV/NAME:TAG\`, \`NAME:TAG\` with \`--env\`, or a reference. A version has an exact tag (1.4.2) and floating tags (1.4, 1, latest). Without VERSION, dray uses the tag of IMAGE. The plan shows for each tag why it moves or does not move.

- An exact tag does not move to another image, unless you pass \`--move-tag\`.
- Floating tags only move to a higher version. All version tags of the repository count: 1.3.9 after 1.4.0 moves 1.3 and no other tag.
- An exact tag such as 1.4.2-alpine has floating tags of its own (1.4-alpine, 1-alpine, alpine), if alpine is a variant in dray.yaml or \`--variant\`.
- A pre-release gets its exact tag. With \`--prerelease-channel\`, it also moves the tag of its channel.

If the image has a version already, \`--next\` does not create another one. With \`--variant alpine\`, it creates a version with that suffix. \`--from-label\` reads the label org.opencontainers.image.version. \`--tags\` writes tags that are not versions.

For an image in an environment, \`tags\` in dray.yaml sets the rules. Flags override them for this run; \`--variant\` and \`--ignore-versions\` add to its lists. The gates of the environment apply too. On a terminal, dray asks for missing arguments.`
  static override examples = [
    {
      description: 'Tag a build as version 1.4.2',
      command: 'dray tag registry.example.com/team/api:build-77 1.4.2',
    },
    {
      description: 'Use the version after the highest one of the repository',
      command: 'dray tag @staging/api:build-77 --next minor --yes',
    },
    {
      description: 'Write the missing floating tags of an existing version',
      command: 'dray tag @prod/api:1.4.2',
    },
    {
      description: 'Tag several images with the versions in their labels',
      command: 'dray tag api:build-77 web:build-31 --env staging --from-label',
    },
    {
      description: 'Use calendar versions in a repository without dray.yaml',
      command: `dray tag registry.example.com/team/web:build-77 2026.03.1 \\
    --scheme calver`,
    },
    {
      description: 'Write tags that are not versions',
      command: 'dray tag @staging/api:1.4.2 --tags stable,tested',
    },
  ]
  static override strict = false
  static override usage = [
    'tag IMAGE... [VERSION]',
    'tag IMAGE... (--next LEVEL | --from-label | --tags TAG,TAG)',
  ]
  static override flags = {
    env: string({
      summary: 'Environment of the images.',
      helpValue: 'ENV',
      helpGroup: flagGroups.target,
    }),
    tags: string({
      summary: 'Write these tags, which are not versions.',
      helpValue: 'TAG,TAG',
      helpGroup: flagGroups.target,
      multiple: true,
      multipleNonGreedy: true,
    }),
    next: option({ options: ['patch', 'minor', 'major'] as const })({
      summary: 'Use the version after the highest one.',
      helpValue: 'LEVEL',
      helpGroup: flagGroups.target,
    }),
    'from-label': boolean({
      summary: 'Use the version in the label of the image.',
      helpGroup: flagGroups.target,
    }),
    'prerelease-channel': string({
      summary: 'Floating tag for pre-releases, such as beta.',
      helpValue: 'NAME',
      helpGroup: flagGroups.target,
      multiple: true,
      multipleNonGreedy: true,
    }),
    semver: string({
      summary: 'Tags to write, of exact, minor, major and latest.',
      helpValue: 'LEVEL,LEVEL',
      helpGroup: flagGroups.target,
    }),
    'v-prefix': option({ options: ['keep', 'none', 'always'] as const })({
      summary: 'Prefix v of tags, if the repository has no versions.',
      helpValue: 'MODE',
      helpGroup: flagGroups.target,
    }),
    scheme: option({ options: ['semver', 'calver', 'loose'] as const })({
      summary: 'Scheme of the versions (default: semver).',
      helpValue: 'SCHEME',
      helpGroup: flagGroups.target,
    }),
    variant: string({
      summary: 'Suffix that is not a pre-release, such as alpine.',
      helpValue: 'SUFFIX',
      helpGroup: flagGroups.target,
      multiple: true,
      multipleNonGreedy: true,
    }),
    'ignore-versions': string({
      summary: 'Tags that are never versions, such as nightly-*.',
      helpValue: 'PATTERN',
      helpGroup: flagGroups.target,
      multiple: true,
      multipleNonGreedy: true,
    }),
    'build-metadata': boolean({
      summary: 'Read 1.4.1_build.7 as the version 1.4.1+build.7.',
      allowNo: true,
      helpGroup: flagGroups.target,
    }),
    'major-zero': boolean({
      summary: 'Write the floating tag 0 too.',
      allowNo: true,
      helpGroup: flagGroups.target,
    }),
    ...changeFlags,
    ...metricsFlag,
    ...outFlag,
    ...moveTagFlag,
    ...allowBackwardFlag,
    ...partialFlag,
    ...overrideGateFlag,
    ...scanReportFlag,
    ...gitopsFlags,
  }

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(Tag)
    const tags = parseList(flags.tags ?? [])
    const hasTagOption = tags.length > 0 || flags.next !== undefined || flags['from-label']
    const policy = {
      levels: flags.semver === undefined ? undefined : parseLevels(flags.semver),
      channels: flags['prerelease-channel'] && parseChannels(flags['prerelease-channel']),
      allowBackward: flags['allow-backward'],
      ...(flags.scheme !== undefined && { scheme: flags.scheme }),
      ...(flags.variant !== undefined && { variants: parseVariants(flags.variant) }),
      ...(flags['ignore-versions'] !== undefined && {
        ignoreVersions: parseGlobs('--ignore-versions', flags['ignore-versions']),
      }),
      ...(flags['v-prefix'] !== undefined && { v: flags['v-prefix'] }),
      ...(flags['build-metadata'] !== undefined && { buildMetadata: flags['build-metadata'] }),
      ...(flags['major-zero'] !== undefined && { majorZero: flags['major-zero'] }),
    }
    const { next, fromLabel, ...named } = await this.#completed({
      references: argv as string[],
      env: flags.env,
      hasTagOption,
      policy,
    })
    const args = {
      ...named,
      tags,
      next: flags.next ?? next,
      fromLabel: flags['from-label'] || fromLabel === true,
      policy,
    }
    const planned = await planTagging(args, flags, this.context, this.reading)
    await this.carryOut('tag', await this.withEdits(planned, flags), flags)
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
