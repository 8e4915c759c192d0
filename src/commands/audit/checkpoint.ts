import { boolean, string } from '@oclif/core/flags'
import type { NoteSigner } from '../../signing/note-keys.ts'
import { logFlag } from '../../cli/audit/audit-flags.ts'
import { BaseCommand } from '../../cli/command/base-command.ts'
import { flagGroups } from '../../cli/help/flag-groups.ts'
import { checkpointRepository, checkpointSigner, logName } from '../../cli/audit/checkpoints.ts'
import { type MadeCheckpoint, makeSignedCheckpoint, pushSigned } from '../../cli/audit/make-checkpoint.ts'
import { keepHeapSmall } from '../../cli/wiring/small-heap.ts'
import { writeFileAtomic } from '../../lib/files/atomic.ts'
import type { RepositoryName } from '../../oci/reference.ts'
import { escapeText } from '../../render/text/escape.ts'
import { formatBytes, formatCount } from '../../render/text/format.ts'

interface Pushed {
  readonly reference: string
  readonly result: 'pushed' | 'unchanged'
}

export default class AuditCheckpoint extends BaseCommand {
  static override summary = 'Sign the current state of the audit log.'
  static override description = `dray verifies the log and writes a checkpoint: the number of records and the hash of all of them, signed (C2SP tlog-checkpoint). Later, \`dray audit verify --checkpoint\` shows whether the log still begins with these records. Keep checkpoints in a location to which the writers of the log have no write access.

With \`--push\`, dray signs only if the log still begins with the newest checkpoint in the repository.

- Without \`--sign-key\`, dray uses audit.sign.key in dray.yaml. The key must be an Ed25519 key.
- Without \`--name\`, dray uses audit.sign.name, or a name made from the name of this machine.
- Without \`--repository\`, dray uses audit.repository.
- Without \`--out\` and \`--push\`, dray prints the checkpoint.`
  static override examples = [
    {
      description: 'Write a checkpoint to a file',
      command: 'dray audit checkpoint --sign-key audit.pem --out monday.txt',
    },
    {
      description: 'Create the key and its public half',
      command: `openssl genpkey -algorithm ed25519 -out audit.pem
openssl pkey -in audit.pem -pubout -out audit.pub.pem`,
    },
    {
      description: 'Push a checkpoint, with the key and repository of dray.yaml',
      command: 'dray audit checkpoint --push',
    },
  ]
  static override flags = {
    out: string({
      summary: 'Write the checkpoint to a file.',
      helpValue: 'FILE',
      helpGroup: flagGroups.audit,
    }),
    push: boolean({
      summary: 'Push the checkpoint to a repository.',
      helpGroup: flagGroups.audit,
    }),
    'sign-key': string({
      summary: 'Private key to sign with (Ed25519, PEM).',
      helpValue: 'FILE',
      helpGroup: flagGroups.audit,
    }),
    name: string({
      summary: 'Name of the log in the checkpoint.',
      helpValue: 'NAME',
      helpGroup: flagGroups.audit,
    }),
    repository: string({
      summary: 'Repository to push to.',
      helpValue: 'REPOSITORY',
      helpGroup: flagGroups.audit,
      dependsOn: ['push'],
    }),
    ...logFlag,
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(AuditCheckpoint)
    keepHeapSmall()
    const path = await this.context.auditPath(flags['audit-file'])
    const { config } = await this.context.config()
    const signer = await checkpointSigner(flags['sign-key'], logName(flags.name, config.audit), this.context)
    const to = flags.push ? checkpointRepository(flags.repository, config) : undefined
    const made = await this.#make(path, signer, to)
    if (flags.out !== undefined) await writeFileAtomic(flags.out, made.note)
    const pushed = to === undefined ? undefined : await pushSigned(made.note, to, this.context, this.call)
    this.#show(made, flags.out, pushed)
  }

  async #make(path: string, signer: NoteSigner, to: RepositoryName | undefined): Promise<MadeCheckpoint> {
    const onProgress = (done: number, all: number): void =>
      this.report(`Verifying: ${formatBytes(done)} of ${formatBytes(all)}`)
    return await makeSignedCheckpoint(path, signer, to, this.context, { call: this.call, onProgress })
  }

  #show(made: MadeCheckpoint, out: string | undefined, pushed: Pushed | undefined): void {
    const { checkpoint, note, verifierKey } = made
    const { origin, size, root } = checkpoint
    const document = {
      origin,
      size,
      root: root.toString('base64'),
      note,
      verifierKey,
      file: out ?? null,
      pushed: pushed ?? null,
    }
    const isFiled = out !== undefined || pushed !== undefined
    this.finish(document, () => (isFiled ? '' : note.slice(0, -1)))
    // The note alone is on stdout: it can be redirected to a file.
    this.say(
      `Checkpoint of ${formatCount(size, 'record')} of ${escapeText(origin)}${formatDestinations(out, pushed)}`,
    )
    this.say(this.errorPage.style.dim(`Verifier key: ${escapeText(verifierKey)}`))
  }
}

function formatDestinations(out: string | undefined, pushed: Pushed | undefined): string {
  const destinations = [
    ...(out === undefined ? [] : [`in ${escapeText(out)}`]),
    ...(pushed === undefined
      ? []
      : [
          `${pushed.result === 'pushed' ? 'pushed to' : 'already present in'} ${escapeText(pushed.reference)}`,
        ]),
  ]
  return destinations.length === 0 ? '.' : `: ${destinations.join(', ')}`
}
