import { joinFirst } from '../lib/join-first.ts'
import type { Digest } from './digest.ts'

/** Children that are named. */
const namedAtMost = 3

/** `missing child linux/amd64`, or `missing children linux/amd64, linux/arm64 and 2 more` */
export function describeMissingChildren(
  children: readonly { readonly digest: Digest; readonly platform?: string }[],
): string {
  const names = children.map(({ platform, digest }) => platform ?? digest.slice(0, 19))
  return `missing ${children.length === 1 ? 'child' : 'children'} ${joinFirst(names, namedAtMost)}`
}
