import { isRecord, parseJson } from '../../oci/json.ts'

/** The predicate type of `cosign attest` without a type. */
export const cosignCustomType = 'https://cosign.sigstore.dev/attestation/v1'
/** JSON of attached artifacts that is deeper is refused. */
const maxDepth = 100

/**
 * Returns the document in cosign's own predicate (cosign, specs/COSIGN_PREDICATE_SPEC.md), which
 * has it as text; any other value unchanged. @throws `malformed` for text that is not JSON.
 */
export function withoutCosignPredicate(value: unknown, where: string): unknown {
  if (!isRecord(value) || !Object.hasOwn(value, 'Data')) return value
  if (Object.keys(value).some((key) => key !== 'Data' && key !== 'Timestamp')) return value
  const data = value['Data']
  return typeof data === 'string' ? parseJson(data, where, maxDepth) : data
}
