import { string } from '@oclif/core/flags'
import type { Verification } from '../../audit/verify/verification.ts'
import { logFlag } from '../../cli/audit/audit-flags.ts'
import { BaseCommand } from '../../cli/command/base-command.ts'
import { flagGroups } from '../../cli/help/flag-groups.ts'
import { inRepository, openCheckpoints } from '../../cli/audit/checkpoints.ts'
import { exitCodes } from '../../cli/command/exit-codes.ts'
import { keepHeapSmall } from '../../cli/wiring/small-heap.ts'
import { formatBytes } from '../../render/text/format.ts'
import { renderVerification } from '../../render/views/verification.ts'

export default class AuditVerify extends BaseCommand {
  static override summary = 'Verify that the audit log was not changed.'
  static override description = `dray checks the number, the hash and the fields of every line, and the head of the log. It also checks that no record occurs twice. If a check fails, dray names the first bad line and exits with 1.

With \`--checkpoint\`, dray also verifies that the log still begins with the records that were signed. Without a checkpoint, dray cannot detect a new log by a person who can write to the folder.

- \`--checkpoint oci\` uses the newest checkpoint in the repository.
- Without \`--key\`, dray uses the public half of audit.sign.key in dray.yaml.
- Without \`--name\`, dray uses audit.sign.name, or a name made from the name of this machine.
- Without \`--repository\`, dray uses audit.repository.`
  static override examples = [
    { description: 'Verify the audit log', command: 'dray audit verify' },
    {
      description: 'Compare the log with a checkpoint that is stored elsewhere',
      command: 'dray audit verify --checkpoint monday.txt --key audit.pub.pem',
    },
    {
      description: 'Compare the log with the newest checkpoint in audit.repository',
      command: 'dray audit verify --checkpoint oci --key audit.pub.pem',
    },
  ]
  static override flags = {
    checkpoint: string({
      summary: 'Checkpoint that the log must begin with.',
      helpValue: `FILE|${inRepository}`,
      helpGroup: flagGroups.audit,
      multiple: true,
      multipleNonGreedy: true,
    }),
    key: string({
      summary: 'Public key (PEM file) or verifier key of checkpoints.',
      helpValue: 'FILE|KEY',
      helpGroup: flagGroups.audit,
      multiple: true,
      multipleNonGreedy: true,
    }),
    name: string({
      summary: 'Name of the log in its checkpoints.',
      helpValue: 'NAME',
      helpGroup: flagGroups.audit,
    }),
    repository: string({
      summary: 'Repository with the checkpoints.',
      helpValue: 'REPOSITORY',
      helpGroup: flagGroups.audit,
    }),
    ...logFlag,
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(AuditVerify)
    keepHeapSmall()
    const path = await this.context.auditPath(flags['audit-file'])
    const checkpoints = await openCheckpoints(flags.checkpoint ?? [], flags, this.context, this.call)
    const { isWhole, verifyWithCheckpoints } = await import('../../audit/verify/verification.ts')
    const verification = await verifyWithCheckpoints(
      path,
      checkpoints,
      {
        clock: this.context.clock,
        onProgress: (what, done, all) => {
          const doing = what === 'verify' ? 'Verifying' : 'Comparing with the checkpoint'
          this.report(`${doing}: ${formatBytes(done)} of ${formatBytes(all)}`)
        },
      },
      this.call.signal,
    )
    const exitCode = isWhole(verification) ? exitCodes.done : exitCodes.failed
    this.finish(documentOf(verification), (page) => renderVerification(verification, page), exitCode)
  }
}

/** The document for `--json`. */
function documentOf({ results, log, report }: Verification): unknown {
  const { backward, counts, end, head, open, problem, span, torn } = report
  return {
    log,
    // Records before the first bad line.
    records: problem === undefined ? end.seq : problem.line - 1,
    hash: problem === undefined ? end.hash : null,
    first: span?.first ?? null,
    last: problem === undefined ? (span?.last ?? null) : null,
    problem: problem ?? null,
    head,
    torn,
    backward: backward ?? null,
    counts,
    open: { alive: open.alive.map(({ record }) => record), lost: open.lost.map(({ record }) => record) },
    checkpoints: results.map(({ checkpoint, ...rest }) => ({
      ...rest,
      origin: checkpoint.origin,
      size: checkpoint.size,
      root: checkpoint.root.toString('base64'),
    })),
  }
}
