import { createPrivateKey, createPublicKey, verify } from 'node:crypto'
import { isRecord, parseJson } from '../../../oci/json.ts'
import type { AccessControl } from '../../access/permissions.ts'
import { hasPassword } from '../../access/users.ts'

/** The audience of a self-signed token (google.aip.dev/auth/4111). */
const audience = 'https://artifactregistry.googleapis.com/'

/**
 * Returns the user of a bearer token: an access token, which is the password of a user, or a token
 * that a service account signed with its key, which is the password of `_json_key`.
 */
export function googleUser(
  { options: { users }, clock }: AccessControl,
  authorization: string | undefined,
): string | undefined {
  const token = /^bearer\s+(\S+)$/i.exec(authorization ?? '')?.[1]
  if (token === undefined) return undefined
  const names = Object.keys(users)
  return (
    names.find((name) => !isKeyUser(name) && hasPassword(users, name, token)) ??
    names.find((name) => isKeyUser(name) && isSigned(token, keyOf(name, users[name] ?? ''), clock.now()))
  )
}

function isKeyUser(name: string): boolean {
  return name === '_json_key' || name === '_json_key_base64'
}

function keyOf(name: string, password: string): string {
  return name === '_json_key_base64' ? Buffer.from(password, 'base64').toString() : password
}

function isSigned(token: string, serviceAccountKey: string, now: number): boolean {
  const [header = '', claims = '', signature = ''] = token.split('.')
  const key = parsed(serviceAccountKey)
  const { kid, alg } = parsed(Buffer.from(header, 'base64url').toString())
  const { iss, sub, aud, iat, exp } = parsed(Buffer.from(claims, 'base64url').toString())
  const { private_key: pem, private_key_id: id, client_email: email } = key
  if (typeof pem !== 'string' || alg !== 'RS256' || kid !== id) return false
  if (iss !== email || sub !== email || aud !== audience) return false
  if (typeof iat !== 'number' || typeof exp !== 'number' || exp - iat > 3600) return false
  if (now < (iat - 300) * 1000 || now >= exp * 1000) return false
  const publicKey = createPublicKey(createPrivateKey(pem))
  const signed = Buffer.from(`${header}.${claims}`)
  return verify('RSA-SHA256', signed, publicKey, Buffer.from(signature, 'base64url'))
}

function parsed(text: string): Record<string, unknown> {
  try {
    const value = parseJson(text, 'the token')
    return isRecord(value) ? value : {}
  } catch {
    return {}
  }
}
