/**
 * undici's pool on its own: the package's entry loads all of it (fetch, WebSocket, mocks, caches), which costs three times as long at start.
 */
declare module 'undici/lib/dispatcher/pool.js' {
  export { Pool as default } from 'undici'
}

/** How it opens a connection: the socket that its own types leave out can be given up before it is connected. */
declare module 'undici/lib/core/connect.js' {
  import type { Socket } from 'node:net'
  import type { buildConnector } from 'undici'

  /** `httpSocket`: a connection to a proxy, on which TLS begins */
  export type Connector = (
    options: buildConnector.Options & { readonly httpSocket?: Socket },
    callback: buildConnector.Callback,
  ) => Socket
  export default function connector(options: buildConnector.BuildOptions): Connector
}
