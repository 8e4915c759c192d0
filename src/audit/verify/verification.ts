import type { Clock } from '../../lib/clock.ts'
import { DrayError } from '../../lib/errors.ts'
import { type Checkpoint, compareCheckpoints, type CheckpointResult } from '../checkpoint/checkpoint.ts'
import { linesOf } from '../query/log-lines.ts'
import { type LogReport, type VerifyOptions, verifyLog } from './verify-log.ts'

export interface KnownCheckpoint {
  readonly checkpoint: Checkpoint
  /** the file, or the repository with the tag */
  readonly source: string
}

/** How the log compares with a known checkpoint. */
export type ComparedCheckpoint = CheckpointResult & Pick<KnownCheckpoint, 'source'>

/** The verification of a log by itself and against checkpoints. */
export interface Verification {
  readonly log: string
  readonly report: LogReport
  readonly results: readonly ComparedCheckpoint[]
}

export interface VerificationOptions {
  readonly clock: Clock
  /** called several times a second, in bytes */
  readonly onProgress: (what: 'verify' | 'compare', done: number, all: number) => void
}

/** Verifies the log at `path` and compares it with each checkpoint. @throws `not-found`, `io`. */
export async function verifyWithCheckpoints(
  path: string,
  checkpoints: readonly KnownCheckpoint[],
  { clock, onProgress }: VerificationOptions,
  signal: AbortSignal,
): Promise<Verification> {
  const onVerified = (done: number, all: number): void => onProgress('verify', done, all)
  const report = await verifyLog(path, { clock, onProgress: onVerified }, signal)
  if (checkpoints.length === 0) return { log: path, report, results: [] }
  const lines = linesOf(path, signal, (done, all) => onProgress('compare', done, all))
  const found = await compareCheckpoints(
    checkpoints.map(({ checkpoint }) => checkpoint),
    lines,
  )
  const results = found.flatMap((result, i) => {
    const known = checkpoints[i]
    return known === undefined ? [] : [{ ...result, source: known.source }]
  })
  return { log: path, report, results }
}

/** @throws `corrupt`, with the hint, if something is wrong with the log; `not-found`, `io`. */
export async function requireIntactLog(
  path: string,
  { hint, ...options }: VerifyOptions & { readonly hint: string },
  signal: AbortSignal,
): Promise<void> {
  const { problem } = await verifyLog(path, options, signal)
  if (problem === undefined) return
  const message = `line ${problem.line} of ${path} is not valid`
  throw new DrayError('corrupt', message, { subject: path, why: problem.why, hint })
}

/** Whether the log and its checkpoints have no problem. */
export function isWhole({ report, results }: Pick<Verification, 'report' | 'results'>): boolean {
  return report.problem === undefined && results.every(({ state }) => state === 'kept')
}
