import { isEvidence, subjectOf } from './names.ts'
import { Graph, type Question, type Verdicts, verdictsOf } from './oracle.ts'
import type { History } from './history.ts'
import type { Handled } from './simulated-registry.ts'
import type { Snapshot } from './snapshot.ts'

/** Deletes between two looks at all tags (retention.md, Execute), and those that may be under way when the look is due. */
const mostDeletesWithoutALook = 100 + 16
/** Deletes that may lie between the look at a digest's own tags and its delete: those that are under way beside it. */
const mostBesideIt = 16

/**
 * Watches one run of the product from the registry's side and judges each delete by what this run had been told by then.
 *
 * The window. Somebody else's change counts as seen by a run from the first answer on that shows it: HEAD or GET of the tag with its new digest, a list of
 * tags with a name that is new (what it is on may be read then), a list of referrers with the new one. A delete whose request comes before any such answer
 * is excused, and only then; a change that could have been seen by a look which retention.md asks for (the digest's own tags just before its delete, all
 * names every hundred deletes) is not, since leaving that look out is a complaint of its own. What a delete that is excused takes away is in `excused`.
 */
export class Witness {
  readonly complaints: string[] = []
  /** manifests that were needed when this run deleted them, without any answer that said so */
  readonly excused: Set<string> = new Set()
  readonly deleted: Set<string> = new Set()
  readonly methods: Set<string> = new Set()
  /** answers to deletes of manifests, in their order */
  readonly answers: number[] = []
  verdicts: Verdicts | undefined
  readonly #history: History
  readonly #question: Question
  readonly #tags: Map<string, string> = new Map()
  readonly #there: Set<string> = new Set()
  readonly #listed: Map<string, readonly string[]> = new Map()
  /** by tag: how many deletes this run had sent when it last looked */
  readonly #lookedAt: Map<string, number> = new Map()
  #listedAt = 0
  #deletes = 0
  #planned: ReadonlyMap<string, string> = new Map()

  readonly #added: ReadonlySet<string>

  /** @param added manifests that others push meanwhile, also those that nothing leads to yet */
  constructor(history: History, question: Question, added: ReadonlySet<string>) {
    this.#history = history
    this.#question = question
    this.#added = added
  }

