import type { Call } from '../../lib/call.ts'
import { DrayError, type ErrorCode, isDrayError } from '../../lib/errors.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import type { Digest } from '../../oci/digest.ts'
import { cosignSuffixes, cosignTag, fallbackTag } from '../../oci/evidence-tags.ts'
import { artifactTypeOf, parseManifest } from '../../oci/manifest.ts'
import { isIndexType } from '../../oci/media-types.ts'
import { formatAt, isTag } from '../../oci/reference.ts'
import { type Graph, walkGraph } from '../graph/graph.ts'
import { ListedTags } from '../tags/listed-tags.ts'
import { inParallel } from '../parallel.ts'
import type {
  ManifestContent,
  ManifestReader,
  NamedRepository,
  ReferrerLister,
  SourceRepository,
  TagLister,
} from '../ports.ts'
import { listUntil } from '../tags/tag-list.ts'

/** Subjects and pieces of evidence that are looked at at once. */
const looksAtOnce = 16
/** Evidence of evidence of evidence …: deeper than anyone signs. */
const maxDepth = 8
const maxItems = 10_000

/** One piece of evidence: a manifest that speaks of `subject`, and all that this manifest consists of. */
export interface Evidence {
  readonly subject: Digest
  /** as a list of referrers shows it: with `artifactType` and annotations where it has them */
  readonly manifest: Descriptor
  /** found by its `subject` field, or under one of cosign's tags */
  readonly via: 'subject' | 'tag'
  readonly tag?: string
  readonly graph: Graph
}

export interface EvidenceOptions {
  /** what to do with an entry of a list whose manifest is not there */
  readonly dangling: 'fail' | 'skip'
  /** all tags of the repository, where they are known: then none is asked for that is not there */
  readonly tags?: ReadonlySet<string>
}

/**
 * Finds the evidence of manifests, and the evidence of that evidence, to the end. Counts what the referrers API lists *and* what stands under
 * the fallback tag (an API may answer an empty list while older evidence sits under the tag), and cosign's tags (distribution-spec, Listing
 * Referrers and Referrers Tag Schema; cosign, SIGNATURE_SPEC). A subject is looked at once, whoever names it again.
 */
export class EvidenceSearch {
  readonly #store: SourceRepository
  readonly #options: EvidenceOptions
  readonly #seen = new Set<Digest>()
  readonly #found = new Map<string, Evidence>()
  /** subjects that were answered as if there were no referrers API */
  readonly #unlisted = new Set<Digest>()
  /** all tags, once it paid to list them */
  #tags: Promise<ListedTags | undefined> | undefined

  constructor(store: SourceRepository, options: EvidenceOptions) {
    this.#store = store
    this.#options = options
    if (options.tags !== undefined) this.#tags = Promise.resolve(new ListedTags(options.tags))
  }

