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

/** Whether a tag is a fallback tag or one of cosign's, with or without a prefix. */
export function isEvidenceTag(tag: string): boolean {
  return parseEvidenceTag(tag) !== undefined
}

/** Returns the subject of a sha256 evidence tag. A shortened sha512 digest is unknown. */
export function subjectOfEvidenceTag(tag: string): Digest | undefined {
  const digest = parseEvidenceTag(tag)?.subject.replace('-', ':') ?? ''
  return isDigest(digest) ? digest : undefined
}

/**
 * Returns the fallback tag of the subject that an evidence tag names, or undefined for any other
 * tag. It identifies the subject, also if the name has a complete sha512 digest.
 */
export function subjectKeyOfEvidenceTag(tag: string): string | undefined {
  const subject = parseEvidenceTag(tag)?.subject
  return subject?.slice(0, subject.indexOf('-') + 1 + 64)
}

/** Whether a tag is one of cosign's for the subject, with or without a prefix. */
export function isCosignTagOf(tag: string, subject: Digest): boolean {
  return cosignSuffixes.some((suffix) => tag.endsWith(cosignTag(subject, suffix)))
}

/** A tag of cosign: `[PREFIX]sha256-<hex>.SUFFIX`. */
export interface CosignTag {
  readonly tag: string
  readonly suffix: CosignSuffix
}

/**
 * Returns cosign's tags in a list, by the fallback tag of their subject. They are in the order of
 * their names, because registries list tags in different orders.
 */
export function cosignTagsBySubject(tags: Iterable<string>): ReadonlyMap<string, readonly CosignTag[]> {
  const found = [...tags].toSorted().flatMap((tag) => {
    const named = parseEvidenceTag(tag)?.suffix
    const suffix = cosignSuffixes.find((one) => one === named)
    return suffix === undefined ? [] : [{ tag, suffix }]
  })
  return Map.groupBy(found, ({ tag }) => subjectKeyOfEvidenceTag(tag) ?? tag)
}

interface EvidenceTag {
  /** the part that names the subject; a sha512 digest may be shortened */
  readonly subject: string
  /** undefined: a fallback tag */
  readonly suffix: string | undefined
}

/**
 * cosign writes `--attachment-tag-prefix` directly before the algorithm, without a separator, and
 * always a suffix (cosign, pkg/oci/remote). A fallback tag has neither.
 */
function parseEvidenceTag(tag: string): EvidenceTag | undefined {
  const [, ofFallback, ofCosign, suffix] = evidenceTag.exec(tag) ?? []
  const subject = ofFallback ?? ofCosign
  return subject === undefined ? undefined : { subject, suffix }
}

const subjectName = 'sha256-[a-f0-9]{64}|sha512-[a-f0-9]{64,128}'
const evidenceTag: RegExp = new RegExp(String.raw`^(?:(${subjectName})|.*(${subjectName})\.([a-z]+))$`)
