import type { VendorApi, VendorSecret } from '../vendor-api.ts'

/**
 * Returns the value of `Authorization` for an API that takes Basic (RFC 7617): of a user and a
 * password, or of `USER:PASSWORD` in the variable of `tokenEnv`. A token alone goes as Bearer.
 */
export function basicOrBearer(
  { username, secret }: VendorSecret,
  { keepSecret }: Pick<VendorApi, 'keepSecret'>,
): string {
  const colon = secret.indexOf(':')
  if (username === undefined && colon < 0) return `Bearer ${secret}`
  if (username === undefined) keepSecret(secret.slice(colon + 1))
  const pair = username === undefined ? secret : `${username}:${secret}`
  return `Basic ${Buffer.from(pair).toString('base64')}`
}
