import type { Digest } from '../../oci/digest.ts'
import type { TrustedSigner } from './signer.ts'

/** The input of a check of signatures besides their bytes. */
export interface VerifyContext {
  readonly signers: readonly TrustedSigner[]
  /** the image name that replaces `{image}` in a subject */
  readonly image: string
  /** milliseconds since 1970 */
  readonly now: number
}

/** A signature that was verified, with the signer of `dray.yaml` that made it. */
export interface VerifiedSigner {
  /** the name of the signer */
  readonly signer: string
  readonly identity: SignerIdentity
  /** the verified time of a keyless signature, milliseconds since 1970 */
  readonly time?: number
  /** when its key stops to count, milliseconds since 1970; the evaluation of gates adds it */
  readonly expiresAt?: number
}

export type SignerIdentity =
  | { readonly kind: 'key'; readonly fingerprint: string }
  | { readonly kind: 'certificate'; readonly subject: string; readonly issuer: string }

/** The signed content. It is trusted only as far as `signers` of the verdict says. */
export type SignedContent =
  | {
      /** simple signing, or a statement with the predicate type of cosign's signatures */
      readonly kind: 'signature'
      /** the digests that the signature is about */
      readonly digests: readonly Digest[]
      /** only signed ones */
      readonly annotations: Readonly<Record<string, string>>
    }
  | {
      readonly kind: 'statement'
      readonly predicateType: string
      readonly digests: readonly Digest[]
      /** parsed JSON without duplicate keys; its depth is at most 100 */
      readonly predicate: unknown
    }

/** The result of checking the signatures over one content. Checking never throws. */
export interface SignatureVerdict {
  /** undefined if it cannot be parsed; `signers` has who signed it even then */
  readonly content?: SignedContent
  /** each signer once; empty if no signature verifies for any of the signers */
  readonly signers: readonly VerifiedSigner[]
  /** why other signatures do not count, one line each */
  readonly problems: readonly string[]
}

/** Formats an identity for results: `sha256:…`, or `SUBJECT (ISSUER)`. */
export function formatIdentity(identity: SignerIdentity): string {
  return identity.kind === 'key' ? identity.fingerprint : `${identity.subject} (${identity.issuer})`
}
