import type { Call } from '../call.ts'

/** What a person or a helper gave for one registry. Never printed. */
export type Credential =
  | { readonly kind: 'basic'; readonly username: string; readonly password: string }
  /** an OAuth2 refresh token (`identitytoken` in docker's file, user `<token>` of a helper) */
  | { readonly kind: 'identity'; readonly token: string }

/** Looks up the credentials of a registry; undefined where there are none. @throws `config` where the place of the credentials is broken. */
export type CredentialSource = (registry: string, call: Call) => Promise<Credential | undefined>
