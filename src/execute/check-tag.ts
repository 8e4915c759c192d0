import type { Call } from '../lib/call.ts'
import type { Clock } from '../lib/clock.ts'
import { DrayError } from '../lib/errors.ts'
import type { Digest } from '../oci/digest.ts'
import { formatAt, formatRepository, type RepositoryName } from '../oci/reference.ts'
import { movedSince, overtaken } from '../plan/conflicts.ts'
import { type HighestPrecondition, isOfTag, type Precondition } from '../plan/plan.ts'
import { higherInLine } from '../semver/line.ts'
import { parseVersion, versionTagsIn } from '../semver/version.ts'
import type { Repositories } from '../images/ports.ts'
import { listTags } from '../images/tags/tags.ts'

/** The steps of one wave share a list of tags; later ones read it again. */
const listAgeMs = 2_000

export interface Check {
  readonly state: 'asWanted' | 'asExpected'
  /** the digest of the tag that the step is about, null where it is not there */
  readonly before?: Digest | null
}

/** One tag that a step is to put on `wanted`, and what the plan rests on. */
export interface TagInQuestion {
  readonly repository: RepositoryName
  readonly tag: string
  readonly wanted: Digest
  readonly expect: readonly Precondition[]
}

/** Reads tags just before they are written, and compares them with what the plan saw. */
export class TagChecks {
  readonly #stores: Repositories
  readonly #clock: Clock
  readonly #lists = new Map<string, { readonly since: number; readonly tags: Promise<readonly string[]> }>()

  constructor(stores: Repositories, clock: Clock) {
    this.#stores = stores
    this.#clock = clock
  }

  /** @throws `conflict` where the world is neither as the step wants it nor as the plan saw it; what the store throws. */
  async check({ repository, tag, wanted, expect }: TagInQuestion, call: Call): Promise<Check> {
    const others = expect.filter((one) => !isOfTag(one, repository, tag))
    const [before, complaints] = await Promise.all([
      this.#digest(repository, tag, call),
      Promise.all(others.map((one) => this.#complaint(one, formatAt(repository, { tag }), call))),
    ])
    if (before === wanted) return { state: 'asWanted', before }
    const complaint = complaints.find((one) => one !== undefined)
    if (complaint !== undefined) throw complaint
    const own = expect.find((one) => isOfTag(one, repository, tag))
    if (own === undefined || own.digest === before) return { state: 'asExpected', before }
    // a cache may have answered: what was seen last counts
    const again = await this.#digest(repository, tag, call)
    if (again === wanted) return { state: 'asWanted', before: again }
    if (own.digest !== again) throw movedSince(own, again)
    return { state: 'asExpected', before: again }
  }

  async #complaint(expected: Precondition, tag: string, call: Call): Promise<DrayError | undefined> {
    if (expected.kind === 'highest') return this.#overtaken(expected, tag, call)
    const { repository, tag: other, digest } = expected
    if ((await this.#digest(repository, other, call)) === digest) return undefined
    const now = await this.#digest(repository, other, call)
    return now === digest ? undefined : movedSince(expected, now)
  }

  async #overtaken(expected: HighestPrecondition, tag: string, call: Call): Promise<DrayError | undefined> {
    const { repository, line, buildMetadata } = expected
    const version = parseVersion(expected.version)
    if (version === undefined)
      throw new DrayError('malformed', `the plan names ${JSON.stringify(expected.version)} as a version`)
    const tags = await this.#tags(repository, call)
    const versions = versionTagsIn(tags, { buildMetadata }).map((one) => one.version)
    const higher = higherInLine(versions, line, version)
    if (higher === undefined) return undefined
    return overtaken(expected, higher, tag)
  }

  async #digest(repository: RepositoryName, tag: string, call: Call): Promise<Digest | null> {
    return (await this.#stores.target(repository).resolve({ tag }, call))?.digest ?? null
  }

  async #tags(repository: RepositoryName, call: Call): Promise<readonly string[]> {
    const key = formatRepository(repository)
    const known = this.#lists.get(key)
    if (known !== undefined && this.#clock.now() - known.since <= listAgeMs) return await known.tags
    const tags = listTags(this.#stores.target(repository), call)
    this.#lists.set(key, { since: this.#clock.now(), tags })
    return await tags
  }
}
