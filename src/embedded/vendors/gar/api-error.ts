import { type EndpointResponse, jsonResponse } from '../../response.ts'

/** An error of a Google API (google.aip.dev/193). */
export function apiError(code: number, status: string, message: string): EndpointResponse {
  return jsonResponse(code, { error: { code, message, status } })
}
