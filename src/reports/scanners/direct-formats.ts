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

/** Returns the format that a document says it has; undefined if it is no report of a scanner. */
export function directFormatOf(document: unknown): ScanFormat | undefined {
  return isRecord(document) ? formats.find(({ isClaimedBy }) => isClaimedBy(document)) : undefined
}

/** Parses a report as a scanner writes it. @throws `malformed` or `unsupported`. */
export function parseDirectReport(document: unknown): ScanReport {
  const format = directFormatOf(document)
  if (format === undefined) {
    throw new DrayError('unsupported', `${reportName} is in no format of a scanner that dray reads`, {
      hint: 'Use JSON of Trivy or Grype, SARIF 2.1.0, or CycloneDX with vulnerabilities.',
    })
  }
  return format.parse(Fields.of(document, reportName))
}
