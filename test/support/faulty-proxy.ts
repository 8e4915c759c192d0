import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { resetConnection } from './reset-connection.ts'
import { type Answer, exchange } from './wire.ts'

/** A fault of one request or response. Bodies are damaged in the middle by default. */
export type Injury =
  /**
   * the connection is reset before or after the registry handles the request, or while it is sent
   */
  | { readonly kind: 'reset'; readonly when: 'before' | 'while sending' | 'after' }
  /**
   * the proxy responds itself, with a text or JSON; the registry gets the request only if `applied`
   */
  | {
      readonly kind: 'answer'
      readonly status: number
      readonly headers?: Readonly<Record<string, string>>
      readonly body?: string | Uint8Array | object
      readonly applied?: boolean
      /** the registry gets the request, and only an answer with this status is replaced */
      readonly insteadOf?: number
    }
  /** the response never comes or stalls */
  | { readonly kind: 'stall'; readonly when: 'before' | 'in the body' }
  /** the connection ends after half of the body */
  | { readonly kind: 'truncate' }
  /**
   * one bit of the body is flipped; `at` is its position as a share of the length, by default 0.5
   */
  | { readonly kind: 'flip'; readonly of: 'answer' | 'request'; readonly at?: number }
  /** `Content-Length` differs from the length by `by` bytes */
  | { readonly kind: 'length'; readonly by: number }
  /** headers of the response are replaced, or removed by null; and its status */
  | {
      readonly kind: 'headers'
      readonly set: Readonly<Record<string, string | null>>
      readonly status?: number
    }
  /** the registry gets the request twice, and the client gets the second response */
  | { readonly kind: 'twice' }
  /**
   * the connection is reset, idle ones are closed, and new ones refused until `accept` is called
   */
  | { readonly kind: 'refuse' }
  /** the registry gets the request without its credentials */
  | { readonly kind: 'expired' }

/** The requests that a fault is for. An absent field matches any request. */
interface Target {
  /** the number among all requests to the proxy, from 0 */
  readonly number?: number
  readonly method?: string
  /** matches path and query */
  readonly path?: RegExp
}

/** A fault for the first `times` matching requests. */
export interface Fault {
  readonly at: Target
  /** 1 by default; Infinity for a permanent fault */
  readonly times?: number
  readonly injury: Injury
}

/** A request to the proxy and its result. */
interface Passed {
  readonly number: number
  readonly method: string
  /** path and query */
  readonly path: string
  /** undefined if there was no response */
  readonly status: number | undefined
  readonly injury: Injury['kind'] | undefined
}

export interface FaultyProxy extends AsyncDisposable {
  /** `127.0.0.1:PORT` */
  readonly host: string
  /** in the order of their arrival */
  readonly passed: readonly Passed[]
  /** Accepts connections again after a `refuse`. */
  accept(): Promise<void>
}

/** A request before it is forwarded. */
export interface ProxiedRequest {
  readonly number: number
  readonly method: string
  /** path and query */
  readonly path: string
  readonly headers: IncomingHttpHeaders
}

export interface ProxyOptions {
  /** returns the fault of a request */
  readonly choose: (request: ProxiedRequest) => Injury | undefined
  /** Awaited before the registry gets a request and after its response. */
  readonly around?: (request: ProxiedRequest) => Promise<void>
  /** called with a response of the registry, and whether the client gets its headers */
  readonly onResponse?: (request: ProxiedRequest, headers: Answer['headers'], wasGiven: boolean) => void
  /** called when a response stalls */
  readonly onStall?: () => void
  /** called at the end of a request, with or without a response */
  readonly onEnd?: (request: ProxiedRequest) => void
}

/**
 * Starts a proxy in front of a registry that applies the faults and forwards everything else. It
 * keeps whole bodies in memory, and forwards `Host` unchanged, so that URLs of the registry lead
 * through it.
 */
