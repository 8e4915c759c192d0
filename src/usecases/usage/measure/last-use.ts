import { dayMs } from '../../../lib/day.ts'
import type { ImageContents, KnownInventory } from '../contents/repository-contents.ts'

/**
 * Returns the last pull of an image, or its push if it was never pulled, in milliseconds since
 * 1970. Undefined: unknown. Pure.
 */
export function lastUseOf({ pulledAt, pushedAt }: ImageContents): number | undefined {
  return pulledAt === 'never' ? pushedAt : pulledAt
}

/**
 * Whether an image has no pull for `age` milliseconds; undefined: unknown. A time that is only
 * right to the day can be up to a day too early.
 */
export function isUnpulled(
  image: ImageContents,
  inventory: KnownInventory | undefined,
  age: number,
  now: number,
): boolean | undefined {
  const at = lastUseOf(image)
  if (at === undefined || inventory === undefined) return undefined
  return now - at > age + (inventory.pulledAt === 'day' ? dayMs : 0)
}

/** Whether the registry has pull times. */
export function hasPulls(inventory: KnownInventory | undefined): inventory is KnownInventory {
  return inventory !== undefined && inventory.pulledAt !== 'no'
}
