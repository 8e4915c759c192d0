import { type Digest, isDigest } from '../../../oci/digest.ts'
import { childrenOf } from '../../../oci/manifest.ts'
import { isTag } from '../../../oci/reference.ts'
import { errorsResponse } from '../../errors.ts'
import type { EndpointResponse } from '../../response.ts'
import type { VendorState } from '../vendor.ts'
import { type ArtifactGraph, manifestOf, readGraph } from './accessories.ts'

/**
 * Deletes an artifact with its tags, its accessories, and the children that have no tag and no
 * other index (src/controller/artifact/controller.go, deleteDeeply).
 */
export async function deleteArtifact(
  repository: string,
  reference: string,
  state: VendorState,
): Promise<EndpointResponse> {
  const digest = await resolve(repository, reference, state)
  const graph = await readGraph(state, repository)
  if (digest === undefined || !graph.artifacts.has(digest))
    return notFound(`artifact ${repository}@${reference}`)
  if ((graph.parents.get(digest) ?? []).length > 0)
    return errorsResponse(
      412,
      'VIOLATE_FOREIGN_KEY_CONSTRAINT',
      'the deleting artifact is referenced by others',
    )
  const immutable = await immutableTag(repository, digest, state)
  if (immutable !== undefined) return precondition(immutable)
  await deleteDeeply(repository, digest, { graph, deleted: new Set(), state }, true)
  return done()
}

interface Deletion {
  readonly graph: ArtifactGraph
  readonly deleted: Set<Digest>
  readonly state: VendorState
}

async function deleteDeeply(
  repository: string,
  digest: Digest,
  deletion: Deletion,
  isRoot: boolean,
): Promise<void> {
  const { graph, deleted, state } = deletion
  const stored = graph.artifacts.get(digest)
  if (stored === undefined || deleted.has(digest)) return
  if (!isRoot && (await state.storage.tagsOf(repository, digest)).length > 0) return
  if (!isRoot && (graph.parents.get(digest) ?? []).some((parent) => !deleted.has(parent))) return
  deleted.add(digest)
  for (const accessory of graph.accessories.get(digest) ?? [])
    await deleteDeeply(repository, accessory.digest, deletion, true)
  for (const child of childrenOf(manifestOf(stored))) {
    const isReference = graph.parents.get(child.digest)?.includes(digest) === true
    if (isReference) await deleteDeeply(repository, child.digest, deletion, false)
  }
  await state.storage.deleteManifest(repository, digest)
  state.records.deleted(repository, digest, state.clock.now())
}

/** Deletes a tag of an artifact. The artifact stays, also without tags. */
export async function deleteTag(
  repository: string,
  reference: string,
  tag: string,
  state: VendorState,
): Promise<EndpointResponse> {
  const digest = await resolve(repository, reference, state)
  if (digest === undefined || !isTag(tag) || (await state.storage.tag(repository, tag)) !== digest)
    return notFound(`tag ${tag} attached to artifact ${reference}`)
  if (state.options.lockedTags?.includes(tag) === true) return precondition(tag)
  await state.storage.deleteTag(repository, tag)
  return done()
}

async function resolve(
  repository: string,
  reference: string,
  { storage }: VendorState,
): Promise<Digest | undefined> {
  if (isDigest(reference)) return (await storage.manifest(repository, reference)) && reference
  return isTag(reference) ? await storage.tag(repository, reference) : undefined
}

async function immutableTag(
  repository: string,
  digest: Digest,
  { storage, options }: VendorState,
): Promise<string | undefined> {
  const tags = await storage.tagsOf(repository, digest)
  return tags.find((tag) => options.lockedTags?.includes(tag) === true)
}

function precondition(tag: string): EndpointResponse {
  return errorsResponse(412, 'PRECONDITION', `the tag ${tag} configured as immutable, cannot be deleted`)
}

function notFound(what: string): EndpointResponse {
  return errorsResponse(404, 'NOT_FOUND', `${what} not found`)
}

function done(): EndpointResponse {
  return { status: 200, body: new Uint8Array() }
}
