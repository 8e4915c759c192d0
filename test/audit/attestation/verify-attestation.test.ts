import { X509Certificate } from 'node:crypto'
import { assert, nat, property } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { attestationArtifact } from '../../../src/audit/attestation/attestation-artifact.ts'
import {
  anyPublicKey,
  type Envelope,
  envelopeToJson,
  type PublicKey,
  signEnvelope,
} from '../../../src/signing/dsse.ts'
import { verifyAttestation } from '../../../src/audit/attestation/verify-attestation.ts'
import { formatPromotion } from '../../../src/audit/attestation/promotion-statement.ts'
import { statementMediaType } from '../../../src/signing/statement.ts'
import { bundleMediaType, formatBundle, hintOf, parseBundle } from '../../../src/signing/sigstore-bundle.ts'
import { parseSigningKey } from '../../../src/signing/signing-keys.ts'
import { parseTrustedKey } from '../../../src/signing/trust/trusted-key.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import { newKeys, promotionOf } from '../../support/attestations.ts'
import { keyBundle, keyKinds, pemOf } from '../../support/signing/signed.ts'
import { testCertificate } from '../../support/tls.ts'

const image = digestOf('an image')
const keys = newKeys()
const others = newKeys('ed25519')
const promotion = promotionOf(image)
const statement = formatPromotion(promotion)
const envelope = signEnvelope(statementMediaType, statement, keys.signing)
const bundle = formatBundle(envelope, keys.verify)

const judge = (bytes: Uint8Array | string, known: readonly PublicKey[] = [keys.verify], of = image) =>
  verifyAttestation(Buffer.from(bytes), bundleMediaType, of, known)

/** A bundle with the given parts. */
function bundleWith(dsse: unknown, material: unknown = { publicKey: { hint: hintOf(keys.verify) } }) {
  const isEnvelope = typeof dsse === 'object' && dsse !== null && 'signatures' in dsse
  const dsseEnvelope = isEnvelope ? envelopeToJson(dsse as Envelope) : dsse
  return JSON.stringify({ mediaType: bundleMediaType, verificationMaterial: material, dsseEnvelope })
}

describe('an attestation', () => {
  it('is verified if one of the keys signed it, and its content is returned', () => {
    expect(judge(bundle, [others.verify, keys.verify])).toEqual({ status: 'verified', promotion })
  })

  it.each(Object.entries(keyKinds))('is verified with a key of %s', (_, [hash, generate]) => {
    const pair = generate()
    const signed = JSON.stringify(keyBundle(Buffer.from(statement).toString(), pair, hash))
    const key = parseTrustedKey(pemOf(pair.publicKey), 'key.pub')
    expect(judge(signed, [key])).toMatchObject({ status: 'verified' })
  })

  it('is bad if its payload was changed, and its content is still returned', () => {
    const payload = formatPromotion({ ...promotion, reason: 'another reason' })
    expect(judge(bundleWith({ ...envelope, payload }))).toMatchObject({
      status: 'bad',
      why: 'the signature does not match the content',
      promotion: { reason: 'another reason' },
    })
  })

  it('is bad if its signature was changed', () => {
    const sig = Buffer.from(envelope.signatures[0]?.sig ?? [])
    sig[20] = (sig[20] ?? 0) ^ 1
    expect(judge(bundleWith({ ...envelope, signatures: [{ sig }] }))).toMatchObject({ status: 'bad' })
  })

  it('is bad if it is about another image, whoever signed it', () => {
    const of = digestOf('another image')
    expect(judge(bundle, [keys.verify], of)).toMatchObject({ status: 'bad', why: `it describes ${image}` })
    const { blob } = attestationArtifact({
      promotion,
      subject: { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: image, size: 1 },
    })
    expect(verifyAttestation(blob.bytes, statementMediaType, of, [])).toMatchObject({ status: 'bad' })
  })

  it('is unsigned without a signature, whatever the keys', () => {
    for (const known of [[], [keys.verify]])
      expect(verifyAttestation(statement, statementMediaType, image, known)).toEqual({
        status: 'unsigned',
        promotion,
      })
  })

  it('is foreign if another key signed it', () => {
    expect(judge(bundle, [others.verify])).toEqual({
      status: 'foreign',
      why: `signed by the key ${hintOf(keys.verify)}`,
      promotion,
    })
  })

  it('is bad if it names no key and matches none', () => {
    expect(judge(bundleWith(envelope, { publicKey: {} }), [others.verify])).toMatchObject({ status: 'bad' })
  })

  it('is unchecked if no key is given', () => {
    expect(judge(bundle, [])).toEqual({ status: 'unchecked', promotion })
  })

  it('is verified if one of several signatures is by a key, whatever the hint', () => {
    const second = signEnvelope(statementMediaType, statement, others.signing).signatures
    const both = { ...envelope, signatures: [...second, ...envelope.signatures] }
    expect(judge(bundleWith(both, { publicKey: { hint: 'else' } }))).toMatchObject({ status: 'verified' })
  })

  it('is bad if a signature names a known key that did not make it, whatever the others are', () => {
    const wrong = { sig: Buffer.from('no signature'), keyid: hintOf(others.verify) }
    const both = { ...envelope, signatures: [...envelope.signatures, wrong] }
    expect(judge(bundleWith(both), [keys.verify, others.verify])).toMatchObject({ status: 'bad' })
    expect(judge(bundleWith(both), [keys.verify])).toMatchObject({ status: 'verified' })
  })

  it('is undefined for a statement of another kind', () => {
    const slsa = Buffer.from(statement)
      .toString()
      .replace('urn:dray:promotion:v1', 'https://slsa.dev/provenance/v1')
    expect(verifyAttestation(Buffer.from(slsa), statementMediaType, image, [])).toBeUndefined()
    expect(judge(bundleWith({ ...envelope, payloadType: 'text/plain' }))).toBeUndefined()
  })
})

