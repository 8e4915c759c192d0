import type { Digest, DigestAlgorithm } from '../../oci/digest.ts'
import { isDrayError } from '../../lib/errors.ts'
import type { Answer } from '../answer.ts'
import { refusal } from '../errors.ts'
import { declaredLength, type Exchange, locate, type RegistryState } from '../exchange.ts'
import { digestFrom } from '../names.ts'
import { isRepositoryPath } from '../../oci/reference.ts'
import type { Upload } from '../storage/uploads.ts'

const empty = new Uint8Array()

/**
 * POST: a mount, a blob in one request, or a new session (distribution-spec, Pushing blobs, end-4a,
 * 4b, 4c, 11).
 */
export async function openUpload(
  exchange: Exchange,
  state: RegistryState,
  repository: string,
): Promise<Answer> {
  const mount = exchange.query.get('mount')
  if (mount !== null && (await mountBlob(exchange, state, repository, digestFrom(mount)))) {
    return created(exchange, state, repository, digestFrom(mount))
  }
  const digest = exchange.query.get('digest')
  if (mount === null && digest !== null && state.abilities.singlePost) {
    return uploadAtOnce(exchange, state, repository, digestFrom(digest))
  }
  const upload = await state.uploads.open(repository, wantedAlgorithm(exchange))
  return accepted(exchange, state, upload, 202)
}

/** PATCH: a chunk, or the whole blob as a stream. */
export async function patchUpload(
  exchange: Exchange,
  state: RegistryState,
  repository: string,
  id: string,
): Promise<Answer> {
  const upload = find(exchange, state, repository, id)
  await append(exchange, state, upload)
  return accepted(exchange, state, upload, 202)
}

/** PUT: the last bytes, if any, and the end of the session. */
export async function finishUpload(
  exchange: Exchange,
  state: RegistryState,
  repository: string,
  id: string,
): Promise<Answer> {
  const upload = find(exchange, state, repository, id)
  const digest = exchange.query.get('digest')
  if (digest === null) throw refusal('DIGEST_INVALID', 'the parameter "digest" is missing')
  const wanted = digestFrom(digest)
  await append(exchange, state, upload)
  await state.uploads.finish(upload, wanted)
  return created(exchange, state, repository, wanted)
}

/** GET: the size so far. */
export function uploadStatus(
  exchange: Exchange,
  state: RegistryState,
  repository: string,
  id: string,
): Answer {
  return accepted(exchange, state, find(exchange, state, repository, id), 204)
}

/** DELETE: ends the session. */
export async function cancelUpload(
  exchange: Exchange,
  state: RegistryState,
  repository: string,
  id: string,
): Promise<Answer> {
  await state.uploads.cancel(find(exchange, state, repository, id))
  return { status: 204 }
}

async function mountBlob(
  exchange: Exchange,
  { storage, abilities }: RegistryState,
  repository: string,
  digest: Digest,
): Promise<boolean> {
  const from = exchange.query.get('from')
  if (!abilities.mount || from === null || !isRepositoryPath(from)) return false
  return storage.mountBlob(digest, from, repository)
}

async function uploadAtOnce(
  exchange: Exchange,
  state: RegistryState,
  repository: string,
  digest: Digest,
): Promise<Answer> {
  const upload = await state.uploads.open(repository, digest.startsWith('sha512:') ? 'sha512' : 'sha256')
  try {
    await append(exchange, state, upload)
  } catch (error) {
    await state.uploads.cancel(upload)
    throw error
  }
  await state.uploads.finish(upload, digest)
  return created(exchange, state, repository, digest)
}

function find(exchange: Exchange, state: RegistryState, repository: string, id: string): Upload {
  const upload = state.uploads.find(repository, id)
  if (state.abilities.uploadState && exchange.query.get('_state') !== String(upload.size)) {
    throw refusal('BLOB_UPLOAD_INVALID', 'the upload has gone on since', 404)
  }
  return upload
}

async function append(exchange: Exchange, state: RegistryState, upload: Upload): Promise<void> {
  const range = chunkRange(exchange, state)
  const checkStart = (size: number): void => {
    if (range === undefined || range.start === size) return
    throw refusal(
      'BLOB_UPLOAD_INVALID',
      `the chunk begins at ${range.start}, the upload ends at ${size}`,
      416,
    )
  }
  try {
    await state.uploads.append(upload, exchange.body, declaredLength(exchange), checkStart)
  } catch (error) {
    if (state.abilities.brokenUpload === 'dropped' && !isDrayError(error)) await state.uploads.cancel(upload)
    throw error
  }
  if (range !== undefined && upload.size !== range.start + range.length) {
    await state.uploads.cancel(upload)
    throw refusal('SIZE_INVALID', 'the chunk is not as long as Content-Range says')
  }
}

interface ChunkRange {
  readonly start: number
  readonly length: number
}

/**
 * Parses `Content-Range: <first>-<last>` of a chunk, both inclusive; undefined if it is missing or
 * ignored.
 */
function chunkRange(exchange: Exchange, { abilities }: RegistryState): ChunkRange | undefined {
  const text = exchange.header('content-range')
  if (text === undefined || abilities.chunkRange === 'ignored') return undefined
  const match = /^([0-9]{1,15})-([0-9]{1,15})$/.exec(text)
  if (match === null) throw refusal('BLOB_UPLOAD_INVALID', 'Content-Range is not <first>-<last>', 416)
  const start = Number(match[1])
  const length = Number(match[2]) - start + 1
  if (length < 1 || (declaredLength(exchange) ?? length) !== length) {
    throw refusal('SIZE_INVALID', 'Content-Range and Content-Length do not agree')
  }
  return { start, length }
}

function wantedAlgorithm(exchange: Exchange): DigestAlgorithm {
  const wanted = exchange.query.get('digest-algorithm') ?? 'sha256'
  if (wanted === 'sha256' || wanted === 'sha512') return wanted
  throw refusal('DIGEST_INVALID', `the digest algorithm ${JSON.stringify(wanted)} is not supported`)
}

function accepted(exchange: Exchange, state: RegistryState, upload: Upload, status: 202 | 204): Answer {
  const { chunkMinLength, uploadState } = state.abilities
  const path = `/v2/${upload.repository}/blobs/uploads/${upload.id}`
  return {
    status,
    headers: {
      Location: locate(exchange, state, uploadState ? `${path}?_state=${upload.size}` : path),
      'Docker-Upload-UUID': upload.id,
      // An empty upload has no last byte. docker's registry answers `0-0` too.
      Range: `0-${Math.max(upload.size - 1, 0)}`,
      ...(chunkMinLength > 0 && { 'OCI-Chunk-Min-Length': String(chunkMinLength) }),
    },
    ...(status === 202 && { body: empty }),
  }
}

function created(exchange: Exchange, state: RegistryState, repository: string, digest: Digest): Answer {
  return {
    status: 201,
    headers: {
      Location: locate(exchange, state, `/v2/${repository}/blobs/${digest}`),
      'Docker-Content-Digest': digest,
    },
    body: empty,
  }
}
