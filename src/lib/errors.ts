import { explainSystemFailure, systemCause } from './system-errors.ts'

/**
 * The closed set of reasons for which dray fails. Exit codes, titles and the retries of callers
 * depend on the code alone, never on the text of a message.
 */
export const errorCodes = [
  /** The arguments or options of the command are wrong. */
  'usage',
  /** `dray.yaml`, a docker config or an environment variable is wrong. */
  'config',
  /** Text is no reference, digest, manifest, plan … */
  'malformed',
  /** The registry or the file system reports that it does not exist (404 only). */
  'not-found',
  /** 401 after all credentials */
  'unauthorized',
  /** 403 */
  'forbidden',
  /** The registry, or this version of dray, cannot do that. */
  'unsupported',
  /** Something changed since the plan was made. */
  'conflict',
  /** A rule or limit forbids it. */
  'refused',
  /** Bytes do not have the digest or size that they should have. */
  'corrupt',
  /** The registry broke the protocol. */
  'protocol',
  /** The registry is overloaded or broken (429, 5xx), after retries. */
  'unavailable',
  /** There is no connection, or it broke, after retries. */
  'network',
  /** `--timeout`, or a limit on one request */
  'timeout',
  /** Ctrl-C or SIGTERM */
  'interrupted',
  /** A person answered a confirmation with no, or left a prompt. */
  'cancelled',
  /** An audit record cannot be written. */
  'audit',
  /** a local file or folder */
  'io',
  /** a bug of dray */
  'internal',
] as const

export type ErrorCode = (typeof errorCodes)[number]

/** One mistake in a file, with its position. */
export interface FileMistake {
  /** the keys that lead to it: `environments.prod.promoteFrom[0]`; empty for the whole file */
  readonly path: string
  /** from 1 */
  readonly line: number
  /** from 1 */
  readonly column: number
  readonly message: string
  /** the fix */
  readonly hint?: string
}

export interface ErrorContext {
  /** one line for each subject, if the message is about several */
  readonly details?: readonly string[] | undefined
  /** all mistakes of a file, if the error is about those */
  readonly mistakes?: readonly FileMistake[] | undefined
  /** the image, repository, digest, file or host that it happened to */
  readonly subject?: string | undefined
  /** the message of the registry or the system, unescaped */
  readonly why?: string | undefined
  /** the fix */
  readonly hint?: string | undefined
  /** HTTP status */
  readonly status?: number | undefined
  /** the registry's own error code, such as `MANIFEST_UNKNOWN` */
  readonly registryCode?: string | undefined
  readonly cause?: unknown
}

/** The only error class of dray. Three parts: `message` (what), `why` (cause), `hint` (fix). */
export class DrayError extends Error {
  override readonly name = 'DrayError'
  readonly code: ErrorCode
  readonly details: readonly string[] | undefined
  readonly mistakes: readonly FileMistake[] | undefined
  readonly subject: string | undefined
  readonly why: string | undefined
  readonly hint: string | undefined
  readonly status: number | undefined
  readonly registryCode: string | undefined

  constructor(code: ErrorCode, message: string, context: ErrorContext = {}) {
    super(message, context.cause === undefined ? undefined : { cause: context.cause })
    this.code = code
    this.details = context.details
    this.mistakes = context.mistakes
    this.subject = context.subject
    this.why = context.why
    this.hint = context.hint
    this.status = context.status
    this.registryCode = context.registryCode
  }

  /** Returns a new error with other parts. This error is its cause, unless `changes` names one. */
  with(changes: Partial<Pick<DrayError, 'code' | 'message'>> & ErrorContext): DrayError {
    const { code = this.code, message = this.message, ...context } = changes
    const { details, mistakes, subject, why, hint, status, registryCode } = this
    return new DrayError(code, message, {
      details,
      mistakes,
      subject,
      why,
      hint,
      status,
      registryCode,
      cause: this,
      ...context,
    })
  }
}

