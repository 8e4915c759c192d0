import type { Call } from '../../../lib/call.ts'
import type { Clock } from '../../../lib/clock.ts'
import { isFresh } from '../../../lib/freshness.ts'
import { formatRepository, type RepositoryName } from '../../../oci/reference.ts'

/** All tags of a repository; undefined: there is no list. */
export type WholeTagList = ReadonlySet<string> | undefined

interface ReadList {
  /** when the reading began, in milliseconds */
  readonly at: number
  readonly tags: Promise<WholeTagList>
}

/** The tag lists that decide about tags whose reads are refused. */
export class RunTagLists {
  readonly #clock: Clock
  readonly #lists = new Map<string, ReadList>()
  readonly #evidence = new Map<string, ReadonlySet<string>>()
  readonly #readable = new Set<string>()
  readonly #strict = new Set<string>()
  readonly #absent = new Set<string>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** A read found a manifest in the repository. */
  noteReadable(repository: RepositoryName): void {
    this.#readable.add(formatRepository(repository))
  }

  isReadable(repository: RepositoryName): boolean {
    return this.#readable.has(formatRepository(repository))
  }

  /** The tag list does not decide whether a tag exists, because the run deletes images there. */
  noteStrict(repository: RepositoryName): void {
    this.#strict.add(formatRepository(repository))
  }

  isStrict(repository: RepositoryName): boolean {
    return this.#strict.has(formatRepository(repository))
  }

  /** The registry answered 404 to the list: there is no such repository, or it has no tags. */
  noteAbsent(repository: RepositoryName, isAbsent: boolean): void {
    if (isAbsent) this.#absent.add(formatRepository(repository))
    else this.#absent.delete(formatRepository(repository))
  }

  isAbsent(repository: RepositoryName): boolean {
    return this.#absent.has(formatRepository(repository))
  }

  /** The run read all tags of a repository: only those of attached artifacts are stored. */
  noteEvidenceTags(repository: RepositoryName, tags: ReadonlySet<string>): void {
    this.#evidence.set(formatRepository(repository), tags)
  }

  /** Returns undefined if the run did not read the list. */
  evidenceTags(repository: RepositoryName): ReadonlySet<string> | undefined {
    return this.#evidence.get(formatRepository(repository))
  }

  /**
   * Returns the list that was read before in this run, or the result of `read`.
   * @param mayBeOld any list of this run is new enough; else it must be fresh
   * @throws what `read` throws; the next call reads again.
   */
  async list(
    repository: RepositoryName,
    mayBeOld: boolean,
    read: () => Promise<WholeTagList>,
    call: Call,
  ): Promise<WholeTagList> {
    const key = formatRepository(repository)
    for (;;) {
      const known = this.#lists.get(key)
      if (known === undefined || !(mayBeOld || isFresh(known.at, this.#clock.now()))) break
      const tags = await known.tags.catch(() => 'failed' as const)
      if (tags !== 'failed') return tags
      // The call that read the list may have been aborted although this one is not.
      call.signal.throwIfAborted()
    }
    const tags = read().catch((error: unknown) => {
      this.#lists.delete(key)
      throw error
    })
    this.#lists.set(key, { at: this.#clock.now(), tags })
    return await tags
  }
}
