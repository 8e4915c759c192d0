/**
 * The pool of undici alone. The entry of the package loads all of it (fetch, WebSocket, mocks,
 * caches), which takes three times as long.
 */
declare module 'undici/lib/dispatcher/pool.js' {
  export { Pool as default } from 'undici'
}

/**
 * How undici opens a connection. Its own types lack the socket, which can be closed before it is
 * connected.
 */
declare module 'undici/lib/core/connect.js' {
  import type { OnReadOpts, Socket } from 'node:net'
  import type { buildConnector } from 'undici'

  /** `httpSocket`: a connection to a proxy, on which TLS begins */
  export type Connector = (
    options: buildConnector.Options & { readonly httpSocket?: Socket },
    callback: buildConnector.Callback,
  ) => Socket
  /** undici passes options that it does not know on to the socket. */
  interface SocketOptions {
    readonly highWaterMark?: number | undefined
    readonly writableHighWaterMark?: number
    readonly onread?: OnReadOpts
  }
  export default function connector(options: buildConnector.BuildOptions & SocketOptions): Connector
}
