import { toDrayError } from '../../lib/errors.ts'
import { listenOn } from '../../lib/host/listen-on.ts'
import { send } from './http-messages.ts'
import { createLimitedServer, type ListeningServer, stopServer } from './limited-server.ts'

interface MetricsServerOptions {
  readonly host: string
  readonly port: number
  /** the lines of the text format of Prometheus */
  readonly metrics: () => readonly string[]
}

/** Exposition formats, Text-based format. */
const contentType = 'text/plain; version=0.0.4; charset=utf-8'

/** Answers `/metrics` and `/healthz`, with plain HTTP. @throws `io` if it cannot listen. */
export async function startMetricsServer(options: MetricsServerOptions): Promise<ListeningServer> {
  const server = createLimitedServer()
  server.on('request', (request, response) => {
    request.resume()
    const isRead = request.method === 'GET' || request.method === 'HEAD'
    if (!isRead) return send(response, { status: 405, headers: { allow: 'GET, HEAD' } })
    if (request.url === '/healthz') return send(response, { status: 200, text: 'ok\n' })
    if (request.url !== '/metrics') return send(response, { status: 404 })
    try {
      const text = `${options.metrics().join('\n')}\n`
      send(response, { status: 200, text, headers: { 'content-type': contentType } })
    } catch (error) {
      send(response, { status: 500, text: `${toDrayError(error).code}\n` })
    }
  })
  const address = await listenOn(server, options)
  return { address, stop: () => stopServer(server) }
}