export async function faultyProxy(host: string, ...faults: readonly Fault[]): Promise<FaultyProxy> {
  const left = faults.map((fault) => ({ ...fault, left: fault.times ?? 1 }))
  return await injuringProxy(host, {
    choose: (request) => {
      const fault = left.find((one) => one.left > 0 && matches(one.at, request))
      if (fault !== undefined) fault.left--
      return fault?.injury
    },
  })
}

/** Like `faultyProxy`, with a function that chooses the fault of each request. */
export async function injuringProxy(host: string, options: ProxyOptions): Promise<FaultyProxy> {
  const passed: Passed[] = []
  const server = createServer((request, response) => {
    const at: ProxiedRequest = {
      number: passed.length,
      method: request.method ?? '',
      path: request.url ?? '',
      headers: request.headers,
    }
    const injury = options.choose(at)
    if (injury?.kind === 'refuse') {
      server.close()
      server.closeIdleConnections()
    }
    passed.push({ ...at, status: undefined, injury: injury?.kind })
    const answered = (status: number): void => {
      passed[at.number] = { ...at, status, injury: injury?.kind }
    }
    // A client that aborts gets no response.
    pass({ request, response, upstream: `http://${host}${at.path}`, answered, at, options }, injury).catch(
      () => response.destroy(),
    )
    response.on('close', () => options.onEnd?.(at))
  })
  const listen = (port: number): Promise<void> =>
    new Promise((resolve) => server.listen(port, '127.0.0.1', resolve))
  await listen(0)
  const { port } = server.address() as AddressInfo
  return {
    host: `127.0.0.1:${port}`,
    passed,
    accept: async () => {
      if (!server.listening) await listen(port)
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function matches(
  at: Target,
  request: { readonly number: number; readonly method: string; readonly path: string },
): boolean {
  return (
    (at.number === undefined || at.number === request.number) &&
    (at.method === undefined || at.method === request.method) &&
    (at.path === undefined || at.path.test(request.path))
  )
}

interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly upstream: string
  readonly answered: (status: number) => void
  readonly at: ProxiedRequest
  readonly options: ProxyOptions
}

async function pass(proxied: Exchange, injury: Injury | undefined): Promise<void> {
  const { request } = proxied
  if (injury?.kind === 'refuse') return resetConnection(request.socket)
  if (injury?.kind === 'reset' && injury.when === 'before') return resetConnection(request.socket)
  const sent: Buffer[] = []
  for await (const chunk of request) {
    if (injury?.kind === 'reset' && injury.when === 'while sending') return resetConnection(request.socket)
    sent.push(chunk as Buffer)
  }
  const body = Buffer.concat(sent)
  await proxied.options.around?.(proxied.at)
  try {
    await passOn(proxied, body, injury)
  } finally {
    await proxied.options.around?.(proxied.at)
  }
}

async function passOn(proxied: Exchange, body: Buffer, injury: Injury | undefined): Promise<void> {
  const { request } = proxied
  switch (injury?.kind) {
    case 'reset':
      await forward(proxied, body)
      return resetConnection(request.socket)
    case 'answer':
      if (injury.insteadOf !== undefined) {
        const given = await forward(proxied, body)
        return respond(proxied, given.status === injury.insteadOf ? answerOf(injury) : given)
      }
      if (injury.applied === true) await forward(proxied, body)
      return respond(proxied, answerOf(injury))
    case 'stall':
      if (injury.when === 'in the body') stall(proxied, await forward(proxied, body))
      return proxied.options.onStall?.()
    case 'truncate':
      return truncate(proxied, await forward(proxied, body))
    case 'flip':
      if (injury.of === 'request') return respond(proxied, await forward(proxied, flipped(body, injury.at)))
      return respond(proxied, await flippedAnswer(proxied, body, injury.at))
    case 'length':
      return respondWithLength(proxied, await forward(proxied, body), injury.by)
    case 'headers':
      return respond(proxied, withHeaders(await forward(proxied, body), injury))
    case 'twice':
      await forward(proxied, body)
      return respond(proxied, await forward(proxied, body))
    case 'refuse':
      return
    case 'expired':
      return respond(proxied, await forward(proxied, body, ['authorization']))
    case undefined:
      return respond(proxied, await forward(proxied, body))
  }
}

/** Headers of the connection and not of the message (RFC 9110, 7.6.1). */
const ofConnection: ReadonlySet<string> = new Set(['connection', 'keep-alive', 'transfer-encoding'])

async function forward(
  { request, upstream, at, options }: Exchange,
  body: Buffer,
  without: readonly string[] = [],
): Promise<Answer> {
  const headers = Object.fromEntries(
    Object.entries(plain(request.headers)).filter(([name]) => !without.includes(name)),
  )
  const hasBody = body.byteLength > 0 || request.headers['content-length'] !== undefined
  const answer = await exchange(request.method ?? '', upstream, { headers, ...(hasBody && { body }) })
  options.onResponse?.(at, answer.headers, false)
  return answer
}

function plain(headers: IncomingMessage['headers']): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined || ofConnection.has(name) ? [] : [[name, String(value)]],
    ),
  )
}

