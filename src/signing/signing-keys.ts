import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import { DrayError } from '../lib/errors.ts'
import { systemCode } from '../lib/files/io-error.ts'
import { readFileBounded } from '../lib/files/read.ts'

/** The largest key file: an encrypted key is below 1 KiB. */
const maxKeySize = 64 * 1024
/** SubjectPublicKeyInfo of an Ed25519 key up to the key itself (RFC 8410, section 4). */
const ed25519Prefix = Buffer.from('302a300506032b6570032100', 'hex')

type KeyKind = 'ed25519' | 'ecdsa-p256'

/** A private key. Printing or serialising it shows only the public half. */
export interface SigningKey {
  readonly kind: KeyKind
  /** Ed25519 (RFC 8032) over the bytes: 64 bytes; or ECDSA P-256 over their SHA-256: ASN.1 DER. */
  sign(bytes: Uint8Array): Buffer
  /** SubjectPublicKeyInfo as PEM */
  readonly publicKeyPem: string
}

export interface VerifyKey {
  readonly kind: KeyKind
  /** Whether this is a signature of the bytes in the form of `SigningKey.sign`. Never throws. */
  verify(bytes: Uint8Array, signature: Uint8Array): boolean
  /** SubjectPublicKeyInfo as PEM */
  readonly publicKeyPem: string
}

/** Reads a private key from a PEM file. @throws `config` if it is missing or no such key; `io`. */
export async function loadSigningKey(path: string, password?: string): Promise<SigningKey> {
  return parseSigningKey(await readKeyFile(path), path, password)
}

/** Reads a public key from a PEM file. @throws `config` if it is missing or no such key; `io`. */
export async function loadVerifyKey(path: string): Promise<VerifyKey> {
  return parseVerifyKey(await readKeyFile(path), path)
}

/** Reads the text of a key file, PEM or a verifier key. @throws `config` if it is missing; `io`. */
export async function readKeyFile(path: string): Promise<string> {
  const bytes = await readFileBounded(path, maxKeySize)
  if (bytes === undefined) {
    const hint = 'Check the path of the file.'
    throw new DrayError('config', 'the key file does not exist', { subject: path, hint })
  }
  return Buffer.from(bytes).toString('utf8')
}

/**
 * Parses a private key: PEM, PKCS#8 or SEC 1, possibly encrypted, Ed25519 or ECDSA P-256. No error
 * contains a part of the text or the password. `subject` says where the text is from. @throws
 * `config`.
 */
export function parseSigningKey(pem: string, subject: string, password?: string): SigningKey {
  if (/-----BEGIN ENCRYPTED (?:SIGSTORE|COSIGN) PRIVATE KEY-----/.test(pem)) {
    throw new DrayError('config', 'private keys in the format of cosign are not supported', {
      subject,
      hint: 'Create a PKCS#8 key with openssl genpkey. To use it in cosign, import it with cosign import-key-pair.',
    })
  }
  const privateKey = openPrivateKey(pem, subject, password)
  const kind = kindOf(privateKey, subject)
  return {
    kind,
    sign: (bytes) => sign(hashOf(kind), bytes, privateKey),
    publicKeyPem: exportPem(createPublicKey(privateKey)),
  }
}

/**
 * Parses a public key: PEM, SubjectPublicKeyInfo, Ed25519 or ECDSA P-256. @throws `config`, also
 * for a private key or a certificate.
 */
export function parseVerifyKey(pem: string, subject: string): VerifyKey {
  // createPublicKey also accepts private keys, which must not be used as public keys.
  if (!pem.includes('-----BEGIN PUBLIC KEY-----') || pem.includes('PRIVATE KEY-----')) {
    throw new DrayError('config', 'the key is not a public key', {
      subject,
      hint: 'Use PEM that begins with -----BEGIN PUBLIC KEY-----.',
    })
  }
  let key: KeyObject
  try {
    key = createPublicKey(pem)
  } catch {
    throw new DrayError('config', 'cannot parse the public key', { subject })
  }
  return verifyKeyOf(key, subject)
}

/** The public half of a signing key. */
export function publicHalf(key: SigningKey): VerifyKey {
  return parseVerifyKey(key.publicKeyPem, 'the public half of the key')
}

/** Makes an Ed25519 public key of 32 bytes (RFC 8032, section 5.1.5). @throws `config`. */
export function ed25519Key(raw: Uint8Array, subject: string): VerifyKey {
  if (raw.byteLength !== 32) {
    throw new DrayError('config', 'an Ed25519 public key has 32 bytes', { subject })
  }
  return verifyKeyOf(
    createPublicKey({ key: Buffer.concat([ed25519Prefix, raw]), format: 'der', type: 'spki' }),
    subject,
  )
}

/** The 32 bytes of an Ed25519 public key; undefined for a key of another kind. */
export function ed25519Bytes(key: SigningKey | VerifyKey): Buffer | undefined {
  if (key.kind !== 'ed25519') return undefined
  return createPublicKey(key.publicKeyPem)
    .export({ format: 'der', type: 'spki' })
    .subarray(ed25519Prefix.length)
}

function openPrivateKey(pem: string, subject: string, password: string | undefined): KeyObject {
  try {
    return createPrivateKey({
      key: pem,
      format: 'pem',
      ...(password !== undefined && { passphrase: password }),
    })
  } catch (thrown) {
    // No `cause`: the library's text about a key must not appear in a report.
    const { message, hint } = keyComplaint(pem, systemCode(thrown), password)
    throw new DrayError('config', message, { subject, ...(hint !== undefined && { hint }) })
  }
}

function keyComplaint(
  pem: string,
  code: string | undefined,
  password: string | undefined,
): { readonly message: string; readonly hint?: string } {
  const isEncrypted = /-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(pem)
  if (code === 'ERR_MISSING_PASSPHRASE' || (isEncrypted && password === undefined)) {
    return { message: 'the private key is encrypted, and no password is set' }
  }
  if (isEncrypted) return { message: 'cannot decrypt the private key with this password' }
  return {
    message: 'cannot parse the private key',
    hint: 'Use PEM (PKCS#8) with an Ed25519 or ECDSA P-256 key: openssl genpkey -algorithm ed25519.',
  }
}

function verifyKeyOf(key: KeyObject, subject: string): VerifyKey {
  const kind = kindOf(key, subject)
  return {
    kind,
    verify: (bytes, signature) => verifies(hashOf(kind), key, bytes, signature),
    publicKeyPem: exportPem(key),
  }
}

/** Whether this is a signature of the bytes; `hash` is null for Ed25519. Never throws. */
export function verifies(
  hash: string | null,
  key: KeyObject,
  bytes: Uint8Array,
  signature: Uint8Array,
): boolean {
  try {
    return verify(hash, bytes, key, signature)
  } catch {
    // The signature is malformed.
    return false
  }
}

/** The hash that a key signs; null for Ed25519, which hashes itself. */
function hashOf(kind: KeyKind): string | null {
  return kind === 'ed25519' ? null : 'sha256'
}

function kindOf(key: KeyObject, subject: string): KeyKind {
  if (key.asymmetricKeyType === 'ed25519') return 'ed25519'
  // prime256v1 is OpenSSL's name of P-256
  if (key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1')
    return 'ecdsa-p256'
  throw new DrayError('config', 'the type of the key is not supported', {
    subject,
    why: `it is ${key.asymmetricKeyType ?? 'of an unknown type'}`,
    hint: 'Use an Ed25519 or ECDSA P-256 key.',
  })
}

function exportPem(key: KeyObject): string {
  return key.export({ format: 'pem', type: 'spki' }).toString()
}
