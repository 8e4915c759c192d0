import {
  type StatementArtifact,
  statementArtifact,
} from '../../../src/audit/attestation/statement-artifact.ts'
import { project } from '../../../src/cli/project.ts'
import { annotationKeys } from '../../../src/oci/annotations.ts'
import type { Descriptor } from '../../../src/oci/descriptor.ts'
import { canonicalJson } from '../../../src/plan/canonical-json.ts'
import type { SigningKey } from '../../../src/signing/signing-keys.ts'
import { digestMap, statementType } from '../../../src/signing/statement.ts'

/** The predicate type of a CycloneDX BOM (in-toto attestation, spec/predicates/cyclonedx.md). */
export const cycloneDxType = 'https://cyclonedx.org/bom'

export interface Predicate {
  readonly predicateType: string
  readonly predicate: object
}

/**
 * Builds a statement about a manifest of the image as a referrer, like dray's own attestations: a
 * sigstore bundle if there is a key, the plain statement otherwise.
 * @param created RFC 3339
 */
export function attachmentOf(
  subject: Descriptor,
  { predicateType, predicate }: Predicate,
  created: string,
  key: SigningKey | undefined,
): StatementArtifact {
  const statement = canonicalJson({
    _type: statementType,
    subject: [{ name: project.image, digest: digestMap(subject.digest) }],
    predicateType,
    predicate,
  })
  return statementArtifact({
    statement: new TextEncoder().encode(statement),
    predicateType,
    subject,
    key,
    annotations: { [annotationKeys.created]: created },
  })
}
