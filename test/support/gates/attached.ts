import { type Content, type Descriptor, manifestOf, sha256, types } from '../images.ts'
import {
  bundleText,
  digestOfSubject,
  envelopeText,
  payloadTypes,
  signaturePredicate,
  type SimpleSigningOptions,
  simpleSigningText,
  type StatementOptions,
  statementText,
  type Subject,
} from './statements.ts'
import type { TestSigner } from './test-signer.ts'

/**
 * Attached artifacts of a subject, each in one line: `world().index('api:1.4.2', ['amd64',
 * 'arm64']).evidence((api) => signature(api, build)).start()`.
 */

/** `bundle`: a referrer with a bundle v0.3, as cosign 3 and GitHub. `old`: cosign's tag. */
type AttachedLayout = 'bundle' | 'old'

export interface SignatureOptions extends SimpleSigningOptions {
  readonly as?: AttachedLayout
  /** signed annotations */
  readonly annotations?: Readonly<Record<string, string>>
  /** the image that the signature names instead of the one that it is attached to */
  readonly about?: Subject
}

/** A signature of the subject. */
export function signature(
  subject: Subject,
  signer: TestSigner,
  { as = 'bundle', annotations, about = subject, ...options }: SignatureOptions = {},
): Content {
  if (as === 'old') {
    const payload = simpleSigningText(about, {
      ...options,
      ...(annotations !== undefined && { optional: annotations }),
    })
    return cosignTagged(subject, 'sig', [simpleSigningLayer(payload, [signer])])
  }
  const statement = {
    ...(annotations !== undefined && { annotations }),
    about: [about],
  }
  return attestation(subject, signaturePredicate, {}, signer, statement)
}

export interface AttestationOptions extends StatementOptions {
  readonly as?: AttachedLayout
  /** as cosign 3 lists its bundles: under the type of the empty config, without annotations */
  readonly isUnlabelled?: boolean
}

/** A signed in-toto statement about the subject. */
export function attestation(
  subject: Subject,
  predicateType: string,
  predicate: unknown,
  signer: TestSigner,
  { as = 'bundle', isUnlabelled = false, ...options }: AttestationOptions = {},
): Content {
  const statement = statementText(subject, predicateType, predicate, options)
  if (as === 'old') return cosignTagged(subject, 'att', [dsseLayer(statement, predicateType, [signer])])
  return document(subject, payloadTypes.bundle, bundleText(statement, signer), {
    ...(!isUnlabelled && {
      annotations: {
        'dev.sigstore.bundle.content': 'dsse-envelope',
        'dev.sigstore.bundle.predicateType': predicateType,
      },
    }),
  })
}

/** A statement without a signature, as a referrer. */
export function unsignedStatement(
  subject: Subject,
  predicateType: string,
  predicate: unknown,
  options: StatementOptions = {},
): Content {
  const annotations = { 'in-toto.io/predicate-type': predicateType }
  const text = statementText(subject, predicateType, predicate, options)
  return document(subject, payloadTypes.statement, text, { annotations })
}

/** A signature of Notation. dray recognises it, and does not verify it. */
export function notationSignature(subject: Subject): Content {
  return document(subject, 'application/jose+json', '{"payload":"e30","signature":"AA"}', {
    artifactType: 'application/vnd.cncf.notary.signature',
    annotations: { 'io.cncf.notary.x509chain.thumbprint#S256': '[]' },
  })
}

export interface DocumentOptions {
  /** by default the media type of the layer */
  readonly artifactType?: string
  readonly annotations?: Readonly<Record<string, string>>
  /** the size of the layer that its descriptor claims */
  readonly claimedSize?: number
}

/** Any bytes as the layer of a referrer: an SBOM, a report, a damaged bundle. */
export function document(
  subject: Subject,
  mediaType: string,
  content: string | Uint8Array,
  { artifactType = mediaType, annotations, claimedSize }: DocumentOptions = {},
): Content {
  const blobs = new Map<string, Uint8Array>()
  const layer = keep(blobs, mediaType, content)
  const fields = {
    artifactType,
    config: keep(blobs, types.empty, '{}'),
    layers: [claimedSize === undefined ? layer : { ...layer, size: claimedSize }],
    subject: descriptorOf(subject),
    ...(annotations !== undefined && { annotations }),
  }
  const manifest = manifestOf(types.manifest, fields)
  return { root: manifest.descriptor, blobs, manifests: [{ ...manifest, subject: digestOfSubject(subject) }] }
}

/** A layer of a `.sig` or `.att` manifest. */
export interface CosignLayer {
  readonly mediaType: string
  readonly text: string
  readonly annotations: Readonly<Record<string, string>>
}

/** A layer of a `.sig` manifest. Of several signers only the first counts for cosign. */
export function simpleSigningLayer(payload: string, [signer]: readonly TestSigner[]): CosignLayer {
  const made = signer?.sign(Buffer.from(payload)).toString('base64') ?? ''
  return {
    mediaType: payloadTypes.simpleSigning,
    text: payload,
    annotations: { 'dev.cosignproject.cosign/signature': made },
  }
}

/** A layer of an `.att` manifest. */
function dsseLayer(statement: string, predicateType: string, signers: readonly TestSigner[]): CosignLayer {
  return {
    mediaType: payloadTypes.dsse,
    text: envelopeText(statement, signers),
    annotations: { 'dev.cosignproject.cosign/signature': '', predicateType },
  }
}

/** A manifest of cosign under `[PREFIX]sha256-….SUFFIX`, with these layers. */
export function cosignTagged(
  subject: Subject,
  suffix: 'sig' | 'att' | 'sbom',
  layers: readonly CosignLayer[],
  prefix = '',
): Content {
  const blobs = new Map<string, Uint8Array>()
  const kept = layers.map(({ mediaType, text, annotations }) => ({
    ...keep(blobs, mediaType, text),
    annotations,
  }))
  const config = keep(
    blobs,
    types.config,
    JSON.stringify({ architecture: '', os: '', config: {}, rootfs: { type: 'layers', diff_ids: [] } }),
  )
  const manifest = manifestOf(types.manifest, { config, layers: kept })
  const tag = `${prefix}${digestOfSubject(subject).replace(':', '-')}.${suffix}`
  return { root: manifest.descriptor, blobs, manifests: [{ ...manifest, tag }] }
}

/** The descriptor of an image that is named by its digest has no size that a registry compares. */
function descriptorOf(subject: Subject): Descriptor {
  if (typeof subject === 'string') return { mediaType: types.manifest, digest: subject, size: 1 }
  const { mediaType, digest, size } = 'root' in subject ? subject.root : subject
  return { mediaType, digest, size }
}

function keep(blobs: Map<string, Uint8Array>, mediaType: string, content: string | Uint8Array): Descriptor {
  const bytes = Buffer.from(content)
  const digest = sha256(bytes)
  blobs.set(digest, bytes)
  return { mediaType, digest, size: bytes.byteLength }
}
