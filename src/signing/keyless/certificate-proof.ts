import type { X509Certificate } from 'node:crypto'

/** The certificate of a signature with what proves when it was used. Not trusted. */
export interface CertificateProof {
  readonly certificate: X509Certificate
  /** of the bundle: its version decides what a log entry must contain */
  readonly mediaType: string
  /** `verificationMaterial` of a sigstore bundle as JSON (sigstore_bundle.proto) */
  readonly material: Readonly<Record<string, unknown>>
}
