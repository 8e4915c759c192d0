import type { Call } from '../../lib/call.ts'
import { DrayError } from '../../lib/errors.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import type { Digest } from '../../oci/digest.ts'
import { fallbackTag } from '../../oci/evidence-tags.ts'
import { formatAt, formatRepository, type RepositoryName } from '../../oci/reference.ts'
import { type Step, type StepId, targetOf } from '../../plan/plan.ts'
import { inParallel } from '../../images/parallel.ts'
import type {
  FallbackListing,
  FallbackTagWriter,
  Repositories,
  UnlistedReferrer,
} from '../../images/ports.ts'

/** Lists that are confirmed at once. */
const listsAtOnce = 32
/** Missing referrers that an error names. */
const maxNamed = 10

/**
 * The lists of referrers at registries that do not list them by themselves. The list of a subject
 * is written once, when all steps that may add to it have pushed what they attach, and is read
 * again at the end of the run.
 */
export class ReferrerLists {
  readonly #stores: Repositories
  readonly #call: Call
  readonly #lists = new Map<string, ReferrerList>()
  /** by step: the list that waits for it */
  readonly #waiting = new Map<StepId, ReferrerList>()

  /** @param call ends the writes and reads of lists when it is aborted */
  constructor(steps: readonly Step[], stores: Repositories, call: Call) {
    this.#stores = stores
    this.#call = call
    // A list does not wait for a step that comes after a tag, because tags wait for lists.
    const afterTags = new Set<StepId>()
    for (const step of steps) {
      if (step.kind === 'tag' || step.after.some((id) => afterTags.has(id))) afterTags.add(step.id)
      else if (step.kind !== 'copy') this.#expect(step, this.#listOf(step, subjectOf(step)))
    }
  }

  /** The lists do not wait for the step any longer. */
  release({ id }: Step): void {
    this.#waiting.get(id)?.release(id)
  }

  /**
   * Resolves when what the step has pushed is listed. Every step has to come here or to `release`
   * once it has ended, because the lists wait for it.
   * @throws `conflict` if other clients overwrite a list again and again; what the stores throw
   */
  async write(step: Step, unlisted: readonly UnlistedReferrer[]): Promise<void> {
    const lists = new Set(unlisted.map(({ subject }) => this.#listOf(step, subject)))
    const written = unlisted.map(({ subject, entry }) => this.#listOf(step, subject).add(entry))
    const waiting = this.#waiting.get(step.id)
    for (const list of waiting === undefined ? lists : lists.add(waiting)) list.release(step.id)
    await Promise.all(written)
  }

  /** Reads all lists again that were written, and repairs them. Never rejects: see `check`. */
  async confirm(): Promise<void> {
    const written = [...this.#lists.values()].filter(({ isWritten }) => isWritten)
    await inParallel(written, listsAtOnce, { ...this.#call, signal: new AbortController().signal }, (list) =>
      list.confirm(),
    )
  }

  /** @throws if what the step has pushed is not listed, or if that is not confirmed. */
  check(step: Step, unlisted: readonly UnlistedReferrer[]): void {
    for (const { subject, entry } of unlisted) this.#listOf(step, subject).check(entry)
  }

  #expect(step: Step, list: ReferrerList): void {
    list.expect(step.id)
    this.#waiting.set(step.id, list)
  }

  #listOf(step: Step, subject: Digest): ReferrerList {
    const repository = targetOf(step)
    const key = `${formatRepository(repository)}@${subject}`
    const list =
      this.#lists.get(key) ??
      new ReferrerList(this.#stores.target(repository), { repository, digest: subject }, this.#call)
    this.#lists.set(key, list)
    return list
  }
}

function subjectOf(step: Exclude<Step, { kind: 'tag' | 'copy' }>): Digest {
  return step.kind === 'attach' ? step.subject : step.subject.digest
}

interface Subject {
  readonly repository: RepositoryName
  readonly digest: Digest
}

/** The list of referrers of one subject. */
class ReferrerList {
  readonly #store: FallbackTagWriter
  readonly #subject: Subject
  readonly #call: Call
  /** steps that may still add to the list before it is written */
  readonly #expected = new Set<StepId>()
  readonly #entries = new Map<Digest, Descriptor>()
  #next: PromiseWithResolvers<FallbackListing> | undefined
  #last: Promise<FallbackListing> | undefined
  readonly #missing = new Set<Digest>()
  #failure: { readonly reason: unknown } | undefined

  constructor(store: FallbackTagWriter, subject: Subject, call: Call) {
    this.#store = store
    this.#subject = subject
    this.#call = call
  }

  get isWritten(): boolean {
    return this.#last !== undefined
  }

  expect(step: StepId): void {
    this.#expected.add(step)
  }

  /** Writes the list once no step is expected any more. */
  release(step: StepId): void {
    this.#expected.delete(step)
    const next = this.#next
    if (this.#expected.size > 0 || next === undefined) return
    this.#next = undefined
    this.#last = this.#write(this.#last)
    this.#last.then(next.resolve, next.reject)
  }

  /** Resolves when the entry is listed. */
  async add(entry: Descriptor): Promise<void> {
    this.#entries.set(entry.digest, entry)
    this.#next ??= Promise.withResolvers()
    const { missing } = await this.#next.promise
    for (const digest of missing) this.#missing.add(digest)
    this.check(entry)
  }

  async confirm(): Promise<void> {
    try {
      const listing = await this.#last
      if (listing === undefined) return
      const { digest } = this.#subject
      const listed = [...this.#entries.values()].filter((entry) => !this.#missing.has(entry.digest))
      const missing = await this.#store.confirmFallbackTag(digest, listed, listing, this.#call)
      for (const one of missing) this.#missing.add(one)
    } catch (reason) {
      this.#failure = { reason }
    }
  }

  /** @throws the reason why the entry does not count as listed. */
  check({ digest }: Descriptor): void {
    if (this.#failure !== undefined) throw this.#failure.reason
    if (this.#missing.has(digest)) throw this.#overwritten()
  }

  async #write(previous: Promise<unknown> | undefined): Promise<FallbackListing> {
    await previous?.catch(() => undefined)
    return await this.#store.addToFallbackTag(this.#subject.digest, [...this.#entries.values()], this.#call)
  }

  #overwritten(): DrayError {
    const { repository, digest } = this.#subject
    const missing = [...this.#missing].flatMap((one) => this.#entries.get(one) ?? [])
    const named = missing
      .slice(0, maxNamed)
      .map((one) => `${one.digest} ${one.artifactType ?? one.mediaType}`)
    const more = missing.length - named.length
    const subject = formatAt(repository, { digest })
    return new DrayError('conflict', `the registry does not list these referrers of ${subject}`, {
      subject,
      details: more > 0 ? [...named, `and ${more} more`] : named,
      why: `dray pushed them, and each time another client overwrote ${formatAt(repository, { tag: fallbackTag(digest) })}`,
      hint: 'Run the command again when no other client changes the referrers of this image.',
    })
  }
}
