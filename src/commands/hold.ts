import { boolean, string } from '@oclif/core/flags'
import { ChangeCommand } from '../cli/changes/change-command.ts'
import { changeFlags } from '../cli/command/change-flags.ts'
import { flagGroups } from '../cli/help/flag-groups.ts'

const { report: _report, ...flagsOfHold } = changeFlags

export default class Hold extends ChangeCommand {
  static override summary = 'Hold images against deletion.'
  static override description = `IMAGE is \`@ENV/NAME:TAG\`, \`NAME:TAG\` with \`--env\`, or a reference. \`dray prune\` keeps a held image and everything that it reaches, before every rule.

dray attaches a statement (urn:dray:hold:v1) with the reason to the image, and sets the tag hold-<12 digits of the digest>. A registry's clean-up of manifests without a tag then keeps the image too. Several holds of an image are independent of each other.

\`--release\` attaches a later statement, which ends all holds of the image, and deletes the tag. With \`--expires\`, the hold ends by itself after that day (UTC).

\`--list\` shows the held images of environments (\`@prod\`), images or repositories; by default of all environments. It finds them by their tags.`
  static override examples = [
    {
      description: 'Hold an image until the end of an investigation',
      command: 'dray hold @prod/api:1.4.2 --reason "incident 77" --ticket OPS-7',
    },
    {
      description: 'Hold it until a certain day, with a signed statement',
      command: `dray hold @prod/api:1.4.2 --reason "audit 2026" \\
    --expires 2027-01-31 --key ada.pem`,
    },
    {
      description: 'End the hold',
      command: 'dray hold --release @prod/api:1.4.2 --reason "incident is closed"',
    },
    { description: 'List the held images of an environment', command: 'dray hold --list @prod' },
  ]
  static override strict = false
  static override usage = ['hold [--release] IMAGE... --reason TEXT', 'hold --list [@ENV|IMAGE...]']
  static override flags = {
    env: string({
      summary: 'Environment of the images.',
      helpValue: 'ENV',
      helpGroup: flagGroups.target,
    }),
    release: boolean({
      summary: 'End the holds of the images.',
      helpGroup: flagGroups.target,
      exclusive: ['list', 'expires'],
    }),
    list: boolean({
      summary: 'List held images and change nothing.',
      helpGroup: flagGroups.target,
      exclusive: ['release', 'expires', 'key'],
    }),
    expires: string({
      summary: 'Last day of the hold (UTC).',
      helpValue: 'DATE',
      helpGroup: flagGroups.target,
    }),
    key: string({
      summary: 'Private key that signs (default: audit.sign.key).',
      helpValue: 'FILE',
      helpGroup: flagGroups.evidence,
    }),
    'password-env': string({
      summary: 'Variable with the password of the key.',
      helpValue: 'NAME',
      helpGroup: flagGroups.evidence,
      dependsOn: ['key'],
    }),
    ...flagsOfHold,
  }

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(Hold)
    const references = argv as string[]
    if (flags.list) {
      const { showHolds } = await import('../cli/holds/show-holds.ts')
      await showHolds(references, flags.env, this.portsFor({ ...flags, report: undefined }))
      return
    }
    const { holdImages } = await import('../cli/holds/hold-images.ts')
    await holdImages(
      {
        references,
        env: flags.env,
        decision: flags.release ? 'release' : 'hold',
        expires: flags.expires,
        key: flags.key,
        passwordEnv: flags['password-env'],
      },
      this.portsFor({ ...flags, report: undefined }),
    )
  }
}
