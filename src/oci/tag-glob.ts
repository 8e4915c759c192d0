/** Whether a tag fits a glob, as a whole: `*` stands for any characters, `?` for one. Takes time in the product of the lengths at most. */
export function matchesGlob(glob: string, tag: string): boolean {
  let [atGlob, atTag] = [0, 0]
  /** where to go on if what follows the last `*` does not fit: one character more goes to that `*` */
  let star: { readonly glob: number; tag: number } | undefined
  while (atTag < tag.length) {
    const wanted = glob[atGlob]
    if (wanted === '*') {
      star = { glob: ++atGlob, tag: atTag }
    } else if (wanted === '?' || wanted === tag[atTag]) {
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
