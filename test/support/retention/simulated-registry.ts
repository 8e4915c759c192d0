import { errorResponse, errorsResponse } from '../../../src/embedded/errors.ts'
import type { EndpointResponse } from '../../../src/embedded/response.ts'
import { manifestBudget } from '../../../src/embedded/endpoints/manifests.ts'
import { memoryStorage } from '../../../src/embedded/storage/memory-storage.ts'
import { type Abilities, profiles } from '../../../src/embedded/profiles.ts'
import { answer, type EndpointRoute, routeOf } from '../../../src/embedded/routes.ts'
import type { RegistryStorage } from '../../../src/embedded/storage/storage.ts'
import { Uploads } from '../../../src/embedded/storage/uploads.ts'
import { Turns } from '../../../src/embedded/turns.ts'
import type { Fetch, RegistryRequest, RegistryResponse } from '../../../src/registry/http/fetch.ts'
import type { Digest } from '../../../src/oci/digest.ts'
import { leapingClock } from '../manual-clock.ts'
import type { Descriptor, StoredManifest } from '../images.ts'
import type { BuiltRepository } from './repository-builder.ts'
import type { LockRefusal } from './locks.ts'
import { now } from './recipes.ts'

export const host = 'registry.test'
export const repository = 'dev/api'

/** A request and its response. */
export interface HandledRequest {
  readonly actor: string
  readonly method: RegistryRequest['method']
  readonly kind: 'manifest' | 'tags' | 'referrers' | 'blob' | 'other'
  /** the tag or digest in the path */
  readonly reference: string
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** the text of a list */
  readonly body: string
  /** the registry refuses this delete and no other */
  readonly isLocked: boolean
}

export interface ClientHooks {
  readonly actor: string
  /** resolves when the next request may be handled */
  readonly waitForTurn: () => Promise<void>
  readonly onRequest: (method: string, kind: HandledRequest['kind'], reference: string) => Promise<void>
  /** called with each response before the client gets it */
  readonly onResponse: (handled: HandledRequest) => Promise<void>
}

/** The embedded registry, without sockets: clients call its endpoints directly. */
export class SimulatedRegistry {
  readonly storage: RegistryStorage
  /** by digest or tag: what the registry refuses to delete */
  readonly locks: Map<string, LockRefusal> = new Map()
  /** digests whose manifests cannot be read: the registry fails */
  readonly unreadable: Set<string> = new Set()
  readonly abilities: Abilities
  readonly #clock = leapingClock(now)
  readonly #uploads: Uploads
  readonly #incomingManifests = manifestBudget(Infinity)
  readonly #tagMoves = new Turns()
  readonly #dangling: string[] = []

  constructor(abilities: Partial<Abilities>) {
    this.storage = withDanglingTags(memoryStorage(), this.#dangling)
    this.abilities = { ...profiles['oci-1.1'], ...abilities }
    this.#uploads = new Uploads(this.storage, this.#clock, () => 'upload')
  }

  /** Stores the content without checks, so that it may be broken. */
  async load({ manifests, blobs, tags, dangling }: BuiltRepository): Promise<void> {
    for (const [digest, bytes] of blobs) await this.putBlob(digest, bytes)
    for (const manifest of manifests) await this.putManifest(manifest)
    for (const [tag, digest] of tags) await this.tag(tag, digest)
    this.#dangling.push(...dangling)
  }

  async putBlob(digest: string, bytes: Uint8Array): Promise<void> {
    const writer = await this.storage.openWriter(digest)
    await writer.append(bytes)
    await writer.commit(repository, digest as Digest)
  }

  async putManifest({ bytes, descriptor, subject }: StoredManifest): Promise<void> {
    const { mediaType, artifactType, annotations, size } = descriptor
    const digest = descriptor.digest as Digest
    const entry = {
      mediaType,
      digest,
      size,
      ...(artifactType && { artifactType }),
      ...(annotations && { annotations }),
    }
    await this.storage.putManifest(
      repository,
      {
        mediaType,
        digest,
        bytes,
        ...(subject !== undefined && { refers: { subject: subject as Digest, entry } }),
      },
      [],
    )
  }

  /** Does nothing if the manifest does not exist. */
  async tag(tag: string, digest: string): Promise<void> {
    const manifest = await this.storage.manifest(repository, digest as Digest)
    if (manifest !== undefined) await this.storage.putManifest(repository, manifest, [tag])
  }

  async untag(tag: string): Promise<void> {
    await this.storage.deleteTag(repository, tag)
  }

  async remove(digest: string): Promise<void> {
    await this.storage.deleteManifest(repository, digest as Digest)
  }

  /** Undefined if it does not exist. */
  async describe(digest: string): Promise<Descriptor | undefined> {
    const found = await this.storage.manifest(repository, digest as Digest)
    return found === undefined
      ? undefined
      : { mediaType: found.mediaType, digest, size: found.bytes.byteLength }
  }

  /** The `Fetch` of one client. */
  client({ actor, waitForTurn: turn, onRequest: before, onResponse: onAnswer }: ClientHooks): Fetch {
    return async (request, call) => {
      call.signal.throwIfAborted()
      await turn()
      const route = routeOf(request.url.pathname)
      await before(request.method, kindOf(route), 'reference' in route ? (route.reference ?? '') : '')
      const lock =
        request.method === 'DELETE' && 'reference' in route ? await this.lockOf(route.reference) : undefined
      const answered =
        lock === undefined
          ? await this.#answerOrFail(request)
          : errorsResponse(lock.status, lock.code, lock.message)
      await onAnswer({ ...handledOf(actor, request, answered), isLocked: lock !== undefined })
      return responseOf(request, answered)
    }
  }

  /** What the registry answers to a delete: it also keeps the manifest of a locked tag. */
  async lockOf(reference: string | undefined): Promise<LockRefusal | undefined> {
    if (reference === undefined || this.locks.size === 0) return undefined
    const tags = reference.startsWith('sha256:')
      ? await this.storage.tagsOf(repository, reference as Digest)
      : []
    const locked = [reference, ...tags].find((one) => this.locks.has(one))
    return locked === undefined ? undefined : this.locks.get(locked)
  }

  async #answerOrFail(request: RegistryRequest): Promise<EndpointResponse> {
    const response = await this.#answer(request)
    const headers = Object.entries(response.headers ?? {})
    const isUnreadable = headers.some(
      ([name, value]) => name.toLowerCase() === 'docker-content-digest' && this.unreadable.has(value),
    )
    return isUnreadable ? errorsResponse(503, 'UNAVAILABLE', 'try again later') : response
  }

