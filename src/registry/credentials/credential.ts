import type { Call } from '../../lib/call.ts'

/** What was found for a registry. Never printed. Structurally the type that `http/` declares, which this room does not import. */
export type Credential =
  | { readonly kind: 'basic'; readonly username: string; readonly password: string }
  | { readonly kind: 'identity'; readonly token: string }

/** For a repository (`path` undefined: for the registry as such). */
export type CredentialSource = (
  registry: string,
  path: string | undefined,
  call: Call,
) => Promise<Credential | undefined>

/** The user name that says "the password is a refresh token" (docker-credential-helpers, client). */
const tokenUser = '<token>'

export function credentialOf(username: string, password: string): Credential {
  return username === tokenUser
    ? { kind: 'identity', token: password }
    : { kind: 'basic', username, password }
}

/** The two words that a helper keeps. */
export function helperPair(credential: Credential): { readonly username: string; readonly secret: string } {
  return credential.kind === 'identity'
    ? { username: tokenUser, secret: credential.token }
    : { username: credential.username, secret: credential.password }
}
