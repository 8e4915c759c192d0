import { boolean, string } from '@oclif/core/flags'
import { ChangeCommand } from '../cli/changes/change-command.ts'
import { changeFlags } from '../cli/command/change-flags.ts'
import { flagGroups } from '../cli/help/flag-groups.ts'

const { report: _report, ...flagsOfApproval } = changeFlags

export default class Approve extends ChangeCommand {
  static override summary = 'Approve images for an environment.'
  static override description = `dray attaches a signed decision about the digest of each image to the image, in its present repository. A gate of the kind \`approvals\` counts the newest decision of each person.

IMAGE is \`NAME:TAG\` in the environment of \`--from\` or promoteFrom, \`@ENV/NAME:TAG\`, or a reference.

- A decision is about a digest and an environment. It does not count for another image under the same tag.
- \`--reject\` withdraws an approval. One rejection fails the gate until the same person approves.
- The key is that of a person in \`approvers\` of dray.yaml: PEM, ECDSA P-256 or Ed25519. With other keys, use \`cosign attest --type urn:dray:approval:v1\`.`
  static override examples = [
    {
      description: 'Approve a version for prod',
      command: 'dray approve api:1.4.2 --to prod --key ada.pem --reason "tested"',
    },
    {
      description: 'Approve for a week, with an encrypted key',
      command: `dray approve api:1.4.2 --to prod --expires 7d \\
    --key ada.pem --password-env ADA_PASSWORD`,
    },
    {
      description: 'Reject a version, or withdraw an approval',
      command: `dray approve api:1.4.2 --to prod --key ada.pem \\
    --reject --reason "fails under load"`,
    },
    {
      description: 'Create an encrypted key and its public half',
      command: `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 \\
    -aes-256-cbc -out ada.pem
openssl pkey -in ada.pem -pubout -out ada.pub`,
    },
  ]
  static override strict = false
  static override usage = 'approve IMAGE... --to ENV --key FILE'
  static override flags = {
    to: string({
      summary: 'Environment that the decision is for.',
      helpValue: 'ENV',
      helpGroup: flagGroups.target,
      required: true,
    }),
    from: string({
      summary: 'Environment of the images (default: promoteFrom).',
      helpValue: 'ENV',
      helpGroup: flagGroups.target,
    }),
    reject: boolean({ summary: 'Reject the images.', helpGroup: flagGroups.target }),
    expires: string({
      summary: 'End of the decision: 7d, or 2027-01-31.',
      helpValue: 'TIME',
      helpGroup: flagGroups.target,
    }),
    key: string({
      summary: 'Private key of the person who decides.',
      helpValue: 'FILE',
      helpGroup: flagGroups.evidence,
      required: true,
    }),
    'password-env': string({
      summary: 'Variable with the password of the key.',
      helpValue: 'NAME',
      helpGroup: flagGroups.evidence,
    }),
    ...flagsOfApproval,
  }

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(Approve)
    const { to, from, key, reject, expires, 'password-env': passwordEnv } = flags
    const { runApproval } = await import('../cli/approvals/run-approval.ts')
    await runApproval(
      { references: argv as string[], to, from, key, passwordEnv, reject, expires },
      this.portsFor({ ...flags, report: undefined }),
    )
  }
}
