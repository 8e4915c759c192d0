import type { Call } from '../../lib/call.ts'
import { DrayError, type ErrorCode, isDrayError } from '../../lib/errors.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import type { Digest } from '../../oci/digest.ts'
import { fallbackTag } from '../../oci/evidence-tags.ts'
import { artifactTypeOf, parseManifest } from '../../oci/manifest.ts'
import { isIndexType, isManifestType } from '../../oci/media-types.ts'
import { formatAt, isTag } from '../../oci/reference.ts'
import { type Graph, walkGraph } from '../graph/graph.ts'
import { inParallel } from '../parallel.ts'
import type { ManifestContent, SourceRepository } from '../ports.ts'
import { plainCosignTags, SharedTagList } from '../tags/shared-tag-list.ts'
import { entriesOf, unlistedError } from './referrers.ts'

/** Subjects and artifacts that are read at once. */
const readsAtOnce = 16
/** The maximum of levels of artifacts on artifacts. Real evidence is less deep. */
const maxDepth = 8
const maxItems = 10_000

/** One attached artifact: its manifest, and the graph of all its content. */
export interface Evidence {
  readonly subject: Digest
  /** its entry in a list of referrers, with `artifactType` and annotations */
  readonly manifest: Descriptor
  /** found by its `subject` field, or under one of cosign's tags */
  readonly via: 'subject' | 'tag'
  readonly tag?: string
  readonly graph: Graph
}

export interface EvidenceOptions {
  /** the action for a listed manifest that does not exist */
  readonly dangling: 'fail' | 'skip'
  /** the tag list of the repository, if others of the run read it too */
  readonly tags?: SharedTagList
  /**
   * a subject whose fallback tag, signature and attestation are read although the list lacks them:
   * the lists of some registries are delayed, and an image may be promoted just after it was signed
   */
  readonly readByName?: Digest
}

/**
 * Finds the artifacts that are attached to manifests, and the artifacts attached to those. It reads
 * the referrers API, the fallback tag, because an API can answer an empty list while older
 * artifacts are under the tag, and cosign's tags (distribution-spec, Listing Referrers and
 * Referrers Tag Schema; cosign, SIGNATURE_SPEC). The tag list shows those with a prefix, and
 * replaces four reads for each subject. Each subject is read once.
 */
export class EvidenceSearch {
  readonly #store: SourceRepository
  readonly #options: EvidenceOptions
  readonly #seen = new Set<Digest>()
  readonly #found = new Map<string, Evidence>()
  /** subjects for which the registry answered that it does not have the referrers API */
  readonly #unlisted = new Set<Digest>()
  #tags: SharedTagList | undefined

  constructor(store: SourceRepository, options: EvidenceOptions) {
    this.#store = store
    this.#options = options
    this.#tags = options.tags
  }

