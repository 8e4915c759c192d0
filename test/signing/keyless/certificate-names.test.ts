import { describe, expect, it } from 'vitest'
import {
  emailName,
  extension,
  type LeafOptions,
  uriName,
  userName,
} from '../../support/signing/certificates.ts'
import { element, utf8String } from '../../support/signing/der.ts'
import { bytesOf, contextOf, keylessSigner, signatureStatement } from '../../support/signing/signed.ts'
import { SigstoreInstance } from '../../support/signing/sigstore-instance.ts'
import { verifyBundle } from '../../../src/signing/trust/verify-bundle.ts'

/** Verifies a signature with a certificate that a trusted CA has issued with these names. */
async function verifyLeaf(leaf: LeafOptions) {
  const instance = await SigstoreInstance.start()
  const bundle = await instance.bundle(signatureStatement(), { leaf })
  const signer = keylessSigner([instance.root()], { subject: '**' })
  return await verifyBundle(bytesOf(bundle), 'it', contextOf([signer]))
}

const fulcio = '1.3.6.1.4.1.57264.1'

describe('the subject of a certificate', () => {
  it.each([
    ['a URI', uriName('https://ci.test/job'), 'https://ci.test/job'],
    ['an email address', emailName('ada@example.com'), 'ada@example.com'],
    ['a host name', element(0x82, Buffer.from('ci.test')), 'ci.test'],
    ['a user name', userName('ada!example.com'), 'ada!example.com'],
  ])('can be %s', async (_, name, subject) => {
    expect((await verifyLeaf({ names: [name] })).signers).toMatchObject([{ identity: { subject } }])
  })

  it.each([
    ['two names', [uriName('https://a.test'), uriName('https://b.test')], 'has 2 subjects'],
    ['names of two types', [emailName('ada@example.com'), uriName('https://b.test')], 'has 2 subjects'],
    ['no name', [], 'has no subject'],
    ['an IP address', [element(0x87, Buffer.of(127, 0, 0, 1))], 'has a subject of an unknown type'],
    [
      'a user name of another type',
      [element(0xa0, element(0x06, Buffer.of(0x2a)), element(0xa0, utf8String('a')))],
      'has a subject of an unknown type',
    ],
    // The library reads 0xe1 as a.
    [
      'bytes beyond ASCII',
      [element(0x86, Buffer.from('https://\u00e1.test', 'latin1'))],
      'has a subject that is not ASCII',
    ],
    ['a control character', [uriName('https://a.test\n')], 'has a subject that is not ASCII'],
  ])('with %s does not verify', async (_, names, problem) => {
    const { signers, problems } = await verifyLeaf({ names })
    expect(signers).toEqual([])
    expect(problems).toEqual([
      `it is signed with a certificate that does not verify: the certificate ${problem}`,
    ])
  })
})

describe('a certificate does not verify with', () => {
  it.each<[string, LeafOptions, string]>([
    ['two issuers', { olderIssuer: 'https://other.test' }, 'has two issuers of the identity'],
    ['another purpose', { usage: '1.3.6.1.5.5.7.3.1' }, 'is not for code signing'],
    [
      'an extension twice',
      { extensions: [extension(`${fulcio}.11`, utf8String('self-hosted'))] },
      'has an extension twice',
    ],
    [
      'a claim that is no text',
      { claims: {}, extensions: [extension(`${fulcio}.11`, element(0x02, Buffer.of(1)))] },
      'has an extension that is no text',
    ],
    [
      'text behind a claim',
      {
        claims: {},
        extensions: [extension(`${fulcio}.11`, Buffer.concat([utf8String('a'), utf8String('b')]))],
      },
      'has an extension that is no text',
    ],
    [
      'a claim that is not UTF-8',
      { claims: {}, extensions: [extension(`${fulcio}.11`, element(0x0c, Buffer.of(0xff)))] },
      'has an extension that is not UTF-8',
    ],
    [
      'a claim that is longer than its extension',
      { claims: {}, extensions: [extension(`${fulcio}.11`, Buffer.of(0x0c, 0x05, 0x61))] },
      'cannot be parsed',
    ],
    [
      'a claim with a longer form of its length',
      { claims: {}, extensions: [extension(`${fulcio}.11`, Buffer.of(0x0c, 0x81, 0x01, 0x61))] },
      'cannot be parsed',
    ],
  ])('%s', async (_, leaf, problem) => {
    const { signers, problems } = await verifyLeaf(leaf)
    expect(signers).toEqual([])
    expect(problems.join()).toContain(problem)
  })

  it('only the newer issuer is enough', async () => {
    expect((await verifyLeaf({ olderIssuer: null })).signers).toHaveLength(1)
  })
})
