import type { Socket } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import type { buildConnector, Pool } from 'undici'
import type { Connector } from 'undici/lib/core/connect.js'
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
import type { Bandwidth } from '../bodies/bandwidth.ts'
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
  /** the limit on the bytes of bodies, which can have other users; by default none */
  readonly bandwidth?: Bandwidth | undefined
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
   * Opens so many connections to a registry, unless it is reached through a proxy. Call it before
   * the first request, which is sent at once when they are open.
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
  /** without those through a proxy */
  const connections = new Map<string, Promise<SpareConnections>>()
  const expected = new Map<string, number>()
  const { clock = systemClock, bandwidth } = options
  const limits = options.limits ?? defaultLimits
  const timer = new WatchdogTimer(clock)
  const buffers = new ReadBuffers()
  /** connections that are not open yet */
  const opening = new Set<Socket>()
  const headers = { 'accept-encoding': 'identity', 'user-agent': options.userAgent }
  let closed = false
  const closing = new AbortController()

  const poolFor = (registry: string, url: URL, call: Call): Promise<OpenPool> => {
    if (closed) throw new DrayError('internal', 'a request was made after the transport was closed')
    return openOnce(pools, registry, url, () => open(registry, url, call))
  }

  const open = async (registry: string, url: URL, call: Call): Promise<OpenPool> => {
    const most = connectionsFor(options.settings.get(registry)?.concurrency)
    const proxy = options.proxy?.(url)
    if (proxy === undefined) {
      const [pooled, spares] = await Promise.all([loadPool(most), connectionsTo(registry, url)])
      return { pool: pooled(url.origin, spares.connect) }
    }
    const { variable } = proxy
    call.notify({ kind: 'proxied', origin: url.origin, proxy: showProxy(proxy.url), variable })
    const isTls = url.protocol === 'https:' || proxy.url.protocol === 'https:'
    const certificates = url.protocol === 'https:' ? await certificatesAt(registry, url) : {}
    const [pooled, connector] = await Promise.all([
      loadPool(most),
      connectorWith(isTls ? certificates : undefined),
    ])
    return openProxied(url.origin, proxy, pooled, connector, { clock, closing: closing.signal })
  }

  const connectionsTo = (registry: string, url: URL): Promise<SpareConnections> =>
    openOnce(connections, registry, url, async () => {
      const settings = options.settings.get(registry)
      const home = registryOrigin(registry, settings)
      // Not for storage and token servers.
      const atOnce = url.origin === home.origin ? (expected.get(registry) ?? 1) : 1
      const certificates = url.protocol === 'https:' ? await certificatesAt(registry, url) : undefined
      const connector = await connectorWith(certificates)
      return new SpareConnections(connector, Math.min(atOnce, connectionsFor(settings?.concurrency)) - 1)
    })

  /** undici waits up to 10 s for each connection that it opens, also at the end. */
  const connectorWith = async (certificates: Certificates | undefined): Promise<Connector> => {
    const connector = await createConnector(buffers, certificates)
    return (to, callback) => {
      const socket = connector(to, (...result) => {
        opening.delete(socket)
        callback(...result)
      })
      opening.add(socket)
      if (closed) socket.destroy(closedError())
      return socket
    }
  }

  /** Opens the connections of a registry. A request reports why they cannot be opened. */
  const openAhead = async (registry: string): Promise<void> => {
    try {
      const url = registryOrigin(registry, options.settings.get(registry))
      if (options.proxy?.(url) !== undefined) return
      const spares = await connectionsTo(registry, url)
      if (!closed) spares.openAhead(url)
    } catch {
      // The first request fails for the same reason, and reports it.
    }
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
      const { pool, via } = await poolFor(request.registry, request.url, call)
      return dispatch(pool, request, call, { timer, limits, buffers, bandwidth, headers, via })
    },
    expectConnections: (registry, count) => {
      expected.set(registry, count)
      void openAhead(registry)
    },
    close: async () => {
      closed = true
      closing.abort('closed')
      const spares = await Promise.allSettled(connections.values())
      for (const one of spares) if (one.status === 'fulfilled') one.value.close()
      for (const socket of opening) socket.destroy(closedError())
      const opened = await Promise.allSettled(pools.values())
      await Promise.all(
        opened.flatMap((one) => (one.status === 'fulfilled' ? [one.value.pool.destroy(closedError())] : [])),
      )
    },
  }
}

/**
 * The error of requests that are pending at the end. undici closes each connection with it, and
 * Node then formats its stack, for which V8 finds all line ends of the bundle.
 */
function closedError(): Error {
  return Object.assign(new Error('the client is closed'), { code: 'UND_ERR_DESTROYED', stack: '' })
}

/**
 * Never fewer than the lanes allow: an upload waits for the download that feeds it, and both may be
 * at one host. The answer to a small request is read after its slot is free, so these count twice.
 */
function connectionsFor(concurrency: number | undefined): number {
  const lanes = lanesOf(concurrency)
  return 2 * lanes.small + lanes.download + lanes.upload
}

/**
 * Opens something for an origin and a registry, once unless it fails. A connection carries the
 * certificates of the registry that it was opened for, so no other registry reuses it.
 */
function openOnce<T>(
  known: Map<string, Promise<T>>,
  registry: string,
  { origin }: URL,
  open: () => Promise<T>,
): Promise<T> {
  const key = `${origin} ${registry}`
  const found = known.get(key)
  if (found !== undefined) return found
  const opened = open()
  known.set(key, opened)
  opened.catch(() => known.delete(key))
  return opened
}

interface OpenPool {
  readonly pool: Pool
  readonly via?: PlainProxy
}

type MakePool = (origin: string, connect: buildConnector.connector) => Pool

/**
 * The HTTP parser of undici is WebAssembly. V8 would optimise it after some ten answers, which
 * takes 40 ms of CPU time, a third of a short run. With this budget, it does so after some hundred
 * answers. undici compiles the parser for its first connection. The flag is restored at once,
 * because V8 rejects the compiled code that Node has of its modules while a flag is changed.
 */
function keepParserUnoptimised(connect: buildConnector.connector): buildConnector.connector {
  return (options, done) => {
    connect(options, (...result) => {
      setFlagsFromString('--wasm-tiering-budget=1000000000')
      try {
        done(...result)
      } finally {
        setFlagsFromString('--wasm-tiering-budget=13000000')
      }
    })
  }
}

/** @param most connections of a pool */
async function loadPool(most: number): Promise<MakePool> {
  const { default: UndiciPool } = await import('undici/lib/dispatcher/pool.js')
  return (origin, connect) =>
    new UndiciPool(origin, {
      connections: most,
      pipelining: 1,
      maxHeaderSize,
      allowH2: false,
      // The watchdog of each request measures these.
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: 20_000,
      connect: keepParserUnoptimised(connect),
    })
}

function openProxied(
  origin: string,
  proxy: Proxy,
  pooled: MakePool,
  open: Connector,
  { clock, closing }: { readonly clock: Clock; readonly closing: AbortSignal },
): OpenPool {
  if (origin.startsWith('https:')) return { pool: pooled(origin, tunnel(proxy, open, clock, closing)) }
  const authorization = proxyAuthorization(proxy.url)
  const headers = authorization === undefined ? {} : { 'proxy-authorization': authorization }
  // undici would take the name to verify from the Host header, which names the registry.
  const servername = serverName(proxy.url)
  const toProxy: buildConnector.connector = (to, callback) => open({ ...to, servername }, callback)
  return { pool: pooled(proxy.url.origin, toProxy), via: { headers } }
}
