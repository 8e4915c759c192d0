import { type Answer, jsonAnswer } from './answer.ts'
import { deleteBlob, getBlob } from './endpoints/blobs.ts'
import { refusal } from './errors.ts'
import type { Exchange, RegistryState } from './exchange.ts'
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

/**
 * The endpoint of a path. `reference` is decoded but not checked: a tag, a digest or the id of an
 * upload.
 */
export type Route =
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
export function routeOf(path: string): Route {
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

/** Answers a request at its endpoint. @throws refusals. */
export async function answer(route: Route, exchange: Exchange, state: RegistryState): Promise<Answer> {
  const { method } = exchange
  const isRead = method === 'GET' || method === 'HEAD'
  switch (route.kind) {
    case 'base':
      if (isRead) return jsonAnswer(200, {})
      break
    case 'catalog':
      if (!state.abilities.catalog) return notFound()
      if (isRead) return listRepositories(exchange, state)
      break
    case 'tags':
      if (isRead) return listTags(exchange, state, route.repository)
      break
    case 'referrers':
      if (!state.abilities.referrers) return notFound()
      if (isRead) return listReferrers(exchange, state, route.repository, route.reference)
      break
    case 'manifest':
      if (isRead) return getManifest(exchange, state, route.repository, route.reference)
      if (method === 'PUT') return putManifest(exchange, state, route.repository, route.reference)
      if (method === 'DELETE') return deleteManifest(state, route.repository, route.reference)
      break
    case 'blob':
      if (isRead) return getBlob(exchange, state, route.repository, route.reference)
      if (method === 'DELETE') return deleteBlob(state, route.repository, route.reference)
      break
    case 'upload':
      return answerUpload(route.repository, route.reference, exchange, state)
    default:
      return notFound()
  }
  throw notAllowed(method)
}

async function answerUpload(
  repository: string,
  id: string | undefined,
  exchange: Exchange,
  state: RegistryState,
): Promise<Answer> {
  const { method } = exchange
  if (id === undefined) {
    if (method === 'POST') return openUpload(exchange, state, repository)
    throw notAllowed(method)
  }
  if (method === 'PATCH') return patchUpload(exchange, state, repository, id)
  if (method === 'PUT') return finishUpload(exchange, state, repository, id)
  if (method === 'GET' || method === 'HEAD') return uploadStatus(exchange, state, repository, id)
  if (method === 'DELETE') return cancelUpload(exchange, state, repository, id)
  throw notAllowed(method)
}

/** The response of a server that does not know the path: no JSON, no code. */
function notFound(): Answer {
  return { status: 404, headers: { 'Content-Type': 'text/plain' }, body: Buffer.from('404 page not found\n') }
}

function notAllowed(method: string): Error {
  return refusal('UNSUPPORTED', `${method} is not allowed here`)
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
