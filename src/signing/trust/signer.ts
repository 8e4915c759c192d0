import type { X509Certificate } from 'node:crypto'
import type { LinearRegExp } from '../../lib/linear-regexp.ts'
import type { Digest } from '../../oci/digest.ts'
import type { PublicKey } from '../dsse.ts'
import type { ClaimName } from '../keyless/fulcio-claims.ts'

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
  /** a glob (`*` stops at `/`, `**` does not) with a literal `{image}` */
  readonly subject?: string
  readonly subjectRegExp?: LinearRegExp
  /** exact */
  readonly claims: Readonly<Partial<Record<ClaimName, string>>>
  readonly transparencyLog: TransparencyLog
  /** each document is tried alone */
  readonly roots: readonly TrustedRootDocument[]
  /** for messages */
  readonly file: string
}

/** `none`: a signed timestamp replaces log entry and SCT. */
export type TransparencyLog = 'required' | 'none'

/** One document of a `trusted_root.json` or one line of a `.jsonl` file. */
export interface TrustedRootDocument {
  /** parsed JSON; `@sigstore/verify` reads it when it is first needed */
  readonly json: unknown
  /** of its text */
  readonly digest: Digest
  /** the certificates of its CAs, for messages */
  readonly authorities: readonly X509Certificate[]
}

/** The settings of a signer in `dray.yaml`. Files are absolute paths. */
export interface SignerSource {
  readonly keys: readonly {
    readonly file: string
    /** `2026-06-30`: valid through that day in UTC */
    readonly expires?: string
  }[]
  readonly keyless?: {
    readonly issuer: string
    readonly subject?: string
    readonly subjectRegExp?: string
    readonly claims: Readonly<Record<string, string>>
    readonly trustedRoot: string
    readonly transparencyLog: TransparencyLog
  }
}

/** A signer with the digests of its files. */
export interface LoadedSigner extends TrustedSigner {
  /** of the bytes of each key and root, in the order of `dray.yaml` */
  readonly bytes: readonly Digest[]
}
