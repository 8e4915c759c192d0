import { generateKeyPairSync } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  formatVkey,
  isKeyName,
  type NoteSigner,
  noteSigner,
  parseVkey,
  readNoteVerifier,
  verifierOf,
} from '../../src/signing/note-keys.ts'
import { formatNote, openNote, parseNote, type SignedNote, signNote } from '../../src/signing/signed-note.ts'
import { parseSigningKey, type SigningKey } from '../../src/signing/signing-keys.ts'

/** The example of the specification (C2SP signed-note, Verifier keys). */
const exampleKey = 'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k'
const exampleNote =
  'This is an example message.\n\n' +
  '\u2014 example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n'

function newKey(kind: 'ed25519' | 'ecdsa' = 'ed25519'): SigningKey {
  const { privateKey } =
    kind === 'ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return parseSigningKey(privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), 'key.pem')
}

function bytes(text: string): Uint8Array {
  return Buffer.from(text)
}

const signer = noteSigner('example.com/audit', newKey())
const other = noteSigner('example.com/other', newKey())

function withSignatures(text: string, signers: readonly NoteSigner[]): SignedNote {
  return { text, signatures: signers.flatMap((one) => [...signNote(text, one).signatures]) }
}

describe('a signed note', () => {
  it('is verified like the example of the specification', () => {
    const verifier = parseVkey(exampleKey, 'key')
    expect(openNote(bytes(exampleNote), [verifier], 'note')).toBe('This is an example message.\n')
    expect(formatNote(parseNote(bytes(exampleNote), 'note'))).toBe(exampleNote)
    expect(formatVkey(verifier)).toBe(exampleKey)
  })

  it('is parsed to its text, whatever it contains', () => {
    const line = fc.string({ unit: 'grapheme' }).filter((s) => !/[\p{Cc}\n]/u.test(s) && s.isWellFormed())
    fc.assert(
      fc.property(fc.array(line, { minLength: 1, maxLength: 6 }), (lines) => {
        const text = `${lines.join('\n')}\n`
        const note = withSignatures(text, [signer, other])
        const written = bytes(formatNote(note))
        expect(parseNote(written, 'note')).toEqual(note)
        expect(openNote(written, [verifierOf(signer)], 'note')).toBe(text)
      }),
    )
  })

  it('is refused if any bit is flipped', () => {
    const written = bytes(formatNote(signNote('origin\n12\nroot\n', signer)))
    const verifier = verifierOf(signer)
    for (let bit = 0; bit < written.byteLength * 8; bit++) {
      const flipped = Uint8Array.from(written)
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      expect(() => openNote(flipped, [verifier], 'note')).toThrow(/note/)
    }
  })

  it('is accepted with one known signature among 16', () => {
    const strangers = Array.from({ length: 15 }, () => noteSigner('x', newKey()))
    const note = withSignatures('text\n', [...strangers, signer])
    expect(note.signatures).toHaveLength(16)
    expect(openNote(bytes(formatNote(note)), [verifierOf(signer)], 'note')).toBe('text\n')
  })

  it('is refused if a known key signed another text, though another known key matches', () => {
    const note = {
      text: 'text\n',
      signatures: [signNote('another\n', other), signNote('text\n', signer)].flatMap((one) => [
        ...one.signatures,
      ]),
    }
    const written = bytes(formatNote(note))
    expect(openNote(written, [verifierOf(signer)], 'note')).toBe('text\n')
    expect(() => openNote(written, [verifierOf(signer), verifierOf(other)], 'note')).toThrow(
      expect.objectContaining({ code: 'corrupt' }),
    )
  })

  it('is refused if none of the keys signed it, with the names of the signers', () => {
    const written = bytes(formatNote(signNote('text\n', signer)))
    expect(() => openNote(written, [verifierOf(other)], 'note')).toThrow(
      expect.objectContaining({ code: 'refused', why: expect.stringContaining('example.com/audit') }),
    )
    expect(() => openNote(written, [], 'note')).toThrow(expect.objectContaining({ code: 'refused' }))
  })

  it('of a key with the same name and another id is by another key', () => {
    const sameName = noteSigner(signer.name, newKey())
    const written = bytes(formatNote(signNote('text\n', sameName)))
    expect(() => openNote(written, [verifierOf(signer)], 'note')).toThrow(
      expect.objectContaining({ code: 'refused' }),
    )
  })

  const line = exampleNote.split('\n')[2] ?? ''
  it.each([
    ['no signature', 'text\n\n'],
    ['no empty line', `text\n${line}\n`],
    ['no newline at its end', `text\n\n${line}`],
    ['a carriage return', `text\r\n\n${line}\n`],
    ['a control character', `te\u0007xt\n\n${line}\n`],
    ['a hyphen for the dash', `text\n\n${line.replace('\u2014', '-')}\n`],
    ['two spaces', `text\n\n${line.replace(' ', '  ')}\n`],
    ['a plus in the name', `text\n\n${line.replace('foo', 'f+o')}\n`],
    ['a no-break space in the name', `text\n\n${line.replace('foo', 'f\u00a0o')}\n`],
    ['more behind the signature', `text\n\n${line} x\n`],
    ['base64 without padding', `text\n\n${line.replace('=', '')}\n`],
    ['base64 with spare bits', `text\n\n${line.replace('QM=', 'QN=')}\n`],
    ['a signature of the id alone', `text\n\n\u2014 name Uw2QOg==\n`],
    ['65 signatures', `text\n\n${`${line}\n`.repeat(65)}`],
    ['more than a mebibyte', `${'x'.repeat(1024 * 1024)}\n\n${line}\n`],
  ])('is malformed with %s', (_name, text) => {
    expect(() => parseNote(bytes(text), 'note')).toThrow(expect.objectContaining({ code: 'malformed' }))
  })

  it('is malformed if it is not UTF-8', () => {
    const invalid = Buffer.concat([Buffer.of(0xff), bytes(exampleNote)])
    expect(() => parseNote(invalid, 'note')).toThrow(expect.objectContaining({ code: 'malformed' }))
  })

  it('keeps a byte order mark and empty lines in its text', () => {
    const text = '\ufeffone\n\n\ntwo\n'
    const written = bytes(formatNote(signNote(text, signer)))
    expect(openNote(written, [verifierOf(signer)], 'note')).toBe(text)
  })
})