  /**
   * The plan is made: what it may delete follows from what the run was told so far.
   * @param isOfThisMoment it is carried out at once: its reading is the first look at all tags
   */
  plan(isOfThisMoment: boolean): Verdicts {
    this.verdicts = verdictsOf(this.#knowledge(), this.#question)
    this.#planned = new Map(this.#tags)
    this.#lookedAt.clear()
    if (!isOfThisMoment) this.#listedAt = Number.NEGATIVE_INFINITY
    return this.verdicts
  }

  /** For a run that carries out the plan of another one. */
  planOf(other: Witness): void {
    this.verdicts = other.verdicts
    this.#planned = other.#planned
    for (const [tag, digest] of other.#tags) this.#tags.set(tag, digest)
    for (const digest of other.#there) this.#there.add(digest)
    for (const [subject, listed] of other.#listed) this.#listed.set(subject, listed)
    this.#listedAt = Number.NEGATIVE_INFINITY
  }

  /** Before a request is handled. */
  async before(method: string, kind: Handled['kind'], reference: string): Promise<void> {
    this.methods.add(method)
    if (method !== 'DELETE') return
    if (kind !== 'manifest') return void this.complaints.push(`DELETE of a ${kind}`)
    const truth = await this.#history.now()
    if (reference.startsWith('sha256:')) this.#beforeManifest(reference, truth)
    else this.#beforeTag(reference, truth)
    // tags that go before their digest belong to its delete
    if (this.verdicts?.lost.has(reference) !== true) this.#deletes += 1
  }

  /** When an answer is on its way to the run. */
  async told({ method, kind, reference, status, headers, body }: Handled): Promise<void> {
    const isDigest = reference.startsWith('sha256:')
    if (method === 'DELETE') {
      if (isDigest) this.answers.push(status)
      if (isDigest && status === 202) this.deleted.add(reference)
      if (status !== 202 && status !== 404) return
      if (!isDigest) this.#tags.delete(reference)
      else this.#forget(reference)
      return
    }
    if (kind === 'manifest') {
      const digest = headers['docker-content-digest']
      if (!isDigest) this.#lookedAt.set(reference, this.#deletes)
      if (status === 200 && digest !== undefined) {
        this.#there.add(digest)
        if (!isDigest) this.#tags.set(reference, digest)
      } else if (status === 404) {
        if (isDigest) this.#forget(reference)
        else this.#tags.delete(reference)
      }
    }
    if (kind === 'tags' && status === 200) await this.#toldNames(body)
    if (kind === 'referrers' && status === 200) {
      const { manifests } = JSON.parse(body) as { readonly manifests: readonly { readonly digest: string }[] }
      const listed = manifests.map((one) => one.digest)
      for (const digest of listed) this.#there.add(digest)
      // a page: those before it stay
      this.#listed.set(reference, [...new Set([...(this.#listed.get(reference) ?? []), ...listed])])
    }
  }

  async #toldNames(body: string): Promise<void> {
    this.#listedAt = this.#deletes
    const { tags } = JSON.parse(body) as { readonly tags: readonly string[] | null }
    const isPlanned = this.verdicts !== undefined
    for (const tag of tags ?? []) {
      if (!isPlanned || this.#tags.has(tag)) continue
      const digest = (await this.#history.now()).tags.get(tag)
      if (digest === undefined) continue
      this.#tags.set(tag, digest)
      this.#there.add(digest)
    }
  }

  #forget(digest: string): void {
    this.#there.delete(digest)
    for (const [tag, on] of this.#tags) if (on === digest) this.#tags.delete(tag)
  }

  #beforeManifest(digest: string, truth: Snapshot): void {
    const short = digest.slice(7, 15)
    const { verdicts } = this
    if (verdicts === undefined || verdicts.refused !== undefined || !verdicts.dead.has(digest)) {
      this.complaints.push(
        `${short} is deleted, and nothing condemns it (${verdicts?.refused ?? 'no limit'})`,
      )
      return
    }
    if (this.#survivors(this.#knowledge()).has(digest))
      this.complaints.push(`${short} is deleted, though the run had been told of what needs it`)
    const isNeeded =
      this.#survivors(truth).has(digest) || new Graph(truth, new Set()).reach([...this.#added]).has(digest)
    if (truth.manifests.has(digest) && isNeeded) this.excused.add(digest)
    if (this.#deletes - this.#listedAt > mostDeletesWithoutALook)
      this.complaints.push(
        `${short} is deleted after ${this.#deletes - this.#listedAt} deletes without a list of tags`,
      )
    for (const tag of verdicts.lost) {
      if (this.#planned.get(tag) !== digest) continue
      const looked = this.#lookedAt.get(tag) ?? Number.NEGATIVE_INFINITY
      if (this.#deletes - looked > mostBesideIt)
        this.complaints.push(`${short} is deleted without a look at ${tag}`)
    }
    for (const [tag, on] of truth.tags) {
      if (on !== digest || (verdicts.lost.has(tag) && this.#planned.get(tag) === digest)) continue
      if (this.#tags.get(tag) === digest) this.complaints.push(`${short} is deleted with the tag ${tag}`)
    }
  }

  #beforeTag(tag: string, truth: Snapshot): void {
    const { verdicts } = this
    const planned = this.#planned.get(tag)
    if (verdicts === undefined || verdicts.refused !== undefined || !this.#mayGo(verdicts).has(tag))
      this.complaints.push(`the tag ${tag} is deleted, and nothing condemns it`)
    else if (this.#tags.get(tag) !== planned)
      this.complaints.push(`the tag ${tag} is deleted, though the run had been told that it moved`)
    else if (truth.tags.get(tag) !== undefined && truth.tags.get(tag) !== planned)
      this.excused.add(`${tag} ${truth.tags.get(tag)}`)
  }

  /** Where a registry refuses a digest that has tags, those that are lost with it go first. */
  #mayGo({ untagged, loose, lost }: Verdicts): ReadonlySet<string> {
    const first = this.#history.registry.abilities.deleteTagged ? [] : lost
    return new Set([...untagged, ...loose, ...first])
  }

  /** What is needed in `snapshot`, whatever the plan said: by tags that it did not condemn where they are, by use, as evidence of something else than what dies. */
  #survivors(snapshot: Snapshot): ReadonlySet<string> {
    const { verdicts } = this
    const dead = verdicts?.dead ?? new Set()
    const condemned = new Set([
      ...(verdicts?.lost ?? []),
      ...(verdicts?.untagged ?? []),
      ...(verdicts?.loose ?? []),
    ])
    const roots: string[] = (this.#question.inUse ?? []).flatMap((at) =>
      at.startsWith('sha256:') ? [at] : (this.#planned.get(at) ?? []),
    )
    for (const [tag, digest] of snapshot.tags) {
      const isCondemned = condemned.has(tag) && this.#planned.get(tag) === digest
      const speaksOfTheDead = isEvidence(tag) && dead.has(subjectOf(tag))
      if (!isCondemned && !speaksOfTheDead) roots.push(digest)
    }
    const known = new Graph(snapshot, new Set()).reach([...snapshot.tags.values(), ...roots])
    for (const digest of known) {
      const subject = snapshot.manifests.get(digest)?.subject
      if (subject !== undefined && !dead.has(subject) && !dead.has(digest)) roots.push(digest)
    }
    return new Graph(snapshot, known).reach(roots)
  }

  #knowledge(): Snapshot {
    const manifests = new Map(
      [...this.#there].flatMap((digest) => {
        const manifest = this.#history.manifests.get(digest)
        return manifest === undefined ? [] : [[digest, manifest] as const]
      }),
    )
    return {
      tags: this.#tags,
      manifests,
      referrers: (subject) => (this.#listed.get(subject) ?? []).filter((digest) => this.#there.has(digest)),
    }
  }
}
