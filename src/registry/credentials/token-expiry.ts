import type { Credential } from '../credential.ts'
import { isRecord } from '../../oci/json.ts'

/** The last time that a Date can have, in milliseconds. */
export const maxTime = 8.64e15

/**
 * Returns when a password or refresh token expires, in milliseconds since 1970, if it is a JSON Web
 * Token with that claim (RFC 7519, 4.1.4). The signature is not checked: the registry does that.
 */
export function expiryOf(credential: Credential): number | undefined {
  const secret = credential.kind === 'identity' ? credential.token : credential.password
  const [header, payload = '', signature, ...rest] = secret.split('.')
  if (header === undefined || signature === undefined || rest.length > 0) return undefined
  const exp = claimsIn(payload)?.['exp']
  if (typeof exp !== 'number' || exp <= 0 || exp * 1000 > maxTime) return undefined
  return exp * 1000
}

function claimsIn(payload: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'))
    return isRecord(claims) ? claims : undefined
  } catch {
    return undefined
  }
}
