import { DrayError } from '../errors.ts'

/**
 * The `cause` of a `network` or `timeout` error that one exchange ended with. `retry` looks at it: an error without it is final (retries were made
 * already, or it is not the connection's).
 */
export class TransportFailure extends Error {
  override readonly name = 'TransportFailure'
  /** the system's or the HTTP client's code, such as `ECONNREFUSED` */
  readonly systemCode: string
  /** whether any of the request may have left this machine */
  readonly sent: boolean

  constructor(message: string, systemCode: string, sent: boolean) {
    super(message)
    this.systemCode = systemCode
    this.sent = sent
  }
}

/** The transport's failure behind an error, if that is what it is. */
export function transportFailure(error: unknown): TransportFailure | undefined {
  return error instanceof DrayError && error.cause instanceof TransportFailure ? error.cause : undefined
}

/** Codes of OpenSSL and Node for a certificate that is not trusted; another try would see the same one. */
const certificateCodes = /^(?:ERR_TLS_CERT_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_(?:GET|VERIFY)_)/

/** Whether the other side's certificate was refused. */
export function isCertificateFailure(failure: TransportFailure): boolean {
  return certificateCodes.test(failure.systemCode)
}

/** Shapes what the HTTP client reports into our error; `host` is where the connection went. */
export function toTransportError(thrown: unknown, host: string, sent: boolean): DrayError {
  const code = codeOf(thrown)
  const message = thrown instanceof Error && thrown.message !== '' ? thrown.message : code
  const failure = new TransportFailure(message, code, sent)
  const context = { subject: host, why: message, cause: failure }
  if (isCertificateFailure(failure)) {
    return new DrayError('network', `the certificate of ${host} is not trusted`, {
      ...context,
      hint: `If ${host} uses a private certificate authority, name its certificate in the configuration: registries: { "${host}": { ca: path/to/ca.pem } }`,
    })
  }
  if (code === 'UND_ERR_CONNECT_TIMEOUT' || code === 'ETIMEDOUT') {
    return new DrayError('timeout', `${host} did not accept a connection in time`, context)
  }
  if (!sent) {
    return new DrayError('network', `cannot connect to ${host}`, {
      ...context,
      hint: 'Check the name and the port, and whether the registry is running and can be reached from here.',
    })
  }
  return new DrayError('network', `the connection to ${host} broke`, context)
}

function codeOf(thrown: unknown): string {
  if (thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string') return thrown.code
  return 'UNKNOWN'
}
