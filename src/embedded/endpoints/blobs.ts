import type { Digest } from '../../oci/digest.ts'
import { refusal } from '../errors.ts'
import type { Endpoint, EndpointRequest } from '../request.ts'
import { digestFrom } from '../names.ts'

/**
 * GET and HEAD of a blob or a range of it (distribution-spec, Pulling blobs; RFC 9110, section 14).
 */
export const getBlob: Endpoint = async (request, { storage }, repository, reference) => {
  const digest = digestFrom(reference)
  const size = await storage.blobSize(repository, digest)
  if (size === undefined) throw unknownBlob(repository, digest)
  const headers = {
    'Content-Type': 'application/octet-stream',
    'Docker-Content-Digest': digest,
    'Accept-Ranges': 'bytes',
    ETag: `"${digest}"`,
  }
  const range = request.method === 'GET' ? wantedRange(request, digest, size) : undefined
  if (range === 'unsatisfiable') {
    return { status: 416, headers: { 'Content-Range': `bytes */${size}` }, body: new Uint8Array() }
  }
  if (range === undefined) {
    return { status: 200, headers, body: { size, chunks: storage.readBlob(repository, digest, 0, size) } }
  }
  const { start, end } = range
  return {
    status: 206,
    headers: { ...headers, 'Content-Range': `bytes ${start}-${end - 1}/${size}` },
    body: { size: end - start, chunks: storage.readBlob(repository, digest, start, end) },
  }
}

/** DELETE of a blob in one repository. */
export const deleteBlob: Endpoint = async (_, { storage, abilities }, repository, reference) => {
  if (!abilities.deleteBlob) throw refusal('UNSUPPORTED', 'this registry does not delete blobs')
  const digest = digestFrom(reference)
  if (!(await storage.deleteBlob(repository, digest))) throw unknownBlob(repository, digest)
  return { status: 202, body: new Uint8Array() }
}

type ByteRange = { readonly start: number; /** exclusive */ readonly end: number }

/** The requested range; undefined for the whole blob, a malformed header or several ranges. */
function wantedRange(
  request: EndpointRequest,
  digest: Digest,
  size: number,
): ByteRange | 'unsatisfiable' | undefined {
  const ifRange = request.header('if-range')
  if (ifRange !== undefined && ifRange !== `"${digest}"`) return undefined
  const match = /^bytes=([0-9]{0,15})-([0-9]{0,15})$/.exec(request.header('range') ?? '')
  if (match === null) return undefined
  const [, first = '', last = ''] = match
  if (first === '' && last === '') return undefined
  if (first === '') return suffixRange(Number(last), size)
  const start = Number(first)
  const end = last === '' ? size : Math.min(Number(last) + 1, size)
  if (last !== '' && Number(last) < start) return undefined
  return start >= size ? 'unsatisfiable' : { start, end }
}

function suffixRange(length: number, size: number): ByteRange | 'unsatisfiable' {
  if (length === 0 || size === 0) return 'unsatisfiable'
  return { start: Math.max(size - length, 0), end: size }
}

function unknownBlob(repository: string, digest: Digest): Error {
  return refusal('BLOB_UNKNOWN', `${repository} has no blob ${digest}`)
}
