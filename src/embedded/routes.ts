import { type EndpointResponse, jsonResponse } from './response.ts'
import { deleteBlob, getBlob } from './endpoints/blobs.ts'
import { refusal } from './errors.ts'
import type { Endpoint, EndpointRequest, RegistryState } from './request.ts'
import { listReferrers, listRepositories, listTags } from './endpoints/lists.ts'
import { deleteManifest } from './endpoints/deletes.ts'
import { getManifest, putManifest } from './endpoints/manifests.ts'
import {
  cancelUpload,
  finishUpload,
  openUpload,
  patchUpload,
  uploadStatus,
} from './endpoints/upload-endpoints.ts'

/** The endpoint of a path. `reference` is decoded but not checked. */
export type EndpointRoute =
  | { readonly kind: 'base' | 'catalog' | 'token' | 'unknown' }
  | {
      readonly kind: 'manifest' | 'blob' | 'referrers'
      readonly repository: string
      readonly reference: string
    }
  /** without `reference`: opens a session */
  | { readonly kind: 'upload'; readonly repository: string; readonly reference?: string }
  | { readonly kind: 'tags'; readonly repository: string }

const repositoryRoute =
  /^\/v2\/(?<repository>.+?)\/(?:(?<uploads>blobs\/uploads)(?:\/(?<upload>[^/]+)?)?|(?<tags>tags\/list)|(?<kind>manifests|blobs|referrers)\/(?<reference>[^/]+))$/

/** Parses a path (distribution-spec, Endpoints). Does not check the name of the repository. */
export function routeOf(path: string): EndpointRoute {
  if (path === '/v2/' || path === '/v2') return { kind: 'base' }
  if (path === '/v2/_catalog') return { kind: 'catalog' }
  if (path === '/token') return { kind: 'token' }
  const { repository, uploads, upload, tags, kind, reference } = repositoryRoute.exec(path)?.groups ?? {}
  if (repository === undefined) return { kind: 'unknown' }
  if (uploads !== undefined) {
    return { kind: 'upload', repository, ...(upload !== undefined && { reference: upload }) }
  }
  if (tags !== undefined) return { kind: 'tags', repository }
  const decoded = decode(reference ?? '')
  if (decoded === undefined) return { kind: 'unknown' }
  if (kind === 'manifests') return { kind: 'manifest', repository, reference: decoded }
  return { kind: kind === 'blobs' ? 'blob' : 'referrers', repository, reference: decoded }
}

interface RouteParts {
  readonly kind: EndpointRoute['kind']
  readonly repository?: string
  readonly reference?: string
}

type Methods = Readonly<Record<string, Endpoint>>

/** The endpoints by method. HEAD is GET. */
const endpoints: Readonly<Record<Exclude<EndpointRoute['kind'], 'token' | 'unknown'>, Methods>> = {
  base: { GET: async () => jsonResponse(200, {}) },
  catalog: { GET: listRepositories },
  tags: { GET: listTags },
  referrers: { GET: listReferrers },
  manifest: { GET: getManifest, PUT: putManifest, DELETE: deleteManifest },
  blob: { GET: getBlob, DELETE: deleteBlob },
  upload: { GET: uploadStatus, PATCH: patchUpload, PUT: finishUpload, DELETE: cancelUpload },
}

/** Answers a request at its endpoint. @throws refusals. */
export async function answer(
  route: EndpointRoute,
  request: EndpointRequest,
  state: RegistryState,
): Promise<EndpointResponse> {
  const { kind, repository = '', reference }: RouteParts = route
  const { catalog, referrers } = state.abilities
  const isKnown = !(kind === 'catalog' && !catalog) && !(kind === 'referrers' && !referrers)
  if (kind === 'token' || kind === 'unknown' || !isKnown) return notFound()
  const isNewUpload = kind === 'upload' && reference === undefined
  const methods: Methods = isNewUpload ? { POST: openUpload } : endpoints[kind]
  const method = request.method === 'HEAD' ? 'GET' : request.method
  const endpoint = Object.hasOwn(methods, method) ? methods[method] : undefined
  if (endpoint === undefined) throw refusal('UNSUPPORTED', `${request.method} is not allowed here`)
  return endpoint(request, state, repository, reference ?? '')
}

/** The response of a server that does not know the path: no JSON, no code. */
function notFound(): EndpointResponse {
  return { status: 404, headers: { 'Content-Type': 'text/plain' }, body: Buffer.from('404 page not found\n') }
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
