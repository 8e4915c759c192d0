import type { IncomingMessage, ServerResponse } from 'node:http'
import { once } from 'node:events'
import { DrayError } from '../lib/errors.ts'
import { admit } from './access/admit.ts'
import type { AccessEntry } from './access/access.ts'
import type { EndpointResponse } from './response.ts'
import { BodyPace } from './access/body-pace.ts'
import { errorResponse, refusal } from './errors.ts'
import type { EndpointRequest, RegistryState } from './request.ts'
import { isRepositoryPath } from '../oci/reference.ts'
import type { ServerLimits } from './access/limits.ts'
import { type AllowedHosts, checkRequestSource } from './access/request-source.ts'
import { answer, type EndpointRoute, routeOf } from './routes.ts'
import { noteAnswer } from './vendors/note-answer.ts'
import type { VendorImitation, VendorState } from './vendors/vendor.ts'

/** The state of a server in addition to that of its endpoints. */
export interface ServerState extends RegistryState {
  readonly allowedHosts: AllowedHosts
  readonly limits: ServerLimits
  /** the vendor whose API is imitated; undefined: only the OCI API */
  readonly vendor?: { readonly imitation: VendorImitation; readonly state: VendorState }
}

/** Bytes in each direction. */
interface Counts {
  received: number
  sent: number
}

/** Answers one request. Never rejects. */
export async function respond(
  incoming: IncomingMessage,
  response: ServerResponse,
  state: ServerState,
  notify: (entry: AccessEntry) => void,
): Promise<void> {
  const counts: Counts = { received: 0, sent: 0 }
  const pace = new BodyPace(state.clock, state.limits.slowBody)
  const request = requestOf(incoming, counts, pace)
  const route = routeOf(request.path)
  // A broken connection shows at the body. Without listeners, these events would end the process.
  incoming.on('error', () => undefined)
  response.on('error', () => undefined)
  let isReported = false
  const report = (status: number, aborted: boolean, error?: unknown): void => {
    if (isReported) return
    isReported = true
    notify(entryOf(request, route, counts, { status, aborted, ...(error !== undefined && { error }) }))
  }
  let status = 500
  try {
    const { answered, error } = await answerInTime(incoming, route, request, state, pace)
    status = answered.status
    response.setHeader('Date', new Date(state.clock.now() + state.abilities.clockAhead).toUTCString())
    const { webPageHeaders } = state.abilities
    if (webPageHeaders !== undefined && status !== 401 && isForWebPage(route, request))
      response.setHeader('Access-Control-Allow-Headers', webPageHeaders)
    await send(incoming, response, answered, counts, {
      beforeEnd: () => report(status, false, error),
      limitRest: () => limitRestOfBody(incoming, response, state),
    })
  } catch (error) {
    // The body broke off. The client can only learn that it is incomplete.
    report(status, true, error)
    response.destroy()
  } finally {
    pace.end()
    limitRestOfBody(incoming, response, state)
  }
}

/** Whether the web page of a registry such as zot sends requests of this kind. */
function isForWebPage({ kind }: EndpointRoute, { method }: EndpointRequest): boolean {
  return kind === 'manifest' ? method === 'HEAD' : !['blob', 'upload', 'unknown'].includes(kind)
}

interface Answered {
  readonly answered: EndpointResponse
  /** the failure behind a 500 */
  readonly error?: unknown
}

/**
 * Never rejects. Answers 408 if the body is too slow. The endpoint then ends with the connection.
 */
async function answerInTime(
  incoming: IncomingMessage,
  route: EndpointRoute,
  request: EndpointRequest,
  state: ServerState,
  pace: BodyPace,
): Promise<Answered> {
  try {
    return await Promise.race([answerSafely(incoming, route, request, state), pace.tooSlow])
  } catch (error) {
    const answered = errorResponse(error)
    return { answered: { ...answered, headers: { ...answered.headers, Connection: 'close' } } }
  }
}

async function answerSafely(
  incoming: IncomingMessage,
  route: EndpointRoute,
  request: EndpointRequest,
  state: ServerState,
): Promise<Answered> {
  try {
    checkRequestSource(incoming, state.allowedHosts)
    const ofVendor = await state.vendor?.imitation.answer(request, state.vendor.state)
    if (ofVendor !== undefined) return { answered: ofVendor }
    if ('repository' in route && !isRepositoryPath(route.repository)) {
      throw refusal('NAME_INVALID', `${JSON.stringify(route.repository)} is not a valid repository name`)
    }
    const denied = state.access === undefined ? undefined : await admit(state.access, route, request)
    if (denied !== undefined) return { answered: denied }
    const answered = await answer(route, request, state)
    if (state.vendor !== undefined) noteAnswer(state.vendor.state, route, request, answered)
    return { answered }
  } catch (error) {
    const answered = errorResponse(error)
    return answered.status >= 500 ? { answered, error } : { answered }
  }
}

interface SendSteps {
  /** called before the client can have the last byte */
  readonly beforeEnd: () => void
  /** bounds how much of the body is still read */
  readonly limitRest: () => void
}

/**
 * Writes the response. If the connection closes with it, only this direction closes until the body
 * is read: otherwise the client fails to send the rest, and does not read the response (RFC 9112,
 * section 9.6).
 */
