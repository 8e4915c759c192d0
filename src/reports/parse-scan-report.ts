import { DrayError } from '../lib/errors.ts'
import { Fields } from '../oci/fields.ts'
import { isRecord } from '../oci/json.ts'
import { parseCosignVuln } from './scanners/cosign-vuln.ts'
import { isDirectReport, parseDirectReport } from './scanners/direct-formats.ts'
import { parseInTotoVulns } from './scanners/in-toto-vulns.ts'
import { excerpt, reportName } from './scanners/scan-format.ts'
import { cosignCustomType, withoutCosignPredicate } from './shared/cosign-predicate.ts'
import { isCycloneDxType } from './shared/document-types.ts'
import type { ScanReport } from './vulnerability.ts'

/** Predicates of scans, by the beginning of their types. */
const predicates: readonly ScanPredicate[] = [
  {
    prefix: 'https://cosign.sigstore.dev/attestation/vuln',
    versions: ['/v1'],
    parse: parseCosignVuln,
  },
  {
    prefix: 'https://in-toto.io/attestation/vulns',
    versions: ['', '/v0.1', '/v0.2'],
    parse: parseInTotoVulns,
  },
]

/** Names of fields of scan reports, which a truncated one also has. */
const reportMarks = /"(?:SchemaVersion|matches|runs|vulnerabilities|scanner)"\s*:/

interface ScanPredicate {
  readonly prefix: string
  readonly versions: readonly string[]
  readonly parse: (predicate: Fields) => ScanReport
}

/**
 * Whether a predicate type or media type can be that of a scan report. A custom type can be if it
 * names a scanner, a format or a scan: `https://example.com/trivy/v1`.
 */
export function isScanPredicate(type: string): boolean {
  if (type === cosignCustomType || predicateOf(type) !== undefined) return true
  return isCycloneDxType(type) || /trivy|grype|sarif|vuln|scan/i.test(type)
}

/**
 * Whether a document of such a type says that it is a scan report. Other documents have the same
 * types, such as SBOMs and VEX documents in CycloneDX. They are no scan reports, good or bad.
 */
export function isScanReport(value: unknown, predicateType: string | undefined): boolean {
  if (predicateOf(predicateType) !== undefined) return true
  try {
    const content = withoutCosignPredicate(value, reportName)
    return isDirectReport(content) || isPredicate(content)
  } catch {
    const text = isRecord(value) ? value['Data'] : undefined
    return typeof text === 'string' && reportMarks.test(text)
  }
}

/**
 * Parses a scan report of any format: a document as the scanner writes it, or the predicate of an
 * attestation.
 * @param value parsed JSON
 * @throws `malformed` for a report that is incomplete or contains an error; `unsupported` for a
 *   format or version that dray does not read. The message is the reason, in one line.
 */
export function parseScanReport(value: unknown, predicateType: string | undefined): ScanReport {
  const named = predicateOf(predicateType)
  if (named !== undefined) {
    if (!named.versions.includes(predicateType?.slice(named.prefix.length) ?? ''))
      throw new DrayError(
        'unsupported',
        `${reportName} has the predicate type ${excerpt(predicateType ?? '')}`,
      )
    return named.parse(Fields.of(value, reportName))
  }
  const content = withoutCosignPredicate(value, reportName)
  if (!isPredicate(content)) return parseDirectReport(content)
  const predicate = Fields.of(content, reportName)
  return Array.isArray(content['scanner']['result'])
    ? parseInTotoVulns(predicate)
    : parseCosignVuln(predicate)
}

/** Returns the predicate of a type, of any version. */
function predicateOf(type: string | undefined): ScanPredicate | undefined {
  return predicates.find(({ prefix }) => type === prefix || type?.startsWith(`${prefix}/`) === true)
}

/** Whether a document is a predicate in a file of its own, as `--format cosign-vuln` writes it. */
function isPredicate(value: unknown): value is { readonly scanner: Readonly<Record<string, unknown>> } {
  return isRecord(value) && isRecord(value['scanner']) && Object.hasOwn(value['scanner'], 'result')
}
