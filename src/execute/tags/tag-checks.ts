import type { Call } from '../../lib/call.ts'
import type { Clock } from '../../lib/clock.ts'
import type { DrayError } from '../../lib/errors.ts'
import { isFresh } from '../../lib/freshness.ts'
import type { Digest } from '../../oci/digest.ts'
import { formatAt, formatRepository, type RepositoryName } from '../../oci/reference.ts'
import { movedSince, overtaken } from '../../plan/conflicts.ts'
import { invalidPlan } from '../../plan/invalid-plan.ts'
import { type HighestPrecondition, isOfTag, type Precondition, readingOf } from '../../plan/plan.ts'
import { higherInLine } from '../../semver/line.ts'
import { beginsLikeVersion, parseVersion, versionTagsIn } from '../../semver/version.ts'
import type { Repositories } from '../../images/ports.ts'
import { listTags, readTag } from '../../images/tags/tags.ts'

/** A tag that a step writes, and what the plan rests on. */
export interface CheckedTag {
  readonly repository: RepositoryName
  readonly tag: string
  readonly wanted: Digest
  readonly expect: readonly Precondition[]
  /** the tag is written although it is up to date: its content was damaged */
  readonly repair?: boolean
}

/** The result of the check of a tag. */
export type TagCheck = TagState & {
  /** when the reading began, in milliseconds */
  readonly at: number
  /** what the tag points at; null: it is not there */
  readonly found: Digest | null
}

type TagState =
  | { readonly state: 'upToDate' | 'expected' }
  /**
   * the tag is neither up to date nor as the plan expects it, or another precondition does not hold
   */
  | { readonly state: 'conflict'; readonly error: DrayError }

interface ReadTagList {
  readonly at: number
  readonly tags: Promise<readonly string[]>
}

/** Reads tags just before they are written, and compares them with what the plan expects. */
export class TagChecks {
  readonly #stores: Repositories
  readonly #clock: Clock
  /** by repository: the steps of one wave share a list */
  readonly #lists = new Map<string, ReadTagList>()

  constructor(stores: Repositories, clock: Clock) {
    this.#stores = stores
    this.#clock = clock
  }

  /** @throws what the store throws */
  async check(checked: CheckedTag, call: Call): Promise<TagCheck> {
    const { repository, tag, expect } = checked
    const others = expect.filter((one) => !isOfTag(one, repository, tag))
    const own = expect.find((one) => isOfTag(one, repository, tag))
    const began = this.#clock.now()
    const lists = others.flatMap((one) => (one.kind === 'highest' ? [this.#list(one.repository, call)] : []))
    const at = Math.min(began, ...lists.map((list) => list.at))
    const method = own?.digest === null && beginsLikeVersion(tag) ? 'GET' : 'HEAD'
    const [found, failures] = await Promise.all([
      this.#digest(repository, tag, method, call),
      Promise.all(others.map((one) => this.#failureOf(one, formatAt(repository, { tag }), call))),
    ])
    if (found === checked.wanted) return { at, found, state: upToDate(checked) }
    const error = failures.find((one) => one !== undefined)
    if (error !== undefined) return { at, found, state: 'conflict', error }
    if (own === undefined || own.digest === found) return { at, found, state: 'expected' }
    // the first response may have come from a cache: the second one counts
    const again = await this.#digest(repository, tag, found === null ? 'GET' : method, call)
    if (again === checked.wanted) return { at, found: again, state: upToDate(checked) }
    if (again === own.digest) return { at, found: again, state: 'expected' }
    return { at, found: again, state: 'conflict', error: movedSince(own, again) }
  }

  /** The error for a precondition that does not hold. */
  async #failureOf(expected: Precondition, tag: string, call: Call): Promise<DrayError | undefined> {
    if (expected.kind === 'highest') return await this.#overtaken(expected, tag, call)
    const { repository, tag: other, digest } = expected
    const found = await this.#digest(repository, other, digest === null ? 'GET' : 'HEAD', call)
    if (found === digest) return undefined
    const again = await this.#digest(
      repository,
      other,
      digest === null || found === null ? 'GET' : 'HEAD',
      call,
    )
    return again === digest ? undefined : movedSince(expected, again)
  }

  async #overtaken(expected: HighestPrecondition, tag: string, call: Call): Promise<DrayError | undefined> {
    const { repository, line } = expected
    const reading = readingOf(expected)
    const version = parseVersion(expected.version, reading)
    if (version === undefined)
      throw invalidPlan('the plan', `its version ${JSON.stringify(expected.version)} is not valid`)
    const tags = await this.#list(repository, call).tags
    const versions = versionTagsIn(tags, reading).map((one) => one.version)
    const higher = higherInLine(versions, line, version)
    return higher === undefined ? undefined : overtaken(expected, higher, tag)
  }

  /**
   * Some registries answer 404 to HEAD of a manifest that GET returns. So a tag that may be absent
   * is read by GET. Only a tag that may be moved is believed to be absent after a HEAD.
   */
  async #digest(
    repository: RepositoryName,
    tag: string,
    method: 'GET' | 'HEAD',
    call: Call,
  ): Promise<Digest | null> {
    const store = this.#stores.target(repository)
    if (method === 'GET') return await readTag(store, tag, call)
    return (await store.resolve({ tag }, call))?.digest ?? null
  }

  #list(repository: RepositoryName, call: Call): ReadTagList {
    const key = formatRepository(repository)
    const known = this.#lists.get(key)
    if (known !== undefined && isFresh(known.at, this.#clock.now())) return known
    const list = { at: this.#clock.now(), tags: listTags(this.#stores.target(repository), call) }
    this.#lists.set(key, list)
    return list
  }
}

function upToDate({ repair = false }: CheckedTag): 'upToDate' | 'expected' {
  return repair ? 'expected' : 'upToDate'
}
