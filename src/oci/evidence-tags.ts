import { algorithmOf, type Digest, encodedOf, isDigest } from './digest.ts'

/**
 * The suffixes of cosign's tags: signatures, attestations, SBOMs (cosign, specs/SIGNATURE_SPEC.md
 * and its siblings for SBOMs and attestations).
 */
export const cosignSuffixes = ['sig', 'att', 'sbom'] as const
export type CosignSuffix = (typeof cosignSuffixes)[number]

/**
 * Returns the tag whose index lists the referrers of a digest, if there is no API
 * (distribution-spec, Referrers Tag Schema).
 */
export function fallbackTag(subject: Digest): string {
  return `${algorithmOf(subject)}-${encodedOf(subject).slice(0, 64)}`
}

export function cosignTag(subject: Digest, suffix: CosignSuffix): string {
  return `${algorithmOf(subject)}-${encodedOf(subject)}.${suffix}`
}

/** Whether a tag is a fallback tag or one of cosign's. */
export function isEvidenceTag(tag: string): boolean {
  return /^sha(?:256-[a-f0-9]{64}|512-[a-f0-9]{64,128})(?:\.[a-z]+)?$/.test(tag)
}

/** Returns the subject of a sha256 evidence tag. A shortened sha512 digest is unknown. */
export function subjectOfEvidenceTag(tag: string): Digest | undefined {
  if (!isEvidenceTag(tag)) return undefined
  const digest = tag.replace(/\..*$/, '').replace('-', ':')
  return isDigest(digest) ? digest : undefined
}
