import type { Call } from '../../../lib/call.ts'
import { type DrayError, type ErrorCode, isDrayError } from '../../../lib/errors.ts'
import type { Digest } from '../../../oci/digest.ts'
import type { Inventories } from '../../../images/inventory/inventory.ts'
import { readVendorTags } from '../../../images/inventory/vendor-tags.ts'
import { inParallel } from '../../../images/parallel.ts'
import type { SourceRepository } from '../../../images/ports.ts'
import { readTag } from '../../../images/tags/tags.ts'
import type { ResolvedSelection } from '../select-by-time.ts'

/** Tags that are resolved at once. */
const tagsAtOnce = 16
/** The entries of a page of an inventory; some vendors have more. */
const entriesOfPage = 100
/** With fewer tags, the digests come from the OCI API. */
const fewTags = 16

/** The digests of the tags of one side. A tag that was deleted since the list has none. */
export interface SideDigests extends ResolvedSelection {
  /**
   * Returns the same, with these tags as the OCI API resolves them. Sends no request for a tag that
   * it has resolved already.
   */
  confirm(tags: readonly string[], call: Call): Promise<ResolvedSelection>
}

/** The digests of the tags of a side that were read before. */
export interface KnownDigests extends ResolvedSelection {
  /** the tags that the OCI API resolved; the others have the digests of an inventory */
  readonly resolved: ReadonlySet<string>
}

export interface ReadDigestsOptions {
  /** how many tags the repository has */
  readonly listed: number
  readonly inventories?: Inventories | undefined
  readonly known?: KnownDigests
  /** tags that are read by GET: the manifest is needed anyway, and the run keeps it */
  readonly needed?: ReadonlySet<string>
}

/**
 * Resolves tags by a HEAD each, or takes their digests from the inventory if it needs fewer
 * requests. @throws if no tag can be read; for a failure that is not about one image.
 */
export async function readDigests(
  store: SourceRepository,
  tags: readonly string[],
  { known = nothingKnown, ...options }: ReadDigestsOptions,
  call: Call,
): Promise<SideDigests> {
  const isKnown = (tag: string): boolean =>
    known.digests.has(tag) || known.unread.has(tag) || known.resolved.has(tag)
  const asked = tags.filter((tag) => !isKnown(tag))
  const listed = await inventoryDigests(store, asked, options, call)
  const rest = asked.filter((tag) => !listed.has(tag))
  const read = await resolveEach(store, rest, options.needed ?? new Set(), call)
  const isResolved = (tag: string): boolean => known.resolved.has(tag) || read.digests.has(tag)
  const all = new Map([...known.digests, ...listed, ...read.digests])
  const found = pick(all, tags)
  const unread = pick(new Map([...known.unread, ...read.unread]), tags)
  const [failure] = unread.values()
  if (failure !== undefined && unread.size === tags.length) throw failure
  return {
    digests: found,
    unread,
    confirm: async (wanted, c) => {
      const doubtful = wanted.filter((tag) => found.has(tag) && !isResolved(tag))
      const again = await resolveEach(store, doubtful, new Set(), c)
      const confirmed = new Map([...without(found, doubtful), ...again.digests])
      return { digests: pick(confirmed, tags), unread: new Map([...unread, ...again.unread]) }
    },
  }
}

const nothingKnown: KnownDigests = { digests: new Map(), unread: new Map(), resolved: new Set() }

/** The entries of these tags, in their order. */
function pick<T>(entries: ReadonlyMap<string, T>, tags: readonly string[]): ReadonlyMap<string, T> {
  return new Map(
    tags.flatMap((tag) => {
      const value = entries.get(tag)
      return value === undefined ? [] : [[tag, value] as const]
    }),
  )
}

function without<T>(entries: ReadonlyMap<string, T>, tags: readonly string[]): ReadonlyMap<string, T> {
  const omitted = new Set(tags)
  return new Map([...entries].filter(([tag]) => !omitted.has(tag)))
}

/** Returns nothing if HEADs are cheaper, or if the inventory cannot be read. */
async function inventoryDigests(
  { repository }: SourceRepository,
  tags: readonly string[],
  { listed, inventories }: ReadDigestsOptions,
  call: Call,
): Promise<ReadonlyMap<string, Digest>> {
  const pages = Math.ceil(listed / entriesOfPage)
  if (tags.length < fewTags || tags.length <= 2 * pages) return new Map()
  const inventory = await inventories?.inventory(repository.registry)
  if (inventory === undefined) return new Map()
  const read = await readVendorTags(inventory, repository, false, call)
  return new Map(
    tags.flatMap((tag) => {
      const found = read?.tags.get(tag)
      return found === undefined ? [] : [[tag, found.digest] as const]
    }),
  )
}

/** The errors of a read that are about one image. */
const codesOfOneImage: ReadonlySet<ErrorCode> = new Set([
  'malformed',
  'corrupt',
  'unsupported',
  'forbidden',
  'refused',
])

/**
 * Resolves each tag by a request. A tag that does not exist has no digest.
 * @param needed tags that are read by GET
 * @throws for a failure that is not about one image.
 */
export async function resolveEach(
  store: SourceRepository,
  tags: readonly string[],
  needed: ReadonlySet<string>,
  call: Call,
): Promise<ResolvedSelection> {
  // a GET of a tag can count as a pull, and the manifest is then read by its digest
  const mayGet = store.capability('freeReads') !== 'no'
  const read = await inParallel(
    tags,
    tagsAtOnce,
    call,
    async (tag, c): Promise<readonly [string, TagAnswer]> => {
      try {
        if (mayGet && needed.has(tag)) return [tag, await readTag(store, tag, c)]
        return [tag, (await store.resolve({ tag }, c))?.digest ?? null]
      } catch (error) {
        if (!isDrayError(error) || !codesOfOneImage.has(error.code)) throw error
        return [tag, error]
      }
    },
  )
  const unread = new Map(
    read.flatMap(([tag, answer]) => (isDrayError(answer) ? [[tag, answer] as const] : [])),
  )
  return {
    digests: new Map(
      read.flatMap(([tag, answer]) => (typeof answer === 'string' ? [[tag, answer] as const] : [])),
    ),
    unread,
  }
}

/** The digest of a tag; null: it does not exist. */
type TagAnswer = Digest | null | DrayError
