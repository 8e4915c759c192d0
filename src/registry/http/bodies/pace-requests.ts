import type { Middleware } from '../fetch.ts'
import type { Bandwidth } from './bandwidth.ts'

/**
 * Delays requests with a body in memory until the bandwidth allows the body. A request waits here
 * before it takes a slot and before its preconditions are checked: they would be too old after the
 * wait. Bodies that are streams, and those of responses, wait in `dispatch.ts`, part by part.
 */
export function paceRequests(bandwidth: Bandwidth | undefined): Middleware {
  if (bandwidth === undefined) return (next) => next
  return (next) => async (request, call) => {
    if (request.body?.kind === 'bytes') await bandwidth.takeAll(request.body.bytes.byteLength, call.signal)
    return await next(request, call)
  }
}
