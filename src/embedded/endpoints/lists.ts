import { DrayError } from '../../lib/errors.ts'
import { mediaTypes } from '../../oci/media-types.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import { isTag } from '../../oci/reference.ts'
import { jsonResponse } from '../response.ts'
import { refusal } from '../errors.ts'
import { type Endpoint, type EndpointRequest, locate } from '../request.ts'
import { digestFrom } from '../names.ts'
import { linkHeader, pageOf, wantedPage } from './pages.ts'

/** The tags of a repository, in ASCII order (distribution-spec, Listing Tags). */
export const listTags: Endpoint = async (request, state, repository) => {
  const { storage, abilities } = state
  if (!(await storage.hasRepository(repository))) {
    if (abilities.unknownRepository === 'empty') return jsonResponse(200, { name: repository, tags: [] })
    throw refusal('NAME_UNKNOWN', `the repository ${repository} does not exist`)
  }
  const query = abilities.tagPages ? request.query : new URLSearchParams()
  const wanted = wantedPage(query, { ...abilities, ...(!abilities.tagPages && { pageLimit: 0 }) })
  const { last, count } = wanted
  if (abilities.unknownLast === 'not-found' && last !== undefined) {
    const isKnown = isTag(last) && (await storage.tag(repository, last)) !== undefined
    if (!isKnown) return { status: 404, body: new Uint8Array() }
  }
  const found = await storage.tags(repository, last, count + 1)
  if (abilities.zeroTags === 'breaks' && count === 0 && found.length > 0)
    return { status: 200, body: { size: 1, chunks: brokenBody() } }
  const { entries, next } = pageOf(found, (tag) => tag, query, wanted, abilities)
  const tags = abilities.tagOrder === 'sorted' ? entries : entries.toReversed()
  const target = locate(request, state, `/v2/${repository}/tags/list`)
  return jsonResponse(200, { name: repository, tags }, linkHeader(target, next))
}

/**
 * The manifests with this `subject`, which need not exist (distribution-spec, Listing Referrers).
 */
export const listReferrers: Endpoint = async (request, state, repository, reference) => {
  const { storage, abilities } = state
  const { query } = request
  const filter = query.get('artifactType')
  const wanted = wantedPage(query, abilities)
  const found: Descriptor[] = []
  for await (const entry of storage.referrers(repository, digestFrom(reference), wanted.last)) {
    if (filter === null || entry.artifactType === filter) found.push(entry)
    if (found.length > wanted.count) break
  }
  const { entries, next } = pageOf(found, (entry) => entry.digest, query, wanted, abilities)
  const target = locate(request, state, `/v2/${repository}/referrers/${reference}`)
  const index = { schemaVersion: 2, mediaType: mediaTypes.index, manifests: entries }
  return jsonResponse(200, index, {
    'Content-Type': mediaTypes.index,
    ...(filter !== null && { 'OCI-Filters-Applied': 'artifactType' }),
    ...linkHeader(target, next),
  })
}

/** All repositories, which most registries list (distribution, spec/api.md, Catalog). */
export const listRepositories: Endpoint = async (request: EndpointRequest, state) => {
  const wanted = wantedPage(request.query, state.abilities)
  const found = await state.storage.repositories(wanted.last, wanted.count + 1)
  const { entries, next } = pageOf(found, (name) => name, request.query, wanted, state.abilities)
  const target = locate(request, state, '/v2/_catalog')
  return jsonResponse(200, { repositories: entries }, linkHeader(target, next))
}

/** A body that fails before its first byte, so that the connection closes without an answer. */
function brokenBody(): AsyncIterable<Uint8Array> {
  const next = (): Promise<never> =>
    Promise.reject(new DrayError('network', 'the registry ended the connection'))
  return { [Symbol.asyncIterator]: () => ({ next }) }
}
