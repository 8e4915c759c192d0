import type { SeenTags } from '../../../usecases/watch/checks/seen-tags.ts'
import type { HandledTag } from '../../../usecases/watch/queue/watch-work.ts'

/** Images and rules of which the seen tags are kept. */
const maxEntries = 20_000

/** The tags that checks have seen, by rule and repository. */
export class SeenState {
  readonly #seen: Map<string, SeenTags>

  constructor(seen: readonly SeenTags[]) {
    this.#seen = new Map(seen.map((one) => [keyOf(one), one]))
  }

  get(rule: string, repository: string): SeenTags | undefined {
    return this.#seen.get(keyOf({ rule, repository }))
  }

  /** Whether the tags were not the same before. */
  set(seen: SeenTags): boolean {
    const key = keyOf(seen)
    const before = this.#seen.get(key)
    if (before === seen || (before === undefined && this.#seen.size >= maxEntries)) return false
    this.#seen.set(key, seen)
    return true
  }

  /** Notes the digest of a named tag whose run succeeded. Undefined if checks do not compare it. */
  handle({ rule, repository, tag, digest }: HandledTag): SeenTags | undefined {
    const before = this.#seen.get(keyOf({ rule, repository }))
    if (before === undefined || !before.tags.has(tag) || before.tags.get(tag) === digest) return undefined
    const seen = { ...before, tags: new Map([...before.tags, [tag, digest]]) }
    this.#seen.set(keyOf(seen), seen)
    return seen
  }

  list(): readonly SeenTags[] {
    return [...this.#seen.values()]
  }
}

function keyOf({ rule, repository }: Pick<SeenTags, 'rule' | 'repository'>): string {
  return `${rule}\0${repository}`
}
