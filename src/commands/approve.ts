import { boolean, string } from '@oclif/core/flags'
import { changeFlags } from '../cli/command/change-flags.ts'
import { outputFlag } from '../cli/command/global-flags.ts'
import { ChangeCommand } from '../cli/changes/change-command.ts'
import { runApproval } from '../cli/approvals/run-approval.ts'
import { flagGroups } from '../cli/help/flag-groups.ts'

export default class Approve extends ChangeCommand {
  static override summary = 'Approve images for an environment.'
  static override description = `dray attaches a signed decision about the digest of each image, in the repository in which it is now. A gate of the kind \`approvals\` counts the newest decision of each person.

IMAGE is \`NAME:TAG\` in the environment of \`--from\` or promoteFrom, \`@ENV/NAME:TAG\`, or a reference.

- An approval is about a digest and an environment. It does not count for another image under the same tag.
- \`--reject\` withdraws an approval. One rejection fails the gate until the same person approves.
- The key is that of a person in \`approvers\` of dray.yaml: PEM, ECDSA P-256 or Ed25519. \`cosign attest --type urn:dray:approval:v1\` writes decisions with other keys.`
  static override examples = [
    {
      description: 'Approve a version for prod',
      command: 'dray approve api:1.4.2 --to prod --key ada.pem --reason "tested in staging"',
    },
    {
      description: 'Approve for a week, with an encrypted key',
      command: 'dray approve api:1.4.2 --to prod --key ada.pem --password-env ADA_PASSWORD --expires 7d',
    },
    {
      description: 'Reject a version, or withdraw an approval',
      command: 'dray approve api:1.4.2 --to prod --key ada.pem --reject --reason "fails under load"',
    },
    {
      description: 'Create a key and its public half',
      command: `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -aes-256-cbc -out ada.pem
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
    key: string({
      summary: 'Private key of the person who decides (PEM).',
      helpValue: 'FILE',
      helpGroup: flagGroups.audit,
      required: true,
    }),
    'password-env': string({
      summary: 'Variable with the password of the key.',
      helpValue: 'NAME',
      helpGroup: flagGroups.audit,
    }),
    reject: boolean({ summary: 'Reject the images.', helpGroup: flagGroups.target }),
    expires: string({
      summary: 'End of the decision: 7d, or 2027-01-31.',
      helpValue: 'TIME',
      helpGroup: flagGroups.target,
    }),
    yes: changeFlags.yes,
    'dry-run': boolean({ summary: 'Show the decision and attach nothing.', helpGroup: flagGroups.safety }),
    'audit-file': changeFlags['audit-file'],
    reason: string({
      summary: 'Reason for the decision.',
      helpValue: 'TEXT',
      helpGroup: flagGroups.audit,
      env: 'DRAY_REASON',
    }),
    ticket: changeFlags.ticket,
    actor: changeFlags.actor,
    ...outputFlag('name', 'digest'),
  }

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(Approve)
    const { document, text, exitCode, lines, auditLog } = await runApproval(argv as string[], flags, {
      context: this.context,
      call: this.call,
      reading: this.reading,
      stop: this.stop,
      page: this.errorPage,
      warn: (warning) => this.warn(warning),
      show: (shown) => this.printAside(shown),
      ask: (question) => this.ask(question),
    })
    this.finish(document, text, exitCode, lines)
    if (auditLog !== undefined) this.say(`Audit log: ${auditLog}`)
  }
}
