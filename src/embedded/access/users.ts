import { createHash, timingSafeEqual } from 'node:crypto'
import { DrayError } from '../../lib/errors.ts'

/** The password of each user, or its hash as in an htpasswd file. */
export type Users = Readonly<Record<string, string>>

/**
 * Parses an htpasswd file: `user:{SHA}…` (`htpasswd -s`) and `user:password` (`htpasswd -p`).
 * bcrypt and Apache's MD5 are not supported, because Node has neither. @throws `config` for any
 * other line, with its number.
 */
export function parseHtpasswd(text: string): Users {
  const users: Record<string, string> = {}
  for (const [i, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue
    const colon = line.indexOf(':')
    const password = line.slice(colon + 1)
    if (colon < 1 || /^\$(?:2[abxy]?|apr1|[156])\$/.test(password)) {
      throw new DrayError('config', `cannot use line ${i + 1} of the htpasswd file`, {
        why: colon < 1 ? 'It is not user:password.' : 'bcrypt, MD5 and crypt hashes are not supported.',
        hint: 'Create the line with `htpasswd -s`.',
      })
    }
    users[line.slice(0, colon)] = password
  }
  return users
}

/** The user of an `Authorization: Basic` header (RFC 7617), or undefined for wrong credentials. */
export function userOfBasic(header: string, users: Users): string | undefined {
  const match = /^basic\s+([A-Za-z0-9+/=]+)\s*$/i.exec(header)
  const text = Buffer.from(match?.[1] ?? '', 'base64').toString()
  const colon = text.indexOf(':')
  if (colon < 0) return undefined
  const user = text.slice(0, colon)
  return hasPassword(users, user, text.slice(colon + 1)) ? user : undefined
}

export function hasPassword(users: Users, user: string, password: string): boolean {
  const known = Object.hasOwn(users, user) ? users[user] : undefined
  if (known === undefined) return false
  const given = known.startsWith('{SHA}')
    ? `{SHA}${createHash('sha1').update(password).digest('base64')}`
    : password
  return timingSafeEqual(sha256(known), sha256(given))
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
