import { createPublicKey, generateKeyPairSync, hash, type KeyObject, sign } from 'node:crypto'
import type { TrustedSigner } from '../../../src/signing/trust/signer.ts'
import { anyPublicKey } from '../../../src/signing/dsse.ts'

export type TestKeyKind = 'p256' | 'p384' | 'p521' | 'rsa' | 'ed25519'

/** A person or program that signs in a test with a key of its own. */
export interface TestSigner {
  /** PEM, SubjectPublicKeyInfo */
  readonly publicKeyPem: string
  /** PEM, PKCS#8 */
  readonly privateKeyPem: string
  /** `sha256:` and hex of the SubjectPublicKeyInfo in DER */
  readonly fingerprint: string
  /** the usual signature of its kind of key: ASN.1 DER, PKCS #1 v1.5, or Ed25519 */
  sign(bytes: Uint8Array): Buffer
  /** The signer of `dray.yaml` with this key. */
  trusted(name: string, expiresAt?: number): TrustedSigner
}

/** A new key of any kind that cosign signs with. */
export function newSigner(kind: TestKeyKind = 'p256'): TestSigner {
  return signerWith(generate(kind), kind)
}

/** The signer with a private key. */
export function signerWith(privateKey: KeyObject, kind: TestKeyKind): TestSigner {
  const publicKey = createPublicKey(privateKey)
  const publicKeyPem = publicKey.export({ format: 'pem', type: 'spki' }).toString()
  const fingerprint = `sha256:${hash('sha256', publicKey.export({ format: 'der', type: 'spki' }))}`
  return {
    publicKeyPem,
    privateKeyPem: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
    fingerprint,
    sign: (bytes) => sign(hashOf[kind], bytes, privateKey),
    trusted: (name, expiresAt) => ({
      name,
      keys: [
        {
          ...anyPublicKey(publicKeyPem, name),
          fingerprint,
          file: `${name}.pub`,
          ...(expiresAt !== undefined && { expiresAt }),
        },
      ],
    }),
  }
}

const hashOf = { p256: 'sha256', p384: 'sha384', p521: 'sha512', rsa: 'sha256', ed25519: null } as const

function generate(kind: TestKeyKind): KeyObject {
  if (kind === 'rsa') return generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
  if (kind === 'ed25519') return generateKeyPairSync('ed25519').privateKey
  return generateKeyPairSync('ec', { namedCurve: `P-${kind.slice(1)}` }).privateKey
}
