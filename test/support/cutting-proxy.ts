import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { resetConnection } from './reset-connection.ts'

export interface CuttingProxy extends AsyncDisposable {
  /** `127.0.0.1:PORT` */
  readonly host: string
  /** bytes from the client until now, including headers */
  readonly sent: () => number
}

/**
 * Starts a TCP proxy that resets the connection each time that the bytes of the client reach the
 * next of `cuts`, counted over all connections. The registry never receives the bytes after a cut.
 *
 * @param onCut called at each cut
 */
export async function cuttingProxy(
  to: string,
  cuts: readonly number[],
  onCut: () => void = () => undefined,
): Promise<CuttingProxy> {
  const { hostname, port } = new URL(`http://${to}`)
  const left = [...cuts].sort((a, b) => a - b)
  const open = new Set<Socket>()
  let sent = 0
  const server = createServer((client) => {
    const registry = connect(Number(port), hostname)
    const ends = [client, registry]
    const close = (): void => {
      for (const end of ends) {
        open.delete(end)
        end.destroy()
      }
    }
    for (const end of ends) open.add(end.on('error', close).on('close', close))
    registry.on('data', (bytes: Buffer) => void client.write(bytes))
    client.on('data', (bytes: Buffer) => {
      const cut = left[0]
      if (cut !== undefined && sent + bytes.byteLength > cut) {
        left.shift()
        onCut()
        const passes = Math.max(0, cut - sent)
        sent += passes
        // The client gets an RST. The registry gets the bytes before the cut and the end.
        resetConnection(client)
        registry.end(bytes.subarray(0, passes))
        return
      }
      sent += bytes.byteLength
      if (registry.write(bytes)) return
      client.pause()
      registry.once('drain', () => client.resume())
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    sent: () => sent,
    [Symbol.asyncDispose]: async () => {
      for (const socket of open) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
