import type { Digest } from '../../oci/digest.ts'
import { fallbackTag } from '../../oci/evidence-tags.ts'
import { formatRepository, type RepositoryName } from '../../oci/reference.ts'
import type { KnownTarget, PromoteRequest } from './request.ts'

/** Returns what the run has read of a target already. */
export function knownTarget(
  { known }: Pick<PromoteRequest, 'known'>,
  target: RepositoryName,
): KnownTarget | undefined {
  return known?.targets.get(formatRepository(target))
}

/** Splits tags into those whose digest is known, and the others. */
export function splitKnownTags(
  tags: readonly string[],
  known: KnownTarget | undefined,
): { readonly found: ReadonlyMap<string, Digest | null>; readonly rest: readonly string[] } {
  const found = new Map(
    tags.flatMap((tag) => {
      const digest = known?.tags.get(tag)
      return digest === undefined ? [] : [[tag, digest] as const]
    }),
  )
  return { found, rest: tags.filter((tag) => !found.has(tag)) }
}

/** Whether one of the tags that the run has read is on the digest. */
export function isKnownAt(known: KnownTarget | undefined, digest: Digest): boolean {
  return known !== undefined && [...known.tags.values()].includes(digest)
}

/** Whether a target can have a tag of an attached artifact: its list is unknown, or has the tag. */
export function mayHaveTag(known: KnownTarget | undefined, tag: string): boolean {
  return known === undefined || (known.listed?.has(tag) ?? false)
}

/** Whether a target can list a referrer under the fallback tag of a subject. */
export function mayHaveFallback(known: KnownTarget | undefined, subject: Digest): boolean {
  return mayHaveTag(known, fallbackTag(subject))
}
