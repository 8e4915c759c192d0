import { describe, expect, it } from 'vitest'
import { type Envelope, envelopeToJson, signEnvelope } from '../../src/signing/dsse.ts'
import { verifyAttestation } from '../../src/audit/attestation/verify-attestation.ts'
import { formatPromotion } from '../../src/audit/attestation/promotion-statement.ts'
import { statementMediaType } from '../../src/signing/statement.ts'
import { bundleMediaType, hintOf } from '../../src/signing/sigstore-bundle.ts'
import { digestOf } from '../../src/oci/digest.ts'
import { newKeys, promotionOf } from '../support/attestations.ts'

const keys = newKeys('ed25519')
const strangers = newKeys('ed25519')

describe('an attestation is not verified', () => {
  const image = digestOf('an image')
  const statement = formatPromotion(promotionOf(image))
  const genuine = signEnvelope(statementMediaType, statement, keys.signing)
  const judge = (dsseEnvelope: unknown, hint = hintOf(keys.verify), mediaType = bundleMediaType) =>
    verifyAttestation(
      Buffer.from(JSON.stringify({ mediaType, verificationMaterial: { publicKey: { hint } }, dsseEnvelope })),
      mediaType,
      image,
      [keys.verify],
    )?.status
  const json = (envelope: Envelope) => envelopeToJson(envelope)
  const ofOther = formatPromotion(promotionOf(digestOf('another image')))
  const byStranger = signEnvelope(statementMediaType, statement, strangers.signing)
  const signature = genuine.signatures[0]?.sig ?? Buffer.of()
  const base64 = Buffer.from(statement).toString('base64')

  it('unless it is genuine', () => {
    expect(judge(json(genuine))).toBe('verified')
  })

  it.each<[string, unknown, string?]>([
    ['that is about another image', json(signEnvelope(statementMediaType, ofOther, keys.signing))],
    ['by another key', json(byStranger)],
    ['by another key that the bundle names', json(byStranger), hintOf(strangers.verify)],
    [
      'with the signature of another promotion',
      json({ ...genuine, payload: formatPromotion(promotionOf(image, { reason: 'x' })) }),
    ],
    [
      'signed as another type of payload',
      json({ ...signEnvelope('text/plain', statement, keys.signing), payloadType: statementMediaType }),
    ],
    ['signed without a type', json({ ...genuine, signatures: [{ sig: keys.signing.sign(statement) }] })],
    [
      'signed as a checkpoint',
      json({ ...genuine, signatures: [{ sig: keys.signing.sign(Buffer.from('ci/audit\n1\n')) }] }),
    ],
    ['without a signature', json({ ...genuine, signatures: [] })],
    ['with an empty signature', json({ ...genuine, signatures: [{ sig: Buffer.of() }] })],
    ['with half a signature', json({ ...genuine, signatures: [{ sig: signature.subarray(0, 32) }] })],
    [
      'with a longer signature',
      json({ ...genuine, signatures: [{ sig: Buffer.concat([signature, Buffer.of(0)]) }] }),
    ],
    [
      'as text beside the payload',
      { ...json(genuine), payload: base64, payload_: base64, signatures: [{ sig: 'AAAA' }] },
    ],
    ['with more behind its Base64', { ...json(genuine), payload: `${base64}AAAA` }],
    ['with a list for an envelope', [json(genuine)]],
    ['with two types of payload', { ...json(genuine), payloadType: [statementMediaType] }],
  ])('%s', (_, envelope, hint) => {
    expect(judge(envelope, hint)).not.toBe('verified')
  })

  it('with a second envelope under the same key', () => {
    const one = JSON.stringify(json(genuine))
    const two = JSON.stringify(json({ ...genuine, payload: ofOther }))
    const text = `{"mediaType":"${bundleMediaType}","verificationMaterial":{"publicKey":{"hint":""}},"dsseEnvelope":${one},"dsseEnvelope":${two}}`
    expect(verifyAttestation(Buffer.from(text), bundleMediaType, image, [keys.verify])?.status).toBe(
      'unreadable',
    )
  })

  it('as a plain statement beside a signed one', () => {
    expect(verifyAttestation(statement, statementMediaType, image, [keys.verify])?.status).toBe('unsigned')
  })
})
