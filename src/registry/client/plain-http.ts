import type { Call } from '../../lib/call.ts'
import type { DrayError } from '../../lib/errors.ts'
import { httpsHint } from '../http/transport/origins.ts'

/** Answers of Go, nginx, Apache httpd and Tomcat to a plain HTTP request at a TLS port. */
const tlsDemands =
  /http request to an https server|plain http request was sent to https port|speaking plain http to an ssl-enabled|requires tls/i

/** Whether the body of an error reports that the server expects TLS. */
export function asksForTls(body: Uint8Array): boolean {
  return tlsDemands.test(Buffer.from(body).toString('latin1'))
}

/** A refusal over plain http that names no error code. */
export interface BareRefusal {
  readonly registry: string
  readonly origin: URL
  /** whether the body reports that the server expects TLS */
  readonly asksForTls: boolean
}

/**
 * Adds to the error for a bare 400 that the registry expects https, if its answer says so or it
 * answers a TLS handshake. Otherwise the cause is unknown.
 */
export async function explainPlainHttp(
  error: DrayError,
  { registry, origin, asksForTls: isSaid }: BareRefusal,
  speaksTls: (registry: string, call: Call) => Promise<boolean>,
  call: Call,
): Promise<DrayError> {
  if (origin.protocol !== 'http:' || error.status !== 400 || error.registryCode !== undefined) return error
  if (!isSaid && !(await speaksTls(registry, call))) return error
  const why = isSaid ? 'it answered that it expects https' : 'it answers 400 to plain HTTP and accepts TLS'
  return error.with({ why, hint: httpsHint(registry), cause: undefined })
}
