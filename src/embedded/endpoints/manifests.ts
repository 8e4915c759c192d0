import type { Descriptor } from '../../oci/descriptor.ts'
import { algorithmOf, type Digest, digestOf } from '../../oci/digest.ts'
import {
  artifactTypeOf,
  blobsOf,
  childrenOf,
  type Manifest,
  maxManifestSize,
  parseManifest,
} from '../../oci/manifest.ts'
import { fallbackTag, subjectOfEvidenceTag } from '../../oci/evidence-tags.ts'
import { bareMediaType } from '../../oci/media-types.ts'
import { isTag } from '../../oci/reference.ts'
import { isDrayError } from '../../lib/errors.ts'
import { ByteBudget } from '../storage/byte-budget.ts'
import { isShown, unknownManifest } from './deletes.ts'
import { putInPlaceOfFormer } from './former-manifests.ts'
import { refusal, type RegistryCode } from '../errors.ts'
import {
  declaredLength,
  type Endpoint,
  type EndpointRequest,
  locate,
  type RegistryState,
} from '../request.ts'
import { tagOrDigestFrom } from '../names.ts'
import type { StoredManifest } from '../storage/storage.ts'

/** The specification demands at least 10 tags in one request, and allows 414 for too many. */
const maxTagsPerRequest = 100

/** Limits the manifests that are received at the same time, because each is held in memory. */
export function manifestBudget(maxBytes: number): ByteBudget {
  return new ByteBudget(maxBytes, () =>
    refusal('TOOMANYREQUESTS', 'too many manifests are being pushed at the same time'),
  )
}

/** GET and HEAD by tag or digest (distribution-spec, Pulling manifests). */
export const getManifest: Endpoint = async (request, state, repository, reference) => {
  const found = await findManifest(state, repository, reference)
  if (found === undefined) throw unknownManifest(repository, reference)
  const headers = { 'Docker-Content-Digest': found.digest, ETag: `"${found.digest}"` }
  if (request.header('if-none-match') === `"${found.digest}"`) return { status: 304, headers }
  const isChecked = state.abilities.accept === 'checked'
  if (isChecked && !isAccepted(request.header('accept'), found.mediaType)) {
    // docker's registry also answers 404 if the client does not accept the type.
    throw refusal('MANIFEST_UNKNOWN', `it is a ${found.mediaType}, which the request does not accept`)
  }
  return { status: 200, headers: { 'Content-Type': found.mediaType, ...headers }, body: found.bytes }
}

async function findManifest(
  { storage, abilities }: RegistryState,
  repository: string,
  reference: string,
): Promise<StoredManifest | undefined> {
  const at = tagOrDigestFrom(reference)
  if (at === undefined) return undefined
  if ('digest' in at) {
    if (abilities.untagged === 'hidden' && !(await isShown({ storage }, repository, at.digest)))
      return undefined
    return await storage.manifest(repository, at.digest)
  }
  const subject = abilities.fallbackTag === 'its subject' ? subjectOfEvidenceTag(at.tag) : undefined
  const isFallback = subject !== undefined && at.tag === fallbackTag(subject)
  const digest = (await storage.tag(repository, at.tag)) ?? (isFallback ? subject : undefined)
  return digest === undefined ? undefined : await storage.manifest(repository, digest)
}

/** PUT by tag or digest (distribution-spec, Pushing manifests). */
export const putManifest: Endpoint = async (request, state, repository, reference) => {
  const at = tagOrDigestFrom(reference)
  if (at === undefined) throw refusal('MANIFEST_INVALID', 'neither a tag nor a digest')
  const tags = 'tag' in at ? [at.tag] : moreTags(request, state)
  const bytes = await readManifest(request, state)
  if ('digest' in at && algorithmOf(at.digest) === 'sha512' && !state.abilities.sha512Manifests) {
    throw refusal('DIGEST_INVALID', 'this registry stores manifests by their sha256 digest')
  }
  const digest = digestOf(bytes, 'tag' in at ? 'sha256' : algorithmOf(at.digest))
  if ('digest' in at && at.digest !== digest) {
    throw refusal(state.abilities.refusedManifest.digest, `the manifest is ${digest}, not ${at.digest}`)
  }
  const manifest = parsed(request, bytes)
  if (manifest.kind === 'artifact' && !state.abilities.artifactManifests)
    throw refusal('MANIFEST_INVALID', `${manifest.mediaType} is not supported`)
  await checkContent(state, repository, manifest)
  await store(state, repository, stored(manifest, digest, bytes), tags)
  return {
    status: 201,
    headers: {
      Location: locate(request, state, `/v2/${repository}/manifests/${digest}`),
      'Docker-Content-Digest': digest,
      ...('digest' in at && tags.length > 0 && { 'OCI-Tag': tags.join(', ') }),
      ...(state.abilities.referrers &&
        manifest.subject !== undefined && { 'OCI-Subject': manifest.subject.digest }),
    },
    body: new Uint8Array(),
  }
}

