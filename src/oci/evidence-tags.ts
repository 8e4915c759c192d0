import { algorithmOf, type Digest, encodedOf, isDigest } from './digest.ts'

/** What cosign appends to its tags: signatures, attestations, SBOMs (cosign, specs/SIGNATURE_SPEC.md and its SBOM and attestation siblings). */
export const cosignSuffixes = ['sig', 'att', 'sbom'] as const
export type CosignSuffix = (typeof cosignSuffixes)[number]

/** The tag whose index lists the referrers of a digest where the API is missing (distribution-spec, Referrers Tag Schema). */
export function fallbackTag(subject: Digest): string {
  return `${algorithmOf(subject)}-${encodedOf(subject).slice(0, 64)}`
}

export function cosignTag(subject: Digest, suffix: CosignSuffix): string {
  return `${algorithmOf(subject)}-${encodedOf(subject)}.${suffix}`
}

/** Whether a tag carries evidence and is not a name that a person gave. */
export function isEvidenceTag(tag: string): boolean {
  return /^sha(?:256-[a-f0-9]{64}|512-[a-f0-9]{64,128})(?:\.[a-z]+)?$/.test(tag)
}

/** The subject that a sha256 evidence tag speaks of; a cut sha512 digest cannot be told from its tag. */
export function subjectOfEvidenceTag(tag: string): Digest | undefined {
  if (!isEvidenceTag(tag)) return undefined
  const digest = tag.replace(/\..*$/, '').replace('-', ':')
  return isDigest(digest) ? digest : undefined
}