  get found(): readonly Evidence[] {
    return [...this.#found.values()]
  }

  /**
   * Adds the artifacts of the subjects to `found`.
   * @throws `not-found` for a dangling entry; what the ports throw. A list that cannot be read is
   * never an empty list.
   */
  async find(subjects: readonly Digest[], call: Call): Promise<void> {
    this.#tags ??= new SharedTagList(this.#store, call)
    let wave = this.#unseen(subjects)
    for (let depth = 0; wave.length > 0; depth++) {
      if (depth > maxDepth) throw this.#tooMuch(`it is nested deeper than ${maxDepth} levels`)
      const readAll = async (wanted: readonly Digest[]): Promise<readonly Evidence[]> =>
        (await inParallel(wanted, readsAtOnce, call, (subject, c) => this.#readTwice(subject, c))).flat()
      const found = [...(await readAll(wave))]
      // If the registry listed the referrers of one subject, it has the API, and the answer for
      // another was a mistake.
      if (this.#store.capability('referrers') === 'yes') {
        const unlisted = wave.filter((subject) => this.#unlisted.delete(subject))
        found.push(...(await readAll(unlisted)))
        for (const subject of unlisted) if (this.#unlisted.has(subject)) this.#noteUnlisted(subject, call)
      }
      for (const item of found) this.#found.set(`${item.subject} ${item.tag ?? item.manifest.digest}`, item)
      if (this.#found.size > maxItems)
        throw this.#tooMuch(`there are more than ${maxItems} attached artifacts`)
      wave = this.#unseen(found.flatMap((item) => item.graph.nodes.map((node) => node.descriptor.digest)))
    }
  }

  #unseen(subjects: readonly Digest[]): readonly Digest[] {
    const fresh = [...new Set(subjects)].filter((subject) => !this.#seen.has(subject))
    for (const subject of fresh) this.#seen.add(subject)
    return fresh
  }

  /**
   * The bytes of a list have no digest. If an entry does not match its manifest, the list is read
   * again.
   */
  async #readTwice(subject: Digest, call: Call): Promise<readonly Evidence[]> {
    try {
      return await this.#read(subject, call)
    } catch (error) {
      const isMismatch = isDrayError(error) && mismatchCodes.has(error.code)
      if (!isMismatch || call.signal.aborted) throw error
      return await this.#read(subject, call)
    }
  }

  async #read(subject: Digest, call: Call): Promise<readonly Evidence[]> {
    const [listed, underTag, ofCosign] = await Promise.all([
      this.#store.referrers(subject, call),
      this.#fallbackIndex(subject, call),
      this.#cosignTags(subject, call),
    ])
    if (listed === undefined) this.#unlisted.add(subject)
    const entries = new Map<Digest, Descriptor>()
    for (const entry of [...(listed ?? []), ...underTag]) {
      if (!entries.has(entry.digest)) entries.set(entry.digest, entry)
    }
    const bySubject = await inParallel([...entries.values()], readsAtOnce, call, (entry, c) =>
      this.#referrer(subject, entry, c),
    )
    const byTag = await inParallel(
      ofCosign.flatMap((item) => item ?? []),
      readsAtOnce,
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

  /** An entry counts only if its manifest names the subject, because the entry itself does not. */
  async #referrer(subject: Digest, entry: Descriptor, call: Call): Promise<Evidence | undefined> {
    const content = await this.#store.findManifest(entry, call)
    const where = formatAt(this.#store.repository, { digest: entry.digest })
    if (content === undefined) {
      if (isIndexType(entry.mediaType) || isManifestType(entry.mediaType))
        this.#noteMissing(where, subject, call)
      else this.#noteUnknownType(where, entry, call)
      return undefined
    }
    const manifest = parseManifest(content.bytes, content.descriptor.mediaType, where)
    if (manifest.subject?.digest !== subject) {
      call.notify({
        kind: 'warning',
        text: `${where} is listed as a referrer of ${subject}, but does not name it as its subject`,
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

  /** Without a list, only the tags without a prefix can be found. */
  async #cosignTags(
    subject: Digest,
    call: Call,
  ): Promise<readonly ({ tag: string; content: ManifestContent } | undefined)[]> {
    const listed = await this.#tags?.evidence()
    const named = subject === this.#options.readByName ? plainCosignTags(subject, ['sig', 'att']) : []
    const tags = [...new Set([...named, ...(listed?.ofCosign(subject) ?? plainCosignTags(subject))])]
    return await inParallel(tags, readsAtOnce, call, (tag, c) => this.#underTag(tag, subject, c))
  }

  async #underTag(
    tag: string,
    subject: Digest,
    call: Call,
  ): Promise<{ tag: string; content: ManifestContent } | undefined> {
    // cosign's tag for a sha512 digest is longer than a tag can be.
    if (!isTag(tag)) return undefined
    const isListed = (await this.#tags?.evidence())?.has(tag)
    if (isListed === false && subject !== this.#options.readByName) return undefined
    const content = await this.#readTag(tag, subject, call)
    if (content === 'refused') return undefined
    if (content !== undefined) return { tag, content }
    if (isListed === true) this.#noteMissing(formatAt(this.#store.repository, { tag }), subject, call)
    return undefined
  }

  /**
   * Reads a tag of an image that was readable. A refusal is skipped if dangling entries are.
   * @throws what the store throws.
   */
  async #readTag(tag: string, subject: Digest, call: Call): Promise<ManifestContent | 'refused' | undefined> {
    try {
      return await this.#store.findManifest({ tag }, call)
    } catch (error) {
      if (!isDrayError(error) || !refusalCodes.has(error.code) || call.signal.aborted) throw error
      if (this.#options.dangling === 'fail')
        throw error.with({ hint: `${error.hint ?? ''} ${skipHint}`.trimStart() })
      const where = formatAt(this.#store.repository, { tag })
      call.notify({
        kind: 'warning',
        text: `dray skips the attached artifact ${where} of ${subject}: ${error.message}`,
      })
      return 'refused'
    }
  }

  /** @throws `not-found` unless dangling entries are skipped. */
  #noteMissing(where: string, subject: Digest, call: Call): void {
    if (this.#options.dangling === 'skip') {
      call.notify({
        kind: 'warning',
        text: `the attached artifact ${where} of ${subject} is listed, but does not exist`,
      })
      return
    }
    throw new DrayError('not-found', `the attached artifact ${where} is listed, but does not exist`, {
      subject,
      hint: 'Push the attached artifact again, or pass --allow-missing-evidence to continue without it.',
    })
  }

  /** A registry serves a manifest only to a client that accepts its media type. */
  #noteUnknownType(where: string, { mediaType, artifactType = mediaType }: Descriptor, call: Call): void {
    const what = `cannot read the attached artifact ${where} (${artifactType})`
    if (this.#options.dangling === 'skip') {
      call.notify({ kind: 'warning', text: `${what}: dray does not know the media type ${mediaType}` })
      return
    }
    throw new DrayError('unsupported', what, {
      subject: where,
      why: `dray does not know its media type ${mediaType}`,
      hint: 'Pass --allow-missing-evidence to skip it, or --no-evidence to copy no attached artifacts.',
    })
  }

  /** A registry with the API answers an empty list (distribution-spec, Listing Referrers). */
  #noteUnlisted(subject: Digest, call: Call): void {
    const error = unlistedError(this.#store, subject)
    const hint =
      'Run the command again later, or pass --allow-missing-evidence to skip artifacts that are not listed.'
    if (this.#options.dangling === 'fail') throw error.with({ hint })
    call.notify({ kind: 'warning', text: error.message })
  }

  #tooMuch(why: string): DrayError {
    return new DrayError(
      'unsupported',
      `cannot read the attached artifacts in ${formatAt(this.#store.repository, { tag: '*' })}: ${why}`,
    )
  }
}

/** The errors of a read if the entry has a wrong digest, size or media type. */
const mismatchCodes: ReadonlySet<ErrorCode> = new Set(['not-found', 'corrupt', 'malformed'])

/** The errors of a read that the registry refuses. */
const refusalCodes: ReadonlySet<ErrorCode> = new Set(['forbidden', 'unauthorized'])
const skipHint = 'Pass --allow-missing-evidence to continue without this attached artifact.'
