import { sign } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { assert, asyncProperty, nat, uint8Array } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { digestOf } from '../../../src/oci/digest.ts'
import { verifyBundle } from '../../../src/signing/trust/verify-bundle.ts'
import { verifyDsseLayer } from '../../../src/signing/trust/verify-dsse-layer.ts'
import { verifySimpleSigning } from '../../../src/signing/trust/verify-simple-signing.ts'
import { ecKeys, type KeyPair } from '../../support/signing/certificates.ts'
import {
  bytesOf,
  contextOf,
  image,
  keyBundle,
  keyKinds,
  keySigner,
  pemOf,
  signatureStatement,
  signersIn,
  simplePayload,
  statementOf,
} from '../../support/signing/signed.ts'
import { SigstoreInstance } from '../../support/signing/sigstore-instance.ts'

const signature = 'dev.cosignproject.cosign/signature'
const [keys, others] = [ecKeys(), ecKeys()]
const build = keySigner('build', [keys])
const context = contextOf([build])

function simple(payload: string, by: KeyPair = keys, hash: string | null = 'sha256') {
  return { [signature]: sign(hash, Buffer.from(payload), by.privateKey).toString('base64') }
}

const verifyPayload = (payload: string, annotations: Record<string, string>, of = context) =>
  verifySimpleSigning(Buffer.from(payload), annotations, 'the signature', of)
const verify = (bundle: unknown, of = context) => verifyBundle(bytesOf(bundle), 'the bundle', of)

describe('a bundle that is signed with a key', () => {
  it.each(Object.entries(keyKinds))('verifies with %s', async (_, [hash, generate]) => {
    const pair = generate()
    const signer = keySigner('build', [pair])
    expect(await verify(keyBundle(signatureStatement(), pair, hash), contextOf([signer]))).toEqual({
      content: { kind: 'signature', digests: [image], annotations: {} },
      signers: [{ signer: 'build', identity: { kind: 'key', fingerprint: signer.keys[0]?.fingerprint } }],
      problems: [],
    })
  })

  it.each([
    'bundle+json;version=0.1',
    'bundle+json;version=0.2',
    'bundle+json;version=0.3',
    'bundle.v0.3+json',
  ])('verifies as %s', async (version) => {
    const mediaType = `application/vnd.dev.sigstore.${version}`
    expect(signersIn(await verify({ ...keyBundle(signatureStatement(), keys), mediaType }))).toEqual([
      'build',
    ])
  })

  it('has the signed annotations of its subject', async () => {
    const { content } = await verify(keyBundle(signatureStatement(image, { channel: 'release', n: 1 }), keys))
    expect(content).toMatchObject({ annotations: { channel: 'release' } })
  })

  it('is an attestation with any other predicate type, never a signature', async () => {
    const slsa = statementOf('https://slsa.dev/provenance/v1', { buildDefinition: {} })
    expect(await verify(keyBundle(slsa, keys))).toMatchObject({
      content: {
        kind: 'statement',
        predicateType: 'https://slsa.dev/provenance/v1',
        digests: [image],
        predicate: { buildDefinition: {} },
      },
      signers: [{ signer: 'build' }],
    })
  })

  it('names another digest that it is about, so that a replay is visible', async () => {
    const other = digestOf('another image')
    expect(await verify(keyBundle(signatureStatement(other), keys))).toMatchObject({
      content: { digests: [other] },
      signers: [{ signer: 'build' }],
    })
  })

  it('counts two keys of one signer, and two signatures of one signer, once', async () => {
    const bundle = keyBundle(signatureStatement(), keys)
    const second = keyBundle(signatureStatement(), others).dsseEnvelope.signatures
    bundle.dsseEnvelope.signatures.push(...second)
    const rotating = contextOf([keySigner('build', [keys, others])])
    expect(signersIn(await verify(bundle, rotating))).toEqual(['build'])
    const both = contextOf([build, keySigner('scanner', [others])])
    expect(signersIn(await verify(bundle, both))).toEqual(['build', 'scanner'])
  })

  it('verifies for every signer with the key', async () => {
    const twice = contextOf([build, keySigner('release', [keys])])
    expect(signersIn(await verify(keyBundle(signatureStatement(), keys), twice))).toEqual([
      'build',
      'release',
    ])
  })

  it('ignores its log entries, also unknown and broken ones', async () => {
    const bundle = keyBundle(signatureStatement(), keys)
    const instance = await SigstoreInstance.start()
    const { verificationMaterial } = await instance.bundle(signatureStatement(digestOf('other')))
    const { tlogEntries = [] } = verificationMaterial
    Object.assign(bundle.verificationMaterial, { tlogEntries })
    expect(signersIn(await verify(bundle))).toEqual(['build'])
    Object.assign(bundle.verificationMaterial, {
      tlogEntries: [{ logIndex: {} }],
      timestampVerificationData: 1,
    })
    expect(signersIn(await verify(bundle))).toEqual(['build'])
  })

  it('verifies beside a signature of an unknown key, which is a problem', async () => {
    const bundle = keyBundle(signatureStatement(), keys)
    bundle.dsseEnvelope.signatures.unshift(...keyBundle(signatureStatement(), others).dsseEnvelope.signatures)
    expect(await verify(bundle)).toMatchObject({
      signers: [{ signer: 'build' }],
      problems: ['the bundle is signed by a key that no signer has, or its content was changed'],
    })
  })
})

