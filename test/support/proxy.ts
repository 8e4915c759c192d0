import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { type AddressInfo, connect } from 'node:net'
import { exchange } from './wire.ts'

interface ProxySeen {
  readonly method: string
  /** the target of the request: `host:port` or a URL */
  readonly target: string
  readonly headers: IncomingMessage['headers']
}

export interface TestProxy extends AsyncDisposable {
  /** `127.0.0.1:PORT` */
  readonly host: string
  readonly seen: readonly ProxySeen[]
}

/**
 * Starts an HTTP proxy on this machine that connects every name to one server, by CONNECT and by
 * plain requests.
 *
 * @param answer a status to respond with instead, or `hang` for no response
 * @param tls the certificate of an HTTPS proxy
 */
export async function testProxy(
  to: string,
  answer?: number | 'hang',
  tls?: { readonly key: string; readonly cert: string },
): Promise<TestProxy> {
  const seen: ProxySeen[] = []
  const { hostname, port } = new URL(`http://${to}`)
  const note = ({ method = '', url = '', headers }: IncomingMessage): void =>
    void seen.push({ method, target: url, headers })
  const listener: RequestListener = (request, response) => {
    note(request)
    if (typeof answer === 'number') return void response.writeHead(answer).end()
    const { pathname, search } = new URL(request.url ?? '')
    void exchange(request.method ?? '', `http://${to}${pathname}${search}`, {}).then(
      ({ status, headers, body }) => {
        const plain = Object.fromEntries(
          Object.entries(headers).map(([name, value]) => [name, String(value)]),
        )
        response.writeHead(status, plain).end(body)
      },
    )
  }
  const server = tls === undefined ? createServer(listener) : createSecureServer(tls, listener)
  server.on('connect', (request, socket) => {
    note(request)
    socket.on('error', () => undefined)
    if (answer === 'hang') return
    if (answer !== undefined) return void socket.end(`HTTP/1.1 ${answer} No\r\n\r\n`)
    const upstream = connect(Number(port), hostname, () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
      upstream.pipe(socket).pipe(upstream)
    }).on('error', () => socket.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
