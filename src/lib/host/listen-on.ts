import type { AddressInfo, Server } from 'node:net'
import { DrayError } from '../errors.ts'
import { explainFailure } from '../files/io-error.ts'

/** Returns the address on which a server listens from now on. @throws `io`. */
export async function listenOn(
  server: Server,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<AddressInfo> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen(port, host, resolve)
  try {
    await promise
  } catch (cause) {
    const at = `${host.includes(':') ? `[${host}]` : host}:${port}`
    throw new DrayError('io', `cannot listen on ${at}`, {
      subject: at,
      why: explainFailure(cause),
      hint: 'Choose another address or port. Port 0 selects a free one.',
      cause,
    })
  }
  server.off('error', reject)
  return server.address() as AddressInfo
}