describe('a verifier key', () => {
  it('is parsed from its text and from PEM', () => {
    const verifier = verifierOf(signer)
    const fromText = readNoteVerifier(`${formatVkey(verifier)}\n`, 'ignored', 'key.vkey')
    const fromPem = readNoteVerifier(signer.key.publicKeyPem, signer.name, 'key.pub')
    for (const read of [fromText, fromPem]) {
      expect(read).toMatchObject({ name: signer.name, id: signer.id })
      expect(read.key.publicKeyPem).toBe(signer.key.publicKeyPem)
    }
  })

  it.each([
    ['empty', ''],
    ['another id', exampleKey.replace('530d903a', '530d903b')],
    ['another name', exampleKey.replace('foo', 'fo')],
    ['upper-case hex', exampleKey.replace('530d903a', '530D903A')],
    ['a short key', exampleKey.slice(0, -4)],
    ['another type', exampleKey.replace('+Aek', '+Bek')],
    ['no name', exampleKey.replace('example.com/foo', '')],
    ['text behind it', `${exampleKey}\nmore`],
  ])('is refused: %s', (_name, text) => {
    expect(() => parseVkey(text, 'key')).toThrow(expect.objectContaining({ code: 'config', subject: 'key' }))
  })

  it('cannot be an ECDSA key or have a name with spaces', () => {
    expect(() => noteSigner('example.com/audit', newKey('ecdsa'))).toThrow(
      expect.objectContaining({ code: 'config' }),
    )
    expect(() => noteSigner('my log', signer.key)).toThrow(expect.objectContaining({ code: 'config' }))
  })

  it('has a name without spaces, pluses and control characters', () => {
    expect(['a', 'example.com/x', 'à-la'].filter(isKeyName)).toHaveLength(3)
    expect(
      ['', ' ', 'a b', 'a+b', 'a\u2003b', 'a\nb', 'a\u0000', '\u0085', '\ud800'].filter(isKeyName),
    ).toEqual([])
  })
})
