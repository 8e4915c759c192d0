import { generateKeyPairSync, hash, type KeyObject, randomBytes, sign } from 'node:crypto'
import {
  bitString,
  distinguishedName,
  element,
  generalizedTime,
  octetString,
  oid,
  sequence,
  utf8String,
} from './der.ts'

export interface KeyPair {
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
}

export function ecKeys(namedCurve = 'P-256'): KeyPair {
  return generateKeyPairSync('ec', { namedCurve })
}

export function spkiOf(key: KeyObject): Buffer {
  return key.export({ format: 'der', type: 'spki' })
}

const minute = 60 * 1000
const ecdsaWithSha256 = sequence(oid('1.2.840.10045.4.3.2'))
const fulcio = '1.3.6.1.4.1.57264.1'
const sctList = '1.3.6.1.4.1.11129.2.4.2'

interface Ca {
  readonly name: Buffer
  readonly keys: KeyPair
  readonly der: Buffer
}

/** A log of certificates (RFC 6962). */
export interface CertificateLog {
  readonly keys: KeyPair
  readonly id: Buffer
}

export function certificateLog(): CertificateLog {
  const keys = ecKeys()
  return { keys, id: hash('sha256', spkiOf(keys.publicKey), 'buffer') }
}

export interface LeafOptions {
  readonly keys?: KeyPair
  /** one subject by default */
  readonly subject?: string
  /** encoded names instead of `subject` */
  readonly names?: readonly Buffer[]
  readonly issuer?: string
  /** the issuer in the older extension; null: without it */
  readonly olderIssuer?: string | null
  /** values of Fulcio's extensions by the last number of their OID */
  readonly claims?: Readonly<Record<number, string>>
  /** further encoded extensions */
  readonly extensions?: readonly Buffer[]
  /** OID of the extended key usage */
  readonly usage?: string
  readonly notBefore?: number
  readonly log?: CertificateLog | null
}

export interface Leaf {
  readonly der: Buffer
  readonly pem: string
  readonly keys: KeyPair
}

export function extension(id: string, value: Uint8Array): Buffer {
  return sequence(oid(id), octetString(value))
}

export function uriName(text: string): Buffer {
  return element(0x86, Buffer.from(text))
}

export function emailName(text: string): Buffer {
  return element(0x81, Buffer.from(text))
}

/** A user name, which Fulcio confirms for issuers without email addresses. */
export function userName(text: string): Buffer {
  return element(0xa0, oid(`${fulcio}.7`), element(0xa0, utf8String(text)))
}

/** A root CA and the CA that it confirms, which issues leaves. */
export class CertificateAuthority {
  readonly #root: Ca
  readonly #issuing: Ca

  constructor(name: string, notBefore: number) {
    const [rootKeys, keys] = [ecKeys(), ecKeys()]
    const rootName = distinguishedName(name, 'root')
    const issuingName = distinguishedName(name, 'intermediate')
    const root = { name: rootName, keys: rootKeys }
    const caExtensions = [
      extension('2.5.29.19', sequence(element(0x01, Buffer.of(0xff)))),
      extension('2.5.29.15', element(0x03, Buffer.of(1, 0x06))),
    ]
    const validity = [notBefore, notBefore + 365 * 24 * 60 * minute] as const
    const certify = (subject: Buffer, key: KeyObject): Buffer =>
      signed(tbsOf(serialNumber(), root, subject, key, validity, caExtensions), rootKeys)
    this.#root = { ...root, der: certify(rootName, rootKeys.publicKey) }
    this.#issuing = { name: issuingName, keys, der: certify(issuingName, keys.publicKey) }
  }

  /** The issuing CA first, as in a trusted root. */
  get chain(): readonly Buffer[] {
    return [this.#issuing.der, this.#root.der]
  }

  /** Issues a certificate of ten minutes. */
  issue(options: LeafOptions, log: CertificateLog, at: number): Leaf {
    const { keys = ecKeys(), notBefore = at - minute } = options
    const validity = [notBefore, notBefore + 10 * minute] as const
    const extensions = leafExtensions(options)
    const serial = serialNumber()
    const tbs = (all: readonly Buffer[]): Buffer =>
      tbsOf(serial, this.#issuing, sequence(), keys.publicKey, validity, all)
    const used = options.log === undefined ? log : options.log
    const sct =
      used === null
        ? []
        : [extension(sctList, octetString(sctListOf(tbs(extensions), this.#issuing, used, notBefore)))]
    const der = signed(tbs([...extensions, ...sct]), this.#issuing.keys)
    const text = der.toString('base64').replaceAll(/.{64}/g, '$&\n')
    return { der, pem: `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n`, keys }
  }
}

export const defaultSubject = 'https://github.com/acme/api/.github/workflows/release.yml@refs/tags/v1.4.2'
export const defaultIssuer = 'https://token.actions.githubusercontent.com'

function leafExtensions(options: LeafOptions): readonly Buffer[] {
  const { subject = defaultSubject, issuer = defaultIssuer, olderIssuer = issuer } = options
  const names = options.names ?? [uriName(subject)]
  return [
    extension('2.5.29.37', sequence(oid(options.usage ?? '1.3.6.1.5.5.7.3.3'))),
    ...(names.length === 0 ? [] : [extension('2.5.29.17', sequence(...names))]),
    ...(olderIssuer === null ? [] : [extension(`${fulcio}.1`, Buffer.from(olderIssuer))]),
    extension(`${fulcio}.8`, utf8String(issuer)),
    ...Object.entries(options.claims ?? { 11: 'github-hosted' }).map(([number, value]) =>
      extension(`${fulcio}.${number}`, Number(number) < 7 ? Buffer.from(value) : utf8String(value)),
    ),
    ...(options.extensions ?? []),
  ]
}

function serialNumber(): Buffer {
  return element(0x02, Buffer.concat([Buffer.of(1), randomBytes(8)]))
}

function tbsOf(
  serial: Buffer,
  issuer: Pick<Ca, 'name'>,
  subject: Buffer,
  key: KeyObject,
  [notBefore, notAfter]: readonly [number, number],
  extensions: readonly Buffer[],
): Buffer {
  return sequence(
    element(0xa0, element(0x02, Buffer.of(2))),
    serial,
    ecdsaWithSha256,
    issuer.name,
    sequence(generalizedTime(notBefore), generalizedTime(notAfter)),
    subject,
    spkiOf(key),
    element(0xa3, sequence(...extensions)),
  )
}

function signed(tbs: Buffer, { privateKey }: KeyPair): Buffer {
  return sequence(tbs, ecdsaWithSha256, bitString(sign('sha256', tbs, privateKey)))
}

/** RFC 6962, sections 3.2 and 3.3 */
function sctListOf(tbs: Buffer, issuer: Ca, { keys, id }: CertificateLog, at: number): Buffer {
  const time = Buffer.alloc(8)
  time.writeBigUInt64BE(BigInt(at))
  const entry = Buffer.concat([
    Buffer.of(0, 0),
    time,
    Buffer.of(0, 1),
    hash('sha256', spkiOf(issuer.keys.publicKey), 'buffer'),
    sized(tbs, 3),
    Buffer.of(0, 0),
  ])
  const signature = sign('sha256', entry, keys.privateKey)
  const sct = Buffer.concat([Buffer.of(0), id, time, Buffer.of(0, 0, 4, 3), sized(signature, 2)])
  return sized(sized(sct, 2), 2)
}

function sized(bytes: Buffer, size: number): Buffer {
  const length = Buffer.alloc(size)
  length.writeUIntBE(bytes.byteLength, 0, size)
  return Buffer.concat([length, bytes])
}
