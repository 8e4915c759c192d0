import { createPublicKey } from 'node:crypto'
import { endOfDay } from '../../lib/day.ts'
import { DrayError, isDrayError } from '../../lib/errors.ts'
import { digestOf } from '../../oci/digest.ts'
import { anyPublicKey } from '../dsse.ts'
import { readKeyFile } from '../signing-keys.ts'
import type { TrustedKey } from './signer.ts'

const hint = 'Use PEM that begins with -----BEGIN PUBLIC KEY-----, such as cosign.pub.'

/**
 * Parses the public key of a signer: PEM, SubjectPublicKeyInfo, ECDSA (P-256, P-384, P-521), RSA of
 * at least 2048 bits or Ed25519.
 * @param expires `2026-06-30`: valid through that day in UTC
 * @throws `config`, also for a private key, a certificate, two keys and an impossible date.
 */
export function parseTrustedKey(pem: string, file: string, expires?: string): TrustedKey {
  checkPem(pem, file)
  const expiresAt = expires === undefined ? undefined : endOfExpiry(expires, file)
  const key = readPublicKey(pem, file)
  const der = createPublicKey(key.publicKeyPem).export({ format: 'der', type: 'spki' })
  return { ...key, fingerprint: digestOf(der), file, ...(expiresAt !== undefined && { expiresAt }) }
}

/** Reads a public key of the same kinds from a file. @throws `config`; `io`. */
export async function loadTrustedKey(file: string): Promise<TrustedKey> {
  return parseTrustedKey(await readKeyFile(file), file)
}

/** createPublicKey also accepts private keys and certificates, and ignores a second key. */
function checkPem(pem: string, file: string): void {
  const kinds = [...pem.matchAll(/-----BEGIN ([^-]+)-----/g)].map(([, kind = '']) => kind)
  if (kinds.some((kind) => kind.endsWith('PRIVATE KEY'))) {
    throw new DrayError('config', 'the key is a private key', {
      subject: file,
      hint: 'Use the public key, and keep the private key where only its owner can read it.',
    })
  }
  if (kinds.some((kind) => kind.endsWith('CERTIFICATE'))) {
    throw new DrayError('config', 'the key is a certificate', {
      subject: file,
      hint: 'Use keyless with a trusted root for signatures with certificates, or the public key alone.',
    })
  }
  if (kinds.length > 1) {
    throw new DrayError('config', 'the file has more than one key', {
      subject: file,
      hint: 'Write each key to a file of its own, and list the files.',
    })
  }
  if (kinds[0] !== 'PUBLIC KEY')
    throw new DrayError('config', 'the key is not a public key', { subject: file, hint })
}

function readPublicKey(pem: string, file: string): ReturnType<typeof anyPublicKey> {
  try {
    return anyPublicKey(pem, 'the key')
  } catch (error) {
    if (!isDrayError(error)) throw error
    throw new DrayError('config', error.message, {
      subject: file,
      why: error.why,
      hint: 'Use a key of ECDSA (P-256, P-384, P-521), Ed25519, or RSA with at least 2048 bits.',
    })
  }
}

/** When a key stops to count, in milliseconds since 1970. @throws `config`. */
function endOfExpiry(date: string, file: string): number {
  const end = endOfDay(date)
  if (end !== undefined) return end
  throw new DrayError('config', `the key expires on ${JSON.stringify(date)}, which is not a date`, {
    subject: file,
    hint: 'Write a date as 2026-06-30. The key is valid through that day in UTC.',
  })
}