function answerOf({ status, headers, body = '' }: Extract<Injury, { kind: 'answer' }>): Answer {
  const bytes = typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body)
  return { status, headers: headers ?? {}, body: Buffer.from(bytes) }
}

/** Sends the unchanged response. A HEAD keeps the length of the registry. */
function respond(
  { request, response, answered, at, options }: Exchange,
  { status, headers, body }: Answer,
): void {
  options.onResponse?.(at, headers, true)
  const length = request.method === 'HEAD' ? headers['content-length'] : String(body.byteLength)
  answered(status)
  response.writeHead(status, { ...plain(headers), ...(length !== undefined && { 'content-length': length }) })
  response.end(request.method === 'HEAD' ? undefined : body)
}

function stall({ response, at, options }: Exchange, { status, headers, body }: Answer): void {
  options.onResponse?.(at, headers, true)
  response.writeHead(status, { ...plain(headers), 'content-length': String(body.byteLength) })
  response.write(body.subarray(0, body.byteLength / 2))
}

function truncate(
  { request, response, answered, at, options }: Exchange,
  { status, headers, body }: Answer,
): void {
  options.onResponse?.(at, headers, true)
  answered(status)
  response.writeHead(status, { ...plain(headers), 'content-length': String(body.byteLength) })
  response.write(body.subarray(0, body.byteLength / 2), () => request.socket.destroy())
}

function respondWithLength(
  { request, response, answered, at, options }: Exchange,
  { status, headers, body }: Answer,
  by: number,
): void {
  options.onResponse?.(at, headers, true)
  answered(status)
  const length = String(Number(headers['content-length'] ?? body.byteLength) + by)
  response.writeHead(status, { ...plain(headers), 'content-length': length, connection: 'close' })
  if (request.method === 'HEAD') response.end()
  else response.write(body, () => request.socket.end())
}

function withHeaders(answer: Answer, { set, status }: Extract<Injury, { kind: 'headers' }>): Answer {
  const headers = { ...answer.headers }
  for (const [name, value] of Object.entries(set)) {
    if (value === null) delete headers[name]
    else headers[name] = value
  }
  return { ...answer, headers, ...(status !== undefined && { status }) }
}

async function flippedAnswer(proxied: Exchange, body: Buffer, at: number | undefined): Promise<Answer> {
  const answer = await forward(proxied, body)
  return { ...answer, body: flipped(answer.body, at) }
}

function flipped(bytes: Buffer, at = 0.5): Buffer {
  const copy = Buffer.from(bytes)
  const byte = Math.floor(copy.byteLength * at)
  // With the lowest bit, a letter stays a letter, so that JSON may stay valid.
  if (copy.byteLength > 0) copy.writeUInt8(copy.readUInt8(byte) ^ 1, byte)
  return copy
}
