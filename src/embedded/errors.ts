import { DrayError, isDrayError } from '../lib/errors.ts'
import { type EndpointResponse, jsonResponse } from './response.ts'

/** The codes of the specification (distribution-spec, Error Codes) and the status of each. */
const statusOf = {
  BLOB_UNKNOWN: 404,
  BLOB_UPLOAD_INVALID: 400,
  BLOB_UPLOAD_UNKNOWN: 404,
  DIGEST_INVALID: 400,
  // The specification names no status. docker's registry and others answer 400.
  MANIFEST_BLOB_UNKNOWN: 400,
  MANIFEST_INVALID: 400,
  MANIFEST_UNKNOWN: 404,
  NAME_INVALID: 400,
  NAME_UNKNOWN: 404,
  SIZE_INVALID: 400,
  UNAUTHORIZED: 401,
  DENIED: 403,
  UNSUPPORTED: 405,
  TOOMANYREQUESTS: 429,
} as const

export type RegistryCode = keyof typeof statusOf

/** The error that an endpoint throws. The server answers with its status, code and message. */
export function refusal(code: RegistryCode, message: string, status: number = statusOf[code]): DrayError {
  return new DrayError('refused', message, { registryCode: code, status })
}

/** Codes of this registry, for content that it cannot store. */
export type RegistryFailureCode = 'STORAGE_FULL' | 'STORAGE_FAILED'

/** A refusal with a registry's own code. `cause` is for the operator, and is not sent. */
export function foreignRefusal(code: string, status: number, message: string, cause?: unknown): DrayError {
  return new DrayError('refused', message, { registryCode: code, status, cause })
}

/**
 * Converts an error to a response of the specification: a refusal unchanged, any other error as
 * 500.
 */
export function errorResponse(thrown: unknown): EndpointResponse {
  if (isDrayError(thrown) && thrown.registryCode !== undefined) {
    return errorsResponse(thrown.status ?? 400, thrown.registryCode, thrown.message)
  }
  // The specification has no code for this. docker's registry answers UNKNOWN too.
  return errorsResponse(500, 'UNKNOWN', 'the registry failed')
}

export function errorsResponse(status: number, code: string, message: string): EndpointResponse {
  return jsonResponse(status, { errors: [{ code, message }] })
}
