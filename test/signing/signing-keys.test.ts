import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import {
  ed25519Bytes,
  ed25519Key,
  loadSigningKey,
  parseSigningKey,
  parseVerifyKey,
  publicHalf,
} from '../../src/signing/signing-keys.ts'

const text = Buffer.from('what is signed')
const pairs = {
  ed25519: generateKeyPairSync('ed25519'),
  'ecdsa-p256': generateKeyPairSync('ec', { namedCurve: 'P-256' }),
} as const
const kinds = ['ed25519', 'ecdsa-p256'] as const
const password = 'canary-password'

function pkcs8(key: KeyObject, passphrase?: string): string {
  return key
    .export({
      type: 'pkcs8',
      format: 'pem',
      ...(passphrase !== undefined && { cipher: 'aes-256-cbc', passphrase }),
    })
    .toString()
}

function thrownBy(action: () => unknown): unknown {
  try {
    return action()
  } catch (thrown) {
    return thrown
  }
}

describe.each(kinds)('a private key of kind %s', (kind) => {
  const { privateKey, publicKey } = pairs[kind]

  it('signs what its public key verifies, and nothing else', () => {
    const key = parseSigningKey(pkcs8(privateKey), 'key.pem')
    const verifier = parseVerifyKey(publicKey.export({ type: 'spki', format: 'pem' }).toString(), 'key.pub')
    const signature = key.sign(text)
    expect([key.kind, verifier.kind]).toEqual([kind, kind])
    expect(verifier.publicKeyPem).toBe(key.publicKeyPem)
    expect(verifier.verify(text, signature)).toBe(true)
    expect(publicHalf(key).verify(text, signature)).toBe(true)
    expect(verifier.verify(Buffer.from('what is signee'), signature)).toBe(false)
    expect(verifier.verify(text, signature.subarray(1))).toBe(false)
    expect(verifier.verify(text, Buffer.alloc(0))).toBe(false)
  })

  it('opens with its password', () => {
    const key = parseSigningKey(pkcs8(privateKey, password), 'key.pem', password)
    expect(publicHalf(key).verify(text, key.sign(text))).toBe(true)
  })

  it.each([
    ['no password', undefined, 'no password is set'],
    ['an empty password', '', 'cannot decrypt the private key with this password'],
    ['another password', 'canary-other', 'cannot decrypt the private key with this password'],
  ])('does not open with %s, and the error contains no key and no password', (_name, given, message) => {
    const pem = pkcs8(privateKey, password)
    const thrown = thrownBy(() => parseSigningKey(pem, 'key.pem', given))
    expect(thrown).toMatchObject({
      code: 'config',
      subject: 'key.pem',
      message: expect.stringContaining(message),
    })
    const whole = inspect(thrown, { depth: 9, showHidden: true })
    expect(whole).not.toContain('canary')
    expect(whole).not.toContain(pem.split('\n')[1])
  })

  it('is not shown when it is printed or serialised', () => {
    const key = parseSigningKey(pkcs8(privateKey), 'key.pem')
    const secret = privateKey.export({ format: 'jwk' }).d ?? 'none'
    const body = pkcs8(privateKey).split('\n')[1]
    for (const shown of [JSON.stringify(key), inspect(key, { depth: 9, showHidden: true })]) {
      expect(shown).not.toContain(secret)
      expect(shown).not.toContain(body)
    }
  })
})

describe('an invalid key', () => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' })
  it.each([
    ['RSA', pkcs8(rsa.privateKey), 'not supported'],
    ['P-384', pkcs8(p384.privateKey), 'not supported'],
    ['text', 'canary', 'cannot parse the private key'],
    ['a torn key', pkcs8(pairs.ed25519.privateKey).slice(0, 60), 'cannot parse the private key'],
    ["cosign's own form", '-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\neyJ\n', 'format of cosign'],
  ])('is refused as a private key: %s', (_name, pem, message) => {
    const thrown = thrownBy(() => parseSigningKey(pem, 'key.pem'))
    expect(thrown).toMatchObject({ code: 'config', message: expect.stringContaining(message) })
    expect(inspect(thrown, { depth: 9 })).not.toContain('canary')
  })

  it.each([
    ['a private key', pkcs8(pairs.ed25519.privateKey)],
    [
      'a private key beside a public one',
      `${publicHalf(parseSigningKey(pkcs8(pairs.ed25519.privateKey), 'k')).publicKeyPem}${pkcs8(pairs.ed25519.privateKey)}`,
    ],
    ['RSA', rsa.publicKey.export({ type: 'spki', format: 'pem' }).toString()],
    ['nothing', ''],
  ])('is refused as a public key: %s', (_name, pem) => {
    expect(thrownBy(() => parseVerifyKey(pem, 'key.pub'))).toMatchObject({ code: 'config' })
  })

  it('is a missing file', async () => {
    await expect(loadSigningKey('/nowhere/key.pem')).rejects.toMatchObject({
      code: 'config',
      subject: '/nowhere/key.pem',
    })
  })
})

describe('an Ed25519 public key', () => {
  it('is the same from its 32 bytes', () => {
    const key = parseSigningKey(pkcs8(pairs.ed25519.privateKey), 'key.pem')
    const raw = ed25519Bytes(key) ?? Buffer.alloc(0)
    expect(raw.byteLength).toBe(32)
    expect(ed25519Key(raw, 'raw').publicKeyPem).toBe(key.publicKeyPem)
    expect(thrownBy(() => ed25519Key(raw.subarray(1), 'raw'))).toMatchObject({ code: 'config' })
  })

  it('has 32 bytes only if it is Ed25519', () => {
    expect(ed25519Bytes(parseSigningKey(pkcs8(pairs['ecdsa-p256'].privateKey), 'key.pem'))).toBeUndefined()
  })
})
