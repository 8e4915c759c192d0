import type { Content, Descriptor } from '../images.ts'
import type { TestSigner } from './test-signer.ts'

/** Signed bytes of attached artifacts, made with `node:crypto` and without code of `src/`. */

export const payloadTypes = {
  statement: 'application/vnd.in-toto+json',
  bundle: 'application/vnd.dev.sigstore.bundle.v0.3+json',
  simpleSigning: 'application/vnd.dev.cosign.simplesigning.v1+json',
  dsse: 'application/vnd.dsse.envelope.v1+json',
} as const

/** The predicate type of the signatures of cosign 3. */
export const signaturePredicate = 'https://sigstore.dev/cosign/sign/v1'

/** An image or one of its manifests. */
export type Subject = Content | Descriptor | string

export function digestOfSubject(subject: Subject): string {
  if (typeof subject === 'string') return subject
  return 'root' in subject ? subject.root.digest : subject.digest
}

export interface StatementOptions {
  /** of the in-toto specification; `v1` by default */
  readonly version?: 'v0.1' | 'v1'
  /** annotations of the subject */
  readonly annotations?: Readonly<Record<string, string>>
  /** the subjects that the statement names instead of the one that it is attached to */
  readonly about?: readonly Subject[]
}

/** An in-toto statement as JSON text. */
export function statementText(
  subject: Subject,
  predicateType: string,
  predicate: unknown,
  { version = 'v1', annotations, about = [subject] }: StatementOptions = {},
): string {
  const subjects = about.map((one) => {
    const [algorithm = '', hex = ''] = digestOfSubject(one).split(':')
    return { name: '', digest: { [algorithm]: hex }, ...(annotations !== undefined && { annotations }) }
  })
  const type = `https://in-toto.io/Statement/${version}`
  return JSON.stringify({ _type: type, predicateType, subject: subjects, predicate })
}

/** A DSSE envelope over text; with several signers, several signatures. */
export function envelopeText(text: string, signers: readonly TestSigner[]): string {
  const payload = Buffer.from(text)
  const type = payloadTypes.statement
  const signed = Buffer.concat([Buffer.from(`DSSEv1 ${type.length} ${type} ${payload.byteLength} `), payload])
  return JSON.stringify({
    payload: payload.toString('base64'),
    payloadType: type,
    signatures: signers.map((signer) => ({ sig: signer.sign(signed).toString('base64') })),
  })
}

/** A sigstore bundle v0.3 over text, signed by a key. */
export function bundleText(text: string, signer: TestSigner): string {
  const der = Buffer.from(signer.fingerprint.slice('sha256:'.length), 'hex')
  return JSON.stringify({
    mediaType: payloadTypes.bundle,
    verificationMaterial: { publicKey: { hint: der.toString('base64') } },
    dsseEnvelope: JSON.parse(envelopeText(text, [signer])) as unknown,
  })
}

export interface SimpleSigningOptions {
  readonly reference?: string
  readonly type?: string
  /** signed annotations */
  readonly optional?: Readonly<Record<string, unknown>> | null
}

/** cosign's payload of a signature in simple signing. */
export function simpleSigningText(
  subject: Subject,
  { reference = 'registry.test/staging/api', type, optional = null }: SimpleSigningOptions = {},
): string {
  return JSON.stringify({
    critical: {
      identity: { 'docker-reference': reference },
      image: { 'docker-manifest-digest': digestOfSubject(subject) },
      type: type ?? 'cosign container image signature',
    },
    optional,
  })
}
