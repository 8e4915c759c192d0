import { Remembered } from '../../images/cache/remembered.ts'
import type { Clock } from '../../lib/clock.ts'
import { isRecord } from '../../oci/json.ts'
import { isTag } from '../../oci/reference.ts'

/** How long a list of tags is offered, milliseconds. */
const maxAgeMs = 5 * 60_000
/** How long a list that is being read, or was empty, is not asked for again, milliseconds. */
const expectedMs = 10_000
const maxBytes = 32 * 1024 ** 2

/** The lists of tags of repositories that completion read, in the private cache folder. */
export class TagCache {
  readonly #lists: Remembered
  readonly #clock: Clock

  /** @param folder of the caches, such as `~/.cache/dray` */
  constructor(folder: string, clock: Clock) {
    this.#lists = new Remembered('completion', { folder, clock, maxBytes, warn: () => undefined })
    this.#clock = clock
  }

  /** Returns a list of the last five minutes, or `expected` if it is not worth a request now. */
  async get(repository: string): Promise<readonly string[] | 'expected' | undefined> {
    const value = await this.#lists.get(repository)
    if (!isRecord(value) || typeof value['readAt'] !== 'number') return undefined
    const { readAt, tags } = value
    const age = this.#clock.now() - readAt
    if (age < 0 || age >= (tags === undefined ? expectedMs : maxAgeMs)) return undefined
    if (tags === undefined) return 'expected'
    return Array.isArray(tags) ? tags.filter((tag) => typeof tag === 'string').filter(isTag) : undefined
  }

  async put(repository: string, tags: readonly string[]): Promise<void> {
    await this.#lists.put(repository, { readAt: this.#clock.now(), tags })
  }

  /** Notes that another process reads the list, or that it was empty. */
  async expect(repository: string): Promise<void> {
    await this.#lists.put(repository, { readAt: this.#clock.now() })
  }
}
