import type { LinearRegExp } from '../lib/linear-regexp.ts'
import { includesGlob } from '../oci/tag-glob.ts'
import type { VersionRange } from '../semver/range/range.ts'
import { isSubrange } from '../semver/range/subrange.ts'

/** Selects tags by their names. */
export type TagSelector = Excepting &
  (
    | /** anchored; any of them */
      { readonly kind: 'glob'; readonly globs: readonly string[] }
    | { readonly kind: 'regex'; readonly regex: LinearRegExp }
    /** a range whose versions are kept includes all pre-releases between its bounds */
    | { readonly kind: 'semver'; readonly range: VersionRange; readonly text: string }
  )

interface Excepting {
  /** the tags that it does not select; it has no exceptions itself */
  readonly exclude?: TagSelector
}

/**
 * Whether every tag that `inner` selects is selected by one of `outer`, by their texts: true is
 * certain. Undefined selects all.
 */
export function includesSelector(
  outer: readonly (TagSelector | undefined)[],
  inner: TagSelector | undefined,
): boolean {
  if (outer.includes(undefined)) return true
  const whole = outer.filter((one) => one !== undefined).filter((one) => hasNoException(one, inner))
  const globs = whole.flatMap((one) => (one.kind === 'glob' ? one.globs : []))
  if (globs.some((glob) => /^\*+$/.test(glob))) return true
  switch (inner?.kind) {
    case undefined:
      return false
    case 'glob':
      return inner.globs.every((own) => globs.some((glob) => includesGlob(glob, own)))
    case 'regex':
      return whole.some((one) => one.kind === 'regex' && one.regex.source === inner.regex.source)
    case 'semver':
      return whole.some((one) => one.kind === 'semver' && isSubrange(inner.range, one.range))
  }
}

/** Whether the exceptions of `outer` are exceptions of `inner` too. */
function hasNoException({ exclude }: TagSelector, inner: TagSelector | undefined): boolean {
  if (exclude === undefined) return true
  return inner?.exclude !== undefined && includesSelector([inner.exclude], exclude)
}

/** Formats a selector in the name of a protection: `latest, prod-* except prod-old`. */
export function formatSelector(selector: TagSelector): string {
  const except = selector.exclude === undefined ? '' : ` except ${formatSelector(selector.exclude)}`
  switch (selector.kind) {
    case 'glob':
      return selector.globs.join(', ') + except
    case 'regex':
      return `/${selector.regex.source}/${except}`
    case 'semver':
      return selector.text + except
  }
}
