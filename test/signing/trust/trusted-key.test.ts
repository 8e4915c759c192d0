import { generateKeyPairSync, hash, sign } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { parseTrustedKey } from '../../../src/signing/trust/trusted-key.ts'
import { SigstoreInstance } from '../../support/signing/sigstore-instance.ts'
import { ecKeys, spkiOf } from '../../support/signing/certificates.ts'
import { keyKinds, pemOf } from '../../support/signing/signed.ts'

const { privateKey, publicKey } = ecKeys()
const pem = pemOf(publicKey)

describe('a key of a signer', () => {
  it.each(Object.entries(keyKinds))('can be %s', (_, [algorithm, generate]) => {
    const keys = generate()
    const key = parseTrustedKey(pemOf(keys.publicKey), 'signer.pub')
    const bytes = Buffer.from('signed')
    expect(key.verify(bytes, sign(algorithm, bytes, keys.privateKey))).toBe(true)
    expect(key.verify(Buffer.from('other'), sign(algorithm, bytes, keys.privateKey))).toBe(false)
  })

  it('has the SHA-256 of its SubjectPublicKeyInfo as fingerprint', () => {
    expect(parseTrustedKey(pem, 'a.pub')).toMatchObject({
      fingerprint: `sha256:${hash('sha256', spkiOf(publicKey))}`,
      file: 'a.pub',
    })
    expect(parseTrustedKey(pem, 'a.pub').expiresAt).toBeUndefined()
  })

  it('expires when its last day has ended in UTC', () => {
    expect(parseTrustedKey(pem, 'a.pub', '2026-06-30').expiresAt).toBe(Date.parse('2026-07-01T00:00:00Z'))
    expect(parseTrustedKey(pem, 'a.pub', '2028-02-29').expiresAt).toBe(Date.parse('2028-03-01T00:00:00Z'))
  })
})

describe('a key of a signer is a mistake in the configuration if it', () => {
  const privatePem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()

  it.each([
    ['is a private key', () => privatePem, 'the key is a private key'],
    ['is beside a private key', () => `${pem}${privatePem}`, 'the key is a private key'],
    ['is one of two keys', () => `${pem}${pem}`, 'the file has more than one key'],
    ['is empty', () => '', 'the key is not a public key'],
    ['is no PEM', () => 'ssh-ed25519 AAAA', 'the key is not a public key'],
    ['is damaged', () => pem.replace('MFkw', 'MFkx'), 'the key is not a public key'],
    [
      'is RSA with 1024 bits',
      () => pemOf(generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey),
      'the key has an unsupported key type',
    ],
    [
      'is on another curve',
      () => pemOf(ecKeys('secp256k1').publicKey),
      'the key has an unsupported key type',
    ],
    [
      'is for key agreement',
      () => pemOf(generateKeyPairSync('x25519').publicKey),
      'the key has an unsupported key type',
    ],
    [
      'is for RSA-PSS',
      () => pemOf(generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).publicKey),
      'the key has an unsupported key type',
    ],
  ])('%s', (_, text, message) => {
    expect(() => parseTrustedKey(text(), 'a.pub')).toThrow(
      expect.objectContaining({ code: 'config', message, subject: 'a.pub' }),
    )
  })

  it('is a certificate', async () => {
    const { pem: certificate } = (await SigstoreInstance.start()).issue()
    expect(() => parseTrustedKey(certificate, 'a.pub')).toThrow(
      expect.objectContaining({ code: 'config', message: 'the key is a certificate' }),
    )
  })

  it.each(['2026-02-30', '2026-6-30', 'tomorrow', '2026-06-30T00:00:00Z', ''])('expires on %j', (expires) => {
    expect(() => parseTrustedKey(pem, 'a.pub', expires)).toThrow(expect.objectContaining({ code: 'config' }))
  })
})
