import { DrayError } from '../../lib/errors.ts'
import { advance, isNext, startOfChain } from '../log/chain.ts'
import { decodeBase64 } from '../../signing/base64.ts'
import { followChain, type LogLines } from '../query/log-lines.ts'
import { MerkleTree } from '../../signing/merkle.ts'
import type { NoteSigner, NoteVerifier } from '../../signing/note-keys.ts'
import { formatNote, openNote, signNote } from '../../signing/signed-note.ts'

const rootSize = 32

/** The first `size` lines of a log as one hash (C2SP tlog-checkpoint). */
export interface Checkpoint {
  /** identifies the log; does not change while the log grows */
  readonly origin: string
  readonly size: number
  /** RFC 6962 root over the exact bytes of the lines, without line breaks */
  readonly root: Buffer
}

/** How a log compares with an earlier checkpoint. */
export type CheckpointResult =
  /** the log begins with the same lines */
  | { readonly checkpoint: Checkpoint; readonly state: 'kept'; readonly lines: number }
  /** `missing` lines were removed from the end */
  | {
      readonly checkpoint: Checkpoint
      readonly state: 'cut'
      readonly lines: number
      readonly missing: number
      readonly brokenAt?: number
    }
  /** a line was changed or moved, but none up to `keptUpTo`, which another checkpoint covers */
  | {
      readonly checkpoint: Checkpoint
      readonly state: 'changed'
      readonly lines: number
      readonly keptUpTo: number
      /** the first line, from 1, with a wrong `prev`; absent if the chain was rebuilt */
      readonly brokenAt?: number
    }

/** Makes the checkpoint of a log, in constant memory. @throws `corrupt` if its chain is broken. */
export async function makeCheckpoint(origin: string, lines: LogLines, where: string): Promise<Checkpoint> {
  const tree = new MerkleTree()
  for await (const { raw } of followChain(lines, where)) tree.add(raw)
  return { origin, size: tree.size, root: tree.root() }
}

/** The signed text of a checkpoint, for a file. @throws `config` for an invalid origin. */
export function signCheckpoint(checkpoint: Checkpoint, signer: NoteSigner): string {
  return formatNote(signNote(formatCheckpoint(checkpoint), signer))
}

/** Reads a checkpoint that one of the keys signed. @throws see `openNote`. */
export function openCheckpoint(
  bytes: Uint8Array,
  verifiers: readonly NoteVerifier[],
  where: string,
): Checkpoint {
  return parseCheckpoint(openNote(bytes, verifiers, where), where)
}

/**
 * The text of a note: origin, size and root, each on its line. @throws `config` for an origin that
 * does not fit on a line.
 */
export function formatCheckpoint({ origin, size, root }: Checkpoint): string {
  // oxlint-disable-next-line no-control-regex -- it refuses control characters
  if (origin === '' || !origin.isWellFormed() || /[\u0000-\u001f]/.test(origin)) {
    throw new DrayError('config', `${JSON.stringify(origin.slice(0, 200))} is not a valid origin of a log`, {
      hint: 'Use a name on one line, such as example.com/audit.',
    })
  }
  return `${origin}\n${size}\n${root.toString('base64')}\n`
}

/** Parses the text of a note and ignores extension lines. @throws `malformed`. */
export function parseCheckpoint(text: string, where: string): Checkpoint {
  const [origin, size, root, ...extensions] = text.split('\n').slice(0, -1)
  const hash = root === undefined ? undefined : decodeBase64(root)
  const isWhole =
    origin !== undefined &&
    origin !== '' &&
    size !== undefined &&
    /^(?:0|[1-9]\d{0,15})$/.test(size) &&
    Number.isSafeInteger(Number(size)) &&
    hash?.byteLength === rootSize &&
    !extensions.includes('')
  if (!isWhole) {
    throw new DrayError('malformed', `${where} is a signed note, but not a checkpoint`, {
      subject: where,
      why: 'a checkpoint has its origin, its size and its root on separate lines',
    })
  }
  return { origin, size: Number(size), root: hash }
}

/**
 * Compares a log with its checkpoints, in one pass and constant memory. Several checkpoints narrow
 * down where the log was changed. Returns the results in the order of the checkpoints. The caller
 * checks that `origin` is that of the log.
 */
export async function compareCheckpoints(
  checkpoints: readonly Checkpoint[],
  lines: LogLines,
): Promise<readonly CheckpointResult[]> {
  const sizes = new Set(checkpoints.map(({ size }) => size))
  const roots = new Map<number, Buffer>()
  const tree = new MerkleTree()
  let position = startOfChain
  let brokenAt: number | undefined
  const note = (): void => void (sizes.has(tree.size) && roots.set(tree.size, tree.root()))
  note()
  for await (const batch of lines) {
    for (const { raw, state } of batch) {
      if (state === 'torn') continue
      if (brokenAt === undefined && isNext(raw, position)) position = advance(position, raw)
      else brokenAt ??= tree.size + 1
      tree.add(raw)
      note()
    }
  }
  return results(checkpoints, roots, { lines: tree.size, brokenAt })
}

function results(
  checkpoints: readonly Checkpoint[],
  roots: ReadonlyMap<number, Buffer>,
  log: { readonly lines: number; readonly brokenAt: number | undefined },
): readonly CheckpointResult[] {
  const isKept = ({ size, root }: Checkpoint): boolean => roots.get(size)?.equals(root) === true
  const keptSizes = checkpoints.filter(isKept).map(({ size }) => size)
  return checkpoints.map((checkpoint): CheckpointResult => {
    const { size } = checkpoint
    const { lines } = log
    const broken = log.brokenAt !== undefined && log.brokenAt <= size ? { brokenAt: log.brokenAt } : {}
    if (isKept(checkpoint)) return { checkpoint, state: 'kept', lines }
    if (lines < size) return { checkpoint, state: 'cut', lines, missing: size - lines, ...broken }
    const keptUpTo = Math.max(0, ...keptSizes.filter((kept) => kept < size))
    return { checkpoint, state: 'changed', lines, keptUpTo, ...broken }
  })
}
