import { formatCause, toDrayError } from '../../lib/errors.ts'
import { parseJson } from '../../oci/json.ts'
import { isScanReport, parseScanReport } from '../../reports/parse-scan-report.ts'
import { parseSbom } from '../../reports/parse-sbom.ts'
import { isVexDocument, parseVex } from '../../reports/parse-vex.ts'
import type { SbomDocument } from '../../reports/sbom.ts'
import type { VexDocument } from '../../reports/vex.ts'
import type { ScanReport } from '../../reports/vulnerability.ts'
import { maxEvidenceDepth } from '../../signing/statement.ts'
import type { AttachedEvidence } from '../evidence.ts'

/** A document that was parsed; `other`: it does not say that it is of this kind. */
export type ParsedEvidence<Document> =
  | { readonly kind: 'parsed'; readonly document: Document }
  | { readonly kind: 'malformed'; readonly reason: string }
  | { readonly kind: 'other' }

/** Reports have megabytes, and several gates, platforms and targets use the same ones. */
type ParsedContents<Document> = WeakMap<AttachedEvidence['content'], ParsedEvidence<Document>>

const reports: ParsedContents<ScanReport> = new WeakMap()
const sboms: ParsedContents<SbomDocument> = new WeakMap()
const vexDocuments: ParsedContents<VexDocument> = new WeakMap()

/** Parses a scan report, once for each attached artifact. */
export function readScanReport({ content }: AttachedEvidence): ParsedEvidence<ScanReport> {
  const type = content.kind === 'statement' ? content.predicateType : undefined
  return remember(reports, content, (value) =>
    isScanReport(value, type) ? parseScanReport(value, type) : undefined,
  )
}

/** Parses an SBOM, once for each attached artifact. */
export function readSbom({ content }: AttachedEvidence): ParsedEvidence<SbomDocument> {
  return remember(sboms, content, parseSbom)
}

/** Parses a VEX document, once for each attached artifact. */
export function readVex({ content }: AttachedEvidence): ParsedEvidence<VexDocument> {
  return remember(vexDocuments, content, (value) => (isVexDocument(value) ? parseVex(value) : undefined))
}

function remember<Document>(
  memory: ParsedContents<Document>,
  content: AttachedEvidence['content'],
  parse: (value: unknown) => Document | undefined,
): ParsedEvidence<Document> {
  const known = memory.get(content)
  if (known !== undefined) return known
  const parsed = read(content, parse)
  memory.set(content, parsed)
  return parsed
}

function read<Document>(
  content: AttachedEvidence['content'],
  parse: (value: unknown) => Document | undefined,
): ParsedEvidence<Document> {
  if (content.kind === 'signature') return { kind: 'other' }
  if (content.kind === 'unreadable') return { kind: 'malformed', reason: content.reason }
  try {
    const value =
      content.kind === 'statement'
        ? content.predicate
        : parseJson(content.bytes, 'the document', maxEvidenceDepth)
    const document = parse(value)
    return document === undefined ? { kind: 'other' } : { kind: 'parsed', document }
  } catch (thrown) {
    return { kind: 'malformed', reason: formatCause(toDrayError(thrown)) }
  }
}
