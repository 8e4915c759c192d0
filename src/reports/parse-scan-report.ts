import { Fields } from '../oci/fields.ts'
import { isRecord, parseJson } from '../oci/json.ts'
import { parseCosignVuln } from './scanners/cosign-vuln.ts'
import { directFormatOf, parseDirectReport } from './scanners/direct-formats.ts'
import { parseInTotoVulns } from './scanners/in-toto-vulns.ts'
import { reportName } from './scanners/scan-format.ts'
import { isCycloneDxType } from './shared/document-types.ts'
import type { ScanReport } from './vulnerability.ts'

const cosignVuln = 'https://cosign.sigstore.dev/attestation/vuln/v1'
/** The predicate of `cosign attest` without a type: it has the bytes of a file as text. */
const cosignCustom = 'https://cosign.sigstore.dev/attestation/v1'
const inTotoVulns = /^https:\/\/in-toto\.io\/attestation\/vulns(?:\/v0\.[12])?$/
/** JSON of attached artifacts that is deeper is refused. */
const maxDepth = 100

/**
 * Whether a predicate type or media type can be a scan report. A custom type is one if it names a
 * scanner or format: `https://example.com/trivy/v1`.
 */
export function isScanPredicate(type: string): boolean {
  if (type === cosignVuln || type === cosignCustom || inTotoVulns.test(type)) return true
  return isCycloneDxType(type) || /trivy|grype|sarif/i.test(type)
}

/**
 * Whether a document of such a type says that it is a scan report. Other documents have the same
 * types, such as SBOMs and VEX documents in CycloneDX. They are no scan reports, good or bad.
 */
export function isScanReport(value: unknown, predicateType: string | undefined): boolean {
  if (predicateType === cosignVuln) return true
  if (predicateType !== undefined && inTotoVulns.test(predicateType)) return true
  return directFormatOf(contentOf(value, predicateType)) !== undefined || isPredicate(value)
}

/**
 * Parses a scan report of any format: a document as the scanner writes it, or the predicate of an
 * attestation.
 * @param value parsed JSON
 * @throws `malformed` for a report that is incomplete or contains an error; `unsupported` for a
 *   format or version that dray does not read. The message is the reason, in one line.
 */
export function parseScanReport(value: unknown, predicateType: string | undefined): ScanReport {
  if (predicateType === cosignVuln) return parseCosignVuln(Fields.of(value, reportName))
  if (predicateType !== undefined && inTotoVulns.test(predicateType))
    return parseInTotoVulns(Fields.of(value, reportName))
  const content = contentOf(value, predicateType)
  if (!isPredicate(content)) return parseDirectReport(content)
  const predicate = Fields.of(content, reportName)
  return Array.isArray(content['scanner']['result'])
    ? parseInTotoVulns(predicate)
    : parseCosignVuln(predicate)
}

/** Whether a document is a predicate in a file of its own, as `--format cosign-vuln` writes it. */
function isPredicate(value: unknown): value is { readonly scanner: Readonly<Record<string, unknown>> } {
  return isRecord(value) && isRecord(value['scanner']) && Object.hasOwn(value['scanner'], 'result')
}

/** @throws `malformed` for a text in cosign's predicate that is not JSON. */
function contentOf(value: unknown, predicateType: string | undefined): unknown {
  if (predicateType !== cosignCustom || !isRecord(value)) return value
  const data = value['Data']
  return typeof data === 'string' ? parseJson(data, reportName, maxDepth) : data
}
