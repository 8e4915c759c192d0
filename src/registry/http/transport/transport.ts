import { setImmediate } from 'node:timers/promises'
import type { buildConnector, Pool } from 'undici'
import type { Call } from '../../../lib/call.ts'
import { type Clock, systemClock } from '../../../lib/clock.ts'
import { DrayError } from '../../../lib/errors.ts'
import { type CertificateFolders, type Certificates, combineCertificates } from './certificates.ts'
import { createConnector } from './connector.ts'
import { dispatch, type Timeouts, type PlainProxy } from '../dispatch.ts'
import type { Fetch } from '../fetch.ts'
import { lanesOf } from '../limit.ts'
import { isHome, registryOrigin, type RegistrySettingsMap, serverName } from './origins.ts'
import { type Proxy, proxyAuthorization, showProxy } from './proxy.ts'
import { ReadBuffers } from '../bodies/read-buffers.ts'
import { SpareConnections } from './spare-connections.ts'
import { tunnel } from './tunnel.ts'
import { WatchdogTimer } from './watchdog.ts'

const maxHeaderSize = 32 * 1024
const defaultLimits: Timeouts = { headersMs: 60_000, stallMs: 30_000, sourceMs: 6 * 60_000 }

export interface TransportOptions {
  readonly settings: RegistrySettingsMap
  readonly userAgent: string
  readonly clock?: Clock | undefined
  readonly limits?: Timeouts | undefined
  /** the proxy for a URL; by default none. @throws `config` */
  readonly proxy?: ((address: URL) => Proxy | undefined) | undefined
  /**
   * the certificates that folders of this machine have for a registry, besides its settings; called
   * once for each
   */
  readonly certificates?: CertificateFolders | undefined
}

export interface Transport {
  readonly fetch: Fetch
  /**
   * Opens so many connections with the first one of a registry. Call it before the first request.
   */
  expectConnections(registry: string, connections: number): void
  /** Closes every connection. Pending requests end with an error. */
  close(): Promise<void>
}

/**
 * Sends requests by HTTP/1.1 over pools of connections, one pool for each origin and registry.
 * Nothing is decompressed, since digests are of the bytes as served. undici is loaded with the
 * first request.
 * @throws `network`, `timeout`, `config`, and the signal's reason.
 */
export function createTransport(options: TransportOptions): Transport {
  const pools = new Map<string, Promise<OpenPool>>()
  const expected = new Map<string, number>()
  const clock = options.clock ?? systemClock
  const limits = options.limits ?? defaultLimits
  const timer = new WatchdogTimer(clock)
  const buffers = new ReadBuffers()
  let closed = false

  const poolFor = (registry: string, url: URL, call: Call): Promise<OpenPool> => {
    if (closed) throw new DrayError('internal', 'a request was made after the transport was closed')
    const { origin } = url
    // A connection carries the certificates of the registry that it was opened for, so no other
    // registry reuses it.
    const key = `${origin} ${registry}`
    const known = pools.get(key)
    if (known !== undefined) return known
    const pool = open(registry, url, call)
    pools.set(key, pool)
    pool.catch(() => pools.delete(key))
    return pool
  }

  const open = async (registry: string, url: URL, call: Call): Promise<OpenPool> => {
    const settings = options.settings.get(registry)
    const home = registryOrigin(registry, settings)
    // Not for storage and token servers.
    const atOnce = url.origin === home.origin ? (expected.get(registry) ?? 1) : 1
    const proxy = options.proxy?.(url)
    if (proxy !== undefined) {
      const { variable } = proxy
      call.notify({ kind: 'proxied', origin: url.origin, proxy: showProxy(proxy.url), variable })
    }
    return await openPool(url.origin, {
      most: connectionsFor(settings?.concurrency),
      atOnce,
      certificates: url.protocol === 'https:' ? await certificatesAt(registry, url) : {},
      proxy,
      clock,
      buffers,
    })
  }

  // A certificate proves a host name. So the `ca` and the client certificate of a registry count at
  // its own host and on no other host that it sends to. Another host is trusted by what is
  // configured for that host.
  const certificatesAt = async (registry: string, url: URL): Promise<Certificates> => {
    const { settings, certificates } = options
    if (isHome(registry, url.hostname))
      return await combineCertificates(registry, settings.get(registry), certificates)
    const { ca } = await combineCertificates(url.host, settings.get(url.host), certificates)
    return ca === undefined ? {} : { ca }
  }

  return {
    fetch: async (request, call) => {
      const headers = {
        ...request.headers,
        'accept-encoding': 'identity',
        'user-agent': options.userAgent,
      }
      const { pool, via } = await poolFor(request.registry, request.url, call)
      // undici reuses a connection only in the next turn of the event loop. A request that does not
      // wait for that turn opens another connection.
      await setImmediate()
      return dispatch(pool, { ...request, headers }, call, { timer, limits, buffers, via })
    },
    expectConnections: (registry, connections) => void expected.set(registry, connections),
    close: async () => {
      closed = true
      const ended = await Promise.allSettled(pools.values())
      await Promise.all(
        ended.map(async (one) => {
          if (one.status === 'rejected') return
          one.value.spares?.close()
          await one.value.pool.destroy()
        }),
      )
    },
  }
}

/**
 * Never fewer than the lanes allow: an upload waits for the download that feeds it, and both may be
 * at one host. The answer to a small request is read after its slot is free, so these count twice.
 */
function connectionsFor(concurrency: number | undefined): number {
  const lanes = lanesOf(concurrency)
  return 2 * lanes.small + lanes.download + lanes.upload
}

interface PoolOptions {
  readonly most: number
  readonly atOnce: number
  readonly proxy: Proxy | undefined
  readonly certificates: Certificates
  readonly clock: Clock
  readonly buffers: ReadBuffers
}

interface OpenPool {
  readonly pool: Pool
  readonly spares?: SpareConnections
  readonly via?: PlainProxy
}

async function openPool(origin: string, options: PoolOptions): Promise<OpenPool> {
  const { most, atOnce, proxy, certificates, clock, buffers } = options
  const usesTls = origin.startsWith('https:') || proxy?.url.protocol === 'https:'
  const [{ default: UndiciPool }, open] = await Promise.all([
    import('undici/lib/dispatcher/pool.js'),
    createConnector(buffers, usesTls ? certificates : undefined),
  ])
  const pooled = (to: string, connect: buildConnector.connector): Pool =>
    new UndiciPool(to, {
      connections: most,
      pipelining: 1,
      maxHeaderSize,
      allowH2: false,
      // The watchdog of each request measures these.
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: 20_000,
      connect,
    })
  if (proxy !== undefined) {
    if (origin.startsWith('https:')) return { pool: pooled(origin, tunnel(proxy, open, clock)) }
    const authorization = proxyAuthorization(proxy.url)
    const headers = authorization === undefined ? {} : { 'proxy-authorization': authorization }
    // undici would take the name to verify from the Host header, which names the registry.
    const servername = serverName(proxy.url)
    const toProxy: buildConnector.connector = (to, callback) => open({ ...to, servername }, callback)
    return { pool: pooled(proxy.url.origin, toProxy), via: { headers } }
  }
  const spares = new SpareConnections(open, Math.min(atOnce, most) - 1)
  return { pool: pooled(origin, spares.connect), spares }
}
