import type { Digest, DigestAlgorithm } from '../../oci/digest.ts'
import { isDrayError } from '../../lib/errors.ts'
import type { EndpointResponse } from '../response.ts'
import { foreignRefusal, refusal } from '../errors.ts'
import {
  declaredLength,
  type Endpoint,
  type EndpointRequest,
  locate,
  type RegistryState,
} from '../request.ts'
import { digestFrom } from '../names.ts'
import { isRepositoryPath } from '../../oci/reference.ts'
import type { UploadSession } from '../storage/uploads.ts'

const empty = new Uint8Array()

/** POST: a mount, a blob in one request, or a new session (distribution-spec, Pushing blobs). */
export const openUpload: Endpoint = async (request, state, repository) => {
  const mount = request.query.get('mount')
  if (mount !== null && (await mountBlob(request, state, repository, digestFrom(mount)))) {
    return created(request, state, repository, digestFrom(mount))
  }
  const digest = request.query.get('digest')
  if (mount === null && digest !== null && state.abilities.singlePost) {
    return uploadAtOnce(request, state, repository, digestFrom(digest))
  }
  const upload = await state.uploads.open(repository, wantedAlgorithm(request))
  return accepted(request, state, upload, 202)
}

/** PATCH: a chunk, or the whole blob as a stream. */
export const patchUpload: Endpoint = async (request, state, repository, id) => {
  const upload = find(request, state, repository, id)
  await append(request, state, upload)
  return accepted(request, state, upload, 202)
}

/** PUT: the last bytes, if any, and the end of the session. */
export const finishUpload: Endpoint = async (request, state, repository, id) => {
  const upload = find(request, state, repository, id)
  const digest = request.query.get('digest')
  if (digest === null) throw refusal('DIGEST_INVALID', 'the parameter "digest" is missing')
  const expected = digestFrom(digest)
  await append(request, state, upload)
  await state.uploads.finish(upload, expected)
  return created(request, state, repository, expected)
}

/** GET: the size so far. */
export const uploadStatus: Endpoint = async (request, state, repository, id) => {
  return accepted(request, state, find(request, state, repository, id), 204)
}

/** DELETE: ends the session. */
export const cancelUpload: Endpoint = async (request, state, repository, id) => {
  await state.uploads.cancel(find(request, state, repository, id))
  return { status: 204 }
}

async function mountBlob(
  request: EndpointRequest,
  { storage, abilities, access }: RegistryState,
  repository: string,
  digest: Digest,
): Promise<boolean> {
  if (!abilities.mount) return false
  if (abilities.mountFrom === 'any' && access === undefined) {
    for (const from of await storage.repositories(undefined, Infinity)) {
      if (await storage.mountBlob(digest, from, repository)) return true
    }
    return false
  }
  const from = request.query.get('from')
  if (from === null || !isRepositoryPath(from)) return false
  return storage.mountBlob(digest, from, repository)
}

async function uploadAtOnce(
  request: EndpointRequest,
  state: RegistryState,
  repository: string,
  digest: Digest,
): Promise<EndpointResponse> {
  const upload = await state.uploads.open(repository, digest.startsWith('sha512:') ? 'sha512' : 'sha256')
  try {
    await append(request, state, upload)
  } catch (error) {
    await state.uploads.cancel(upload)
    throw error
  }
  await state.uploads.finish(upload, digest)
  return created(request, state, repository, digest)
}

function find(request: EndpointRequest, state: RegistryState, repository: string, id: string): UploadSession {
  const upload = state.uploads.find(repository, id)
  const { uploadState } = state.abilities
  const isCurrent = uploadState === 'none' || request.query.get('_state') === String(upload.size)
  const isRead = request.method === 'GET' || request.method === 'HEAD'
  if (isCurrent || (uploadState === 'checked for writes' && isRead)) return upload
  const why = 'the upload has continued since'
  if (uploadState === 'checked') throw refusal('BLOB_UPLOAD_INVALID', why, 404)
  throw foreignRefusal('RANGE_INVALID', 416, why)
}

async function append(request: EndpointRequest, state: RegistryState, upload: UploadSession): Promise<void> {
  const range = chunkRange(request, state)
  const checkStart = (size: number): void => {
    if (range === undefined || range.start === size) return
    throw refusal(
      'BLOB_UPLOAD_INVALID',
      `the chunk begins at ${range.start}, the upload ends at ${size}`,
      416,
    )
  }
  try {
    await state.uploads.append(upload, request.body, declaredLength(request), checkStart)
  } catch (error) {
    if (state.abilities.brokenUpload === 'dropped' && !isDrayError(error)) await state.uploads.cancel(upload)
    throw error
  }
  if (range !== undefined && upload.size !== range.start + range.length) {
    await state.uploads.cancel(upload)
    throw refusal('SIZE_INVALID', 'the length of the chunk differs from Content-Range')
  }
}

interface ChunkRange {
  readonly start: number
  readonly length: number
}

/** Parses `Content-Range: <first>-<last>` of a chunk; undefined if it is missing or ignored. */
function chunkRange(request: EndpointRequest, { abilities }: RegistryState): ChunkRange | undefined {
  const text = request.header('content-range')
  if (text === undefined || abilities.chunkRange === 'ignored') return undefined
  const match = /^([0-9]{1,15})-([0-9]{1,15})$/.exec(text)
  if (match === null) throw refusal('BLOB_UPLOAD_INVALID', 'Content-Range is not <first>-<last>', 416)
  const start = Number(match[1])
  const length = Number(match[2]) - start + 1
  if (length < 1 || (declaredLength(request) ?? length) !== length) {
    throw refusal('SIZE_INVALID', 'Content-Range and Content-Length differ')
  }
  return { start, length }
}

function wantedAlgorithm(request: EndpointRequest): DigestAlgorithm {
  const algorithm = request.query.get('digest-algorithm') ?? 'sha256'
  if (algorithm === 'sha256' || algorithm === 'sha512') return algorithm
  throw refusal('DIGEST_INVALID', `the digest algorithm ${JSON.stringify(algorithm)} is not supported`)
}

function accepted(
  request: EndpointRequest,
  state: RegistryState,
  upload: UploadSession,
  status: 202 | 204,
): EndpointResponse {
  const { chunkMinLength, uploadState } = state.abilities
  const path = `/v2/${upload.repository}/blobs/uploads/${upload.id}`
  return {
    status,
    headers: {
      Location: locate(request, state, uploadState === 'none' ? path : `${path}?_state=${upload.size}`),
      'Docker-Upload-UUID': upload.id,
      // An empty upload has no last byte. docker's registry answers `0-0` too.
      Range: `0-${Math.max(upload.size - 1, 0)}`,
      ...(chunkMinLength > 0 && { 'OCI-Chunk-Min-Length': String(chunkMinLength) }),
    },
    ...(status === 202 && { body: empty }),
  }
}

function created(
  request: EndpointRequest,
  state: RegistryState,
  repository: string,
  digest: Digest,
): EndpointResponse {
  return {
    status: 201,
    headers: {
      Location: locate(request, state, `/v2/${repository}/blobs/${digest}`),
      'Docker-Content-Digest': digest,
    },
    body: empty,
  }
}
