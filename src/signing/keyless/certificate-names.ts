import { DrayError } from '../../lib/errors.ts'
import {
  type ClaimName,
  fulcioClaims,
  issuerExtensions,
  plainTextExtensions,
  userNameType,
} from './fulcio-claims.ts'

/** The identity that a CA confirmed in a certificate. */
export interface CertificateNames {
  readonly subject: string
  readonly issuer: string
  readonly claims: Readonly<Partial<Record<ClaimName, string>>>
}

/** An extension of a certificate (RFC 5280, section 4.1): the DER in its `extnValue`. */
export interface CertificateExtension {
  readonly oid: string
  readonly value: Uint8Array
}

const subjectAltName = '2.5.29.17'
const extendedKeyUsage = '2.5.29.37'
/** id-kp-codeSigning: 1.3.6.1.5.5.7.3.3 */
const codeSigning = Buffer.from('2b06010505070303', 'hex')

const tags = {
  oid: 0x06,
  utf8String: 0x0c,
  sequence: 0x30,
  otherName: 0xa0,
  email: 0x81,
  dnsName: 0x82,
  uri: 0x86,
  explicit: 0xa0,
} as const

/**
 * Reads the names of a verified certificate. It must have exactly one subject and one issuer, and
 * be for code signing, because a CA can issue certificates for other purposes. @throws `malformed`.
 */
export function namesOf(extensions: readonly CertificateExtension[]): CertificateNames {
  const values = new Map(extensions.map(({ oid, value }) => [oid, value]))
  // RFC 5280, section 4.2. Two readers could use different ones.
  if (values.size !== extensions.length) throw malformed('has an extension twice')
  checkUsage(values.get(extendedKeyUsage))
  const claims = Object.entries(fulcioClaims).flatMap(([name, oid]) => {
    const value = textOf(values, oid)
    return value === undefined ? [] : [[name, value] as const]
  })
  return {
    subject: subjectOf(values.get(subjectAltName)),
    issuer: issuerOf(values),
    claims: Object.fromEntries(claims),
  }
}

function checkUsage(value: Uint8Array | undefined): void {
  const usages = value === undefined ? [] : elementsIn(value, tags.sequence)
  if (!usages.some(({ tag, content }) => tag === tags.oid && codeSigning.equals(content)))
    throw malformed('is not for code signing')
}

/** RFC 5280, section 4.2.1.6 */
function subjectOf(value: Uint8Array | undefined): string {
  const names = value === undefined ? [] : elementsIn(value, tags.sequence)
  const [name, ...others] = names
  if (name === undefined) throw malformed('has no subject')
  if (others.length > 0) throw malformed(`has ${names.length} subjects`)
  switch (name.tag) {
    case tags.email:
    case tags.dnsName:
    case tags.uri:
      return asciiOf(name.content)
    case tags.otherName:
      return userNameOf(name.content)
    default:
      throw malformed('has a subject of an unknown type')
  }
}

function userNameOf(content: Uint8Array): string {
  const [type, value] = elementsOf(content)
  if (type?.tag !== tags.oid || value?.tag !== tags.explicit || oidOf(type.content) !== userNameType)
    throw malformed('has a subject of an unknown type')
  return utf8StringOf(value.content)
}

/** Fulcio writes the issuer twice. Both must be equal. */
function issuerOf(values: ReadonlyMap<string, Uint8Array>): string {
  const encoded = textOf(values, issuerExtensions.encoded)
  const raw = textOf(values, issuerExtensions.raw)
  const issuer = encoded ?? raw
  if (issuer === undefined) throw malformed('has no issuer of the identity')
  if (raw !== undefined && raw !== issuer) throw malformed('has two issuers of the identity')
  return issuer
}

function textOf(values: ReadonlyMap<string, Uint8Array>, oid: string): string | undefined {
  const value = values.get(oid)
  if (value === undefined) return undefined
  return plainTextExtensions.has(oid) ? decodeText(value) : utf8StringOf(value)
}

interface DerElement {
  readonly tag: number
  readonly content: Uint8Array
}

function utf8StringOf(bytes: Uint8Array): string {
  const [element, ...others] = elementsOf(bytes)
  if (element?.tag !== tags.utf8String || others.length > 0)
    throw malformed('has an extension that is no text')
  return decodeText(element.content)
}

function elementsIn(bytes: Uint8Array, tag: number): readonly DerElement[] {
  const [element, ...others] = elementsOf(bytes)
  if (element?.tag !== tag || others.length > 0) throw malformed('cannot be parsed')
  return elementsOf(element.content)
}

/** Parses DER with tags of one byte and the shortest form of each length (X.690, section 10.1). */
function elementsOf(bytes: Uint8Array): readonly DerElement[] {
  const elements: DerElement[] = []
  for (let at = 0; at < bytes.byteLength;) {
    const { start, end } = boundsAt(bytes, at + 1)
    elements.push({ tag: bytes[at] ?? 0, content: bytes.subarray(start, end) })
    at = end
  }
  return elements
}

function boundsAt(bytes: Uint8Array, at: number): { readonly start: number; readonly end: number } {
  const first = bytes[at] ?? 0
  const size = first < 0x80 ? 0 : first - 0x80
  const encoded = bytes.subarray(at + 1, at + 1 + size)
  const length = size === 0 ? first : encoded.reduce((sum, byte) => sum * 256 + byte, 0)
  const start = at + 1 + size
  const isShortest = size === 0 || (size <= 3 && length >= 0x80 && encoded[0] !== 0)
  if (!isShortest || start + length > bytes.byteLength || at >= bytes.byteLength)
    throw malformed('cannot be parsed')
  return { start, end: start + length }
}

/** X.690, section 8.19, for arcs that start with 1.3 */
function oidOf(content: Uint8Array): string {
  const arcs: number[] = []
  let arc = 0
  for (const byte of content) {
    arc = arc * 128 + (byte & 0x7f)
    if (byte < 0x80) {
      arcs.push(arc)
      arc = 0
    }
  }
  const [first = 0, ...others] = arcs
  return [Math.floor(first / 40), first % 40, ...others].join('.')
}

function asciiOf(bytes: Uint8Array): string {
  if (bytes.some((byte) => byte < 0x20 || byte > 0x7e)) throw malformed('has a subject that is not ASCII')
  return Buffer.from(bytes).toString('latin1')
}

function decodeText(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw new DrayError('malformed', 'the certificate has an extension that is not UTF-8', { cause })
  }
}

function malformed(what: string): DrayError {
  return new DrayError('malformed', `the certificate ${what}`)
}
