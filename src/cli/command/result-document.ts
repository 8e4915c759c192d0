import { type ErrorInfo, toErrorInfo } from '../../lib/errors.ts'

interface DocumentBase {
  readonly schema: 'dray.result/v1'
  /** such as `plan show`; empty if no command was recognised */
  readonly command: string
  readonly warnings: readonly string[]
}

/** The document of `-o json` and `-o yaml`. `ok` is false if the exit code is neither 0 nor 2. */
export type ResultDocument = DocumentBase &
  ({ readonly ok: boolean; readonly result: unknown } | { readonly ok: false; readonly error: ErrorInfo })

export function createResultDocument(
  command: string,
  ok: boolean,
  result: unknown,
  warnings: readonly string[],
): ResultDocument {
  return { schema: 'dray.result/v1', command, ok, result: result ?? null, warnings }
}

/** Contains only the members of `ErrorInfo`, for any thrown value. */
export function createErrorDocument(
  command: string,
  thrown: unknown,
  warnings: readonly string[],
): ResultDocument {
  return { schema: 'dray.result/v1', command, ok: false, error: toErrorInfo(thrown), warnings }
}

/** Control characters, and the `#` of commands that Azure and TeamCity find anywhere in a line. */
const unsafe = /[\u007f-\uffff]|#(?=#(?:vso|teamcity)?\[)/gi

/** Formats ASCII JSON with a line end. */
export function printDocument(document: ResultDocument): string {
  return `${escapeJson(JSON.stringify(document, null, 2))}\n`
}

/** A backslash, or an escape that `JSON.stringify` writes for half a character (UTF-16). */
const backslashOrHalf = /\\\\|\\ud[89a-f][0-9a-f]{2}/g

/**
 * Escapes text in the output of `JSON.stringify`. Text of a registry cannot control a terminal or a
 * CI run. Half a character becomes U+FFFD, because many parsers reject it (RFC 8259, 8.2).
 */
export function escapeJson(json: string): string {
  const whole = json.replace(backslashOrHalf, (found) => (found.startsWith('\\u') ? '\\ufffd' : found))
  return whole.replace(unsafe, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