async function store(
  { storage, abilities, tagMoves }: RegistryState,
  repository: string,
  manifest: StoredManifest,
  tags: readonly string[],
): Promise<void> {
  if (abilities.formerManifest === 'kept') await storage.putManifest(repository, manifest, tags)
  else await tagMoves.run(repository, () => putInPlaceOfFormer(storage, repository, manifest, tags))
}

/** Accepts a missing header and any matching type or wildcard; ignores quality values. */
function isAccepted(accept: string | undefined, mediaType: string): boolean {
  if (accept === undefined) return true
  const types = accept.split(',').map(bareMediaType)
  return types.some(
    (type) => type === mediaType || ['', '*/*', 'application/*', 'application/json'].includes(type),
  )
}

function moreTags(request: EndpointRequest, { abilities }: RegistryState): readonly string[] {
  if (!abilities.manyTags) return []
  const tags = [...new Set(request.query.getAll('tag'))]
  if (tags.length > maxTagsPerRequest)
    throw refusal('UNSUPPORTED', `more than ${maxTagsPerRequest} tags`, 414)
  const wrong = tags.find((tag) => !isTag(tag))
  if (wrong !== undefined) throw refusal('MANIFEST_INVALID', `${JSON.stringify(wrong)} is not a tag`)
  return tags
}

async function readManifest(
  request: EndpointRequest,
  { incomingManifests }: RegistryState,
): Promise<Uint8Array> {
  const tooLarge = refusal('SIZE_INVALID', `a manifest can have at most ${maxManifestSize} bytes`, 413)
  if ((declaredLength(request) ?? 0) > maxManifestSize) throw tooLarge
  const chunks: Uint8Array[] = []
  let size = 0
  let taken = 0
  try {
    for await (const chunk of request.body) {
      size += chunk.byteLength
      if (size > maxManifestSize) throw tooLarge
      incomingManifests.take(chunk.byteLength)
      taken += chunk.byteLength
      chunks.push(chunk)
    }
    return Buffer.concat(chunks)
  } finally {
    incomingManifests.give(taken)
  }
}

function parsed(request: EndpointRequest, bytes: Uint8Array): Manifest {
  const declared = bareMediaType(request.header('content-type') ?? '')
  let manifest: Manifest
  try {
    manifest = parseManifest(bytes, declared, 'the manifest')
  } catch (error) {
    throw refusal('MANIFEST_INVALID', isDrayError(error) ? error.message : 'cannot parse the manifest')
  }
  if (declared !== '' && declared !== manifest.mediaType) {
    throw refusal('MANIFEST_INVALID', `Content-Type is ${declared}, the manifest is ${manifest.mediaType}`)
  }
  return manifest
}

/**
 * Checks that the repository has everything below a manifest, with the right sizes. The subject may
 * be missing, because it may be pushed later, and so may the manifests of a sparse index
 * (distribution-spec, Pushing Manifests).
 */
async function checkContent(
  { storage, abilities }: RegistryState,
  repository: string,
  manifest: Manifest,
): Promise<void> {
  const { missing } = abilities.refusedManifest
  for (const blob of blobsOf(manifest)) {
    // Layers with `urls` are fetched from there (image-spec, non-distributable layers).
    if (blob.urls === undefined) checkSize(blob, await storage.blobSize(repository, blob.digest), missing)
  }
  for (const child of childrenOf(manifest)) {
    const size = (await storage.manifest(repository, child.digest))?.bytes.byteLength
    if (size === undefined && abilities.sparseIndexes === 'accepted') continue
    checkSize(child, size, missing)
  }
}

function checkSize(named: Descriptor, size: number | undefined, missing: RegistryCode): void {
  if (size === undefined) throw refusal(missing, `${named.digest} is not in the repository`, 400)
  if (size !== named.size) {
    throw refusal('MANIFEST_INVALID', `${named.digest} has ${size} bytes, not ${named.size}`)
  }
}

function stored(manifest: Manifest, digest: Digest, bytes: Uint8Array): StoredManifest {
  const { mediaType, subject, annotations } = manifest
  const bare = { mediaType, digest, bytes }
  if (subject === undefined) return bare
  const artifactType = artifactTypeOf(manifest)
  const entry: Descriptor = {
    mediaType,
    digest,
    size: bytes.byteLength,
    ...(artifactType !== undefined && { artifactType }),
    ...(annotations !== undefined && { annotations }),
  }
  return { ...bare, refers: { subject: subject.digest, entry } }
}
