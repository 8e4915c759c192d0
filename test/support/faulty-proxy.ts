import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Answer, exchange } from './wire.ts'

/** What goes wrong with one exchange. Bodies are damaged in the middle unless it is said otherwise. */
export type Injury =
  /** the connection is reset: before the registry hears of it, while it is being sent, or after the registry did it */
  | { readonly kind: 'reset'; readonly when: 'before' | 'while sending' | 'after' }
  /** the proxy's own answer, the body as text or as what JSON makes of it; the registry hears of the request only if `applied` */
  | {
      readonly kind: 'answer'
      readonly status: number
      readonly headers?: Readonly<Record<string, string>>
      readonly body?: string | Uint8Array | object
      readonly applied?: boolean
    }
  /** nothing comes any more */
  | { readonly kind: 'stall'; readonly when: 'before' | 'in the body' }
  /** half of the body, then the end of the connection */
  | { readonly kind: 'truncate' }
  /** one bit of the answer's body, or of the request's; `at` is where, as a share of its length; its middle where it is not given */
  | { readonly kind: 'flip'; readonly of: 'answer' | 'request'; readonly at?: number }
  /** `Content-Length` says so many bytes more or less than there are */
  | { readonly kind: 'length'; readonly by: number }
  /** headers of the answer are replaced, or taken away by null */
  | { readonly kind: 'headers'; readonly set: Readonly<Record<string, string | null>> }
  /** the registry does it twice; the second answer is given */
  | { readonly kind: 'twice' }
  /** its connection is reset, those that wait are closed, and new ones refused, until it is told to `accept` */
  | { readonly kind: 'refuse' }
  /** whoever asks is asked who he is: the registry hears of the request without its credentials */
  | { readonly kind: 'expired' }

/** Which requests a fault is for. What is not said fits any. */
interface Target {
  /** of all requests that the proxy saw, from 0 */
  readonly number?: number
  readonly method?: string
  /** of path and query */
  readonly path?: RegExp
}

/** A fault as data: the first `times` requests that fit are injured. */
export interface Fault {
  readonly at: Target
  /** once where it is not given; Infinity for one that stays */
  readonly times?: number
  readonly injury: Injury
}

/** A request that the proxy saw, and what became of it. */
interface Passed {
  readonly number: number
  readonly method: string
  /** path and query */
  readonly path: string
  /** undefined where no answer was given */
  readonly status: number | undefined
  readonly injury: Injury['kind'] | undefined
}

export interface FaultyProxy extends AsyncDisposable {
  /** `127.0.0.1:PORT`: a registry's name */
  readonly host: string
  /** in the order in which they arrived */
  readonly passed: readonly Passed[]
  /** Takes connections again after a `refuse`; nothing happens where it does. */
  accept(): Promise<void>
}

/** A request before it is passed on. */
export interface ProxiedRequest {
  readonly number: number
  readonly method: string
  /** path and query */
  readonly path: string
}

export interface ProxyOptions {
  /** what is to go wrong with a request */
  readonly choose: (request: ProxiedRequest) => Injury | undefined
  /** Waited for before the registry hears of a request and after it has answered. */
  readonly around?: (request: ProxiedRequest) => Promise<void>
  /** told of an answer of the registry, and whether the client was given its headers */
  readonly onResponse?: (request: ProxiedRequest, headers: Answer['headers'], wasGiven: boolean) => void
  /** told when nothing will come any more */
  readonly onStall?: () => void
  /** told when a request is dealt with, by an answer or without one */
  readonly onEnd?: (request: ProxiedRequest) => void
}

/**
 * Stands before a registry and injures what the faults say; everything else goes through as it is. Bodies are held in memory whole, and `Host` stays as
 * the client sent it, so that the registry's own addresses lead through the proxy too.
 */
export async function faultyProxy(host: string, ...faults: readonly Fault[]): Promise<FaultyProxy> {
  const left = faults.map((fault) => ({ ...fault, left: fault.times ?? 1 }))
  return await injuringProxy(host, {
    choose: (request) => {
      const fault = left.find((one) => one.left > 0 && fits(one.at, request))
      if (fault !== undefined) fault.left--
      return fault?.injury
    },
  })
}

/** The same, with what goes wrong chosen as requests come. */
export async function injuringProxy(host: string, options: ProxyOptions): Promise<FaultyProxy> {
  const passed: Passed[] = []
  const server = createServer((request, response) => {
    const at: ProxiedRequest = {
      number: passed.length,
      method: request.method ?? '',
      path: request.url ?? '',
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
    // whoever breaks off is not there to be answered
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

function fits(
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

async function pass(passing: Exchange, injury: Injury | undefined): Promise<void> {
  const { request } = passing
  if (injury?.kind === 'refuse') return reset(request)
  if (injury?.kind === 'reset' && injury.when === 'before') return reset(request)
  const sent: Buffer[] = []
  for await (const chunk of request) {
    if (injury?.kind === 'reset' && injury.when === 'while sending') return reset(request)
    sent.push(chunk as Buffer)
  }
  const body = Buffer.concat(sent)
  await passing.options.around?.(passing.at)
  try {
    await passOn(passing, body, injury)
  } finally {
    await passing.options.around?.(passing.at)
  }
}

async function passOn(passing: Exchange, body: Buffer, injury: Injury | undefined): Promise<void> {
  const { request } = passing
  switch (injury?.kind) {
    case 'reset':
      await forward(passing, body)
      return reset(request)
    case 'answer':
      if (injury.applied === true) await forward(passing, body)
      return respond(passing, answerOf(injury))
    case 'stall':
      if (injury.when === 'in the body') stall(passing, await forward(passing, body))
      return passing.options.onStall?.()
    case 'truncate':
      return truncate(passing, await forward(passing, body))
    case 'flip':
      if (injury.of === 'request') return respond(passing, await forward(passing, flipped(body, injury.at)))
      return respond(passing, await flippedAnswer(passing, body, injury.at))
    case 'length':
      return respondWithLength(passing, await forward(passing, body), injury.by)
    case 'headers':
      return respond(passing, withHeaders(await forward(passing, body), injury.set))
    case 'twice':
      await forward(passing, body)
      return respond(passing, await forward(passing, body))
    case 'refuse':
      return
    case 'expired':
      return respond(passing, await forward(passing, body, ['authorization']))
    case undefined:
      return respond(passing, await forward(passing, body))
  }
}

/** Headers that are about one connection, not about what is sent over it (RFC 9110, 7.6.1). */
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

/** As it came; a HEAD keeps the length that the registry gave. */
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

function withHeaders(answer: Answer, set: Readonly<Record<string, string | null>>): Answer {
  const headers = { ...answer.headers }
  for (const [name, value] of Object.entries(set)) {
    if (value === null) delete headers[name]
    else headers[name] = value
  }
  return { ...answer, headers }
}

async function flippedAnswer(passing: Exchange, body: Buffer, at: number | undefined): Promise<Answer> {
  const answer = await forward(passing, body)
  return { ...answer, body: flipped(answer.body, at) }
}

function flipped(bytes: Buffer, at = 0.5): Buffer {
  const copy = Buffer.from(bytes)
  const byte = Math.floor(copy.byteLength * at)
  // the lowest bit: a letter stays a letter, so that JSON may well stay JSON
  if (copy.byteLength > 0) copy.writeUInt8(copy.readUInt8(byte) ^ 1, byte)
  return copy
}

/** An RST, not a FIN: as from a machine that went away. */
function reset(request: IncomingMessage): void {
  request.socket.resetAndDestroy()
}
