import { DrayError, type ErrorContext } from '../../../lib/errors.ts'
import { explainSystemFailure, reachedLimit } from '../../../lib/system-errors.ts'
import { isCertificateCode } from './certificates.ts'
import { isHome, settingLine } from './origins.ts'
import { ProxyFailure } from './tunnel.ts'

/**
 * The `cause` of a `network` or `timeout` error of one request. `retry` checks it: an error without
 * it is final, because it was retried already or is not the connection's.
 */
export class TransportFailure extends Error {
  override readonly name = 'TransportFailure'
  /** the code of the system or of undici, such as `ECONNREFUSED` */
  readonly systemCode: string
  /** whether a part of the request may have left this machine */
  readonly sent: boolean

  constructor(message: string, systemCode: string, sent: boolean) {
    super(message)
    this.systemCode = systemCode
    this.sent = sent
  }
}

/** Returns the failure of the transport behind an error, if there is one. */
export function transportFailure(error: unknown): TransportFailure | undefined {
  return error instanceof DrayError && error.cause instanceof TransportFailure ? error.cause : undefined
}

/** Codes of a failed TLS handshake that are not about certificates. */
const handshakeCodes = /^(?:ERR_SSL_|EPROTO$)/
/** Those that an answer in plain text causes. */
const plainTextCodes = /^ERR_SSL_(?:WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST)$/

/** Hints for certificates that another authority would not make valid. */
const certificateHints: ReadonlyMap<string, string> = new Map([
  [
    'CERT_HAS_EXPIRED',
    'Ask the operator of the registry to renew the expired certificate, or correct the clock of this machine.',
  ],
  ['CERT_NOT_YET_VALID', 'Check the clock of this machine. The certificate is not valid yet.'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'Use a name of the registry that is in its certificate.'],
])

/** Whether the transfer was slower than the minimum. */
export function isTooSlow(error: unknown): boolean {
  return transportFailure(error)?.systemCode === 'SLOW'
}

/** Whether a proxy refused for good. */
export function isProxyRefusal(failure: TransportFailure): boolean {
  return failure.systemCode === 'PROXY_REFUSED'
}

/** Whether TLS failed. A retry would fail in the same way. */
export function isTlsFailure(failure: TransportFailure): boolean {
  return isCertificateCode(failure.systemCode) || handshakeCodes.test(failure.systemCode)
}

/** Whether the answer was not HTTP, or had more headers than any registry sends. */
export function isNotHttp(failure: TransportFailure): boolean {
  return /^(?:HTTPParserError|UND_ERR_HEADERS_OVERFLOW)$|^HPE_/.test(failure.systemCode)
}

/** The two ends of a failed request. */
export interface Peer {
  /** as in references */
  readonly registry: string
  /** the host of the connection */
  readonly host: string
}

/** Converts an error of the HTTP client into a `DrayError`. */
export function toTransportError(thrown: unknown, { registry, host }: Peer, sent: boolean): DrayError {
  const code = codeOf(thrown)
  const message = thrown instanceof Error && thrown.message !== '' ? thrown.message : code
  const failure = new TransportFailure(message, code, sent)
  const context = { subject: host, why: message, cause: failure }
  if (thrown instanceof ProxyFailure) return proxyError(thrown, host, context)
  const limit = reachedLimit(code)
  if (limit !== undefined) {
    const why = explainSystemFailure(code, message)
    const what = sent ? `the connection to ${host} failed` : `cannot connect to ${host}`
    return new DrayError('network', what, { ...context, why, hint: limit.hint })
  }
  if (isCertificateCode(code)) {
    // The `ca` of a registry counts at no other host.
    const named = isHome(registry, hostnameOf(host)) ? registry : host
    const ownAuthority = `If ${host} uses a private certificate authority, or a self-signed certificate, set in dray.yaml: ${settingLine(named, 'ca: path/to/ca.pem')}`
    const hint = certificateHints.get(code) ?? ownAuthority
    return new DrayError('network', `the certificate of ${host} is not trusted`, { ...context, hint })
  }
  if (handshakeCodes.test(code)) {
    const plainHttp = `If it uses plain HTTP and the network path is safe, set in dray.yaml: ${settingLine(registry, 'insecure: true')}`
    const isPlain = plainTextCodes.test(code)
    const what = isPlain ? `${host} does not accept https` : `the TLS handshake with ${host} failed`
    return new DrayError('network', what, {
      ...context,
      why: code,
      ...(isPlain && { hint: plainHttp }),
    })
  }
  if (code === 'UND_ERR_CONNECT_TIMEOUT' || code === 'ETIMEDOUT') {
    return new DrayError('timeout', `${host} did not accept a connection in time`, {
      ...context,
      hint: unreachableHint,
    })
  }
  if (code === 'ENOTFOUND') {
    return new DrayError('network', `cannot resolve the host name ${hostnameOf(host)}`, {
      ...context,
      hint: 'Check the name of the registry.',
    })
  }
  if (!sent)
    return new DrayError('network', `cannot connect to ${host}`, { ...context, hint: unreachableHint })
  if (isNotHttp(failure)) {
    return new DrayError('network', `${host} did not send an HTTP response`, {
      ...context,
      hint: 'Check the name and the port of the registry.',
    })
  }
  return new DrayError('network', `the connection to ${host} failed`, context)
}

function proxyError(
  { proxy, variable, status, message }: ProxyFailure,
  host: string,
  context: ErrorContext,
): DrayError {
  const login = `Set the user and the password of the proxy: ${variable}=http://USER:PASSWORD@HOST:PORT`
  return new DrayError('network', `the proxy ${proxy} did not connect to ${host}`, {
    ...context,
    why: message,
    hint:
      status === 407 ? login : `${variable} sets the proxy. If ${host} needs no proxy, add it to NO_PROXY.`,
  })
}

const unreachableHint =
  'Check the name and the port. Check that the registry runs and that this machine can reach it.'

function hostnameOf(host: string): string {
  return host.replace(/:\d+$/, '')
}

function codeOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return 'UNKNOWN'
  // undici leaves the code of its parser's errors undefined.
  return 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : thrown.name
}
