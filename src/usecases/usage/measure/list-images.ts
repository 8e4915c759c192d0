import { dayMs } from '../../../lib/day.ts'
import type { BlobStorage, ImageContents, RepositoryContents } from '../contents/repository-contents.ts'
import type { ImageUsage } from '../usage-report.ts'
import { hasPulls, isUnpulled, lastUseOf } from './last-use.ts'
import { measureImages } from './measure-bytes.ts'

export interface ImageOptions {
  readonly now: number
  /** only images without a pull for so many milliseconds */
  readonly notPulledFor: number | undefined
  /** undefined: all */
  readonly limit: number | undefined
}

/** Lists images, those with the most content that no other image has first. Pure. */
export function listImages(
  storages: readonly BlobStorage[],
  options: ImageOptions,
): { readonly images: readonly ImageUsage[]; readonly total: number } {
  const { limit, notPulledFor, now } = options
  const all = storages.flatMap((storage) =>
    measureImages(storage).flatMap((measured) => {
      const { image, contents } = measured
      const isShown =
        notPulledFor === undefined || isUnpulled(image, contents.inventory, notPulledFor, now) === true
      return isShown ? [{ ...measured, storage }] : []
    }),
  )
  const images = all
    .toSorted((a, b) => b.bytes.unique - a.bytes.unique || b.bytes.shared - a.bytes.shared)
    .slice(0, limit)
    .map(({ contents, image, bytes, storage }) => ({
      ...usageOf(contents, image, options),
      bytes,
      size: storage.blobs.sum(image.blobs),
    }))
  return { images, total: all.length }
}

function usageOf(
  { repository, image: name, inventory }: RepositoryContents,
  image: ImageContents,
  { now }: ImageOptions,
): Omit<ImageUsage, 'bytes' | 'size'> {
  const { digest, tags, pushedAt, pulledAt, pulledBy, judged } = image
  const lastUse = hasPulls(inventory) ? lastUseOf(image) : undefined
  return {
    repository,
    image: name,
    digest,
    tags,
    ...(pushedAt !== undefined && { pushedAt: formatTime(pushedAt) }),
    ...(hasPulls(inventory) && { lastPulledAt: formatPull(pulledAt) }),
    ...(pulledBy !== undefined && { lastPulledBy: pulledBy }),
    ...(lastUse !== undefined && { unpulledDays: Math.max(0, Math.floor((now - lastUse) / dayMs)) }),
    ...(judged !== undefined && { verdict: judged.verdict, why: judged.why }),
  }
}

function formatTime(at: number): string {
  return new Date(at).toISOString()
}

/** A pull time for a report. */
export function formatPull(at: ImageContents['pulledAt']): string {
  if (at === undefined) return 'unknown'
  return at === 'never' ? at : formatTime(at)
}
