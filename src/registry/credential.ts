import type { Call } from '../lib/call.ts'

/** A user and a password. */
export interface BasicCredential {
  readonly kind: 'basic'
  readonly username: string
  readonly password: string
}

/** An OAuth2 refresh token: `identitytoken` in docker's file, user `<token>` of a helper. */
interface IdentityCredential {
  readonly kind: 'identity'
  readonly token: string
}

/** Credentials of one registry or repository. Never printed. */
export type Credential = BasicCredential | IdentityCredential

/**
 * Finds the credentials of a repository, or of the registry if `path` is undefined. Returns
 * undefined if there are none. Called once for each path, and with `isAgain` after the registry
 * refused what it accepted before: files are read and helpers run again then.
 * @throws `config` if a source is broken: that never counts as "none".
 */
export type CredentialSource = (
  registry: string,
  path: string | undefined,
  call: Call,
  isAgain?: boolean,
) => Promise<Credential | undefined>

/** The user name that marks the password as a refresh token (docker-credential-helpers, client). */
const tokenUser = '<token>'

export function credentialOf(username: string, password: string): Credential {
  return username === tokenUser
    ? { kind: 'identity', token: password }
    : { kind: 'basic', username, password }
}

/** User name and secret, as a credential helper stores them. */
export function helperPair(credential: Credential): { readonly username: string; readonly secret: string } {
  return credential.kind === 'identity'
    ? { username: tokenUser, secret: credential.token }
    : { username: credential.username, secret: credential.password }
}
