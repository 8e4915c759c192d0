import type { LookupAddress } from 'node:dns'
import type { Socket } from 'node:net'
import type { PeerCertificate, TLSSocket } from 'node:tls'
import { DrayError } from '../../../lib/errors.ts'
import { type Certificates, tlsOptions } from './certificates.ts'
import { bareHost, portOf } from './origins.ts'
import { toTransportError } from './transport-failure.ts'

const connectMs = 5_000

/** The facts about a connection to a server. */
export interface ConnectionFacts {
  readonly addresses: readonly string[]
  /** until it was open, TLS included, milliseconds */
  readonly connectMs: number
  /** absent over plain http */
  readonly tls?: TlsFacts
}

interface TlsFacts {
  /** `TLSv1.3` */
  readonly protocol: string
  readonly subject: string
  readonly issuer: string
  /** milliseconds since 1970 */
  readonly validTo: number
  /** why the certificate is not trusted; absent if it is */
  readonly untrusted?: { readonly code: string; readonly hint?: string }
}

/**
 * Opens one connection to a registry, as the transport does, and describes it. A certificate that
 * is not trusted is part of the result and no error, because dray sends no request over this
 * connection.
 * @throws `network` and `timeout` as the transport.
 */
export async function inspectConnection(
  registry: string,
  origin: URL,
  certificates: Certificates | undefined,
  signal: AbortSignal,
): Promise<ConnectionFacts> {
  const begin = performance.now()
  try {
    const addresses = await addressesOf(bareHost(origin.hostname))
    const socket = await openSocket(origin, certificates ?? {}, signal)
    const facts = { addresses, connectMs: Math.round(performance.now() - begin) }
    const isTls = origin.protocol === 'https:'
    const tls = isTls && { tls: tlsFacts(socket as TLSSocket, registry, origin.host) }
    socket.destroy()
    return { ...facts, ...tls }
  } catch (thrown) {
    signal.throwIfAborted()
    throw thrown instanceof DrayError
      ? thrown
      : toTransportError(thrown, { registry, host: origin.host }, false)
  }
}

async function addressesOf(host: string): Promise<readonly string[]> {
  const { lookup } = await import('node:dns/promises')
  const found: LookupAddress[] = await lookup(host, { all: true })
  return found.map(({ address }) => address)
}

async function openSocket(origin: URL, certificates: Certificates, signal: AbortSignal): Promise<Socket> {
  const { connect, isIP } = await import('node:net')
  const to = { host: bareHost(origin.hostname), port: portOf(origin) }
  if (origin.protocol !== 'https:') return await opened(connect(to), 'connect', signal)
  const tls = await import('node:tls')
  const socket = tls.connect({
    ...to,
    ...(isIP(to.host) === 0 && { servername: to.host }),
    ALPNProtocols: ['http/1.1'],
    ...(await tlsOptions(certificates)),
    // The result has whether the certificate is trusted. No request is sent.
    rejectUnauthorized: false,
  })
  return await opened(socket, 'secureConnect', signal)
}

function opened(socket: Socket, event: string, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const leave = (): void => void socket.destroy(new DrayError('interrupted', 'interrupted'))
    signal.addEventListener('abort', leave, { once: true })
    socket.setTimeout(connectMs, () =>
      socket.destroy(Object.assign(new Error('it took too long'), { code: 'ETIMEDOUT' })),
    )
    socket.on('error', reject)
    socket.once(event, () => {
      signal.removeEventListener('abort', leave)
      socket.setTimeout(0)
      resolve(socket)
    })
  })
}

function tlsFacts(socket: TLSSocket, registry: string, host: string): TlsFacts {
  const certificate = socket.getPeerCertificate()
  const code = socket.authorized ? undefined : String(socket.authorizationError)
  const hint =
    code === undefined
      ? undefined
      : toTransportError(Object.assign(new Error(code), { code }), { registry, host }, false).hint
  return {
    protocol: socket.getProtocol() ?? 'unknown',
    subject: nameOf(certificate.subject) ?? certificate.subjectaltname ?? 'unknown',
    issuer: nameOf(certificate.issuer) ?? 'unknown',
    validTo: Date.parse(certificate.valid_to),
    ...(code !== undefined && { untrusted: { code, ...(hint !== undefined && { hint }) } }),
  }
}

function nameOf(name: PeerCertificate['subject'] | undefined): string | undefined {
  const part = name?.CN ?? name?.O
  return Array.isArray(part) ? part.join(', ') : part
}
