import type { Fetch, Middleware, RegistryResponse } from './fetch.ts'
import type { HostGates } from './host-gate.ts'
import type { RegistrySettingsMap } from './transport/origins.ts'
import { Semaphore } from '../../lib/semaphore.ts'

/** Small requests at once to one registry, where its settings name no other number. */
const defaultConcurrency = 16

export interface LaneSizes {
  readonly small: number
  readonly download: number
  readonly upload: number
}

/** How many exchanges of each lane one registry is given at once. Each body keeps a connection and its buffers, so these are fewer. */
export function lanesOf(concurrency: number = defaultConcurrency): LaneSizes {
  const small = Math.max(1, Math.floor(concurrency))
  const bodies = Math.ceil(small / 2)
  return { small, download: bodies, upload: bodies }
}

/**
 * Bounds what is under way at one registry. A small request holds its slot until the headers are there; a download until its body is over; an
 * upload until it is answered. Downloads and uploads have slots of their own: an upload takes its slot and then opens its source, so every
 * download that it opens is sure to be read, however many copies run within one registry.
 */
export function limit(settings: RegistrySettingsMap, gates: HostGates): Middleware {
  const hosts = new Map<string, HostLanes>()
  const lanesFor = (registry: string): HostLanes => {
    const known = hosts.get(registry)
    if (known !== undefined) return known
    const lanes = new HostLanes(lanesOf(settings.get(registry)?.concurrency))
    hosts.set(registry, lanes)
    return lanes
  }
  return (next) => async (request, call) => {
    const lanes = lanesFor(request.registry)
    const release = await lanes[request.lane].acquire(call.signal)
    try {
      // whoever waited for a slot may find the registry closed meanwhile
      await gates.of(request.registry).pass(call)
      const response = await lanes.adapting(next)(request, call)
      if (request.lane === 'download') return releasedAtEnd(response, release)
      release()
      return response
    } catch (error) {
      release()
      throw error
    }
  }
}

/** The slots of one registry. Those of small requests are halved when it answers 429 and grow back with its other answers. */
class HostLanes {
  readonly small: Semaphore
  readonly download: Semaphore
  readonly upload: Semaphore
  readonly #most: number
  #generation = 0
  #answersSinceGrowth = 0

  constructor(sizes: LaneSizes) {
    this.small = new Semaphore(sizes.small)
    this.download = new Semaphore(sizes.download)
    this.upload = new Semaphore(sizes.upload)
    this.#most = sizes.small
  }

  adapting(next: Fetch): Fetch {
    return async (request, call) => {
      const generation = this.#generation
      const response = await next(request, call)
      if (response.status === 429) this.#shrink(generation)
      else this.#grow()
      return response
    }
  }

  /** Once for all requests that were under way together: they were too many together. */
  #shrink(generation: number): void {
    if (generation !== this.#generation) return
    this.#generation++
    this.#answersSinceGrowth = 0
    this.small.resize(Math.max(1, Math.floor(this.small.capacity / 2)))
  }

  #grow(): void {
    if (this.small.capacity >= this.#most || ++this.#answersSinceGrowth < this.small.capacity) return
    this.#answersSinceGrowth = 0
    this.small.resize(this.small.capacity + 1)
  }
}

function releasedAtEnd(response: RegistryResponse, release: () => void): RegistryResponse {
  const settled = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work
    } finally {
      release()
    }
  }
  return {
    ...response,
    body: releasing(response.body, release),
    bytes: (most) => settled(response.bytes(most)),
    discard: () => settled(response.discard()),
  }
}

async function* releasing(body: AsyncIterable<Uint8Array>, release: () => void): AsyncGenerator<Uint8Array> {
  try {
    yield* body
  } finally {
    release()
  }
}
