import { mediaTypes } from '../../oci/media-types.ts'
import { jsonResponse } from '../response.ts'
import { refusal } from '../errors.ts'
import { type Endpoint, type EndpointRequest, locate } from '../request.ts'
import { digestFrom } from '../names.ts'
import { byText, linkHeader, pageOf } from './pages.ts'

/** The tags of a repository, in ASCII order (distribution-spec, Listing Tags). */
export const listTags: Endpoint = async (request, state, repository) => {
  const { storage, abilities } = state
  if (!(await storage.hasRepository(repository))) throw refusal('NAME_UNKNOWN', `there is no ${repository}`)
  const found = await storage.tags(repository)
  const all = abilities.tagOrder === 'sorted' ? [...found].sort(byText) : found
  const query = abilities.tagPages ? request.query : new URLSearchParams()
  const last = query.get('last')
  if (abilities.unknownLast === 'not-found' && last !== null && !all.includes(last)) {
    throw refusal('NAME_UNKNOWN', `${repository} has no tag ${last}`)
  }
  const { entries, next } = pageOf(all, (tag) => tag, query, {
    ...abilities,
    ...(!abilities.tagPages && { pageLimit: 0 }),
  })
  const target = locate(request, state, `/v2/${repository}/tags/list`)
  return jsonResponse(200, { name: repository, tags: entries }, linkHeader(target, next))
}

/**
 * The manifests with this `subject`, which need not exist (distribution-spec, Listing Referrers).
 */
export const listReferrers: Endpoint = async (request, state, repository, reference) => {
  const { storage, abilities } = state
  const filter = request.query.get('artifactType')
  const all = await storage.referrers(repository, digestFrom(reference))
  const matching = filter === null ? all : all.filter((entry) => entry.artifactType === filter)
  const sorted = [...matching].sort((a, b) => byText(a.digest, b.digest))
  const { entries, next } = pageOf(sorted, (entry) => entry.digest, request.query, abilities)
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
  const all = [...(await state.storage.repositories())].sort(byText)
  const { entries, next } = pageOf(all, (name) => name, request.query, state.abilities)
  const target = locate(request, state, '/v2/_catalog')
  return jsonResponse(200, { repositories: entries }, linkHeader(target, next))
}
