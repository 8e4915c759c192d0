import type { Call } from '../../lib/call.ts'
import { DrayError } from '../../lib/errors.ts'
import { predicateTypeKeys } from '../../oci/annotations.ts'
import { bareDescriptor, type Descriptor } from '../../oci/descriptor.ts'
import { mediaTypes } from '../../oci/media-types.ts'
import { formatAt, formatRepository, type RepositoryName } from '../../oci/reference.ts'
import { canonicalJson } from '../../plan/canonical-json.ts'
import type { BlobWriter, ManifestContent, ManifestWriter, UnlistedReferrer } from '../../images/ports.ts'
import { signEnvelope } from '../../signing/dsse.ts'
import { bundleMediaType, formatBundle } from '../../signing/sigstore-bundle.ts'
import type { SigningKey } from '../../signing/signing-keys.ts'
import { describe, sourceOf } from '../artifact.ts'
import { digestMap, statementMediaType, statementType } from '../../signing/statement.ts'

/** in bytes: a reason of any sensible length fits */
const maxShortStatement = 64 * 1024
/** defined by cosign for bundles */
const contentAnnotation = 'dev.sigstore.bundle.content'
const [bundleTypeAnnotation, plainTypeAnnotation] = predicateTypeKeys

/** An in-toto statement to attach to its subject. It is signed if there is a key. */
export interface StatementParts {
  /** the bytes of the statement */
  readonly statement: Uint8Array
  readonly predicateType: string
  /** the manifest or index that it is about */
  readonly subject: Descriptor
  readonly key: SigningKey | undefined
  /** of the manifest, beside those that name the predicate type */
  readonly annotations: Readonly<Record<string, string>>
  /**
   * The manifest also contains the statement: the field `data` of its layer (image-spec,
   * descriptor.md). A reader of manifests then needs no further request.
   */
  readonly isEmbedded?: boolean
}

/** A manifest that refers to its subject, and its only blob. */
export interface StatementArtifact {
  /** with `artifactType` and annotations, as a list of referrers shows it */
  readonly manifest: ManifestContent
  readonly blob: { readonly descriptor: Descriptor; readonly bytes: Uint8Array }
}

/**
 * Builds a statement as a referrer: a sigstore bundle as cosign 3 does, or the plain statement if
 * there is no key. The config repeats the layer instead of the empty descriptor. That saves up to
 * three requests, and clients that take the artifact type from the config find the right one.
 */
export function statementArtifact(parts: StatementParts): StatementArtifact {
  const { statement, predicateType, subject, key, isEmbedded = false } = parts
  const bytes =
    key === undefined ? statement : formatBundle(signEnvelope(statementMediaType, statement, key), key)
  const artifactType = key === undefined ? statementMediaType : bundleMediaType
  const blob = describe(bytes, artifactType)
  const annotations = {
    ...(key === undefined
      ? { [plainTypeAnnotation]: predicateType }
      : { [contentAnnotation]: 'dsse-envelope', [bundleTypeAnnotation]: predicateType }),
    ...parts.annotations,
  }
  const manifest = new TextEncoder().encode(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: mediaTypes.manifest,
      artifactType,
      config: blob,
      layers: [isEmbedded ? { ...blob, data: Buffer.from(bytes).toString('base64') } : blob],
      subject: bareDescriptor(subject),
      annotations,
    }),
  )
  const descriptor = { ...describe(manifest, mediaTypes.manifest), artifactType, annotations }
  return { manifest: { descriptor, bytes: manifest }, blob: { descriptor: blob, bytes } }
}

/**
 * Formats a statement about an image in a repository: the same bytes for the same values.
 * @throws `refused` if it is larger than a reader of manifests accepts.
 */
export function formatStatement(
  repository: RepositoryName,
  { digest }: Descriptor,
  predicateType: string,
  predicate: object,
): Uint8Array {
  const bytes = new TextEncoder().encode(
    canonicalJson({
      _type: statementType,
      subject: [{ name: formatRepository(repository), digest: digestMap(digest) }],
      predicateType,
      predicate,
    }),
  )
  if (bytes.byteLength > maxShortStatement) {
    throw new DrayError('refused', `the statement would be larger than ${maxShortStatement} bytes`, {
      subject: formatAt(repository, { digest }),
      hint: 'Pass a shorter --reason.',
    })
  }
  return bytes
}

export interface PutStatement {
  readonly result: 'attached' | 'unchanged'
  /** the manifest of the statement, as a list of referrers shows it */
  readonly manifest: Descriptor
  /** the statement, if the caller has to list it */
  readonly unlisted: readonly UnlistedReferrer[]
}

/** Pushes a statement. Its subject must exist. @throws what the store throws. */
export async function putStatement(
  store: ManifestWriter & BlobWriter,
  { manifest, blob }: StatementArtifact,
  subject: Descriptor,
  call: Call,
): Promise<PutStatement> {
  await store.putBlob(blob.descriptor, { ...sourceOf(blob.bytes), isNew: true }, call)
  const put = await store.putManifest(manifest.descriptor, manifest.bytes, [], call)
  const { descriptor } = manifest
  const unlisted = put.subjectListed ? [] : [{ subject: subject.digest, entry: descriptor }]
  return { result: 'attached', manifest: descriptor, unlisted }
}
