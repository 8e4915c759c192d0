import type { Call } from '../../lib/call.ts'
import { isDrayError } from '../../lib/errors.ts'
import type { Digest } from '../../oci/digest.ts'
import {
  type CosignSuffix,
  cosignSuffixes,
  cosignTag,
  cosignTagsBySubject,
  fallbackTag,
  isEvidenceTag,
} from '../../oci/evidence-tags.ts'
import { formatRepository } from '../../oci/reference.ts'
import type { TagLister } from '../ports.ts'
import { isNoList, type TagList } from './tag-list.ts'

/** The tags of attached artifacts in a repository. */
export interface EvidenceTags {
  /** undefined: the list was not read to its end */
  has(tag: string): boolean | undefined
  /** cosign's tags for the subject that may exist, with and without a prefix */
  ofCosign(subject: Digest): readonly string[]
}

/**
 * The tag list of a repository, which a run requests once for all images there. It may not decide
 * about a tag that is written.
 */
export class SharedTagList {
  readonly #store: TagLister
  readonly #call: Call
  readonly #known: TagList | undefined
  #tags: Promise<readonly string[]> | undefined
  #evidence: Promise<EvidenceTags | undefined> | undefined

  /**
   * @param call of the whole run: the failure of one image must not abort the list of the others
   * @param known tags that are known: then no list is requested for attached artifacts, and if they
   * are all tags, none at all
   */
  constructor(store: TagLister, call: Call, known?: TagList) {
    this.#store = store
    this.#call = call
    this.#known = known
  }

  /**
   * Returns all tags, and none if the repository is absent. docker-registry 2.8 also answers 404
   * for a repository without tags. @throws what the store throws.
   */
  async all(): Promise<readonly string[]> {
    try {
      return await this.#read()
    } catch (error) {
      if (isNoList(error) && error.code === 'not-found') return []
      throw error
    }
  }

  /** Returns undefined if there is no list: single tags may still be readable. */
  evidence(): Promise<EvidenceTags | undefined> {
    this.#evidence ??= this.#readEvidence()
    return this.#evidence
  }

  /** Requests the list before it is needed. */
  prefetch(): void {
    // Each reader awaits the list and fails with it.
    this.evidence().catch(() => undefined)
  }

  async #readEvidence(): Promise<EvidenceTags | undefined> {
    if (this.#known !== undefined) return evidenceTagsIn(this.#known)
    try {
      return evidenceTagsIn({ tags: new Set(await this.#read()), isWhole: true })
    } catch (error) {
      if (!isNoList(error)) throw error
      return undefined
    }
  }

  #read(): Promise<readonly string[]> {
    this.#tags ??= this.#known?.isWhole === true ? Promise.resolve([...this.#known.tags]) : this.#readTwice()
    return this.#tags
  }

  /** No digest covers the bytes of a list: one that arrives damaged is read again. */
  async #readTwice(): Promise<readonly string[]> {
    const read = (): Promise<readonly string[]> => Array.fromAsync(this.#store.tags(this.#call))
    try {
      return await read()
    } catch (error) {
      const isDamaged = isDrayError(error) && error.code === 'protocol'
      if (!isDamaged || this.#call.signal.aborted) throw error
      return await read()
    }
  }
}

/** The tag lists of the repositories that a run reads. */
export class SharedTagLists {
  readonly #call: Call
  readonly #lists = new Map<string, SharedTagList>()

  /** @param call of the whole run */
  constructor(call: Call) {
    this.#call = call
  }

  /** @param known all tags, if the run has read them already */
  of(store: TagLister, known?: readonly string[]): SharedTagList {
    const key = formatRepository(store.repository)
    const wholeOf = (tags: readonly string[]): TagList => ({ tags: new Set(tags), isWhole: true })
    const list = this.#lists.get(key) ?? new SharedTagList(store, this.#call, known && wholeOf(known))
    this.#lists.set(key, list)
    return list
  }
}

function evidenceTagsIn({ tags: listed, isWhole }: TagList): EvidenceTags {
  const tags = new Set([...listed].filter(isEvidenceTag))
  const bySubject = cosignTagsBySubject(tags)
  return {
    has: (tag) => tags.has(tag) || (isWhole ? false : undefined),
    ofCosign: (subject) => {
      const found = (bySubject.get(fallbackTag(subject)) ?? []).map(({ tag }) => tag)
      return isWhole ? found : [...new Set([...plainCosignTags(subject), ...found])]
    },
  }
}

/** cosign's tags for a subject without a prefix. */
export function plainCosignTags(
  subject: Digest,
  suffixes: readonly CosignSuffix[] = cosignSuffixes,
): readonly string[] {
  return suffixes.map((suffix) => cosignTag(subject, suffix))
}