async function send(
  incoming: IncomingMessage,
  response: ServerResponse,
  { status, headers, body }: EndpointResponse,
  counts: Counts,
  { beforeEnd, limitRest }: SendSteps,
): Promise<void> {
  if (response.destroyed) throw clientGone()
  const size = body instanceof Uint8Array ? body.byteLength : body?.size
  response.writeHead(status, {
    'Docker-Distribution-API-Version': 'registry/2.0',
    // Any client can have pushed the content. A browser must not guess that it is a script or a
    // page.
    'X-Content-Type-Options': 'nosniff',
    ...headers,
    ...(size !== undefined && { 'Content-Length': size }),
  })
  const chunks = body instanceof Uint8Array ? [body] : (body?.chunks ?? [])
  // Delays one chunk, so that `beforeEnd` runs before the client can have everything.
  let pending: Uint8Array = new Uint8Array()
  for await (const chunk of incoming.method === 'HEAD' ? [] : chunks) {
    if (pending.byteLength > 0 && !response.write(pending)) await drained(response)
    if (response.destroyed) throw clientGone()
    counts.sent += pending.byteLength
    pending = chunk
  }
  counts.sent += pending.byteLength
  beforeEnd()
  const isRestSent = incoming.complete || incoming.destroyed || response.shouldKeepAlive
  // A client that is too slow is not waited for.
  if (isRestSent || status === 408) {
    response.end(pending)
    return
  }
  if (pending.byteLength > 0) response.write(pending)
  else response.flushHeaders()
  response.socket?.end()
  limitRest()
  await restRead(incoming)
  response.destroy()
}

/** Resolves when the body has ended, or its connection. */
async function restRead(incoming: IncomingMessage): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  for (const event of ['end', 'close', 'error']) incoming.once(event, resolve)
  if (incoming.complete || incoming.destroyed) resolve()
  await promise
}

async function drained(response: ServerResponse): Promise<void> {
  if (response.destroyed) return
  const given = new AbortController()
  const { signal } = given
  try {
    await Promise.race([once(response, 'drain', { signal }), once(response, 'close', { signal })])
  } finally {
    given.abort('answered')
  }
}

function requestOf(incoming: IncomingMessage, counts: Counts, pace: BodyPace): EndpointRequest {
  const url = incoming.url ?? ''
  const mark = url.indexOf('?')
  return {
    method: incoming.method ?? '',
    path: mark < 0 ? url : url.slice(0, mark),
    query: new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1)),
    header: (name) => {
      const value = incoming.headers[name]
      return Array.isArray(value) ? value.join(', ') : value
    },
    body: counted(incoming, counts, pace),
    origin: originOf(incoming),
    identity: {},
  }
}

async function* counted(
  incoming: IncomingMessage,
  counts: Counts,
  pace: BodyPace,
): AsyncGenerator<Uint8Array, void> {
  pace.wait()
  try {
    // A refused body must not close the connection before the refusal is sent.
    for await (const chunk of incoming.iterator({ destroyOnReturn: false })) {
      if (!(chunk instanceof Uint8Array)) continue
      pace.receive(chunk.byteLength)
      counts.received += chunk.byteLength
      yield chunk
      pace.wait()
    }
  } finally {
    pace.end()
  }
}

/**
 * Ends a connection that keeps sending the rest of an answered body. Node would read the rest to
 * its end, to reuse the connection, however long that takes.
 */
function limitRestOfBody(incoming: IncomingMessage, response: ServerResponse, state: ServerState): void {
  if (incoming.complete || incoming.destroyed) return
  if (response.statusCode === 408) {
    response.once('finish', () => incoming.destroy())
    return
  }
  const { ms, bytes } = state.limits.answeredBody
  let remaining = bytes
  incoming.on('data', (chunk: Uint8Array) => {
    remaining -= chunk.byteLength
    if (remaining < 0) incoming.destroy()
  })
  const ended = new AbortController()
  incoming.once('close', () => ended.abort('closed'))
  state.clock.sleep(ms, ended.signal).then(
    () => incoming.destroy(),
    () => undefined,
  )
  incoming.resume()
}

/** The origin as the client named it, for proxies. A malformed Host header is not repeated. */
function originOf(incoming: IncomingMessage): string {
  const host = incoming.headers.host ?? ''
  if (/^(?:[A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\])(?::[0-9]{1,5})?$/.test(host)) return `http://${host}`
  return `http://127.0.0.1:${incoming.socket.localPort ?? 0}`
}

function clientGone(): DrayError {
  return new DrayError('network', 'the client ended the connection')
}

function entryOf(
  request: EndpointRequest,
  route: EndpointRoute,
  counts: Counts,
  rest: Pick<AccessEntry, 'status' | 'aborted' | 'error'>,
): AccessEntry {
  return {
    method: request.method,
    path: request.path,
    query: request.query,
    kind: route.kind,
    ...('repository' in route && { repository: route.repository }),
    ...('reference' in route && { reference: route.reference }),
    ...request.identity,
    requestBytes: counts.received,
    responseBytes: counts.sent,
    ...rest,
  }
}