describe('an attestation with a certificate', () => {
  const { cert, key } = testCertificate
  const rawBytes = Buffer.from(cert.replaceAll(/-----.*-----|\n/g, ''), 'base64').toString('base64')
  const own = signEnvelope(statementMediaType, statement, parseSigningKey(key, 'the key of the certificate'))
  it.each([
    ['certificate', { certificate: { rawBytes } }],
    ['chain', { x509CertificateChain: { certificates: [{ rawBytes }] } }],
  ])('(a %s) is foreign, unchecked without a key, and bad if the signature is not by it', (_, material) => {
    expect(judge(bundleWith(own, material))).toMatchObject({
      status: 'foreign',
      why: 'signed with a certificate of IP Address:127.0.0.1, DNS:localhost',
    })
    expect(judge(bundleWith(own, material), [])).toMatchObject({ status: 'unchecked' })
    expect(judge(bundleWith(envelope, material), [])).toMatchObject({ status: 'bad' })
  })

  it('is verified if its key is given', () => {
    const known = anyPublicKey(new X509Certificate(cert), 'the certificate')
    expect(judge(bundleWith(own, { certificate: { rawBytes } }), [known])).toMatchObject({
      status: 'verified',
    })
  })
})

describe('an attestation is unreadable if it is', () => {
  it.each([
    ['no JSON', 'x'],
    ['JSON that is no object', '[]'],
    ['a nest of brackets', `{"mediaType":${'['.repeat(500_000)}`],
    ['a key twice', `{"mediaType":"a","mediaType":"b"}`],
    ['more bytes than are read', ' '.repeat(4 * 1024 * 1024 + 1)],
    ['another media type', '{"mediaType":"text/plain"}'],
    ['a bundle without an envelope', bundleWith(undefined)],
    ['a bundle with a bare signature', `{"mediaType":"${bundleMediaType}","messageSignature":{}}`],
    ['no verification material', bundleWith(envelope, null)],
    ['a certificate that is none', bundleWith(envelope, { certificate: { rawBytes: 'AAAA' } })],
    ['a payload that is no statement', bundleWith({ ...envelope, payload: Buffer.from('{}') })],
  ])('%s', (_, text) => {
    expect(judge(text)).toMatchObject({ status: 'unreadable' })
  })

  it('a promotion without a field', () => {
    const text = Buffer.from(statement).toString().replace('"plan":', '"plans":')
    expect(verifyAttestation(Buffer.from(text), statementMediaType, image, [])).toMatchObject({
      status: 'unreadable',
    })
  })

  it('any bytes with a changed bit, and a verified one has the signed content', () => {
    assert(
      property(nat(bundle.byteLength * 8 - 1), (bit) => {
        const turned = Buffer.from(bundle)
        turned[bit >> 3] = (turned[bit >> 3] ?? 0) ^ (1 << (bit & 7))
        const judged = judge(turned)
        if (judged?.status !== 'verified') return
        // The signature does not cover the hint, unused bits of base64, and the case of some field
        // names.
        const before = parseBundle(bundle, 'before').envelope
        expect(parseBundle(turned, 'after').envelope.payload).toEqual(before.payload)
        expect(judged.promotion).toEqual(promotion)
      }),
      { numRuns: 300 },
    )
  })
})
