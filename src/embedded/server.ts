import { randomUUID } from 'node:crypto'
import type { Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Clock, systemClock } from '../clock.ts'
import { DrayError } from '../errors.ts'
import type { AccessControl, AuthOptions } from './permissions.ts'
import type { AccessEntry } from './access.ts'
import { memoryStorage } from './memory-storage.ts'
import { type Abilities, type ProfileName, profiles } from './profiles.ts'
import { respond } from './respond.ts'
import type { RegistryStorage } from './storage.ts'
import { Uploads } from './uploads.ts'

/** How long an idle connection stays open, ms: longer than a client's, so that it is the client that ends it and no request is lost to it. */
const keepAliveTimeout = 60_000

export interface RegistryOptions {
  /** address to listen on; by default only this machine */
  readonly host?: string
  /** by default 0: a free one */
  readonly port?: number
  /** by default memory */
  readonly storage?: RegistryStorage
  /** which registry it is like; by default `oci-1.1` */
  readonly profile?: ProfileName
  /** abilities that differ from the profile's */
  readonly abilities?: Partial<Abilities>
  /** Told of each request before the last byte of its answer leaves: whoever has the answer finds it told. Must not throw. */
  readonly onRequest?: (entry: AccessEntry) => void
  /** by default everyone may do everything */
  readonly auth?: AuthOptions
  readonly clock?: Clock
  /** For uploads and tokens: unique, not to be guessed, safe in a URL and a file name; by default a UUID, which the specification asks for. */
  readonly newId?: () => string
}

export interface RunningRegistry {
  /** `127.0.0.1:PORT`, as references name it */
  readonly registry: string
  readonly port: number
  /** Ends it: open connections are closed, upload sessions dropped. May be called again. */
  close(): Promise<void>
}

/**
 * Starts an OCI registry (distribution-spec 1.1) in this process, over plain HTTP.
 * @throws `io` where the address cannot be listened on
 */
export async function startRegistry(options: RegistryOptions = {}): Promise<RunningRegistry> {
  const storage = options.storage ?? memoryStorage()
  const clock = options.clock ?? systemClock
  const newId = options.newId ?? randomUUID
  const state = {
    storage,
    abilities: { ...profiles[options.profile ?? 'oci-1.1'], ...options.abilities },
    uploads: new Uploads(storage, clock, newId),
    clock,
    access: options.auth === undefined ? undefined : accessControl(options.auth, clock, newId),
  }
  const notify = options.onRequest ?? (() => undefined)
  // not by import: the ESM face of node:http loads the built-in fetch, which takes 23 ms of every start of the program
  const { createServer } = process.getBuiltinModule('node:http')
  // no limit on the time of a request: a large blob over a slow line takes what it takes
  const server = createServer(
    { requestTimeout: 0, keepAliveTimeout },
    (request, response: ServerResponse) => {
      void respond(request, response, state, notify)
    },
  )
  const port = await listen(server, options.port ?? 0, options.host ?? '127.0.0.1')
  return {
    registry: `${registryHost(options.host ?? '127.0.0.1')}:${port}`,
    port,
    close: async () => {
      await stop(server)
      await state.uploads.close()
    },
  }
}

function accessControl(options: AuthOptions, clock: Clock, newSecret: () => string): AccessControl {
  return { options, clock, newSecret, tokens: new Map(), refreshTokens: new Map() }
}

async function listen(server: Server, port: number, host: string): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen(port, host, resolve)
  try {
    await promise
  } catch (cause) {
    throw new DrayError('io', `the registry cannot listen on ${host}:${port}`, {
      subject: `${host}:${port}`,
      why: cause instanceof Error ? cause.message : String(cause),
      hint: 'Choose another port; 0 takes a free one.',
      cause,
    })
  }
  return (server.address() as AddressInfo).port
}

async function stop(server: Server): Promise<void> {
  if (!server.listening) return
  const { promise, resolve } = Promise.withResolvers<void>()
  server.close(() => resolve())
  server.closeAllConnections()
  await promise
}

/** An address as the host of a reference: all addresses of the machine are reached as this machine. */
function registryHost(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1'
  return host.includes(':') ? `[${host}]` : host
}
