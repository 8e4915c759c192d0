import { hash } from 'node:crypto'
import { DrayError } from '../lib/errors.ts'
import { decodeBase64 } from './base64.ts'
import {
  ed25519Bytes,
  ed25519Key,
  parseVerifyKey,
  publicHalf,
  type SigningKey,
  type VerifyKey,
} from './signing-keys.ts'

/** Ed25519 over the text of a note (C2SP signed-note, Signature types). */
const ed25519Type = 0x01
const maxNameLength = 256

/** Identifies a key: a name and the first four bytes of a hash of name and key, as hex. */
export interface NoteKeyId {
  readonly name: string
  readonly id: string
}

export interface NoteSigner extends NoteKeyId {
  readonly key: SigningKey
}

export interface NoteVerifier extends NoteKeyId {
  readonly key: VerifyKey
}

/** Whether this can be the name of a key: not empty, no space, no plus, no control character. */
export function isKeyName(name: string): boolean {
  return (
    name.length > 0 &&
    name.length <= maxNameLength &&
    name.isWellFormed() &&
    // oxlint-disable-next-line no-control-regex -- they are what is refused
    !/[\p{White_Space}+\u0000-\u001f]/u.test(name)
  )
}

/** A signer of notes. @throws `config` for an invalid name or a key that is not Ed25519. */
export function noteSigner(name: string, key: SigningKey): NoteSigner {
  return { name, id: keyId(name, key), key }
}

/** The public half of a signer. */
export function verifierOf(signer: NoteSigner): NoteVerifier {
  return { name: signer.name, id: signer.id, key: publicHalf(signer.key) }
}

/**
 * Parses the public key of a signer: a verifier key, which contains its name, or PEM, which gets
 * `name`. `subject` says where the text is from. @throws `config`.
 */
export function readNoteVerifier(text: string, name: string, subject: string): NoteVerifier {
  if (!text.includes('-----BEGIN ')) return parseVkey(text.trim(), subject)
  const key = parseVerifyKey(text, subject)
  return { name, id: keyId(name, key, subject), key }
}

/** Parses `<name>+<hex of id>+<base64 of type and key>` (C2SP signed-note). @throws `config`. */
export function parseVkey(text: string, subject: string): NoteVerifier {
  // Base64 contains pluses too. Only the first two separate.
  const [, name, id, encoded] = /^([^+]*)\+([0-9a-f]{8})\+(.*)$/su.exec(text) ?? []
  const bytes = encoded === undefined ? undefined : decodeBase64(encoded)
  if (name === undefined || id === undefined || bytes === undefined || !isKeyName(name)) {
    throw new DrayError('config', 'the key is not a verifier key', {
      subject,
      hint: 'Use a verifier key such as example.com/log+530d903a+AekyeRrm…, or PEM that begins with -----BEGIN PUBLIC KEY-----.',
    })
  }
  if (bytes[0] !== ed25519Type) {
    throw new DrayError('config', 'the verifier key has an unsupported type', {
      subject,
      hint: 'Use an Ed25519 key.',
    })
  }
  const key = ed25519Key(bytes.subarray(1), subject)
  if (keyId(name, key, subject) !== id) {
    throw new DrayError('config', 'the verifier key is invalid: its id does not match its name and key', {
      subject,
    })
  }
  return { name, id, key }
}

/** Formats a verifier key, which the owner of a log publishes for verification. */
export function formatVkey(verifier: NoteVerifier): string {
  const encoded = Buffer.concat([Buffer.of(ed25519Type), rawKey(verifier.key, verifier.name)]).toString(
    'base64',
  )
  return `${verifier.name}+${verifier.id}+${encoded}`
}

/** SHA-256 of name, newline, type and key: its first four bytes as hex. */
function keyId(name: string, key: SigningKey | VerifyKey, subject: string = name): string {
  if (!isKeyName(name)) {
    throw new DrayError('config', `${JSON.stringify(name.slice(0, 200))} is not a valid key name`, {
      subject,
      hint: 'Use a name without spaces and "+", such as example.com/audit.',
    })
  }
  const hashed = Buffer.concat([Buffer.from(`${name}\n`), Buffer.of(ed25519Type), rawKey(key, subject)])
  return hash('sha256', hashed, 'hex').slice(0, 8)
}

function rawKey(key: SigningKey | VerifyKey, subject: string): Buffer {
  const raw = ed25519Bytes(key)
  if (raw === undefined) {
    throw new DrayError('config', 'checkpoints are signed with Ed25519, and this key is ECDSA', {
      subject,
      hint: 'Create an Ed25519 key: openssl genpkey -algorithm ed25519.',
    })
  }
  return raw
}
