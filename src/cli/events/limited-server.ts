import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Open connections. Further ones are closed, and their senders repeat the request. */
const maxConnections = 64
/** Milliseconds for a whole request, from its first byte to its last. */
const requestMs = 10_000
/** Milliseconds for which an idle connection stays open. */
const idleMs = 2_000
/** How often Node checks the time of requests, milliseconds. */
const checkMs = 1_000
const maxHeaderBytes = 16 * 1024
/** Requests of one connection: others get its place. */
const requestsOfConnection = 1_000

export interface ListeningServer {
  readonly address: AddressInfo
  /** Accepts no further connection, and resolves when all requests have an answer. */
  readonly stop: () => Promise<void>
}

/** Creates an HTTP server whose clients cannot hold its connections. */
export function createLimitedServer(): Server {
  // An import of node:http also loads the built-in fetch, which delays the start.
  const { createServer } = process.getBuiltinModule('node:http')
  const server = createServer({
    requestTimeout: requestMs,
    headersTimeout: requestMs,
    connectionsCheckingInterval: checkMs,
    keepAliveTimeout: idleMs,
    maxHeaderSize: maxHeaderBytes,
    // NODE_OPTIONS must not make the parser accept ambiguous requests.
    insecureHTTPParser: false,
  })
  server.maxConnections = maxConnections
  server.maxRequestsPerSocket = requestsOfConnection
  // A connection on which nothing arrives, and a client that does not read its answer.
  server.timeout = requestMs
  return server
}

export async function stopServer(server: Server): Promise<void> {
  if (!server.listening) return
  const { promise, resolve } = Promise.withResolvers<void>()
  server.close(() => resolve())
  server.closeIdleConnections()
  await promise
}
