import type { Socket } from 'node:net'
import type { buildConnector } from 'undici'
import type { Connector } from 'undici/lib/core/connect.js'
import { offAbort, onAbort } from '../../../lib/call.ts'
import type { Clock } from '../../../lib/clock.ts'
import { isCertificateCode, tlsOptions } from './certificates.ts'
import { bareHost, portOf, serverName } from './origins.ts'
import { type Proxy, proxyAuthorization, showProxy } from './proxy.ts'

const tunnelMs = 10_000
/** Statuses of a proxy that may pass. Others are final. */
const passing: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504])

/** A proxy refused or failed. */
export class ProxyFailure extends Error {
  override readonly name = 'ProxyFailure'
  readonly code: 'PROXY_REFUSED' | 'PROXY_FAILED'
  /** without user and password */
  readonly proxy: string
  readonly variable: string
  readonly status: number | undefined

  constructor({ url, variable }: Proxy, message: string, code: ProxyFailure['code'], status?: number) {
    super(message)
    this.code = code
    this.proxy = showProxy(url)
    this.variable = variable
    this.status = status
  }
}

/**
 * Returns a connector of undici for an https origin behind a proxy: a tunnel by CONNECT (RFC 9110,
 * section 9.3.6), and TLS with the origin in it. The user and the password of the proxy go only to
 * the proxy. It fails with `ProxyFailure`.
 * @param closing aborted when the transport is closed: it does not wait for the proxy then
 */
export function tunnel(
  proxy: Proxy,
  open: Connector,
  clock: Clock,
  closing: AbortSignal,
): buildConnector.connector {
  const begin = async (options: buildConnector.Options, callback: buildConnector.Callback): Promise<void> => {
    const socket = await connectThrough(proxy, options, clock, closing).catch((error: Error) => error)
    if (socket instanceof Error) callback(socket, null)
    else open({ ...options, httpSocket: socket }, callback)
  }
  return (options, callback) => void begin(options, callback)
}

async function connectThrough(
  proxy: Proxy,
  { hostname, port }: buildConnector.Options,
  clock: Clock,
  closing: AbortSignal,
): Promise<Socket> {
  const { url } = proxy
  // Node would take the name to verify from the Host header, which names the registry.
  const tls = url.protocol === 'https:' ? { ...(await tlsOptions({})), servername: serverName(url) } : {}
  const authorization = proxyAuthorization(url)
  const target = `${hostname.includes(':') && !hostname.startsWith('[') ? `[${hostname}]` : hostname}:${port === '' ? '443' : port}`
  // An import of node:http as ESM loads the built-in fetch, which takes 23 ms of every start of the
  // program.
  const { request } = process.getBuiltinModule(url.protocol === 'https:' ? 'node:https' : 'node:http')
  const ended = new AbortController()
  let close = (): void => undefined
  return await new Promise<Socket>((resolve, reject) => {
    const connect = request({
      host: bareHost(url.hostname),
      port: portOf(url),
      method: 'CONNECT',
      path: target,
      headers: { host: target, ...(authorization !== undefined && { 'proxy-authorization': authorization }) },
      agent: false,
      ...tls,
    })
    const fail = (message: string, code: ProxyFailure['code'], status?: number): void => {
      connect.destroy()
      reject(new ProxyFailure(proxy, message, code, status))
    }
    connect.on('connect', (answer, socket, rest) => {
      const status = answer.statusCode ?? 0
      if (status >= 200 && status < 300 && rest.byteLength === 0) return resolve(socket)
      socket.destroy()
      const code = passing.has(status) ? 'PROXY_FAILED' : 'PROXY_REFUSED'
      fail(`it answered ${status} to CONNECT`, code, status)
    })
    // Limits the whole answer: a proxy that sends headers byte by byte never stalls.
    clock.sleep(tunnelMs, ended.signal).then(
      () => fail('it did not answer in time', 'PROXY_FAILED'),
      () => undefined,
    )
    connect.on('error', (error: NodeJS.ErrnoException) =>
      fail(error.message, isCertificateCode(error.code ?? '') ? 'PROXY_REFUSED' : 'PROXY_FAILED'),
    )
    close = () => fail('the client is closed', 'PROXY_FAILED')
    if (closing.aborted) close()
    else onAbort(closing, close)
    connect.end()
  }).finally(() => {
    offAbort(closing, close)
    ended.abort('over')
  })
}