  async #answer({ method, url, headers, body }: RegistryRequest): Promise<EndpointResponse> {
    const lower = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
    try {
      return await answer(
        routeOf(url.pathname),
        {
          method,
          path: url.pathname,
          query: url.searchParams,
          header: (name) => lower.get(name),
          body:
            body === undefined ? chunks() : body.kind === 'bytes' ? chunks(body.bytes) : await body.open(),
          origin: url.origin,
          identity: {},
        },
        {
          storage: this.storage,
          abilities: this.abilities,
          uploads: this.#uploads,
          access: undefined,
          clock: this.#clock,
          incomingManifests: this.#incomingManifests,
          tagMoves: this.#tagMoves,
        },
      )
    } catch (error) {
      return errorResponse(error)
    }
  }
}

/** The storage, with further tags in the list that have no manifest. */
function withDanglingTags(storage: RegistryStorage, dangling: readonly string[]): RegistryStorage {
  return new Proxy(storage, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name)
      if (name !== 'tags') return typeof value === 'function' ? value.bind(target) : value
      return async (repository_: string, last = '', count = Infinity): Promise<readonly string[]> => {
        const all = new Set([...(await target.tags(repository_)), ...dangling])
        return [...all]
          .toSorted()
          .filter((tag) => tag > last)
          .slice(0, count)
      }
    },
  })
}

async function* chunks(...bytes: readonly Uint8Array[]): AsyncGenerator<Uint8Array, void> {
  yield* bytes
}

function kindOf({ kind }: EndpointRoute): HandledRequest['kind'] {
  switch (kind) {
    case 'manifest':
    case 'tags':
    case 'referrers':
    case 'blob':
      return kind
    default:
      return 'other'
  }
}

function handledOf(
  actor: string,
  { method, url }: RegistryRequest,
  { status, headers = {}, body }: EndpointResponse,
): Omit<HandledRequest, 'isLocked'> {
  const route = routeOf(url.pathname)
  const kind = kindOf(route)
  const isList = kind === 'tags' || kind === 'referrers'
  return {
    actor,
    method,
    kind,
    reference: 'reference' in route ? (route.reference ?? '') : '',
    status,
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])),
    body: isList && status === 200 && body instanceof Uint8Array ? Buffer.from(body).toString() : '',
  }
}

function responseOf(
  { method, url }: RegistryRequest,
  { status, headers = {}, body }: EndpointResponse,
): RegistryResponse {
  const size = body instanceof Uint8Array ? body.byteLength : body?.size
  const all = {
    ...headers,
    date: new Date(now).toUTCString(),
    ...(size !== undefined && { 'content-length': `${size}` }),
  }
  const read = async function* (): AsyncGenerator<Uint8Array, void> {
    if (method === 'HEAD' || body === undefined) return
    if (body instanceof Uint8Array) yield body
    else yield* body.chunks
  }
  return {
    status,
    headers: new Map(Object.entries(all).map(([name, value]) => [name.toLowerCase(), value])),
    url,
    body: read(),
    bytes: async () => {
      const parts: Uint8Array[] = []
      for await (const part of read()) parts.push(part)
      return Buffer.concat(parts)
    },
    discard: async () => undefined,
  }
}
