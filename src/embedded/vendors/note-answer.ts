import { isDigest } from '../../oci/digest.ts'
import { isTag } from '../../oci/reference.ts'
import type { EndpointRequest } from '../request.ts'
import type { EndpointResponse } from '../response.ts'
import type { EndpointRoute } from '../routes.ts'
import type { VendorState } from './vendor.ts'

/**
 * Notes what a vendor learns from an answer of the OCI API: a push, a pull (GET answered 200, not
 * HEAD and not 304) or a delete of a manifest.
 */
export function noteAnswer(
  { records, clock }: VendorState,
  route: EndpointRoute,
  request: EndpointRequest,
  { status, headers = {} }: EndpointResponse,
): void {
  if (route.kind !== 'manifest') return
  const { repository, reference } = route
  const digest = headers['Docker-Content-Digest'] ?? ''
  const tag = isTag(reference) ? reference : undefined
  const now = clock.now()
  if (request.method === 'PUT' && status === 201 && isDigest(digest))
    records.pushed(repository, digest, tag === undefined ? request.query.getAll('tag') : [tag], now)
  else if (request.method === 'GET' && status === 200 && isDigest(digest))
    records.pulled(repository, digest, tag, now, request.header('user-agent'))
  else if (request.method === 'DELETE' && status < 300 && isDigest(reference))
    records.deleted(repository, reference, now)
}
