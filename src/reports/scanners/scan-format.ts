import { DrayError } from '../../lib/errors.ts'
import type { Fields } from '../../oci/fields.ts'
import type { ScanReport } from '../vulnerability.ts'

/** The name of a report in messages. The caller adds which one it is. */
export const reportName = 'the report'

/** A format of a scanner. */
export interface ScanFormat {
  /** Whether a document says that it is a report in this format, of any version. */
  readonly isClaimedBy: (document: Readonly<Record<string, unknown>>) => boolean
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

/** The beginning of a text from a document, for a message. */
export function excerpt(text: string): string {
  return text.length <= 100 ? text : `${text.slice(0, 100)}…`
}
