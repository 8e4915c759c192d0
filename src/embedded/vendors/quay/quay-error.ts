import { type EndpointResponse, jsonResponse } from '../../response.ts'

/** An error as endpoints/exception.py of quay/quay formats it (RFC 7807). */
export function quayError(status: number, type: string, detail: string): EndpointResponse {
  const body = { detail, error_message: detail, error_type: type, title: type, status }
  return jsonResponse(status, body)
}
