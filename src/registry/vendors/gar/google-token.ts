import { createPrivateKey, sign } from 'node:crypto'
import type { Call } from '../../../lib/call.ts'
import { DrayError } from '../../../lib/errors.ts'
import { isRecord, parseJson } from '../../../oci/json.ts'
import type { VendorApi, VendorSecret } from '../vendor-api.ts'

/** The service that accepts the token (google.aip.dev/auth/4111, Self-signed JWT). */
const audience = 'https://artifactregistry.googleapis.com/'

/** Google accepts an hour. A token is replaced before its end. */
const lifetimeSeconds = 3600
const renewalSeconds = 300

/** The parts of the key file of a service account that a signature needs. */
interface ServiceAccountKey {
  readonly email: string
  readonly keyId: string
  readonly privateKey: string
}

/**
 * The tokens for Google's API: the OAuth token that a credential helper of docker gives as the
 * password, or a token that is signed with the key of a service account, which is the password of
 * `_json_key` and `_json_key_base64`
 * (cloud.google.com/artifact-registry/docs/docker/authentication).
 */
export class GoogleTokens {
  readonly #api: VendorApi
  readonly #signed = new Map<string, { readonly token: string; readonly expiresAt: number }>()

  constructor(api: VendorApi) {
    this.#api = api
  }

  /**
   * Returns the value of `Authorization`; undefined: dray has no credentials.
   * @throws `config` for a key that cannot be used, and what finding the secret throws.
   */
  async authorization(path: string, call: Call): Promise<string | undefined> {
    const found = await this.#api.secret(path, call)
    if (found === undefined) return undefined
    const key = keyOf(found, this.#api.registry)
    return `Bearer ${key === undefined ? found.secret : this.#tokenOf(key)}`
  }

  #tokenOf(key: ServiceAccountKey): string {
    const now = Math.floor(this.#api.clock.now() / 1000)
    const known = this.#signed.get(key.keyId)
    if (known !== undefined && now < known.expiresAt - renewalSeconds) return known.token
    const expiresAt = now + lifetimeSeconds
    const token = signedToken(key, now, expiresAt, this.#api.registry)
    this.#api.keepSecret(token)
    this.#signed.set(key.keyId, { token, expiresAt })
    return token
  }
}

/** RFC 7515 and 7519, with RS256. */
function signedToken(
  { email, keyId, privateKey }: ServiceAccountKey,
  iat: number,
  exp: number,
  registry: string,
): string {
  const header = { alg: 'RS256', typ: 'JWT', kid: keyId }
  const claims = { iss: email, sub: email, aud: audience, iat, exp }
  const text = [header, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.')
  try {
    const signature = sign('RSA-SHA256', Buffer.from(text), createPrivateKey(privateKey))
    return `${text}.${signature.toString('base64url')}`
  } catch {
    // The error of OpenSSL is not its cause, because it may quote the key.
    throw invalidKey(registry, 'its private key cannot be read')
  }
}

/**
 * Returns the key of a service account; undefined for an OAuth token.
 * @throws `config` if the user name promises a key that the password is not.
 */
function keyOf({ username, secret }: VendorSecret, registry: string): ServiceAccountKey | undefined {
  const isKey = username === '_json_key' || username === '_json_key_base64'
  const text = username === '_json_key' ? secret : Buffer.from(secret, 'base64').toString()
  const fields = keyFields(text)
  if (fields === undefined && isKey)
    throw invalidKey(registry, `the password of ${username} is not a key file`)
  if (fields === undefined) return undefined
  const { client_email: email, private_key_id: keyId, private_key: privateKey } = fields
  if (typeof email === 'string' && typeof keyId === 'string' && typeof privateKey === 'string')
    return { email, keyId, privateKey }
  throw invalidKey(registry, 'the key file has no client_email, private_key_id or private_key')
}

function keyFields(text: string): Record<string, unknown> | undefined {
  if (!text.trimStart().startsWith('{')) return undefined
  try {
    const value = parseJson(text, 'the key file')
    return isRecord(value) ? value : undefined
  } catch {
    return undefined
  }
}

function invalidKey(registry: string, why: string): DrayError {
  return new DrayError('config', `cannot sign a token for ${registry} with the key of the service account`, {
    subject: registry,
    why,
    hint: 'Create a key again: gcloud iam service-accounts keys create key.json --iam-account ACCOUNT',
  })
}
