import { createHmac, hash, timingSafeEqual } from 'node:crypto'
import { DrayError } from '../../../lib/errors.ts'
import type { EventRequest, EventSecret, EventSource } from '../registry-event.ts'
import { isWholeInBody } from './cloud-messages.ts'

/** A signature counts this long before and after its time. */
const maxAgeMs = 5 * 60_000
const seconds = /^\d{1,12}$/

/** Checks the signature of a body. `now` is in milliseconds. */
export type EventSignatureCheck = (request: EventRequest, key: string, now: number) => boolean

/**
 * Checks that a source can send the secret. @throws `config` for another kind, and for an empty
 * value: any person could send that.
 */
function checkSecret({ name, secrets }: Pick<EventSource, 'name' | 'secrets'>, secret: EventSecret): void {
  if (!secrets.includes(secret.kind)) {
    throw new DrayError('config', `events of ${name} cannot be authenticated by ${titles[secret.kind]}`, {
      subject: name,
      hint: `Authenticate ${name} by ${secrets.map((kind) => titles[kind]).join(' or ')}.`,
    })
  }
  const value = secret.kind === 'header' ? secret.value : secret.kind === 'hmac' ? secret.key : undefined
  if (value === '') throw new DrayError('config', `the secret of ${name} is empty`, { subject: name })
}

const titles: Readonly<Record<EventSecret['kind'], string>> = {
  header: 'the value of a header',
  hmac: 'a signature',
  path: 'a secret path',
}

/**
 * Returns the check of a source. A secret path is not a part of the request: the receiver has
 * compared it before.
 */
export function authenticator(
  source: Pick<EventSource, 'name' | 'secrets'>,
  checkSignature: EventSignatureCheck = () => false,
): EventSource['isAuthentic'] {
  return (request, secret, now) => {
    checkSecret(source, secret)
    switch (secret.kind) {
      case 'header':
        return hasHeader(request, secret.name, secret.value)
      case 'hmac':
        return checkSignature(request, secret.key, now)
      case 'path':
        return true
    }
  }
}

/** Node reads headers as Latin-1. A sender writes the bytes of its configuration, UTF-8. */
function hasHeader({ headers }: EventRequest, name: string, value: string): boolean {
  const given = headers.get(name.toLowerCase())
  return given !== undefined && isSameSecret(Buffer.from(given, 'latin1'), Buffer.from(value))
}

/**
 * Checks `X-Hub-Signature-256` of GitHub: `sha256=` and the HMAC in hex of the body as sent
 * (docs.github.com, "Validating webhook deliveries").
 */
export const hasHubSignature: EventSignatureCheck = ({ headers, body }, key) =>
  isSignature(headers.get('x-hub-signature-256'), createHmac('sha256', key).update(body).digest('hex'))

/**
 * Checks the signature of dray's own webhook (`src/audit/webhook/webhook-delivery.ts`): the HMAC of
 * the time in seconds, a dot and the body as sent. It is no proof for a CloudEvent in binary mode:
 * that has its attributes in headers, which are not signed.
 */
export const hasTimedSignature: EventSignatureCheck = ({ headers, body }, key, now) => {
  if (!isWholeInBody(headers.get('content-type') ?? '')) return false
  const timestamp = headers.get('x-dray-timestamp') ?? ''
  if (!seconds.test(timestamp) || Math.abs(now - Number(timestamp) * 1000) > maxAgeMs) return false
  const mac = createHmac('sha256', key).update(`${timestamp}.`).update(body).digest('hex')
  return isSignature(headers.get('x-dray-signature'), mac)
}

function isSignature(given: string | undefined, mac: string): boolean {
  return given !== undefined && isSameSecret(Buffer.from(given), Buffer.from(`sha256=${mac}`))
}

/** Compares hashes: the time depends neither on the content nor on the length of the secret. */
function isSameSecret(given: Uint8Array, expected: Uint8Array): boolean {
  return timingSafeEqual(hash('sha256', given, 'buffer'), hash('sha256', expected, 'buffer'))
}
