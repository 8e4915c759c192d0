import { randomUUID } from 'node:crypto'
import type { Server } from 'node:http'
import { type Clock, systemClock } from '../lib/clock.ts'
import { listenOn } from '../lib/host/listen-on.ts'
import type { AccessControl, AccessOptions } from './access/permissions.ts'
import type { AccessEntry } from './access/access.ts'
import { defaultLimits, type ServerLimits } from './access/limits.ts'
import { manifestBudget } from './endpoints/manifests.ts'
import { memoryStorage } from './storage/memory-storage.ts'
import { type Abilities, type ProfileName, profiles } from './profiles.ts'
import { type AllowedHosts, hostNameOf, isLoopbackAddress } from './access/request-source.ts'
import { respond, type ServerState } from './respond.ts'
import type { RegistryStorage } from './storage/storage.ts'
import { Uploads } from './storage/uploads.ts'
import { Turns } from './turns.ts'
import type { VendorImitation, VendorOptions } from './vendors/vendor.ts'
import { VendorRecords } from './vendors/vendor-records.ts'

/** How long an idle connection stays open, ms: longer than at clients, so that they close it. */
const keepAliveTimeout = 60_000

/** How often Node checks the limit on headers, ms. */
const headersCheckMs = 5000

export interface ServerOptions {
  /** address to listen on; by default only this machine */
  readonly host?: string
  /** by default 0: a free port */
  readonly port?: number
  /** by default in memory */
  readonly storage?: RegistryStorage
  /** the registry to imitate; by default `oci-1.1` */
  readonly profile?: ProfileName
  /** abilities that differ from the profile */
  readonly abilities?: Partial<Abilities>
  /** Called for each request before the last byte of its response is sent. Must not throw. */
  readonly onRequest?: (entry: AccessEntry) => void
  /** a vendor whose API is imitated too, with its profile; by default none */
  readonly vendor?: VendorImitation
  readonly vendorOptions?: VendorOptions
  /** by default everyone may do everything */
  readonly auth?: AccessOptions
  /**
   * names that a `Host` header may have in addition to loopback names and `host`; by default none
   * on a loopback address, and any name on other addresses
   */
  readonly allowedHosts?: AllowedHosts
  /** limits that differ from the defaults */
  readonly limits?: Partial<ServerLimits>
  readonly clock?: Clock
  /** For uploads and tokens: unguessable, safe in a URL and a file name. By default a UUID. */
  readonly newId?: () => string
}

export interface RunningRegistry {
  /** `127.0.0.1:PORT`, as in references */
  readonly registry: string
  readonly port: number
  /** only this machine can reach it */
  readonly isLoopback: boolean
  /** the times that an imitated vendor knows; undefined: no vendor is imitated */
  readonly records?: VendorRecords
  /** Removes uploads that were idle for too long. */
  removeAbandonedUploads(): Promise<void>
  /** Closes open connections and drops upload sessions. May be called again. */
  close(): Promise<void>
}

/**
 * Starts an OCI registry (distribution-spec 1.1) in this process. @throws `io` if it cannot listen.
 */
export async function startRegistry(options: ServerOptions = {}): Promise<RunningRegistry> {
  const storage = options.storage ?? memoryStorage()
  const clock = options.clock ?? systemClock
  const newId = options.newId ?? randomUUID
  const limits = { ...defaultLimits, ...options.limits }
  const host = options.host ?? '127.0.0.1'
  const notify = options.onRequest ?? (() => undefined)
  const server = newServer(limits)
  const { port, address } = await listenOn(server, { host, port: options.port ?? 0 })
  const isLoopback = isLoopbackAddress(address)
  const { vendor: imitation, vendorOptions = {} } = options
  const profile = options.profile ?? imitation?.profile ?? 'oci-1.1'
  const abilities = {
    ...profiles[profile],
    ...(vendorOptions.lockedTags !== undefined && { lockedTags: vendorOptions.lockedTags }),
    ...options.abilities,
  }
  const access = options.auth === undefined ? undefined : accessControl(options.auth, clock, newId)
  const records = imitation && new VendorRecords(clock.now() - (vendorOptions.contentAgeMs ?? 0))
  const state: ServerState = {
    storage,
    abilities,
    uploads: new Uploads(storage, clock, newId, limits),
    clock,
    access,
    allowedHosts: allowedHosts(host, isLoopback, options.allowedHosts),
    limits,
    incomingManifests: manifestBudget(limits.incomingManifestBytes),
    tagMoves: new Turns(),
    ...(imitation !== undefined &&
      records !== undefined && {
        vendor: {
          imitation,
          state: { storage, abilities, clock, access, records, options: vendorOptions },
        },
      }),
  }
  server.on('request', (request, response) => void respond(request, response, state, notify))
  return {
    registry: `${registryHost(host)}:${port}`,
    port,
    isLoopback,
    ...(records !== undefined && { records }),
    removeAbandonedUploads: () => state.uploads.removeAbandoned(),
    close: async () => {
      await stop(server)
      await state.uploads.close()
    },
  }
}

function newServer(limits: ServerLimits): Server {
  // An import of node:http also loads the built-in fetch, which adds 23 ms to every start.
  const { createServer } = process.getBuiltinModule('node:http')
  const server = createServer({
    // A large blob over a slow line may take hours. `slowBody` limits it instead.
    requestTimeout: 0,
    headersTimeout: limits.headersMs,
    connectionsCheckingInterval: Math.min(limits.headersMs, headersCheckMs),
    maxHeaderSize: limits.headerBytes,
    keepAliveTimeout,
    // NODE_OPTIONS must not make the parser accept ambiguous requests.
    insecureHTTPParser: false,
  })
  server.maxConnections = limits.connections
  server.timeout = limits.stalledMs
  return server
}

function allowedHosts(host: string, isLoopback: boolean, names: AllowedHosts = []): AllowedHosts {
  if (names === 'any' || (!isLoopback && names.length === 0)) return 'any'
  return [host, ...names].flatMap((name) => hostNameOf(registryHost(name)) ?? [])
}

function accessControl(options: AccessOptions, clock: Clock, newSecret: () => string): AccessControl {
  return { options, clock, newSecret, tokens: new Map(), refreshTokens: new Map() }
}

async function stop(server: Server): Promise<void> {
  if (!server.listening) return
  const { promise, resolve } = Promise.withResolvers<void>()
  server.close(() => resolve())
  server.closeAllConnections()
  await promise
}

/** An address as the host of a reference. A wildcard address is reached as this machine. */
function registryHost(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1'
  return host.includes(':') ? `[${host}]` : host
}
