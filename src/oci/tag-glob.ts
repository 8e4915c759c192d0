/**
 * Whether a tag matches a glob as a whole: `*` stands for any characters, `?` for one. Takes time
 * in the product of the lengths at most.
 */
export function matchesGlob(glob: string, tag: string): boolean {
  let [atGlob, atTag] = [0, 0]
  /**
   * Where to continue if what follows the last `*` does not match: that `*` takes one more
   * character.
   */
  let star: { readonly glob: number; tag: number } | undefined
  while (atTag < tag.length) {
    const expected = glob[atGlob]
    if (expected === '*') {
      star = { glob: ++atGlob, tag: atTag }
    } else if (expected === '?' || expected === tag[atTag]) {
      atGlob++
      atTag++
    } else if (star === undefined) {
      return false
    } else {
      atGlob = star.glob
      atTag = ++star.tag
    }
  }
  return /^\**$/.test(glob.slice(atGlob))
}

/** With more globs than these, names without a wildcard are found by a hash. */
const fewGlobs = 16
const indexed = new WeakMap<readonly string[], GlobIndex>()

interface GlobIndex {
  readonly names: ReadonlySet<string>
  readonly wildcards: readonly string[]
}

/** Whether one of the globs matches. */
export function matchesAnyGlob(globs: readonly string[], tag: string): boolean {
  if (globs.length <= fewGlobs) return globs.some((glob) => matchesGlob(glob, tag))
  const { names, wildcards } = indexOf(globs)
  return names.has(tag) || wildcards.some((glob) => matchesGlob(glob, tag))
}

/** The lists of a policy do not change. */
function indexOf(globs: readonly string[]): GlobIndex {
  const known = indexed.get(globs)
  if (known !== undefined) return known
  const index = {
    names: new Set(globs.filter((glob) => !hasWildcard(glob))),
    wildcards: globs.filter(hasWildcard),
  }
  indexed.set(globs, index)
  return index
}

/** Whether a text is a glob that can match several tags. */
export function hasWildcard(glob: string): boolean {
  return /[*?]/.test(glob)
}

/**
 * Whether any tag matches a glob: a tag has up to 128 letters, digits, `_`, `.` and `-`, and does
 * not begin with one of the last two.
 */
export function fitsSomeTag(glob: string): boolean {
  return /^[\w*?][\w.*?-]*$/.test(glob) && glob.replaceAll('*', '').length <= 128
}

/**
 * Whether every tag that matches `inner` matches `outer` as well. True is sure, and false is not. A
 * wildcard of `inner` counts as a character that only a star of `outer` matches.
 */
export function includesGlob(outer: string, inner: string): boolean {
  if (outer === inner) return true
  return !outer.includes('?') && matchesGlob(outer, inner.replaceAll(/[*?]/g, '\0'))
}
