import type { PublicKey } from '../dsse.ts'

/** Who may sign, loaded from `dray.yaml`. Of an approver, `name` is `GROUP/PERSON`. */
export interface TrustedSigner {
  readonly name: string
  /** of one signer, for rotation */
  readonly keys: readonly TrustedKey[]
  readonly keyless?: KeylessTrust
}

export interface TrustedKey extends PublicKey {
  /** `sha256:` and hex of the SubjectPublicKeyInfo in DER */
  readonly fingerprint: string
  /** when the key stops to count, milliseconds since 1970; undefined: never */
  readonly expiresAt?: number
  /** for messages */
  readonly file: string
}

/** A certificate identity, and the roots that it is verified against. */
export interface KeylessTrust {
  /** exact */
  readonly issuer: string
  readonly subject?: string
  readonly subjectRegExp?: string
  readonly claims: Readonly<Record<string, string>>
  readonly transparencyLog: 'required' | 'none'
  /** each document is tried alone */
  readonly roots: readonly TrustedRootDocument[]
  /** for messages */
  readonly file: string
}

/** One document of a `trusted_root.json` or one line of a `.jsonl` file. */
export interface TrustedRootDocument {
  /** parsed JSON; `@sigstore/verify` reads it when it is first needed */
  readonly json: unknown
}
