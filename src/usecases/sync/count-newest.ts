import type { Digest } from '../../oci/digest.ts'
import type { TimedImage } from './selection.ts'

/** The tags of one group that `newest` selects. */
export interface NewestTags {
  readonly selected: readonly string[]
  /** tags that are selected because their images have no believable time */
  readonly undated: readonly string[]
  /** tags whose digests or times are needed first; then nothing else is decided */
  readonly undecided: readonly string[]
}

/**
 * Counts the newest digests of a group. All tags of a digest use one slot, images of equal times
 * are all selected, and an undated image uses no slot. Asks for digests and times only if they can
 * change the result. Pure.
 * @param images by tag; undefined: nothing was read. A tag without an image does not exist any more
 */
export function countNewest(
  tags: readonly string[],
  newest: number,
  images: ReadonlyMap<string, TimedImage> | undefined,
): NewestTags {
  if (tags.length <= newest) return { selected: tags, undated: [], undecided: [] }
  if (images === undefined) return { selected: [], undated: [], undecided: tags }
  const found = tags.flatMap((tag) => {
    const image = images.get(tag)
    return image === undefined ? [] : [{ tag, ...image }]
  })
  const unreadable = found.flatMap(({ tag, digest }) => (digest === undefined ? [tag] : []))
  const readable = found.filter(({ digest }) => digest !== undefined)
  const times = new Map<Digest | undefined, TimedImage['time']>(
    readable.map(({ digest, time }) => [digest, time]),
  )
  if (times.size <= newest) return { selected: found.map(({ tag }) => tag), undated: [], undecided: [] }
  if ([...times.values()].includes(undefined))
    return { selected: unreadable, undated: [], undecided: readable.map(({ tag }) => tag) }
  const dated = [...times.values()].filter((time) => typeof time === 'number').toSorted((a, b) => b - a)
  const last = dated[newest - 1] ?? -Infinity
  const isSelected = ({ time }: Pick<TimedImage, 'time'>): boolean => typeof time === 'number' && time >= last
  return {
    selected: [...readable.filter(isSelected).map(({ tag }) => tag), ...unreadable],
    undated: readable.flatMap(({ tag, time }) => (time === 'undated' ? [tag] : [])),
    undecided: [],
  }
}
