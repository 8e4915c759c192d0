import type { Snapshot } from '../snapshot.ts'

const day = 86_400_000

export interface Holds {
  /** digests that a statement or a tag holds */
  readonly held: ReadonlySet<string>
  /** tags of holds that have ended */
  readonly endedTags: ReadonlySet<string>
}

/** @param visible the digests that a client can find: other statements and images do not count */
export function holdsIn({ tags, manifests }: Snapshot, visible: ReadonlySet<string>, now: number): Holds {
  const held = new Set<string>()
  const endedTags = new Set<string>()
  for (const image of visible) {
    const statements = [...visible].flatMap((digest) => {
      const { subject, hold } = manifests.get(digest) ?? {}
      return subject === image && hold !== undefined ? [hold] : []
    })
    const released = Math.max(
      -1,
      ...statements
        .filter(({ decision, timestamp = '' }) => decision === 'release' && Date.parse(timestamp) <= now)
        .map(({ timestamp = '' }) => Date.parse(timestamp)),
    )
    const isHeld = statements.some(({ decision, timestamp, expires }) => {
      if (decision === 'release') return false
      const isExpired = expires !== undefined && Date.parse(expires) + day <= now
      return !isExpired && (timestamp === undefined || Date.parse(timestamp) >= released)
    })
    const own = [...tags].flatMap(([tag, on]) =>
      on === image && /^hold-[0-9a-f]{12}$/.test(tag) ? [tag] : [],
    )
    if (isHeld || (own.length > 0 && statements.length === 0)) held.add(image)
    else for (const tag of own) endedTags.add(tag)
  }
  return { held, endedTags }
}
