import { generateKeyPairSync, sign } from 'node:crypto'
import { assert, constantFrom, nat, property, string } from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  anyPublicKey,
  envelopeToJson,
  parseEnvelope,
  preAuthEncoding,
  signEnvelope,
  signersOf,
} from '../../src/signing/dsse.ts'
import { newKeys } from '../support/attestations.ts'

const type = 'application/vnd.in-toto+json'
const payload = Buffer.from('{"a":1}')
const keys = { ed25519: newKeys('ed25519'), 'ecdsa-p256': newKeys('ecdsa-p256') }

describe('the encoding that is signed', () => {
  it('is that of the specification, with lengths in bytes', () => {
    const text = Buffer.from(
      preAuthEncoding('http://example.com/HelloWorld', Buffer.from('hello world')),
    ).toString()
    expect(text).toBe('DSSEv1 29 http://example.com/HelloWorld 11 hello world')
    expect(Buffer.from(preAuthEncoding('ü', Buffer.from('é'))).toString()).toBe('DSSEv1 2 ü 2 é')
  })

  it('differs for different envelopes', () => {
    const part = string({ unit: constantFrom('1', '2', ' ', 'a') })
    assert(
      property(part, part, part, part, (t1, p1, t2, p2) => {
        const same = Buffer.from(preAuthEncoding(t1, Buffer.from(p1))).equals(
          preAuthEncoding(t2, Buffer.from(p2)),
        )
        expect(same).toBe(t1 === t2 && p1 === p2)
      }),
    )
  })
})

describe.each(['ed25519', 'ecdsa-p256'] as const)('an envelope signed with a key of %s', (kind) => {
  const { signing, verify } = keys[kind]
  const envelope = signEnvelope(type, payload, signing)

  it('is by that key and no other', () => {
    expect(signersOf(envelope, [newKeys(kind).verify, verify])).toEqual([verify])
    expect(signersOf(envelope, [newKeys(kind).verify])).toEqual([undefined])
    expect(signersOf(envelope, [])).toEqual([undefined])
  })

  it('is the same after JSON', () => {
    const read = parseEnvelope(JSON.parse(JSON.stringify(envelopeToJson(envelope))), 'the envelope')
    expect(read).toEqual(envelope)
    expect(signersOf(read, [verify])).toEqual([verify])
  })

  it('is by no key if a bit of payload, type or signature is changed', () => {
    const flip = (bytes: Uint8Array, bit: number): Buffer => {
      const turned = Buffer.from(bytes)
      const at = Math.floor(bit / 8) % turned.byteLength
      turned[at] = (turned[at] ?? 0) ^ (1 << (bit % 8))
      return turned
    }
    const [{ sig } = { sig: Buffer.of() }] = envelope.signatures
    assert(
      property(nat(2000), (bit) => {
        expect(signersOf({ ...envelope, payload: flip(payload, bit) }, [verify])).toEqual([undefined])
        expect(signersOf({ ...envelope, signatures: [{ sig: flip(sig, bit) }] }, [verify])).toEqual([
          undefined,
        ])
      }),
    )
    expect(signersOf({ ...envelope, payloadType: 'text/plain' }, [verify])).toEqual([undefined])
  })
})

describe('signatures', () => {
  it('are checked one by one, each with every key', () => {
    const [a, b] = [keys.ed25519, keys['ecdsa-p256']]
    const both = [a, newKeys(), b].flatMap(({ signing }) => signEnvelope(type, payload, signing).signatures)
    const envelope = { payloadType: type, payload, signatures: both }
    expect(signersOf(envelope, [b.verify, a.verify])).toEqual([a.verify, undefined, b.verify])
  })

  it('are parsed from unpadded base64 of the URL-safe alphabet', () => {
    const sig = Buffer.from([251, 255, 254, 1]).toString('base64url')
    const read = parseEnvelope({ payload: '', payloadType: type, signatures: [{ sig, keyid: '' }] }, 'it')
    expect(read.signatures).toEqual([{ sig: Buffer.from([251, 255, 254, 1]) }])
  })

  it.each([
    ['ec', { namedCurve: 'P-384' }, 'sha384'],
    ['ec', { namedCurve: 'P-384' }, 'sha256'],
    ['ec', { namedCurve: 'P-521' }, 'sha512'],
    ['rsa', { modulusLength: 2048 }, 'sha256'],
  ] as const)('of other kinds of keys are verified: %s %j %s', (kind, options, hash) => {
    const { privateKey, publicKey } = generateKeyPairSync(kind as 'ec', options as { namedCurve: string })
    const key = anyPublicKey(publicKey.export({ type: 'spki', format: 'pem' }).toString(), 'the key')
    const signatures = [{ sig: sign(hash, preAuthEncoding(type, payload), privateKey) }]
    expect(signersOf({ payloadType: type, payload, signatures }, [key])).toEqual([key])
    expect(signersOf({ payloadType: type, payload: Buffer.of(1), signatures }, [key])).toEqual([undefined])
  })

  it('of unusual keys are refused, and so is text that is no key', () => {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'secp256k1' })
    const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString()
    expect(() => anyPublicKey(pem, 'it')).toThrow(expect.objectContaining({ code: 'unsupported' }))
    expect(() => anyPublicKey('no key', 'it')).toThrow(expect.objectContaining({ code: 'malformed' }))
  })
})

describe('an envelope is malformed:', () => {
  const good = { payload: 'e30=', payloadType: type, signatures: [{ sig: 'AAAA' }] }
  it.each([
    ['no object', []],
    ['no signature', { ...good, signatures: [] }],
    [
      'more signatures than anyone makes',
      { ...good, signatures: Array.from({ length: 33 }, () => ({ sig: 'AA' })) },
    ],
    ['a signature that is text', { ...good, signatures: ['AAAA'] }],
    ['a signature that is not base64', { ...good, signatures: [{ sig: 'A A' }] }],
    ['a keyid that is a number', { ...good, signatures: [{ sig: 'AA', keyid: 1 }] }],
    ['a payload that is not base64', { ...good, payload: '{}' }],
    ['no type', { ...good, payloadType: undefined }],
  ])('%s', (_, value) => {
    expect(() => parseEnvelope(value, 'the envelope')).toThrow(expect.objectContaining({ code: 'malformed' }))
  })
})