/** An error as plain data, by allowlist: for JSON, outcomes and records. */
export type ErrorInfo = Pick<DrayError, 'code' | 'message'> & {
  readonly [part in Exclude<keyof ErrorContext, 'cause'>]?: NonNullable<ErrorContext[part]>
}

export function isDrayError(error: unknown): error is DrayError {
  return error instanceof DrayError
}

const contentCodes: ReadonlySet<ErrorCode> = new Set(['not-found', 'malformed', 'corrupt', 'unsupported'])

/**
 * Whether a failed read is a fact about the content: it is missing, damaged, or in a format that
 * dray does not read. Any other failure leaves the content unknown.
 */
export function isContentFailure(error: unknown): error is DrayError {
  return isDrayError(error) && contentCodes.has(error.code)
}

/** Formats a message with its cause, on one line. */
export function formatCause({
  message,
  why,
}: {
  readonly message: string
  readonly why?: string | undefined
}): string {
  return why === undefined ? message : `${message}: ${why}`
}

/**
 * Converts what was thrown: a `DrayError` stays, an abort becomes its reason, a failure of the
 * system `io`, and anything else `internal`.
 */
export function toDrayError(thrown: unknown): DrayError {
  if (isDrayError(thrown)) return thrown
  if (thrown instanceof Error) {
    if (isDrayError(thrown.cause)) return thrown.cause
    if (thrown.name === 'AbortError') return new DrayError('interrupted', 'interrupted', { cause: thrown })
    if (thrown.name === 'TimeoutError')
      return new DrayError('timeout', 'the time limit was reached', { cause: thrown })
    return systemError(thrown) ?? new DrayError('internal', thrown.message || thrown.name, { cause: thrown })
  }
  return new DrayError('internal', String(thrown))
}

/**
 * Returns the error for a failure that no part of dray expected and that the machine or its limits
 * are responsible for. It can arise wherever a file is opened or a process started.
 */
function systemError(thrown: Error): DrayError | undefined {
  const { code, syscall, path } = thrown as NodeJS.ErrnoException
  const cause = systemCause(code)
  if (cause === undefined) return undefined
  const what =
    syscall === undefined ? 'the system refused a call' : `the system refused the call "${syscall}"`
  return new DrayError('io', path === undefined ? what : `${what} for ${path}`, {
    subject: path,
    why: explainSystemFailure(code, thrown.message),
    hint: cause.hint,
    cause: thrown,
  })
}

/**
 * Characters of a part of an error, and lines of its details. A path of the system is the longest
 * useful text.
 */
const maxText = 4096
const maxDetails = 1000

/**
 * Converts any thrown value for JSON: only the fields of `ErrorInfo`. A part that quotes a whole
 * file or answer is cut, with `…` at its end.
 */
export function toErrorInfo(thrown: unknown): ErrorInfo {
  const error = toDrayError(thrown)
  return {
    code: error.code,
    message: bounded(error.message),
    ...(error.details !== undefined && { details: boundedList(error.details) }),
    ...(error.mistakes !== undefined && { mistakes: boundedMistakes(error.mistakes) }),
    ...(error.subject !== undefined && { subject: bounded(error.subject) }),
    ...(error.why !== undefined && { why: bounded(error.why) }),
    ...(error.hint !== undefined && { hint: bounded(error.hint) }),
    ...(error.status !== undefined && { status: error.status }),
    ...(error.registryCode !== undefined && { registryCode: bounded(error.registryCode) }),
  }
}

function bounded(text: string): string {
  return text.length <= maxText ? text : `${text.slice(0, maxText)}…`
}

function boundedMistakes(mistakes: readonly FileMistake[]): readonly FileMistake[] {
  return mistakes.slice(0, maxDetails).map(({ path, line, column, message, hint }) => ({
    path: bounded(path),
    line,
    column,
    message: bounded(message),
    ...(hint !== undefined && { hint: bounded(hint) }),
  }))
}

function boundedList(lines: readonly string[]): readonly string[] {
  const more = lines.length - maxDetails
  return [...lines.slice(0, maxDetails).map(bounded), ...(more > 0 ? [`and ${more} more`] : [])]
}
