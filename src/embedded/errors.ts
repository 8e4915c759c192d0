import { DrayError, isDrayError } from '../lib/errors.ts'
import { type Answer, jsonAnswer } from './answer.ts'

/** The codes of the specification (distribution-spec, Error Codes) with the status that each is answered with. */
const statusOf = {
  BLOB_UNKNOWN: 404,
  BLOB_UPLOAD_INVALID: 400,
  BLOB_UPLOAD_UNKNOWN: 404,
  DIGEST_INVALID: 400,
  // the specification names no status for it; docker's registry, and others after it, answer 400
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

/** The error to throw out of an endpoint: the server answers it with the status, the code and the message. */
export function refusal(code: RegistryCode, message: string, status: number = statusOf[code]): DrayError {
  return new DrayError('refused', message, { registryCode: code, status })
}

/** The same with a code of a registry's own. */
export function foreignRefusal(code: string, status: number, message: string): DrayError {
  return new DrayError('refused', message, { registryCode: code, status })
}

/** What was thrown as the answer of the specification: a refusal as it says, text that did not parse as 400, the rest as 500. */
export function errorAnswer(thrown: unknown): Answer {
  if (isDrayError(thrown) && thrown.registryCode !== undefined) {
    return errorsAnswer(thrown.status ?? 400, thrown.registryCode, thrown.message)
  }
  // UNKNOWN is no code of the specification, which has none for a server's own failure; docker's registry answers it too
  return errorsAnswer(500, 'UNKNOWN', 'the registry failed')
}

export function errorsAnswer(status: number, code: string, message: string): Answer {
  return jsonAnswer(status, { errors: [{ code, message }] })
}
