import type { Socket } from 'node:net'
import type { Connector } from 'undici/lib/core/connect.js'
import { type Certificates, sharedTlsOptions } from './certificates.ts'
import type { ReadBuffers } from '../bodies/read-buffers.ts'

const connectMs = 10_000

/**
 * Returns the connector of undici for connections that read into `buffers`; `certificates` are
 * those of TLS connections, if there can be any.
 */
export async function createConnector(
  buffers: ReadBuffers,
  certificates: Certificates | undefined,
): Promise<Connector> {
  const { default: connector } = await import('undici/lib/core/connect.js')
  const tls = certificates && (await sharedTlsOptions(certificates))
  // undici keeps the sessions of one connector, and each connection has its own.
  let session: Buffer | undefined
  return (to, callback) => {
    const open = connector({
      timeout: connectMs,
      // One connection of HTTP/2 would put all blobs of a run behind one flow-control window.
      allowH2: false,
      // undici then waits after each write until the connection has taken it, and `ReadBuffers` may
      // use its memory again. A TLS connection has one mark for both directions.
      ...(tls === undefined ? { highWaterMark: undefined, writableHighWaterMark: 1 } : { highWaterMark: 1 }),
      onread: buffers.onread((bytes) => socket.push(bytes)),
      ...tls?.(),
      ...(session !== undefined && { session }),
    })
    const socket: Socket = open(to, callback)
    socket.on('session', (given: Buffer) => {
      session = given
    })
    return socket
  }
}
