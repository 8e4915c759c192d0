import type { Call } from '../../lib/call.ts'
import { isRateLimited } from './asked-wait.ts'
import type { Middleware, RegistryRequest, RegistryResponse } from './fetch.ts'
import type { HostGate, HostGates } from './host-gate.ts'
import type { RegistrySettingsMap } from './transport/origins.ts'
import { DrayError } from '../../lib/errors.ts'
import { Semaphore } from '../../lib/semaphore.ts'
import { redactUrl } from './redact.ts'

/** How often a request may wait for its check and then for a slot again. */
const maxRounds = 10
/** Without a setting: many small requests, of which each waits for a distant registry. */
const defaultLanes: LaneSizes = { small: 32, download: 8, upload: 8 }

export interface LaneSizes {
  readonly small: number
  readonly download: number
  readonly upload: number
}

/**
 * Returns the slots of each lane. Each body keeps a connection and its buffers, so these lanes have
 * fewer.
 */
export function lanesOf(concurrency: number | undefined): LaneSizes {
  if (concurrency === undefined) return defaultLanes
  const small = Math.max(1, Math.floor(concurrency))
  const bodies = Math.ceil(small / 2)
  return { small, download: bodies, upload: bodies }
}

/**
 * Bounds the requests under way at one registry. A small request holds its slot until the headers
 * arrive, a download until its body ends, an upload until it is answered. Downloads and uploads
 * have separate slots: an upload takes its slot and then opens its source, so every download that
 * it opens is read to its end, however many copies run within one registry.
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
    const release = await enter(lanes[request.lane], gates.of(request.registry), request, call)
    try {
      const generation = lanes.generation
      const response = await next(request, call)
      lanes.adapt(response, generation)
      if (request.lane === 'download') return releasedAtEnd(response, release)
      release()
      return response
    } catch (error) {
      release()
      throw error
    }
  }
}

/**
 * Waits for a slot and for the registry. `beforeAttempt` comes last, and it runs without the slot,
 * since it may send requests of its own. The request then gets the next slot: in a long queue, what
 * was checked would be too old again. A slow registry must not keep a request for ever, and what is
 * not checked must not be sent, so after some rounds the request fails.
 * @throws `timeout`; what `beforeAttempt` throws; the signal's reason.
 */
async function enter(
  slots: Semaphore,
  gate: HostGate,
  request: RegistryRequest,
  call: Call,
): Promise<() => void> {
  for (let rounds = 0; ; rounds++) {
    const release =
      slots.acquireFree(call.signal) ?? (await slots.acquire(call.signal, rounds > 0 ? 'first' : undefined))
    try {
      // the registry may have asked for a wait in the meantime
      const isOpen = gate.pass(call)
      if (isOpen !== undefined) await isOpen
      const pending = request.beforeAttempt?.()
      if (pending === undefined) return release
      release()
      await pending
      if (rounds >= maxRounds) throw neverReady(request)
    } catch (error) {
      release()
      throw error
    }
  }
}

function neverReady({ method, url, registry }: RegistryRequest): DrayError {
  const target = redactUrl(url)
  return new DrayError('timeout', `cannot check the preconditions of ${method} ${target} in time`, {
    subject: target,
    why: `each of ${maxRounds} checks was too old before dray could send the request to ${registry}`,
    hint: 'Run the command again when the registry is less busy.',
  })
}

/**
 * The slots of one registry. A refusal of too many requests halves those of small requests, and
 * other answers let them grow back.
 */
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

  /** The same number for all requests that are under way together. */
  get generation(): number {
    return this.#generation
  }

  /** Learns from the answer to a request that began in a generation. */
  adapt(response: RegistryResponse, generation: number): void {
    if (isRateLimited(response)) this.#shrink(generation)
    else this.#grow()
  }

  /** Counts once for all requests that were under way together: together they were too many. */
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
