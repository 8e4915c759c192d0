import { DrayError } from '../lib/errors.ts'
import { Fields } from '../oci/fields.ts'
import { isRecord } from '../oci/json.ts'
import type { SbomDocument } from './sbom.ts'
import { parseCycloneDxSbom } from './sboms/cyclonedx-sbom.ts'
import { isSpdx2, parseSpdx2 } from './sboms/spdx-2.ts'
import { isSpdx3, parseSpdx3 } from './sboms/spdx-3.ts'
import { withoutCosignPredicate } from './shared/cosign-predicate.ts'
import { isCycloneDx } from './shared/cyclonedx.ts'
import { isCycloneDxType, isSpdxType } from './shared/document-types.ts'

const sbomName = 'the SBOM'

/** Whether a predicate type or media type can be an SBOM in one of the formats. */
export function isSbomPredicate(type: string, formats: readonly SbomDocument['format'][]): boolean {
  return (
    (formats.includes('cyclonedx') && isCycloneDxType(type)) || (formats.includes('spdx') && isSpdxType(type))
  )
}

/**
 * Parses an SBOM of any format.
 * @param content parsed JSON
 * @throws `malformed`; `unsupported` for a format or version that dray does not read.
 */
export function parseSbom(content: unknown): SbomDocument {
  const value = withoutCosignPredicate(content, sbomName)
  const document = Fields.of(value, sbomName)
  if (isRecord(value) && isCycloneDx(value)) return parseCycloneDxSbom(document, sbomName)
  if (isRecord(value) && isSpdx2(value)) return parseSpdx2(document, sbomName)
  if (isRecord(value) && isSpdx3(value)) return parseSpdx3(document, sbomName)
  throw new DrayError('unsupported', `${sbomName} is neither SPDX nor CycloneDX in JSON`)
}
