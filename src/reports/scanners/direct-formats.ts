import { DrayError } from '../../lib/errors.ts'
import { Fields } from '../../oci/fields.ts'
import { isRecord } from '../../oci/json.ts'
import type { ScanReport } from '../vulnerability.ts'
import { cycloneDxFormat } from './cyclonedx.ts'
import { grypeFormat } from './grype.ts'
import { sarifFormat } from './sarif.ts'
import { reportName, type ScanFormat } from './scan-format.ts'
import { trivyFormat } from './trivy.ts'

/** The formats that scanners write. A new one is a file and an entry here. */
const formats: readonly ScanFormat[] = [trivyFormat, grypeFormat, sarifFormat, cycloneDxFormat]

/** Whether a document says that it is the report of a scanner, in any of its formats. */
export function isDirectReport(document: unknown): boolean {
  if (!isRecord(document)) return false
  const format = formatOf(document)
  return format !== undefined && (format.isScan?.(document) ?? true)
}

function formatOf(document: Readonly<Record<string, unknown>>): ScanFormat | undefined {
  return formats.find(({ isFormatOf }) => isFormatOf(document))
}

/** Parses a report as a scanner writes it. @throws `malformed` or `unsupported`. */
export function parseDirectReport(document: unknown): ScanReport {
  const format = isRecord(document) ? formatOf(document) : undefined
  if (format === undefined) {
    throw new DrayError('unsupported', `${reportName} is in no format of a scanner that dray reads`, {
      hint: 'Use JSON of Trivy or Grype, SARIF 2.1.0, or CycloneDX with vulnerabilities.',
    })
  }
  return format.parse(Fields.of(document, reportName))
}
