import {
  type Checkpoint,
  compareCheckpoints,
  makeCheckpoint,
  signCheckpoint,
} from '../../audit/checkpoint/checkpoint.ts'
import { pushCheckpoint } from '../../audit/checkpoint/checkpoint-artifact.ts'
import { linesOf } from '../../audit/query/log-lines.ts'
import { formatVkey, type NoteSigner, verifierOf } from '../../signing/note-keys.ts'
import { requireIntactLog } from '../../audit/verify/verification.ts'
import type { Call } from '../../lib/call.ts'
import { DrayError } from '../../lib/errors.ts'
import { formatRepository, type RepositoryName } from '../../oci/reference.ts'
import { checkpointOfRepository } from './checkpoints.ts'
import type { Context } from '../wiring/context.ts'

export interface MadeCheckpoint {
  readonly checkpoint: Checkpoint
  /** signed, for a file */
  readonly note: string
  /** for verification */
  readonly verifierKey: string
}

export interface MakeOptions {
  readonly call: Call
  readonly onProgress: (done: number, all: number) => void
}

/**
 * Verifies the log, compares it with the newest checkpoint in `repository`, and signs a new one.
 * @throws `corrupt` if the log is broken or does not match the checkpoint.
 */
export async function makeSignedCheckpoint(
  path: string,
  signer: NoteSigner,
  repository: RepositoryName | undefined,
  context: Context,
  { call, onProgress }: MakeOptions,
): Promise<MadeCheckpoint> {
  const options = {
    clock: context.clock,
    onProgress,
    hint: 'dray signs only a complete log. To see the problems, run: dray audit verify',
  }
  await requireIntactLog(path, options, call.signal)
  const verifierKey = formatVkey(verifierOf(signer))
  const key = { text: verifierKey, subject: 'the signing key' }
  const before =
    repository === undefined
      ? undefined
      : await checkpointOfRepository(repository, signer.name, [key], context, call)
  if (before !== undefined) {
    const [result] = await compareCheckpoints([before.checkpoint], linesOf(path, call.signal))
    if (result?.state !== 'kept') throw notAsSigned(path, before.checkpoint, before.source)
  }
  const checkpoint = await makeCheckpoint(signer.name, linesOf(path, call.signal), path)
  return { checkpoint, note: signCheckpoint(checkpoint, signer), verifierKey }
}

/**
 * Pushes a signed checkpoint. @throws `conflict` if a checkpoint of the same size has another root.
 */
export async function pushSigned(
  note: string,
  repository: RepositoryName,
  context: Context,
  call: Call,
): Promise<{ readonly reference: string; readonly result: 'pushed' | 'unchanged' }> {
  const stores = await context.stores()
  await context.expectRepositories([repository], [], 'write')
  const { tag, result } = await pushCheckpoint(stores.target(repository), note, call)
  return { reference: `${formatRepository(repository)}:${tag}`, result }
}

function notAsSigned(path: string, { size }: Checkpoint, source: string): DrayError {
  return new DrayError(
    'corrupt',
    `cannot sign ${path}: it does not begin with the ${size} records of the last checkpoint`,
    {
      subject: path,
      why: `its records do not match the checkpoint ${source}`,
      hint: 'Restore the log from a backup. If another log has the same name, pass a different name with --name.',
    },
  )
}
