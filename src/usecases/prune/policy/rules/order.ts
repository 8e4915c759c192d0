import type { RuleOrder } from '../../../../config/retention/policy.ts'
import { compareDigits, compareNaturally, isNumeric } from '../../../../semver/number.ts'
import {
  compareVersions,
  formatVersion,
  parseVersionTag,
  type Version,
  type VersionReading,
} from '../../../../semver/version.ts'
import type { TagMatch } from '../../../../selectors/select-tag.ts'
import type { ImageTime } from '../times.ts'

/** The position of a tag in the order of a rule. */
export type OrderPosition =
  | { readonly by: 'time'; readonly at: number }
  | { readonly by: 'version'; readonly version: Version }
  | { readonly by: 'name'; readonly name: string }
  | { readonly by: 'number'; readonly digits: string }

/** A selected tag, with the values that an order may need. */
export interface OrderedTag extends TagMatch {
  readonly tag: string
  readonly time: () => ImageTime
  readonly reading: VersionReading
}

/** Returns the position of a tag, or why it has none. */
export function positionOf(
  order: RuleOrder,
  { tag, groups, time, reading }: OrderedTag,
): OrderPosition | { readonly by: 'none'; readonly text: string } {
  switch (order.by) {
    case 'time': {
      const found = time()
      return found.kind === 'dated'
        ? { by: 'time', at: found.at }
        : { by: 'none', text: `unknown time: ${found.text}` }
    }
    case 'version': {
      const version = parseVersionTag(tag, reading)?.version
      return version === undefined ? { by: 'none', text: 'it has no version' } : { by: 'version', version }
    }
    case 'name':
      return { by: 'name', name: tag }
    case 'number': {
      const digits = Object.hasOwn(groups, order.group) ? (groups[order.group] ?? '') : ''
      return isNumeric(digits)
        ? { by: 'number', digits }
        : { by: 'none', text: `it has no number ${order.group}` }
    }
  }
}

/**
 * Compares two positions of one rule: negative if `a` is lower. Names that differ only in the zero
 * padding of their numbers are equal.
 */
export function comparePositions(a: OrderPosition, b: OrderPosition): number {
  if (a.by === 'time' && b.by === 'time') return a.at - b.at
  if (a.by === 'version' && b.by === 'version') return compareVersions(a.version, b.version)
  if (a.by === 'name' && b.by === 'name') return compareNaturally(a.name, b.name)
  if (a.by === 'number' && b.by === 'number') return compareDigits(a.digits, b.digits)
  throw new TypeError(`positions by ${a.by} and by ${b.by} have no order`)
}

/** Formats the value that a position has: `1.4.2`, `build-7`, or a time in ISO 8601, UTC. */
export function formatPosition(position: OrderPosition): string {
  switch (position.by) {
    case 'time':
      return new Date(position.at).toISOString()
    case 'version':
      return formatVersion(position.version)
    case 'name':
      return position.name
    case 'number':
      return position.digits
  }
}
