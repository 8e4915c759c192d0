import type { ErrorInfo } from '../../lib/errors.ts'
import type { LockedItem } from '../../plan/prune/prune-outcome.ts'
import { escapeText } from '../text/escape.ts'
import { formatFirst, shortenDigest } from '../text/format.ts'

/** Tags of one locked item that are named. */
const tagsAtMost = 3

/** An item that the registry keeps, with its reason: `pr-2: 412 PRECONDITION, it is immutable`. */
export function describeLocked({ digest, tags, error }: LockedItem): string {
  const name = tags.length === 0 ? shortenDigest(digest) : formatFirst(tags.map(escapeText), tagsAtMost)
  return `${name}: ${reasonOf(error)}`
}

function reasonOf({ status, registryCode, why, message }: ErrorInfo): string {
  const head = [status, registryCode].filter((part) => part !== undefined).join(' ')
  return escapeText([head, why ?? (head === '' ? message : '')].filter((part) => part !== '').join(', '))
}
