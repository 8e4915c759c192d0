import type { Call } from '../../../lib/call.ts'
import type { Digest } from '../../../oci/digest.ts'
import { cosignTagsBySubject, fallbackTag, isEvidenceTag } from '../../../oci/evidence-tags.ts'
import { entriesOf, unlistedError } from '../../../images/evidence/referrers.ts'
import { inParallel } from '../../../images/parallel.ts'
import type { SourceRepository } from '../../../images/ports.ts'

/** Tags of attached artifacts that are resolved at once. */
const tagsAtOnce = 8

/** The artifacts that a repository has attached to one manifest. */
export interface Attached {
  readonly referrers: ReadonlySet<Digest>
  /** by tag of cosign: the manifest under it */
  readonly cosign: ReadonlyMap<string, Digest>
}

/** A repository with its complete list of tags, which shows the tags of attached artifacts. */
export class AttachedReader {
  readonly store: SourceRepository
  readonly #tags: ReadonlySet<string>
  readonly #cosign: ReadonlyMap<string, readonly { readonly tag: string }[]>

  constructor(store: SourceRepository, tags: readonly string[]) {
    this.store = store
    this.#tags = new Set(tags.filter(isEvidenceTag))
    this.#cosign = cosignTagsBySubject(this.#tags)
  }

  /**
   * Lists what is attached to a manifest: one request if the registry has the referrers API, none
   * if it has not, and one for each tag of an attached artifact in the list.
   * @throws `protocol` if the registry does not list these referrers although it lists others;
   * what the store throws.
   */
  async read(subject: Digest, call: Call): Promise<Attached> {
    const [listed, underTag, cosign] = await Promise.all([
      this.store.referrers(subject, call),
      this.#fallbackEntries(subject, call),
      this.#cosignTags(subject, call),
    ])
    if (listed === undefined && this.store.capability('referrers') === 'yes')
      throw unlistedError(this.store, subject)
    return { referrers: new Set([...(listed?.map(({ digest }) => digest) ?? []), ...underTag]), cosign }
  }

  async #fallbackEntries(subject: Digest, call: Call): Promise<readonly Digest[]> {
    const tag = fallbackTag(subject)
    if (!this.#tags.has(tag)) return []
    const content = await this.store.findManifest({ tag }, call)
    return content === undefined ? [] : entriesOf(this.store, subject, content).map(({ digest }) => digest)
  }

  async #cosignTags(subject: Digest, call: Call): Promise<ReadonlyMap<string, Digest>> {
    const tags = this.#cosign.get(fallbackTag(subject)) ?? []
    const found = await inParallel(tags, tagsAtOnce, call, async ({ tag }, c) => {
      const descriptor = await this.store.resolve({ tag }, c)
      return descriptor === undefined ? [] : [[tag, descriptor.digest] as const]
    })
    return new Map(found.flat())
  }
}
