/** What a piece of evidence is, in a short word: a signature, an SBOM, an attestation, the result of a scan, or something else. */
export const evidenceKinds = ['sig', 'sbom', 'att', 'scan', 'other'] as const
export type EvidenceKind = (typeof evidenceKinds)[number]

/** How many there are of each kind; a kind of which there is none is left out. */
export type EvidenceCounts = Readonly<Partial<Record<EvidenceKind, number>>>

/** The annotations in which cosign 3 and buildkit say what a statement is about; the second stands on a layer as well. */
const predicateAnnotations = ['dev.sigstore.bundle.predicateType', 'in-toto.io/predicate-type'] as const
/** cosign 3 signs by a statement too (sigstore/cosign, specs/BUNDLE_SPEC.md). */
const signaturePredicate = 'https://sigstore.dev/cosign/sign/v1'

const sbom = /spdx|cyclonedx|\bsyft\b|\bsbom\b/i
const scan = /sarif|vulnerabilit|cosign\.sigstore\.dev\/attestation\/vuln|\bscan\b/i

/** What a list of referrers says of an entry, in a word. Nothing is read for it: the name of a type is believed. */
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

/** What an in-toto statement is about, where an annotation says it. */
export function predicateTypeOf(annotations: Readonly<Record<string, string>> = {}): string | undefined {
  return predicateAnnotations.map((name) => annotations[name]).find((type) => type !== undefined)
}

function kindOfPredicate(type: string): EvidenceKind {
  if (type === signaturePredicate) return 'sig'
  if (sbom.test(type)) return 'sbom'
  return scan.test(type) ? 'scan' : 'att'
}
