import { abortable } from './abortable.ts'
import { bareHost, portOf } from './origins.ts'

/** An answer after a failed request is not worth a longer wait. */
const probeMs = 2000

/**
 * Whether a server answers a TLS handshake. Opens one connection and sends no request and no
 * client certificate. The certificate of the server does not matter. False if the server cannot be
 * reached or does not answer in time. @throws the signal's reason.
 */
export async function speaksTls(origin: URL, signal: AbortSignal): Promise<boolean> {
  const [{ connect }, { isIP }] = await Promise.all([import('node:tls'), import('node:net')])
  const host = bareHost(origin.hostname)
  const socket = connect({
    host,
    port: portOf(origin),
    ...(isIP(host) === 0 && { servername: host }),
    rejectUnauthorized: false,
  })
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const end = (): void => resolve(false)
  socket.once('secureConnect', () => resolve(true))
  socket.on('error', end)
  socket.once('close', end)
  socket.setTimeout(probeMs, end)
  try {
    return await abortable(promise, signal)
  } finally {
    socket.destroy()
  }
}
