import { parseCreated } from '../../oci/created.ts'
import { isRecord } from '../../oci/json.ts'
import type { VerifiedSigner } from '../../signing/trust/verdict.ts'
import { earliest } from './judge-subjects.ts'

/**
 * The fields of known predicates with their time: SLSA v1 and v0.2, cosign's vuln and in-toto's
 * vulns, SLSA VSA, SPDX, CycloneDX, OpenVEX and dray, Trivy, Grype, and the predicate of cosign for
 * other types.
 */
const timeFields: readonly (readonly string[])[] = [
  ['runDetails', 'metadata', 'finishedOn'],
  ['metadata', 'buildFinishedOn'],
  ['metadata', 'scanFinishedOn'],
  ['timeVerified'],
  ['creationInfo', 'created'],
  ['metadata', 'timestamp'],
  ['timestamp'],
  ['CreatedAt'],
  ['descriptor', 'timestamp'],
  ['Timestamp'],
]

/**
 * Returns when a statement was made, milliseconds since 1970: the time in its predicate, which
 * cannot be later than the verified time of its signature. Undefined if it has neither.
 */
export function statementTime(predicate: unknown, signers: readonly VerifiedSigner[]): number | undefined {
  const claimed = timeFields.map((path) => readTime(predicate, path)).find((time) => time !== undefined)
  return earliest([claimed, ...signers.map(({ time }) => time)])
}

function readTime(predicate: unknown, path: readonly string[]): number | undefined {
  const value = path.reduce<unknown>(
    (at, key) => (isRecord(at) && Object.hasOwn(at, key) ? at[key] : undefined),
    predicate,
  )
  return typeof value === 'string' ? parseCreated(value) : undefined
}
