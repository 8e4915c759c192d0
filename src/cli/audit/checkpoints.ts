import { hostname } from 'node:os'
import { type Checkpoint, openCheckpoint } from '../../audit/checkpoint/checkpoint.ts'
import { newestCheckpoint } from '../../audit/checkpoint/checkpoint-artifact.ts'
import { type NoteSigner, noteSigner, type NoteVerifier, readNoteVerifier } from '../../signing/note-keys.ts'
import { parseNote } from '../../signing/signed-note.ts'
import { readKeyFile, type SigningKey } from '../../signing/signing-keys.ts'
import { loadPrivateKey } from '../wiring/private-key.ts'
import type { KnownCheckpoint } from '../../audit/verify/verification.ts'
import type { Call } from '../../lib/call.ts'
import type { AuditConfig, Config } from '../../config/config.ts'
import { DrayError } from '../../lib/errors.ts'
import { readFileBounded } from '../../lib/files/read.ts'
import { formatRepository, type RepositoryName } from '../../oci/reference.ts'
import type { Context } from '../wiring/context.ts'
import { onlyRepository, resolveImage } from '../../config/resolver/resolve.ts'

/** Stands for the newest checkpoint in the repository instead of a file. */
export const inRepository = 'oci'
/** Larger than any checkpoint. */
const maxNoteSize = 1024 * 1024

/** The name of a log in its checkpoints: the flag, the configuration, or a name with the host. */
export function logName(flag: string | undefined, { sign }: AuditConfig): string {
  return flag ?? sign?.name ?? `${hostname()}/dray-audit`
}

/** The key that signs checkpoints. @throws `usage` if there is none; `config`, `io`. */
export async function checkpointSigner(
  keyFile: string | undefined,
  name: string,
  context: Context,
): Promise<NoteSigner> {
  const key = await signingKey(keyFile, context)
  if (key === undefined) {
    throw new DrayError('usage', 'cannot sign the checkpoint', {
      why: 'neither --sign-key nor audit.sign.key in dray.yaml names a key',
      hint: 'Pass an Ed25519 key in PEM with --sign-key. To create one, run: openssl genpkey -algorithm ed25519 -out key.pem',
    })
  }
  return noteSigner(name, key)
}

async function signingKey(keyFile: string | undefined, context: Context): Promise<SigningKey | undefined> {
  if (keyFile === undefined) return await context.signingKey()
  const { passwordEnv } = (await context.config()).config.audit.sign ?? {}
  return await loadPrivateKey(keyFile, passwordEnv, context.env)
}

/** The repository for checkpoints. @throws `usage` if none or several are named. */
export function checkpointRepository(flag: string | undefined, config: Config): RepositoryName {
  if (flag !== undefined)
    return onlyRepository(resolveImage(flag, { accepts: ['repository', 'layout'] }, config))
  if (config.audit.repository !== undefined) return config.audit.repository
  throw new DrayError('usage', 'the repository for checkpoints is not set', {
    why: 'neither --repository nor audit.repository in dray.yaml names one',
    hint: 'Pass it with --repository.',
  })
}

/** The options that select checkpoints and their keys. */
interface CheckpointFlags {
  readonly key: readonly string[] | undefined
  readonly name: string | undefined
  readonly repository: string | undefined
}

/**
 * Opens the checkpoints that the values of `--checkpoint` name.
 * @throws `not-found`; `refused` for a checkpoint of another log; see `openCheckpoint`.
 */
export async function openCheckpoints(
  values: readonly string[],
  flags: CheckpointFlags,
  context: Context,
  call: Call,
): Promise<readonly KnownCheckpoint[]> {
  if (values.length === 0) return []
  const { config } = await context.config()
  const keys = await readCheckpointKeys(flags.key ?? [], context)
  const known: KnownCheckpoint[] = []
  for (const value of values) {
    if (value === inRepository) {
      const repository = checkpointRepository(flags.repository, config)
      const name = logName(flags.name, config.audit)
      const newest = await checkpointOfRepository(repository, name, keys, context, call)
      if (newest === undefined) throw noCheckpoint(formatRepository(repository), name)
      known.push(newest)
    } else known.push(await checkpointOfFile(value, keys))
  }
  const expectedName = flags.name ?? config.audit.sign?.name
  const foreign = known.find(
    ({ checkpoint }) => expectedName !== undefined && checkpoint.origin !== expectedName,
  )
  if (foreign !== undefined) throw ofAnotherLog(foreign, expectedName ?? '')
  return known
}

