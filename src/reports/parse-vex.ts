import { DrayError } from '../lib/errors.ts'
import { Fields } from '../oci/fields.ts'
import { isRecord } from '../oci/json.ts'
import { isCycloneDx } from './shared/cyclonedx.ts'
import { isCycloneDxType } from './shared/document-types.ts'
import type { VexDocument } from './vex.ts'
import { parseCycloneDxVex } from './vex-formats/cyclonedx-vex.ts'
import { isOpenVex, parseOpenVex } from './vex-formats/openvex.ts'

/** Whether a predicate type or media type can be a VEX document. */
export function isVexPredicate(type: string): boolean {
  return type.startsWith('https://openvex.dev/ns') || /\b(?:open)?vex\b/.test(type) || isCycloneDxType(type)
}

/**
 * Whether a document of such a type says that it is a VEX document. An SBOM in CycloneDX has the
 * same type, and is none.
 */
export function isVexDocument(value: unknown): boolean {
  if (!isRecord(value)) return false
  return isOpenVex(value) || (isCycloneDx(value) && hasAnalysis(value['vulnerabilities']))
}

function hasAnalysis(vulnerabilities: unknown): boolean {
  return Array.isArray(vulnerabilities) && vulnerabilities.some((one) => isRecord(one) && 'analysis' in one)
}

/**
 * Parses a VEX document of any format.
 * @param value parsed JSON
 * @throws `malformed`; `unsupported` for a format or version that dray does not read.
 */
export function parseVex(value: unknown): VexDocument {
  if (isRecord(value) && isOpenVex(value)) return parseOpenVex(Fields.of(value, 'the VEX document'))
  if (isRecord(value) && isCycloneDx(value)) return parseCycloneDxVex(Fields.of(value, 'the VEX document'))
  throw new DrayError('unsupported', 'the VEX document is neither OpenVEX nor CycloneDX')
}
