/**
 * The kind of an attached artifact: a signature, an SBOM, an attestation, the result of a scan, or
 * something else.
 */
export const evidenceKinds = ['sig', 'sbom', 'att', 'scan', 'other'] as const
export type EvidenceKind = (typeof evidenceKinds)[number]

/** The number of attached artifacts of each kind. A kind without any is omitted. */
export type EvidenceCounts = Readonly<Partial<Record<EvidenceKind, number>>>

/**
 * The annotations in which cosign 3 and buildkit name the predicate type. The second can be on a
 * layer.
 */
const predicateAnnotations = ['dev.sigstore.bundle.predicateType', 'in-toto.io/predicate-type'] as const
/** cosign 3 signs with a statement too (sigstore/cosign, specs/BUNDLE_SPEC.md). */
export const signaturePredicate = 'https://sigstore.dev/cosign/sign/v1'

const sbom = /spdx|cyclonedx|\bsyft\b|\bsbom\b/i
const scan = /sarif|vulnerabilit|cosign\.sigstore\.dev\/attestation\/vuln|\bscan\b/i

/**
 * Returns the kind of an entry in a list of referrers, by the name of its type. Reads no content.
 */
export function evidenceKindOf(
  artifactType: string | undefined,
  annotations: Readonly<Record<string, string>> = {},
): EvidenceKind {
  const predicate = predicateTypeOf(annotations)
  if (predicate !== undefined) return kindOfPredicate(predicate)
  if (artifactType === undefined) return 'other'
  if (sbom.test(artifactType)) return 'sbom'
  if (scan.test(artifactType)) return 'scan'
  if (/in-toto|dsse|attestation|provenance/i.test(artifactType)) return 'att'
  if (/\.sig\.|signature|simplesigning/i.test(artifactType)) return 'sig'
  if (!/sigstore\.bundle/i.test(artifactType)) return 'other'
  return annotations['dev.sigstore.bundle.content'] === 'dsse-envelope' ? 'att' : 'sig'
}

/** Returns the predicate type of an in-toto statement, if an annotation names it. */
export function predicateTypeOf(annotations: Readonly<Record<string, string>> = {}): string | undefined {
  return predicateAnnotations.map((name) => annotations[name]).find((type) => type !== undefined)
}

function kindOfPredicate(type: string): EvidenceKind {
  if (type === signaturePredicate) return 'sig'
  if (sbom.test(type)) return 'sbom'
  return scan.test(type) ? 'scan' : 'att'
}
