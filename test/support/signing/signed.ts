import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { preAuthEncoding } from '../../../src/signing/dsse.ts'
import { parseTrustedRoot } from '../../../src/signing/keyless/trusted-root.ts'
import type { KeylessTrust, TrustedSigner } from '../../../src/signing/trust/signer.ts'
import { parseTrustedKey } from '../../../src/signing/trust/trusted-key.ts'
import type { SignatureVerdict, VerifyContext } from '../../../src/signing/trust/verdict.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import { defaultIssuer, ecKeys, type KeyPair } from './certificates.ts'
import type { BundleJson } from './sigstore-instance.ts'

export const image = digestOf('an image')
const statementType = 'application/vnd.in-toto+json'

/** The statement that `cosign sign` writes. */
export function signatureStatement(
  digest: string = image,
  annotations?: Readonly<Record<string, unknown>>,
): string {
  return statementOf('https://sigstore.dev/cosign/sign/v1', {}, digest, annotations)
}

export function statementOf(
  predicateType: string,
  predicate: unknown,
  digest: string = image,
  annotations?: Readonly<Record<string, unknown>>,
): string {
  const [algorithm = '', hex = ''] = digest.split(':')
  return JSON.stringify({
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ digest: { [algorithm]: hex }, ...(annotations !== undefined && { annotations }) }],
    predicateType,
    predicate,
  })
}

/** The payload that `cosign sign` wrote before cosign 3. */
export function simplePayload(digest: string = image, over: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({
    critical: {
      identity: { 'docker-reference': 'registry.test/staging/api' },
      image: { 'docker-manifest-digest': digest },
      type: 'cosign container image signature',
    },
    optional: null,
    ...over,
  })
}

/** Kinds of keys with the hash that signers use; null for Ed25519. */
export const keyKinds = {
  'P-256': ['sha256', () => ecKeys('P-256')],
  'P-384': ['sha384', () => ecKeys('P-384')],
  'P-521': ['sha512', () => ecKeys('P-521')],
  RSA: ['sha256', () => generateKeyPairSync('rsa', { modulusLength: 2048 })],
  Ed25519: [null, () => generateKeyPairSync('ed25519')],
} as const satisfies Record<string, readonly [string | null, () => KeyPair]>

export function pemOf(key: KeyObject): string {
  return key.export({ format: 'pem', type: 'spki' }).toString()
}

/** Signs a statement with a key: a bundle as cosign writes it. */
export function keyBundle(statement: string, keys: KeyPair, hash: string | null = 'sha256'): BundleJson {
  const signed = preAuthEncoding(statementType, Buffer.from(statement))
  return {
    mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
    verificationMaterial: { publicKey: { hint: 'a hint' } },
    dsseEnvelope: {
      payload: Buffer.from(statement).toString('base64'),
      payloadType: statementType,
      signatures: [{ sig: sign(hash, signed, keys.privateKey).toString('base64') }],
    },
  }
}

export function keySigner(name: string, keys: readonly KeyPair[], expires?: string): TrustedSigner {
  return {
    name,
    keys: keys.map(({ publicKey }) => parseTrustedKey(pemOf(publicKey), `${name}.pub`, expires)),
  }
}

/** A keyless signer for the workflow that signs by default. */
export function keylessSigner(
  roots: readonly unknown[],
  over: Partial<KeylessTrust> & { readonly name?: string } = {},
): TrustedSigner {
  const { name = 'build', ...trust } = over
  const { transparencyLog = 'required' } = trust
  const text = roots.map((root) => JSON.stringify(root)).join('\n')
  return {
    name,
    keys: [],
    keyless: {
      issuer: defaultIssuer,
      subject: 'https://github.com/acme/{image}/.github/workflows/release.yml@refs/tags/v*',
      claims: {},
      transparencyLog,
      file: 'trust/root.jsonl',
      ...trust,
      roots: parseTrustedRoot(text, 'trust/root.jsonl', transparencyLog),
    },
  }
}

export function contextOf(
  signers: readonly TrustedSigner[],
  over: Partial<VerifyContext> = {},
): VerifyContext {
  return { signers, image: 'api', now: Date.parse('2026-03-04T05:06:07Z'), ...over }
}

export function bytesOf(json: unknown): Buffer {
  return Buffer.from(typeof json === 'string' ? json : JSON.stringify(json))
}

/** The names of the signers in a verdict. */
export function signersIn({ signers }: SignatureVerdict): readonly string[] {
  return signers.map(({ signer }) => signer)
}
