import type { HandledTag } from './watch-work.ts'

/** One text for a tag and the rule that reads it. No name contains a NUL. */
export function keyOf({
  rule,
  repository,
  tag,
}: {
  readonly rule: string
  readonly repository: string
  readonly tag: string
}): string {
  return `${rule}\0${repository}\0${tag}`
}

/** The tags that were processed last. The one that was processed first is forgotten first. */
export class HandledTags {
  readonly #max: number
  readonly #tags = new Map<string, HandledTag>()

  constructor(max: number) {
    this.#max = max
  }

  get(key: string): HandledTag | undefined {
    return this.#tags.get(key)
  }

  add(one: HandledTag): void {
    const key = keyOf(one)
    this.#tags.delete(key)
    this.#tags.set(key, one)
    for (const first of this.#tags.keys()) {
      if (this.#tags.size <= this.#max) break
      this.#tags.delete(first)
    }
  }

  /** In the order of their processing. */
  list(): readonly HandledTag[] {
    return [...this.#tags.values()]
  }
}
