import { DrayError } from '../../lib/errors.ts'
import type { Fields } from '../../oci/fields.ts'
import type { ScanReport } from '../vulnerability.ts'

/** The name of a report in messages. The caller adds which one it is. */
export const reportName = 'the report'

/** A format of a scanner. */
export interface ScanFormat {
  /** Whether a document says that it is in this format, of any version. */
  readonly isFormatOf: (document: Readonly<Record<string, unknown>>) => boolean
  /** Whether such a document is a scan report; absent: each is one. */
  readonly isScan?: (document: Readonly<Record<string, unknown>>) => boolean
  /** @throws `malformed`; `unsupported` for another version of the format. */
  readonly parse: (report: Fields) => ScanReport
}

/**
 * Refuses a report that says in `fields` that the scan failed: in a text, an object or a list that
 * is not empty. @throws `malformed`.
 */
export function refuseErrors(report: Fields, fields: readonly string[], where: string = reportName): void {
  for (const field of fields) {
    const value = report.value(field)
    const isEmpty = value == null || value === '' || value === false || isEmptyList(value)
    if (!isEmpty)
      throw new DrayError('malformed', `${where} contains an error: ${excerpt(JSON.stringify(value))}`)
  }
}

function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0
}

/** The beginning of a text from a document in one line, for a message. */
export function excerpt(text: string): string {
  const line = text.slice(0, 200).replace(/\s+/g, ' ')
  return line.length <= 100 ? line : `${line.slice(0, 100)}…`
}
