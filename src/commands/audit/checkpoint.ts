import { boolean, string } from '@oclif/core/flags'
import type { NoteSigner } from '../../signing/note-keys.ts'
import { logFlag } from '../../cli/audit/audit-flags.ts'
import { BaseCommand } from '../../cli/command/base-command.ts'
import { checkpointRepository, checkpointSigner, logName } from '../../cli/audit/checkpoints.ts'
import { type MadeCheckpoint, makeSignedCheckpoint, pushSigned } from '../../cli/audit/make-checkpoint.ts'
import { keepHeapSmall } from '../../cli/wiring/small-heap.ts'
import { writeFileAtomic } from '../../lib/files/atomic.ts'
import type { RepositoryName } from '../../oci/reference.ts'
import { escapeText } from '../../render/text/escape.ts'
import { formatBytes, formatCount } from '../../render/text/format.ts'

interface Pushed {
  readonly place: string
  readonly result: 'pushed' | 'unchanged'
}

export default class AuditCheckpoint extends BaseCommand {
  static override summary = 'Sign what the log is now, to prove later that it still begins so.'
  static override description =
    'Verifies the log and writes a signed note of how many records it has and the hash of all of them, in the form of C2SP tlog-checkpoint. Keep it where those who can write to the log cannot write. With --push, a log that no longer begins with the newest checkpoint in the repository is not signed for.'
  static override examples = [
    {
      description: 'To a file, with a key that "openssl genpkey -algorithm ed25519 -out audit.pem" made:',
      command: '<%= config.bin %> audit checkpoint --sign-key audit.pem --out monday.txt',
    },
    {
      description: 'To a repository of its own, with the key of dray.yaml:',
      command: '<%= config.bin %> audit checkpoint --push',
    },
  ]
  static override flags = {
    out: string({ summary: 'Write it to a file; else to stdout.', helpValue: 'FILE' }),
    push: boolean({ summary: 'Push it to the repository as well.' }),
    'sign-key': string({
      summary: 'The private key: Ed25519, PEM; else audit.sign.key.',
      helpValue: 'FILE',
    }),
    name: string({
      summary: 'What the log is called in it; else audit.sign.name, else after this machine.',
      helpValue: 'NAME',
    }),
    repository: string({
      summary: 'Where it is pushed to; else audit.repository.',
      helpValue: 'REPOSITORY',
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
    this.say(
      `A checkpoint of ${formatCount(size, 'record')} of ${escapeText(origin)}${formatDestinations(out, pushed)}`,
    )
    this.say(this.errorPage.style.dim(`verifier key: ${escapeText(verifierKey)}`))
  }
}

function formatDestinations(out: string | undefined, pushed: Pushed | undefined): string {
  const destinations = [
    ...(out === undefined ? [] : [`in ${escapeText(out)}`]),
    ...(pushed === undefined
      ? []
      : [`${pushed.result === 'pushed' ? 'pushed to' : 'there already:'} ${escapeText(pushed.place)}`]),
  ]
  return destinations.length === 0 ? '.' : `: ${destinations.join(', ')}`
}
