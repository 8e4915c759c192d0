import { stat } from 'node:fs/promises'
import { endOfDay } from '../../lib/day.ts'
import { DrayError, formatCause, toErrorInfo } from '../../lib/errors.ts'
import { ifThere } from '../../lib/files/io-error.ts'
import { holdPredicateType } from '../../images/holds/hold-tag.ts'
import type { Digest } from '../../oci/digest.ts'
import type { RepositoryName } from '../../oci/reference.ts'
import { parseEntry } from '../log/chain.ts'
import { findEntryProblem } from '../log/entry-problems.ts'
import type { Actor, AuditRecord, StatementStep } from '../log/record.ts'
import { linesOf } from '../query/log-lines.ts'

/** A hold of this audit log that no run of it has ended. */
export interface OpenHold {
  readonly repository: RepositoryName
  readonly digest: Digest
  readonly run: string
  readonly actor: Actor
  /** ISO 8601, UTC */
  readonly time: string
  readonly reason?: string
  readonly ticket?: string
  readonly expires?: string
}

export interface OpenHoldsOptions {
  /** returns one text for all names of a repository */
  readonly identify: (repository: RepositoryName) => string
  /** milliseconds since 1970 */
  readonly now: number
  readonly signal: AbortSignal
}

/** Other lines are not parsed. Lines have the exact bytes that dray wrote. */
const ofHold = Buffer.from('"operation":"hold"')

/**
 * Reads the audit log at `path` once, and returns its open holds by the identity of their
 * repository. A log that does not exist has none.
 * @throws `audit` if the log cannot be read, or a record of a hold in it is damaged
 */
export async function readOpenHolds(
  path: string,
  { identify, now, signal }: OpenHoldsOptions,
): Promise<ReadonlyMap<string, readonly OpenHold[]>> {
  const open = new Map<string, OpenHold>()
  try {
    if ((await ifThere(stat(path), path)) === undefined) return new Map()
    for await (const lines of linesOf(path, signal)) {
      for (const line of lines) {
        if (!line.raw.includes(ofHold) || line.state === 'torn') continue
        const entry = parseEntry(line)
        const problem = entry === undefined ? 'it is no record' : findEntryProblem(entry)
        if (entry === undefined || problem !== undefined)
          throw new DrayError('audit', `the record of a hold at byte ${line.offset} is damaged: ${problem}`)
        if (entry.phase === 'outcome') applyRecord(entry, open, identify)
      }
    }
  } catch (error) {
    signal.throwIfAborted()
    throw unreadable(path, error)
  }
  const unexpired = [...open.values()].filter(({ expires }) => {
    const end = expires === undefined ? undefined : endOfDay(expires)
    return end === undefined || now < end
  })
  return Map.groupBy(unexpired, ({ repository }) => identify(repository))
}

/** A hold opens with its record, and a release ends it. */
function applyRecord(
  record: AuditRecord,
  open: Map<string, OpenHold>,
  identify: OpenHoldsOptions['identify'],
): void {
  const { step, result, run, actor, time, reason, ticket } = record
  if (result !== 'done' && result !== 'unchanged') return
  if (!isHoldStep(step)) return
  const { repository, subject, decision, expires } = step
  const key = `${identify(repository)}@${subject.digest}`
  if (decision === 'release') open.delete(key)
  else if (result === 'done') {
    open.set(key, {
      repository,
      digest: subject.digest,
      run,
      actor,
      time,
      ...(reason !== undefined && { reason }),
      ...(ticket !== undefined && { ticket }),
      ...(expires !== undefined && { expires }),
    })
  }
}

function isHoldStep(step: AuditRecord['step']): step is StatementStep {
  return step?.kind === 'attest' && 'predicateType' in step && step.predicateType === holdPredicateType
}

function unreadable(path: string, error: unknown): DrayError {
  return new DrayError('audit', 'cannot read the holds of images from the audit log', {
    subject: path,
    why: `${formatCause(toErrorInfo(error))}. Without them, dray could delete an image that is held`,
    hint: 'Find the problem: dray audit verify. To use another log, pass --audit-file.',
    cause: error,
  })
}