describe('with a key, a bundle does not verify if', () => {
  const bundle = () => keyBundle(signatureStatement(), keys)

  it('another key signed it', async () => {
    expect(await verify(keyBundle(signatureStatement(), others))).toEqual({
      content: { kind: 'signature', digests: [image], annotations: {} },
      signers: [],
      problems: ['the bundle is signed by a key that no signer has, or its content was changed'],
    })
  })

  it('the key of the signer has expired', async () => {
    const old = keySigner('promotions', [keys], '2026-06-30')
    const at = (time: string) => verify(bundle(), contextOf([old], { now: Date.parse(time) }))
    expect(signersIn(await at('2026-06-30T23:59:59.999Z'))).toEqual(['promotions'])
    expect(await at('2026-07-01T00:00:00Z')).toMatchObject({
      signers: [],
      problems: [
        'the bundle is signed by a key of promotions that expired after 2026-06-30 (promotions.pub)',
      ],
    })
  })

  it('its statement, its type or its signature was changed', async () => {
    const statement = bundle()
    statement.dsseEnvelope.payload = Buffer.from(signatureStatement(digestOf('x'))).toString('base64')
    const type = bundle()
    type.dsseEnvelope.payloadType = 'application/json'
    const bytes = bundle()
    const [first] = bytes.dsseEnvelope.signatures
    const changed = Buffer.from(first?.sig ?? '', 'base64')
    changed[20] = (changed[20] ?? 0) ^ 1
    bytes.dsseEnvelope.signatures = [{ sig: changed.toString('base64') }]
    for (const one of [statement, type, bytes]) expect(signersIn(await verify(one))).toEqual([])
  })

  it('a signer has only its certificate', async () => {
    const instance = await SigstoreInstance.start()
    const pair = ecKeys()
    const signed = await instance.bundle(signatureStatement(), { leaf: { keys: pair } })
    expect(await verify(signed, contextOf([keySigner('build', [pair])]))).toMatchObject({
      signers: [],
      problems: ['the bundle is signed with a certificate, and no signer is keyless'],
    })
  })

  it.each([
    ['is not JSON', '{', 'is not JSON'],
    ['has another media type', { ...bundle(), mediaType: 'application/json' }, 'is not a sigstore bundle'],
    [
      'has a later version',
      { ...bundle(), mediaType: 'application/vnd.dev.sigstore.bundle.v0.4+json' },
      'has an unsupported version',
    ],
    [
      'has no signature',
      { ...bundle(), dsseEnvelope: { ...bundle().dsseEnvelope, signatures: [] } },
      'has no signature',
    ],
    ['has no verification material', { ...bundle(), verificationMaterial: undefined }, 'is not an object'],
    [
      'has no statement',
      { ...bundle(), dsseEnvelope: undefined, messageSignature: {} },
      'without a statement',
    ],
    ['is larger than 32 MiB', ' '.repeat(32 * 1024 * 1024 + 1), 'is larger than 33554432 bytes'],
  ])('the bundle %s', async (_, text, problem) => {
    expect(await verify(text)).toMatchObject({
      signers: [],
      problems: [expect.stringMatching(new RegExp(`^the bundle.*${problem}`))],
    })
  })

  it('a bit of it is changed that the signature covers', async () => {
    const original = bytesOf(bundle())
    const { content } = await verify(bundle())
    await assert(
      asyncProperty(nat(original.length * 8 - 1), async (bit) => {
        const verdict = await verifyBundle(withFlippedBit(original, bit), 'it', context)
        // The hint of the key is not signed.
        expect(verdict.signers.length === 0 || isDeepStrictEqual(verdict.content, content)).toBe(true)
      }),
      { numRuns: 150 },
    )
  })

  it('the content is any other, and nothing throws', async () => {
    await assert(
      asyncProperty(uint8Array({ maxLength: 200 }), async (bytes) => {
        for (const verdict of [
          await verifyBundle(bytes, 'it', context),
          await verifyDsseLayer(bytes, {}, 'it', context),
          await verifySimpleSigning(bytes, {}, 'it', context),
        ])
          expect([verdict.signers, verdict.problems[0]]).toEqual([[], expect.stringMatching(/^it/)])
      }),
    )
  })
})

