/** The shortest tag that carries evidence: `sha256-` and 64 letters. Of shorter ones, two may well differ in one letter. */
const minLength = 71

/**
 * The tags of a list, asked for by names with a digest in them. Nothing vouches for the bytes of a list, so a name may stand there with one letter that was
 * damaged on its way; no two digests are ever so near to each other.
 */
export class ListedTags {
  readonly #tags: ReadonlySet<string>
  /** whoever differs from a tag in one letter has one half in common with it */
  readonly #byHalf = new Map<string, string[]>()

  constructor(tags: ReadonlySet<string>) {
    this.#tags = tags
    for (const tag of tags) {
      if (tag.length < minLength) continue
      for (const half of halvesOf(tag)) {
        const known = this.#byHalf.get(half)
        if (known === undefined) this.#byHalf.set(half, [tag])
        else known.push(tag)
      }
    }
  }

  /** Whether a tag is listed; `nearly`: another one is that differs in a letter, so that it is to be asked for. */
  has(tag: string): 'yes' | 'nearly' | 'no' {
    if (this.#tags.has(tag)) return 'yes'
    const near = halvesOf(tag).flatMap((half) => this.#byHalf.get(half) ?? [])
    return near.some((one) => differsInOne(one, tag)) ? 'nearly' : 'no'
  }
}

function halvesOf(tag: string): readonly string[] {
  const middle = tag.length >> 1
  return [`${tag.length} ${tag.slice(0, middle)}…`, `${tag.length} …${tag.slice(middle)}`]
}

function differsInOne(a: string, b: string): boolean {
  let count = 0
  for (let i = 0; i < a.length && count < 2; i++) if (a[i] !== b[i]) count++
  return count === 1
}