function noCheckpoint(repository: string, name: string): DrayError {
  return new DrayError('not-found', `the repository has no checkpoint of ${name}`, {
    subject: repository,
    why: 'no checkpoint in the repository has this name of a log',
    hint: 'Pass the name of the log in its checkpoints with --name. To write a checkpoint, run: dray audit checkpoint --push',
  })
}

function ofAnotherLog({ checkpoint, source }: KnownCheckpoint, name: string): DrayError {
  return new DrayError('refused', `the checkpoint is of another log than ${name}`, {
    subject: source,
    why: `its log is ${checkpoint.origin}`,
    hint: `Pass the name of the log in the checkpoint: --name ${checkpoint.origin}`,
  })
}

/**
 * Reads the values of `--key`: a PEM file, a file with a verifier key, or the verifier key itself.
 * @throws `usage` if there is none; `config`, `io`.
 */
async function readCheckpointKeys(
  values: readonly string[],
  context: Context,
): Promise<readonly CheckpointKey[]> {
  const given = await Promise.all(
    values.map(async (value) =>
      /^[^+]+\+[0-9a-f]{8}\+./.test(value)
        ? { text: value, subject: '--key' }
        : { text: await readKeyFile(value), subject: value },
    ),
  )
  if (given.length > 0) return given
  const own = await context.signingKey()
  if (own === undefined) {
    throw new DrayError('usage', 'cannot verify the checkpoint', {
      why: 'neither --key nor audit.sign.key in dray.yaml names a key',
      hint: 'Pass the public key of the signer with --key: a PEM file, or the verifier key that "dray audit checkpoint" prints.',
    })
  }
  return [{ text: own.publicKeyPem, subject: 'audit.sign.key' }]
}

interface CheckpointKey {
  readonly text: string
  readonly subject: string
}

/** Opens a checkpoint in a file. @throws `not-found`; see `openCheckpoint`. */
async function checkpointOfFile(path: string, keys: readonly CheckpointKey[]): Promise<KnownCheckpoint> {
  const bytes = await readFileBounded(path, maxNoteSize)
  if (bytes === undefined) {
    throw new DrayError('not-found', 'cannot read the checkpoint', {
      subject: path,
      why: 'the file does not exist',
      hint: `Pass a file, or "${inRepository}" for the newest checkpoint in the repository.`,
    })
  }
  return { checkpoint: open(bytes, keys, path), source: path }
}

/**
 * Opens the newest checkpoint of a log with this name, or undefined. @throws see `openCheckpoint`.
 */
export async function checkpointOfRepository(
  repository: RepositoryName,
  name: string,
  keys: readonly CheckpointKey[],
  context: Context,
  call: Call,
): Promise<KnownCheckpoint | undefined> {
  const stores = await context.stores()
  await context.expectRepositories([], [repository], 'read')
  const stored = await newestCheckpoint(stores.source(repository), name, call)
  if (stored === undefined) return undefined
  const source = `${formatRepository(repository)}:${stored.tag}`
  return { checkpoint: open(stored.note, keys, source), source }
}

/** A PEM key has no name, so it is checked against every signature. */
function open(bytes: Uint8Array, keys: readonly CheckpointKey[], source: string): Checkpoint {
  const { signatures } = parseNote(bytes, source)
  const verifiers = keys.flatMap(({ subject, text }): readonly NoteVerifier[] =>
    signatures.map(({ name }) => readNoteVerifier(text, name, subject)),
  )
  return openCheckpoint(bytes, verifiers, source)
}
