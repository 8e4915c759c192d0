import { setImmediate } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import type { Pool } from 'undici'
import { type Clock, systemClock } from '../clock.ts'
import { DrayError } from '../errors.ts'
import { exchange, type ExchangeLimits } from './exchange.ts'
import type { Fetch } from './fetch.ts'
import { lanesOf } from './limit.ts'
import { registryOrigin, type RegistrySettingsMap } from './origins.ts'
import { SpareConnections } from './spare-connections.ts'

const connectMs = 10_000
const maxHeaderSize = 32 * 1024
const defaultLimits: ExchangeLimits = { headersMs: 60_000, stallMs: 30_000, sourceMs: 6 * 60_000 }

export interface TransportOptions {
  readonly settings: RegistrySettingsMap
  readonly userAgent: string
  readonly clock?: Clock
  readonly limits?: ExchangeLimits
}

export interface Transport {
  readonly fetch: Fetch
  /** Has so many connections opened at once with a registry's first; to be called before its first request. */
  expectConnections(registry: string, connections: number): void
  /** Closes every connection. Exchanges that are under way end with an error. */
  close(): Promise<void>
}

/**
 * HTTP/1.1 over pools of connections, one pool for each origin. Bodies are passed as they are: nothing is decompressed, since digests are of the
 * bytes as served. undici is loaded when the first request is made.
 * @throws `network`, `timeout`, and the reason of the call's signal.
 */
export function createTransport(options: TransportOptions): Transport {
  const pools = new Map<string, Promise<OpenPool>>()
  const expected = new Map<string, number>()
  const clock = options.clock ?? systemClock
  const limits = options.limits ?? defaultLimits
  let closed = false

  const poolFor = (registry: string, origin: string): Promise<OpenPool> => {
    if (closed) throw new DrayError('internal', 'a request was made after the transport was closed')
    // a private authority is trusted for its own registry alone, wherever that redirects to
    const settings = options.settings.get(registry)
    const ca = settings?.ca
    const key = ca === undefined ? origin : `${origin} ${registry}`
    const known = pools.get(key)
    if (known !== undefined) return known
    // not where it redirects to or has its tokens from
    const atOnce = origin === registryOrigin(registry, settings).origin ? (expected.get(registry) ?? 1) : 1
    const pool = openPool(origin, ca, { most: connectionsFor(settings?.concurrency), atOnce })
    pools.set(key, pool)
    return pool
  }

  return {
    fetch: async (request, call) => {
      const headers = {
        ...request.headers,
        'accept-encoding': 'identity',
        'user-agent': options.userAgent,
      }
      const { pool } = await poolFor(request.registry, request.url.origin)
      // undici lends a connection again only in the next turn of the event loop; a request that does not wait for that opens another one
      await setImmediate()
      return exchange(pool, { ...request, headers }, call, clock, limits)
    },
    expectConnections: (registry, connections) => void expected.set(registry, connections),
    close: async () => {
      closed = true
      const open = await Promise.all(pools.values())
      await Promise.all(
        open.map(({ pool, spares }) => {
          spares.close()
          return pool.destroy()
        }),
      )
    },
  }
}

/**
 * Never fewer than the lanes let through: an upload waits for the download that feeds it, and both may be at one host. Answers to small requests
 * are read after their slot is free, so these count twice.
 */
function connectionsFor(concurrency: number | undefined): number {
  const lanes = lanesOf(concurrency)
  return 2 * lanes.small + lanes.download + lanes.upload
}

interface OpenPool {
  readonly pool: Pool
  readonly spares: SpareConnections
}

async function openPool(
  origin: string,
  ca: string | undefined,
  connections: { readonly most: number; readonly atOnce: number },
): Promise<OpenPool> {
  // Bodies pass as short-lived buffers of 64 KiB. A young generation that does not grow collects them sooner: with three large blobs under way that is
  // 20 MB less, at no cost in time.
  setFlagsFromString('--semi-space-growth-factor=1')
  const [{ default: UndiciPool }, { default: connector }] = await Promise.all([
    import('undici/lib/dispatcher/pool.js'),
    import('undici/lib/core/connect.js'),
  ])
  const open = connector({
    timeout: connectMs,
    // one connection of HTTP/2 would put the blobs of a whole run behind one flow-control window
    allowH2: false,
    ...(ca !== undefined && { ca: await withSystemAuthorities(ca) }),
  })
  const spares = new SpareConnections(open, Math.min(connections.atOnce, connections.most) - 1)
  const pool = new UndiciPool(origin, {
    connections: connections.most,
    pipelining: 1,
    maxHeaderSize,
    allowH2: false,
    // the exchange's watchdog measures these
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: 20_000,
    connect: spares.connect,
  })
  return { pool, spares }
}

/** Naming an authority to Node replaces all others; registries redirect to storage with a public one. */
async function withSystemAuthorities(ca: string): Promise<string[]> {
  const { getCACertificates } = await import('node:tls')
  return [...getCACertificates('default'), ca]
}
