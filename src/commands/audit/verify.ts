import { string } from '@oclif/core/flags'
import type { Verification } from '../../audit/verify/verification.ts'
import { logFlag } from '../../cli/audit/audit-flags.ts'
import { BaseCommand } from '../../cli/command/base-command.ts'
import { inRepository, openCheckpoints } from '../../cli/audit/checkpoints.ts'
import { exitCodes } from '../../cli/command/exit-codes.ts'
import { keepHeapSmall } from '../../cli/wiring/small-heap.ts'
import { formatBytes } from '../../render/text/format.ts'
import { renderVerification } from '../../render/views/verification.ts'

export default class AuditVerify extends BaseCommand {
  static override summary = 'Prove that the log is whole, or name its first bad line.'
  static override description =
    'Checks the number and hash of every line, its fields, the head, and that nothing is there twice. With --checkpoint it also proves that the log still begins with what was signed then; without one, whoever can write to the folder could have made all of it anew. Exit code 1 where something speaks against the log.'
  static override examples = [
    { description: 'The log by itself:', command: '<%= config.bin %> audit verify' },
    {
      description: 'Held against a checkpoint that was kept elsewhere:',
      command: '<%= config.bin %> audit verify --checkpoint monday.txt --key audit.pub.pem',
    },
    {
      description: 'Held against the newest one in audit.repository:',
      command: '<%= config.bin %> audit verify --checkpoint oci --key audit.pub.pem',
    },
  ]
  static override flags = {
    checkpoint: string({
      summary: `A checkpoint: a file, or "${inRepository}" for the newest in the repository.`,
      helpValue: `FILE|${inRepository}`,
      multiple: true,
      multipleNonGreedy: true,
    }),
    key: string({
      summary:
        'Who may have signed it: a public key in PEM, or a verifier key; else the public half of audit.sign.key.',
      helpValue: 'FILE|KEY',
      multiple: true,
      multipleNonGreedy: true,
    }),
    name: string({
      summary: 'What the log is called in its checkpoints; else audit.sign.name, else after this machine.',
      helpValue: 'NAME',
    }),
    repository: string({
      summary: 'Where checkpoints are pushed to; else audit.repository.',
      helpValue: 'REPOSITORY',
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