describe('a simple signature with a key', () => {
  it.each(Object.entries(keyKinds))('verifies with %s', async (_, [hash, generate]) => {
    const pair = generate()
    const signer = keySigner('build', [pair])
    const payload = simplePayload()
    expect(await verifyPayload(payload, simple(payload, pair, hash), contextOf([signer]))).toEqual({
      content: { kind: 'signature', digests: [image], annotations: {} },
      signers: [{ signer: 'build', identity: { kind: 'key', fingerprint: signer.keys[0]?.fingerprint } }],
      problems: [],
    })
  })

  it('verifies regardless of the repository in which it was signed', async () => {
    const payload = simplePayload(image, {
      critical: {
        identity: { 'docker-reference': 'elsewhere.test/other' },
        image: { 'docker-manifest-digest': image },
        type: 'cosign container image signature',
      },
    })
    expect(signersIn(await verifyPayload(payload, simple(payload)))).toEqual(['build'])
  })

  it('has the signed annotations, and not those of the manifest', async () => {
    const payload = simplePayload(image, { optional: { channel: 'release', timestamp: 1 } })
    const { content } = await verifyPayload(payload, { ...simple(payload), team: 'a' })
    expect(content).toMatchObject({ annotations: { channel: 'release' } })
  })

  it('ignores its log entry', async () => {
    const payload = simplePayload()
    const annotations = { ...simple(payload), 'dev.sigstore.cosign/bundle': 'garbage' }
    expect(signersIn(await verifyPayload(payload, annotations))).toEqual(['build'])
  })

  it('names the digest that it is about', async () => {
    const payload = simplePayload(digestOf('another image'))
    expect((await verifyPayload(payload, simple(payload))).content).toMatchObject({
      digests: [digestOf('another image')],
    })
  })

  it('of another tool, or without its fields, has no content', async () => {
    const critical = { image: { 'docker-manifest-digest': image }, type: 'atomic container signature' }
    for (const payload of [
      simplePayload(image, { critical }),
      simplePayload(image, { critical: { ...critical, type: undefined } }),
      simplePayload('sha256:abc'),
      simplePayload(image, { critical: undefined }),
      '[]',
    ]) {
      const { content, signers, problems } = await verifyPayload(payload, simple(payload))
      expect([content, signers.length, problems.length]).toEqual([undefined, 1, 1])
    }
  })

  it.each([
    ['of another key', (payload: string) => simple(payload, others)],
    ['of other bytes', () => simple('{}')],
    ['that is missing', () => ({})],
    ['that is empty', () => ({ [signature]: '' })],
    ['that is not base64', () => ({ [signature]: '???' })],
    [
      'beside a certificate that is none',
      (payload: string) => ({ ...simple(payload), 'dev.sigstore.cosign/certificate': pemOf(keys.publicKey) }),
    ],
  ])('with a signature %s does not verify', async (_, annotations) => {
    const payload = simplePayload()
    expect(await verifyPayload(payload, annotations(payload))).toMatchObject({
      content: { digests: [image] },
      signers: [],
      problems: [expect.stringMatching(/^the signature/)],
    })
  })

  it('does not verify if a bit of its payload is changed', async () => {
    const payload = Buffer.from(simplePayload())
    const annotations = simple(simplePayload())
    await assert(
      asyncProperty(nat(payload.length * 8 - 1), async (bit) => {
        const verdict = await verifySimpleSigning(withFlippedBit(payload, bit), annotations, 'it', context)
        expect(verdict.signers).toEqual([])
      }),
    )
  })

  it('is found among 20 unknown ones', async () => {
    const payload = simplePayload()
    const unknown = Array.from({ length: 20 }, () => simple(payload, ecKeys()))
    const verdicts = await Promise.all(
      [...unknown, simple(payload)].map((one) => verifyPayload(payload, one)),
    )
    expect(verdicts.map(signersIn).filter((signers) => signers.length > 0)).toEqual([['build']])
  })
})

describe('an attestation in a `.att` layer with a key', () => {
  const statement = statementOf('https://example.com/scan', { ok: true })
  const layer = () => keyBundle(statement, keys).dsseEnvelope

  it('verifies with its statement', async () => {
    expect(await verifyDsseLayer(bytesOf(layer()), {}, 'it', context)).toMatchObject({
      content: { kind: 'statement', predicateType: 'https://example.com/scan', predicate: { ok: true } },
      signers: [{ signer: 'build' }],
      problems: [],
    })
  })

  it('does not verify with changed bytes or without a signature', async () => {
    const changed = { ...layer(), payload: Buffer.from(statement.replace('true', 'null')).toString('base64') }
    expect(signersIn(await verifyDsseLayer(bytesOf(changed), {}, 'it', context))).toEqual([])
    const unsigned = { ...layer(), signatures: [] }
    expect(await verifyDsseLayer(bytesOf(unsigned), {}, 'it', context)).toEqual({
      signers: [],
      problems: ['it has no signature'],
    })
  })

  it('with a key twice in its predicate has signers and no content', async () => {
    const text = statement.replace('"ok":true', '"ok":false,"ok":true')
    const { dsseEnvelope } = keyBundle(text, keys)
    const verdict = await verifyDsseLayer(bytesOf(dsseEnvelope), {}, 'it', context)
    expect(verdict.content).toBeUndefined()
    expect(signersIn(verdict)).toEqual(['build'])
    expect(verdict.problems).toEqual(['it has the key "ok" twice'])
  })
})

function withFlippedBit(bytes: Uint8Array, bit: number): Buffer {
  const changed = Buffer.from(bytes)
  changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
  return changed
}
