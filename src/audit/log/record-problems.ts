import { isRecord } from '../../oci/json.ts'

/** The kind of a problem of a line. All kinds but `stray` are damage or tampering. */
export type LogProblemKind =
  | 'changed'
  | 'copied'
  | 'inserted'
  | 'invalid'
  | 'moved'
  | 'removed'
  | 'repeated'
  | 'stray'

/** The problem of a log at its first bad line. */
export interface LogProblem {
  readonly kind: LogProblemKind
  /** from 1; the first missing line for `removed` */
  readonly line: number
  /** of the line's first byte */
  readonly offset: number
  readonly why: string
  /** one action, if it is not the same for every problem */
  readonly hint?: string
}

const phases = new Set(['intent', 'outcome', 'refused', 'recovered'])
const results = new Set(['done', 'unchanged', 'conflict', 'failed'])
const optionalStrings = ['reason', 'ticket', 'image', 'rule', 'resolvedBy', 'bundle', 'commit'] as const
const hash = /^sha256:[0-9a-f]{64}$/
const digest = /^sha(?:256:[0-9a-f]{64}|512:[0-9a-f]{128})$/

/**
 * Returns the problem of the fields of a record by `dray.audit/1`, or undefined. Written by hand
 * because a log has millions of records. Accepts unknown fields, which later versions may write.
 */
export function findRecordProblem(value: unknown): string | undefined {
  if (!isRecord(value)) return 'it is not an object'
  if (value['schema'] !== 'dray.audit/1') return 'its schema is not dray.audit/1'
  const { id, run, time, phase } = value
  if (!isText(id)) return 'it has no id'
  if (!isText(run)) return 'it has no run'
  if (typeof time !== 'string' || Number.isNaN(Date.parse(time))) return 'it has no time'
  if (typeof phase !== 'string' || !phases.has(phase)) return 'its phase is unknown'
  if (phase === 'recovered') return findRecoveredProblem(value)
  return findCommonProblem(value) ?? findPhaseProblem(value)
}

function findRecoveredProblem({ torn, writtenBy }: Record<string, unknown>): string | undefined {
  if (typeof torn !== 'string') return 'it has no torn bytes'
  return writtenBy === undefined || isText(writtenBy) ? undefined : 'its writtenBy is not a string'
}

function findCommonProblem(value: Record<string, unknown>): string | undefined {
  const { operation, plan, policy, actor, tool } = value
  if (!isText(operation)) return 'it has no operation'
  if (!isHash(plan)) return 'it has no hash of a plan'
  // The hash of the policy is empty if the plan was made without a policy.
  if (typeof policy !== 'string' || (policy !== '' && !hash.test(policy))) return 'it has no hash of a policy'
  if (!isRecord(actor) || !isText(actor['user']) || !isText(actor['host'])) return 'it has no actor'
  if (!isText(tool)) return 'it has no version of dray'
  const wrong = optionalStrings.find((name) => value[name] !== undefined && typeof value[name] !== 'string')
  return wrong === undefined ? undefined : `its ${wrong} is not a string`
}

function findPhaseProblem(value: Record<string, unknown>): string | undefined {
  const { phase, step, result, error, before, after } = value
  if (!isDigestOrNull(before)) return 'its before is not a digest'
  if (!isDigestOrNull(after)) return 'its after is not a digest'
  if (error !== undefined && (!isRecord(error) || !isText(error['code']))) return 'its error is invalid'
  if (result !== undefined && !(typeof result === 'string' && results.has(result)))
    return 'its result is unknown'
  if (step === undefined) return phase === 'refused' ? undefined : 'it has no step'
  return isRecord(step) && isText(step['id']) && isText(step['kind']) ? undefined : 'its step is invalid'
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

function isHash(value: unknown): boolean {
  return typeof value === 'string' && hash.test(value)
}

/** Undefined is valid too. */
function isDigestOrNull(value: unknown): boolean {
  return value === undefined || value === null || (typeof value === 'string' && digest.test(value))
}
