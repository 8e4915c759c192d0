import { dirname } from 'node:path'
import type { Call } from '../../lib/call.ts'
import type { Clock } from '../../lib/clock.ts'
import { type CacheOptions, ContentCache } from '../../images/cache/content-cache.ts'
import { Remembered } from '../../images/cache/remembered.ts'
import type { ProcessEnvironment } from '../../lib/files/user-folders.ts'
import type { ContentStore } from '../../images/cache/content-store.ts'
import { type Digest, isDigest } from '../../oci/digest.ts'
import { isRecord } from '../../oci/json.ts'
import { formatRepository, isTag, type RepositoryName } from '../../oci/reference.ts'
import type { OwnReads } from '../../images/inventory/own-read.ts'
import type { PreviousScan } from '../../images/graph/repository-graph.ts'
import { formatOwnReads, parseOwnReads } from './memory/own-reads-document.ts'
import { openOrWarn } from '../wiring/open-or-warn.ts'
import { findPrivateFolder } from '../wiring/private-folders.ts'

/** Values of earlier runs by name (`images/cache/remembered.ts`). */
export interface Memory {
  get(key: string): Promise<unknown>
  put(key: string, value: unknown): Promise<void>
}

/** The content that earlier runs on this machine read. */
export interface PruneCache {
  readonly contents: ContentStore
  last(repository: RepositoryName): Promise<PreviousScan | undefined>
  remember(repository: RepositoryName, reading: PreviousScan): Promise<void>
  /** the GETs of earlier runs that the vendor can count as pulls */
  ownReads(repository: RepositoryName): Promise<OwnReads>
  rememberOwnReads(repository: RepositoryName, reads: OwnReads): Promise<void>
}

/**
 * Opens the cache in the cache folder of the user. Undefined, with a warning, if others can write
 * to that folder.
 */
export function openPruneCache(env: ProcessEnvironment, clock: Clock, call: Call): PruneCache | undefined {
  return openOrWarn('dray reads without its cache', call, () => {
    const warn = (text: string): void => call.notify({ kind: 'warning', text })
    const open = (name: string): CacheOptions => ({
      folder: dirname(findPrivateFolder('cache', [name], env, { create: true })),
      clock,
      warn,
    })
    const contents = new ContentCache(open('content'))
    return pruneCache(contents, new Remembered('repositories', open('repositories')))
  })
}

export function pruneCache(contents: ContentStore, memory: Memory): PruneCache {
  return {
    contents,
    last: async (repository) => parseReading(await memory.get(formatRepository(repository))),
    remember: async (repository, reading) => {
      await contents.flush()
      await memory.put(formatRepository(repository), formatReading(reading))
    },
    ownReads: async (repository) => parseOwnReads(await memory.get(readsKey(repository))),
    rememberOwnReads: async (repository, reads) => {
      await memory.put(readsKey(repository), formatOwnReads(reads))
    },
  }
}

function readsKey(repository: RepositoryName): string {
  return `reads of ${formatRepository(repository)}`
}

/** Most manifests have no index among their referrers; they form a list. */
function formatReading({ tags, indexReferrers }: PreviousScan): unknown {
  const without = [...indexReferrers].flatMap(([subject, found]) => (found.length === 0 ? [subject] : []))
  const having = [...indexReferrers].filter(([, found]) => found.length > 0)
  return { tags: Object.fromEntries(tags), without, having: Object.fromEntries(having) }
}

/** Undefined for an invalid value: the cache only saves requests. */
function parseReading(value: unknown): PreviousScan | undefined {
  if (!isRecord(value)) return undefined
  const { tags, without, having } = value
  if (!isRecord(tags) || !Array.isArray(without) || !isRecord(having)) return undefined
  const byTag = Object.entries(tags).flatMap(([tag, digest]) =>
    isTag(tag) && isText(digest) && isDigest(digest) ? [[tag, digest] as const] : [],
  )
  const found = Object.entries(having).flatMap(([subject, list]) =>
    isDigest(subject) && Array.isArray(list) ? [[subject, digestsIn(list)] as const] : [],
  )
  const none = digestsIn(without).map((subject) => [subject, []] as const)
  return { tags: new Map(byTag), indexReferrers: new Map([...none, ...found]) }
}

function digestsIn(list: readonly unknown[]): readonly Digest[] {
  return list.filter((one) => isText(one)).filter(isDigest)
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}
