import { assert, nat, property, uint8Array } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anyPublicKey } from '../../src/signing/dsse.ts'
import { ed25519phVerifier } from '../../src/signing/ed25519ph.ts'

/** The only test vector of RFC 8032, section 7.3: the text `abc`. */
const fromSpecification = {
  pem: pemOf('ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf'),
  bytes: Buffer.from('616263', 'hex'),
  signature: Buffer.from(
    '98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae41' +
      '31f85042463c2a355a2003d062adf5aaa10b8c61e636062aaad11c2a26083406',
    'hex',
  ),
}

/** cosign 3.1 signed this payload with `cosign sign --new-bundle-format=false`. */
const byCosign = {
  pem: '-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAwUMXUfUEFCGc66olk7vKE+9ifHDOPsGT1LlR8lAhJ6M=\n-----END PUBLIC KEY-----\n',
  bytes: Buffer.from(
    '{"critical":{"identity":{"docker-reference":"127.0.0.1:5917/api"},"image":{"docker-manifest-digest":"sha256:b0d299615583d66f466fcc71904ce88f81d425a37655adf77848b1623ba1e204"},"type":"cosign container image signature"},"optional":{"channel":"release"}}',
  ),
  signature: Buffer.from(
    'YrBBxlSJHGIT253hZriw1NOmNR4sLdVia6rDAKIxEkzH77TfZvt9xptfVeCHENwPNpE1woAI9GK7KQNe08wnAg==',
    'base64',
  ),
}

function pemOf(hex: string): string {
  const der = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), Buffer.from(hex, 'hex')])
  return `-----BEGIN PUBLIC KEY-----\n${der.toString('base64')}\n-----END PUBLIC KEY-----\n`
}

describe.each([
  ['of RFC 8032', fromSpecification],
  ['of cosign', byCosign],
])('a signature by Ed25519ph %s', (_, { pem, bytes, signature }) => {
  const verify = ed25519phVerifier(pem)

  it('verifies', () => {
    expect(verify(bytes, signature)).toBe(true)
    expect(anyPublicKey(pem, 'the key').verify(bytes, signature)).toBe(true)
  })

  it('does not verify if one bit of it is changed', () => {
    assert(
      property(nat(511), (bit) => {
        const changed = Buffer.from(signature)
        changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
        return !verify(bytes, changed)
      }),
      { numRuns: 60 },
    )
  })

  it('does not verify other bytes, and nothing throws', () => {
    assert(
      property(uint8Array({ maxLength: 80 }), (other) => !verify(other, signature) && !verify(bytes, other)),
      { numRuns: 60 },
    )
  })

  it('does not verify with another encoding of the same scalar', () => {
    const order = 2n ** 252n + 27742317777372353535851937790883648493n
    const scalar = BigInt(`0x${Buffer.from(signature.subarray(32).toReversed()).toString('hex')}`) + order
    const encoded = Buffer.from(scalar.toString(16).padStart(64, '0'), 'hex').toReversed()
    expect(verify(bytes, Buffer.concat([signature.subarray(0, 32), encoded]))).toBe(false)
  })
})

it.each([
  ['no point', '0200000000000000000000000000000000000000000000000000000000000000'],
  ['a coordinate that is not reduced', 'f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f'],
])('a key that encodes %s verifies nothing', (_, hex) => {
  expect(ed25519phVerifier(pemOf(hex))(fromSpecification.bytes, fromSpecification.signature)).toBe(false)
})
