import type { Call } from '../../../lib/call.ts'
import type { Descriptor } from '../../../oci/descriptor.ts'
import { parsePlausibleTime } from '../../../oci/created.ts'
import { inParallel } from '../../../images/parallel.ts'
import type { ManifestReader } from '../../../images/ports.ts'
import type { Summaries } from './summary.ts'

/** Tags that are read before dray counts the matches. */
const batch = 32
/** Tags that are read in parallel. */
const tagsAtOnce = 16

export interface Age {
  /** milliseconds since 1970: made then or later */
  readonly since: number
  /** the maximum of matches; undefined: all */
  readonly limit: number | undefined
  readonly now: number
}

/** Tags whose images are new enough, and the effort to find them. */
export interface Scan {
  readonly tags: readonly { readonly tag: string; readonly image: Descriptor }[]
  /** the number of tags that dray read, in their order, until it had enough */
  readonly read: number
  /** the number of those whose image has no time */
  readonly undated: number
  /** the number of those whose time is unknown */
  readonly unread: number
}

/** Reads tags in their order, batch by batch, until enough images are new enough. */
export async function findNewerImages(
  store: ManifestReader,
  summaries: Summaries,
  tags: readonly string[],
  { since, limit = Infinity, now }: Age,
  call: Call,
): Promise<Scan> {
  const found: { tag: string; image: Descriptor }[] = []
  let [read, undated, unread] = [0, 0, 0]
  for (let at = 0; at < tags.length && found.length < limit; at += batch) {
    const dated = await inParallel(tags.slice(at, at + batch), tagsAtOnce, call, async (tag, c) => {
      const image = await store.resolve({ tag }, c)
      const created = image === undefined ? null : await summaries.created(image, c)
      return { tag, image, created, time: parsePlausibleTime(created ?? undefined, now) }
    })
    for (const { tag, image, created, time } of dated) {
      if (found.length === limit) break
      read += 1
      if (image === undefined) continue
      if (created === undefined) unread += 1
      else if (time === undefined) undated += 1
      else if (time >= since) found.push({ tag, image })
    }
  }
  return { tags: found, read, undated, unread }
}
