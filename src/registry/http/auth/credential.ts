import type { Call } from '../../../lib/call.ts'

/** A user and a password. */
export interface BasicCredential {
  readonly kind: 'basic'
  readonly username: string
  readonly password: string
}

/** What a person or a helper gave for one registry. Never printed. */
export type Credential =
  | BasicCredential
  /** an OAuth2 refresh token (`identitytoken` in docker's file, user `<token>` of a helper) */
  | { readonly kind: 'identity'; readonly token: string }

/**
 * Looks up the credentials for a repository (`path` undefined: for the registry as such); undefined where there are none. Asked once for each path.
 * @throws `config` where the place of the credentials is broken: that is never taken for "none".
 */
export type CredentialSource = (
  registry: string,
  path: string | undefined,
  call: Call,
) => Promise<Credential | undefined>