  get found(): readonly Evidence[] {
    return [...this.#found.values()]
  }

  /** @throws what the store throws: a list that cannot be read is never taken for an empty one; `not-found` for a dangling entry. */
  async look(subjects: readonly Digest[], call: Call): Promise<void> {
    let wave = this.#unseen(subjects)
    for (let depth = 0; wave.length > 0; depth++) {
      if (depth > maxDepth) throw this.#tooMuch(`it is nested deeper than ${maxDepth} levels`)
      // One list of tags answers for all subjects what else takes four requests for each.
      if (wave.length > 1) this.#tags ??= this.#list(wave.length * requestsByTag, call)
      const lookAt = async (asked: readonly Digest[]): Promise<readonly Evidence[]> =>
        (await inParallel(asked, looksAtOnce, call, (subject, c) => this.#lookAt(subject, c))).flat()
      const found = [...(await lookAt(wave))]
      // A registry that listed the referrers of one subject has not lost the ability with the next: that 404 was another's.
      if (this.#store.capability('referrers') === 'yes') {
        const unlisted = wave.filter((subject) => this.#unlisted.delete(subject))
        found.push(...(await lookAt(unlisted)))
        for (const subject of unlisted) if (this.#unlisted.has(subject)) this.#noteUnlisted(subject, call)
      }
      for (const item of found) this.#found.set(`${item.subject} ${item.tag ?? item.manifest.digest}`, item)
      if (this.#found.size > maxItems) throw this.#tooMuch(`there are more than ${maxItems} pieces`)
      wave = this.#unseen(found.flatMap((item) => item.graph.nodes.map((node) => node.descriptor.digest)))
    }
  }

  #unseen(subjects: readonly Digest[]): readonly Digest[] {
    const fresh = [...new Set(subjects)].filter((subject) => !this.#seen.has(subject))
    for (const subject of fresh) this.#seen.add(subject)
    return fresh
  }

  /** Nothing vouches for the bytes of a list: an entry that does not describe its manifest is read once more before it is believed. */
  async #lookAt(subject: Digest, call: Call): Promise<readonly Evidence[]> {
    try {
      return await this.#readAbout(subject, call)
    } catch (error) {
      const isOdd = isDrayError(error) && oddCodes.has(error.code)
      if (!isOdd || call.signal.aborted) throw error
      return await this.#readAbout(subject, call)
    }
  }

  async #readAbout(subject: Digest, call: Call): Promise<readonly Evidence[]> {
    const [listed, underTag, ofCosign] = await Promise.all([
      this.#store.referrers(subject, call),
      this.#fallbackIndex(subject, call),
      Promise.all(cosignSuffixes.map((suffix) => this.#underTag(cosignTag(subject, suffix), subject, call))),
    ])
    if (listed === undefined) this.#unlisted.add(subject)
    const entries = new Map<Digest, Descriptor>()
    for (const entry of [...(listed ?? []), ...underTag]) {
      if (!entries.has(entry.digest)) entries.set(entry.digest, entry)
    }
    const bySubject = await inParallel([...entries.values()], looksAtOnce, call, (entry, c) =>
      this.#referrer(subject, entry, c),
    )
    const byTag = await inParallel(
      ofCosign.flatMap((item) => item ?? []),
      looksAtOnce,
      call,
      async ({ tag, content }, c): Promise<Evidence> => ({
        subject,
        manifest: content.descriptor,
        via: 'tag',
        tag,
        graph: await walkGraph(this.#store, content, c),
      }),
    )
    return [...bySubject.flatMap((item) => item ?? []), ...byTag]
  }

  /** An entry is believed once its manifest says `subject`: the entry of a fallback index itself carries none. */
  async #referrer(subject: Digest, entry: Descriptor, call: Call): Promise<Evidence | undefined> {
    const content = await this.#store.findManifest(entry, call)
    const where = formatAt(this.#store.repository, { digest: entry.digest })
    if (content === undefined) {
      this.#noteMissing(where, subject, call)
      return undefined
    }
    const manifest = parseManifest(content.bytes, content.descriptor.mediaType, where)
    if (manifest.subject?.digest !== subject) {
      call.notify({
        kind: 'warning',
        text: `${where} is listed as evidence of ${subject}, but does not name it as its subject`,
      })
      return undefined
    }
    const artifactType = artifactTypeOf(manifest)
    return {
      subject,
      manifest: {
        ...content.descriptor,
        ...(artifactType !== undefined && { artifactType }),
        ...(manifest.annotations !== undefined && { annotations: manifest.annotations }),
      },
      via: 'subject',
      graph: await walkGraph(this.#store, content, call),
    }
  }

  async #fallbackIndex(subject: Digest, call: Call): Promise<readonly Descriptor[]> {
    const item = await this.#underTag(fallbackTag(subject), subject, call)
    return item === undefined ? [] : entriesOf(this.#store, subject, item.content)
  }

  async #underTag(
    tag: string,
    subject: Digest,
    call: Call,
  ): Promise<{ tag: string; content: ManifestContent } | undefined> {
    // cosign's tag for a sha512 digest would be longer than a tag can be
    if (!isTag(tag)) return undefined
    const listed = (await this.#tags)?.has(tag)
    if (listed === 'no') return undefined
    const content = await this.#store.findManifest({ tag }, call)
    if (content !== undefined) return { tag, content }
    if (listed === 'yes') this.#noteMissing(formatAt(this.#store.repository, { tag }), subject, call)
    return undefined
  }

  /** @throws `not-found` unless evidence that is listed and not there is to be skipped. */
  #noteMissing(where: string, subject: Digest, call: Call): void {
    if (this.#options.dangling === 'skip') {
      call.notify({
        kind: 'warning',
        text: `evidence ${where} of ${subject} is listed, but it is not there`,
      })
      return
    }
    throw new DrayError('not-found', `evidence ${where} is listed, but it is not there`, {
      subject,
      hint: 'Push that evidence again, or go on without it by --allow-missing-evidence.',
    })
  }

  /** A registry with the API answers with an empty list where there is nothing (distribution-spec, Listing Referrers). */
  #noteUnlisted(subject: Digest, call: Call): void {
    const where = formatAt(this.#store.repository, { digest: subject })
    const what = `the referrers of ${where} are not listed (404), though those of others there are`
    if (this.#options.dangling === 'skip') {
      call.notify({ kind: 'warning', text: what })
      return
    }
    throw new DrayError('protocol', what, {
      subject: where,
      why: 'evidence could be hidden',
      hint: 'Run again later, or go on without what is not listed by --allow-missing-evidence.',
    })
  }

  #list(pages: number, call: Call): Promise<ListedTags | undefined> {
    const tags = listAtMost(this.#store, pages, call)
    // whoever looks at a subject hears of a failure; there may be nobody where the run was stopped just now
    tags.catch(() => undefined)
    return tags
  }

  #tooMuch(why: string): DrayError {
    return new DrayError(
      'unsupported',
      `the evidence in ${formatAt(this.#store.repository, { tag: '*' })} is not walked: ${why}`,
    )
  }
}

/**
 * The referrers that a client of this store will find: by the API where it has one, else in the index under the fallback tag.
 * @throws what the store throws.
 */
export async function listReferrers(
  store: ManifestReader & ReferrerLister,
  subject: Digest,
  call: Call,
): Promise<readonly Descriptor[]> {
  const listed = await store.referrers(subject, call)
  if (listed !== undefined) return listed
  const content = await store.findManifest({ tag: fallbackTag(subject) }, call)
  return content === undefined ? [] : entriesOf(store, subject, content)
}

/**
 * All that is listed as a referrer, by the API and under the fallback tag: an API may answer an empty list while older entries stand under the
 * tag. An entry is believed once its manifest says `subject`. @throws what the store throws.
 */
export async function listAllReferrers(
  store: ManifestReader & ReferrerLister,
  subject: Digest,
  call: Call,
): Promise<readonly Descriptor[]> {
  const [listed, content] = await Promise.all([
    store.referrers(subject, call),
    store.findManifest({ tag: fallbackTag(subject) }, call),
  ])
  const underTag = content === undefined ? [] : entriesOf(store, subject, content)
  const byDigest = new Map([...underTag, ...(listed ?? [])].map((entry) => [entry.digest, entry]))
  return [...byDigest.values()]
}

/** The entries of what stands under a fallback tag, only if it is an index: GitLab answers that tag with the image itself. */
function entriesOf(store: NamedRepository, subject: Digest, content: ManifestContent): readonly Descriptor[] {
  if (!isIndexType(content.descriptor.mediaType) || content.descriptor.digest === subject) return []
  const where = formatAt(store.repository, { tag: fallbackTag(subject) })
  const index = parseManifest(content.bytes, content.descriptor.mediaType, where)
  return index.kind === 'index' ? index.manifests : []
}

/** How the read of a referrer ends if its entry names another digest, size or media type. */
const oddCodes: ReadonlySet<ErrorCode> = new Set(['not-found', 'corrupt', 'malformed'])

/** Requests that one subject takes where the tags are not known: the fallback tag and cosign's three. */
const requestsByTag = 1 + cosignSuffixes.length

/** All tags, or undefined where the list has more pages than it is worth or is not to be had: then each tag is asked for by itself. */
async function listAtMost(store: TagLister, pages: number, call: Call): Promise<ListedTags | undefined> {
  const list = await listUntil(store, (read) => read > pages, call)
  return list?.isWhole === true ? new ListedTags(list.tags) : undefined
}
