import { type ErrorInfo, toErrorInfo } from '../../lib/errors.ts'

interface DocumentBase {
  readonly schema: 'dray.result/v1'
  /** the command's words with spaces, such as `plan show`; empty where none was recognised */
  readonly command: string
  readonly warnings: readonly string[]
}

/** The one document that `--json` prints. `ok` is false where the exit code says that not all was done; the result then says what. */
export type ResultDocument = DocumentBase &
  ({ readonly ok: boolean; readonly result: unknown } | { readonly ok: false; readonly error: ErrorInfo })

export function resultDocument(
  command: string,
  ok: boolean,
  result: unknown,
  warnings: readonly string[],
): ResultDocument {
  return { schema: 'dray.result/v1', command, ok, result: result ?? null, warnings }
}

/** Shapes whatever was thrown: only the fields of `ErrorInfo` come out. */
export function errorDocument(command: string, thrown: unknown, warnings: readonly string[]): ResultDocument {
  return { schema: 'dray.result/v1', command, ok: false, error: toErrorInfo(thrown), warnings }
}

/** What a terminal may act on; and the `#` of commands that Azure and TeamCity look for anywhere in a line. */
const unsafe = /[\u007f-\uffff]|#(?=#(?:vso|teamcity)?\[)/gi

/** JSON with its line end, in ASCII, so that text of the other side cannot steer the terminal or the CI service that it is printed on. */
export function printDocument(document: ResultDocument): string {
  const json = JSON.stringify(document, null, 2)
  return `${json.replace(unsafe, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)}\n`
}

/** Whether the words of a command line ask for JSON; to be known also where they can't be parsed. */
export function asksForJson(argv: readonly string[]): boolean {
  const end = argv.indexOf('--')
  return (end < 0 ? argv : argv.slice(0, end)).includes('--json')
}
