import type { QueuedEvent } from './watch-work.ts'

interface DueLimits {
  readonly quietMs: number
  readonly maxWaitMs: number
}

/** The waiting events of one image and rule, which one run takes together. */
export function groupByImage(events: Iterable<QueuedEvent>): Iterable<readonly QueuedEvent[]> {
  return Map.groupBy(events, ({ rule, subject }) => `${rule}\0${subject}`).values()
}

/** The events that need not wait for another attempt. */
export function withoutPause(events: readonly QueuedEvent[], now: number): readonly QueuedEvent[] {
  return events.filter(({ notBefore }) => notBefore <= now)
}

/** The events to run: those of all tags if the image is due, and otherwise none. */
export function dueEvents(
  events: readonly QueuedEvent[],
  now: number,
  limits: DueLimits,
): readonly QueuedEvent[] {
  return imageDueAt(events, limits) <= now ? withoutPause(events, now) : []
}

/**
 * The time at which an image is due: all of its tags are quiet, or one has waited for the longest
 * time. A tag that waits for another attempt does not delay the others.
 */
export function imageDueAt(events: readonly QueuedEvent[], limits: DueLimits): number {
  const inOrder = [...events].sort((a, b) => a.notBefore - b.notBefore)
  let quietAt = -Infinity
  let waitedAt = Infinity
  for (const [i, event] of inOrder.entries()) {
    quietAt = Math.max(quietAt, event.lastAt + limits.quietMs)
    waitedAt = Math.min(waitedAt, event.firstAt + limits.maxWaitMs)
    const at = Math.max(event.notBefore, Math.min(quietAt, waitedAt))
    const next = inOrder[i + 1]
    if (next === undefined || at < next.notBefore) return at
  }
  return Infinity
}
