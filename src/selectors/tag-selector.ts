import type { LinearRegExp } from '../lib/linear-regexp.ts'
import { includesGlob } from '../oci/tag-glob.ts'
import type { VersionRange } from '../semver/range.ts'

/** Selects tags by their names. */
export type TagSelector =
  /** anchored; any of them */
  | { readonly kind: 'glob'; readonly globs: readonly string[] }
  | { readonly kind: 'regex'; readonly regex: LinearRegExp }
  /** the range of a protection includes all pre-releases between its bounds */
  | { readonly kind: 'semver'; readonly range: VersionRange; readonly text: string }

/**
 * Whether every tag that `inner` selects is selected by one of `outer`, by their texts: true is
 * certain. Undefined selects all.
 */
export function includesSelector(outer: readonly TagSelector[], inner: TagSelector | undefined): boolean {
  const globs = outer.flatMap((one) => (one.kind === 'glob' ? one.globs : []))
  if (globs.some((glob) => /^\*+$/.test(glob))) return true
  switch (inner?.kind) {
    case undefined:
      return false
    case 'glob':
      return inner.globs.every((own) => globs.some((glob) => includesGlob(glob, own)))
    case 'regex':
      return outer.some((one) => one.kind === 'regex' && one.regex.source === inner.regex.source)
    case 'semver':
      return outer.some((one) => one.kind === 'semver' && one.range.raw === inner.range.raw)
  }
}

/** Formats a selector for people: `latest, prod-*`. */
export function describeSelector(selector: TagSelector): string {
  switch (selector.kind) {
    case 'glob':
      return selector.globs.join(', ')
    case 'regex':
      return `/${selector.regex.source}/`
    case 'semver':
      return selector.text
  }
}
