import { DrayError } from '../lib/errors.ts'
import { decodeBase64 } from './base64.ts'
import { isKeyName, type NoteKeyId, type NoteSigner, type NoteVerifier } from './note-keys.ts'

/** The specification demands at least 16 signatures of up to 5 kB. */
const maxNoteSize = 1024 * 1024
const maxSignatures = 64
/** The key id of four bytes and at least one byte of signature. */
const minSignatureSize = 5

interface NoteSignature extends NoteKeyId {
  readonly signature: Buffer
}

/**
 * Text, ending in a newline, with signatures (C2SP signed-note). Trust it only after `openNote`.
 */
export interface SignedNote {
  readonly text: string
  readonly signatures: readonly NoteSignature[]
}

/** Signs a text, which ends in a newline. @throws `internal` for text that no note can have. */
export function signNote(text: string, signer: NoteSigner): SignedNote {
  const complaint = textComplaint(text)
  if (complaint !== undefined) throw new DrayError('internal', `a note's text ${complaint}`)
  const signature = signer.key.sign(Buffer.from(text))
  return { text, signatures: [{ name: signer.name, id: signer.id, signature }] }
}

export function formatNote(note: SignedNote): string {
  const lines = note.signatures.map(({ name, id, signature }) => {
    const bytes = Buffer.concat([Buffer.from(id, 'hex'), signature])
    return `\u2014 ${name} ${bytes.toString('base64')}\n`
  })
  return `${note.text}\n${lines.join('')}`
}

/** Parses a note without verifying it. @throws `malformed`, naming `where`. */
export function parseNote(bytes: Uint8Array, where: string): SignedNote {
  if (bytes.byteLength > maxNoteSize) throw malformed(where, `is larger than ${maxNoteSize} bytes`)
  const whole = decodeUtf8(bytes, where)
  // The last empty line separates. The text may contain others.
  const end = whole.lastIndexOf('\n\n')
  if (end === -1) throw malformed(where, 'has no empty line before its signatures')
  const text = whole.slice(0, end + 1)
  const complaint = textComplaint(whole)
  if (complaint !== undefined) throw malformed(where, complaint)
  const lines = whole.slice(end + 2, -1).split('\n')
  if (lines.length > maxSignatures) throw malformed(where, `has more than ${maxSignatures} signatures`)
  return { text, signatures: lines.map((line) => parseSignature(line, where)) }
}

/**
 * Parses and verifies a note: at least one of the keys signed it, and none of their signatures is
 * wrong. Ignores signatures of other keys. @throws `malformed`; `corrupt` for a wrong signature;
 * `refused` if none of the keys signed it.
 */
export function openNote(bytes: Uint8Array, verifiers: readonly NoteVerifier[], where: string): string {
  const note = parseNote(bytes, where)
  const signed = Buffer.from(note.text)
  let isSigned = false
  for (const { name, id, signature } of note.signatures) {
    const known = verifiers.filter((v) => v.name === name && v.id === id)
    if (known.length === 0) continue
    // Two keys may share a name and id of four bytes. One of them must match.
    if (!known.some(({ key }) => key.verify(signed, signature))) {
      throw new DrayError('corrupt', `the signature of ${name} does not match ${where}`, { subject: where })
    }
    isSigned = true
  }
  if (!isSigned) throw unknownSigners(note, where)
  return note.text
}

function unknownSigners(note: SignedNote, where: string): DrayError {
  const names = note.signatures.map(({ name, id }) => `${name} (${id})`)
  return new DrayError('refused', `${where} has no signature of the given keys`, {
    subject: where,
    why: `it is signed by ${names.slice(0, 5).join(', ')}`,
    hint: 'Pass the public key of the signer.',
  })
}

function parseSignature(line: string, where: string): NoteSignature {
  const [dash, name, encoded, ...rest] = line.split(' ')
  const bytes = encoded === undefined ? undefined : decodeBase64(encoded)
  if (dash !== '\u2014' || name === undefined || !isKeyName(name) || bytes === undefined || rest.length > 0) {
    throw malformed(where, 'has a line after its text that is not a signature')
  }
  if (bytes.byteLength < minSignatureSize) throw malformed(where, 'has a signature that is too short')
  return { name, id: bytes.toString('hex', 0, 4), signature: bytes.subarray(4) }
}

function decodeUtf8(bytes: Uint8Array, where: string): string {
  try {
    // Keep a byte order mark, because the signature covers it.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw malformed(where, 'is not valid UTF-8')
  }
}

function textComplaint(text: string): string | undefined {
  if (!text.endsWith('\n')) return 'does not end in a newline'
  if (!text.isWellFormed()) return 'is not valid Unicode'
  // oxlint-disable-next-line no-control-regex -- they are what is refused
  if (/[\u0000-\u0009\u000b-\u001f]/.test(text)) return 'has control characters'
  return undefined
}

function malformed(where: string, what: string): DrayError {
  return new DrayError('malformed', `${where} is not a signed note: it ${what}`, { subject: where })
}
