import { DrayError } from '../errors.ts'
import { formatAt } from '../oci/reference.ts'
import type { Gathered } from './gather.ts'

/** By tag, with its repository: why none of the images of this run gets it. */
export type Contested = ReadonlyMap<string, DrayError>

/** The tags that are to be put on several images at once: which of them would have it in the end is not left to chance. */
export function contestedTags(gathered: readonly Gathered[]): Contested {
  const claims = new Map<string, Map<string, string>>()
  for (const item of gathered) {
    if (item.kind === 'unread') continue
    const { request, source } = item.snapshot
    for (const target of request.to.targets) {
      for (const tag of request.tags) {
        const where = formatAt(target, { tag })
        const images = claims.get(where) ?? new Map<string, string>()
        claims.set(where, images.set(source.root.digest, request.image))
      }
    }
  }
  const contested = [...claims].filter(([, images]) => images.size > 1)
  return new Map(contested.map(([where, images]) => [where, refusal(where, [...images.values()])]))
}

function refusal(where: string, images: readonly string[]): DrayError {
  return new DrayError('refused', `${images.join(' and ')} cannot all get the tag ${where}`, {
    subject: where,
    hint: 'A tag is on one image. Promote them one by one, each under a tag of its own.',
  })
}
