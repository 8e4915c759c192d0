import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { parseTrustedRoot } from '../../../src/signing/keyless/trusted-root.ts'
import { SigstoreInstance } from '../../support/signing/sigstore-instance.ts'

let root: Readonly<Record<string, unknown>>
beforeAll(async () => {
  root = (await SigstoreInstance.start()).root()
})

const parse = (value: unknown, file = 'root.json') =>
  parseTrustedRoot(JSON.stringify(value), file, 'required')

describe('a trusted root', () => {
  it.each(['public-root.json', 'staging-root.json'])('of sigstore is parsed: %s', (name) => {
    const text = readFileSync(join(import.meta.dirname, '../../fixtures/sigstore', name), 'utf8')
    const [document, ...others] = parseTrustedRoot(text, name, 'required')
    expect(document?.authorities.map(({ subject }) => subject)).toContain(
      'O=sigstore.dev\nCN=sigstore-intermediate',
    )
    expect(others).toEqual([])
  })

  it('of a .jsonl file has a document in each line that is not empty', () => {
    const text = `${JSON.stringify(root)}\n\n${JSON.stringify(root)}\n`
    expect(parseTrustedRoot(text, 'root.jsonl', 'required')).toHaveLength(2)
  })

  it('skips documents of a .jsonl file that lack the logs or authorities that are needed', () => {
    const text = [
      root,
      { ...root, tlogs: [] },
      { ...root, timestampAuthorities: [] },
      { ...root, ctlogs: undefined },
    ]
      .map((one) => JSON.stringify(one))
      .join('\n')
    expect(parseTrustedRoot(text, 'root.jsonl', 'required')).toHaveLength(2)
    expect(parseTrustedRoot(text, 'root.jsonl', 'none')).toHaveLength(3)
  })
})

describe('a trusted root is a mistake in the configuration if it', () => {
  const authority = () => (root['certificateAuthorities'] as readonly object[])[0]
  const log = () => (root['tlogs'] as readonly { publicKey: object }[])[0]

  it.each([
    ['is empty', () => ({}), 'the trusted root.mediaType is missing'],
    ['is a list', () => [], 'the trusted root is not an object'],
    [
      'has another media type',
      () => ({ ...root, mediaType: 'application/vnd.dev.sigstore.signingconfig.v0.2+json' }),
      'the trusted root has the media type application/vnd.dev.sigstore.signingconfig.v0.2+json',
    ],
    [
      'has no CA',
      () => ({ ...root, certificateAuthorities: [] }),
      'the trusted root has no certificate authority',
    ],
    [
      'has a CA without a certificate',
      () => ({ ...root, certificateAuthorities: [{ ...authority(), certChain: { certificates: [] } }] }),
      'the trusted root.certificateAuthorities[0] has no certificate',
    ],
    [
      'has a certificate that is none',
      () => ({
        ...root,
        certificateAuthorities: [{ ...authority(), certChain: { certificates: [{ rawBytes: 'AAAA' }] } }],
      }),
      'the trusted root.certificateAuthorities[0].certChain.certificates[0] is not a certificate',
    ],
    [
      'has a period that is none',
      () => ({ ...root, certificateAuthorities: [{ ...authority(), validFor: { start: 'today' } }] }),
      'the trusted root.certificateAuthorities[0].validFor.start is not a time',
    ],
    [
      'has no log',
      () => ({ ...root, tlogs: [] }),
      'the trusted root has no transparency log and certificate log',
    ],
    [
      'has a log whose key is none',
      () => ({ ...root, tlogs: [{ ...log(), publicKey: { ...log()?.publicKey, rawBytes: 'AAAA' } }] }),
      'the trusted root.tlogs[0].publicKey is not a public key',
    ],
    [
      'has a log that begins at no time',
      () => ({ ...root, tlogs: [{ ...log(), publicKey: { ...log()?.publicKey, validFor: {} } }] }),
      'the trusted root.tlogs[0].publicKey.validFor.start is missing',
    ],
  ])('%s', (_, value, message) => {
    expect(() => parse(value())).toThrow(
      expect.objectContaining({ code: 'config', message, subject: 'root.json' }),
    )
  })

  it('is not JSON, or has no document in any line', () => {
    expect(() => parseTrustedRoot('{', 'root.json', 'required')).toThrow(
      expect.objectContaining({ code: 'config', hint: expect.stringContaining('cosign initialize') }),
    )
    expect(() => parseTrustedRoot('\n\n', 'root.jsonl', 'required')).toThrow(
      expect.objectContaining({
        code: 'config',
        hint: expect.stringContaining('gh attestation trusted-root'),
      }),
    )
    expect(() => parseTrustedRoot(`${JSON.stringify(root)}\n{`, 'root.jsonl', 'required')).toThrow(
      expect.objectContaining({ message: 'line 2 is not JSON' }),
    )
  })

  it('has no timestamp authority and no log is required', () => {
    const text = JSON.stringify({ ...root, timestampAuthorities: [] })
    expect(() => parseTrustedRoot(text, 'root.json', 'none')).toThrow(
      expect.objectContaining({ message: 'the trusted root has no timestamp authority' }),
    )
  })
})
