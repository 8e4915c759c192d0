import { isDrayError } from '../../lib/errors.ts'
import { isDigest } from '../../oci/digest.ts'
import { refusal } from '../errors.ts'
import type { EndpointRequest } from '../request.ts'
import { routeOf } from '../routes.ts'
import { type EndpointResponse, jsonResponse } from '../response.ts'
import { deleteImages } from './ecr/delete-images.ts'
import { describeImages, describeRepositories } from './ecr/describe.ts'
import { ecrFailure, type EcrOperation, type EcrState, readInput } from './ecr/operation.ts'
import { digestOfTag } from './listed-content.ts'
import type { VendorImitation, VendorState } from './vendor.ts'

const targetPrefix = 'AmazonEC2ContainerRegistry_V20150921.'

const hourMs = 60 * 60_000

/** The shortest session of AWS STS. */
const sessionMs = 15 * 60_000

const operations: Readonly<Record<string, EcrOperation>> = {
  DescribeImages: describeImages,
  DescribeRepositories: describeRepositories,
  BatchDeleteImage: deleteImages,
}

/**
 * The API of Amazon ECR: JSON 1.1, a POST to `/` with the operation in `X-Amz-Target`
 * (docs.aws.amazon.com/AmazonECR/latest/APIReference). It does not verify the signature, only the
 * access key id, which is the name of a user. Locked tags are those of archived images, which the
 * OCI API does not find (userguide/archive-image.html). Traits: `rate exceeded` refuses each other
 * request, `sessions end` ends a session token 15 minutes after its first request, and `unordered
 * batches` deletes the images of a batch in the order of their digests.
 */
export function createEcrImitation(): VendorImitation {
  const requests = new RequestCount()
  const sessions = new Map<string, number>()
  const recordedPulls = new Map<string, number>()
  return {
    profile: 'ecr',
    answer: async (request, vendor) => {
      await checkReadable(request, vendor)
      const name = request.header('x-amz-target') ?? ''
      if (request.path !== '/' || request.method !== 'POST' || !name.startsWith(targetPrefix))
        return undefined
      try {
        const user = authenticate(request, vendor, sessions)
        requests.add(vendor)
        const operation = operations[name.slice(targetPrefix.length)]
        if (operation === undefined) throw ecrFailure('UnknownOperationException', 'unknown operation')
        const state: EcrState = { ...vendor, user, recordedPulls }
        return answer(await operation(await readInput(request), state))
      } catch (error) {
        return refused(error)
      }
    },
  }
}

/** @throws a refusal for a manifest of an archived image. */
async function checkReadable(request: EndpointRequest, vendor: VendorState): Promise<void> {
  const { storage, options } = vendor
  const route = routeOf(request.path)
  const isRead = request.method === 'GET' || request.method === 'HEAD'
  if (options.lockedTags === undefined || route.kind !== 'manifest' || !isRead) return
  const { repository, reference } = route
  const digest = isDigest(reference) ? reference : await digestOfTag(vendor, repository, reference)
  const tags = digest === undefined ? [] : await storage.tagsOf(repository, digest)
  if (!tags.some((tag) => options.lockedTags?.includes(tag) === true)) return
  throw refusal('MANIFEST_UNKNOWN', 'Requested image not found')
}

function answer(output: object): EndpointResponse {
  return jsonResponse(200, output, { 'Content-Type': 'application/x-amz-json-1.1' })
}

/** Every refusal of this protocol is a 400 with the name of an exception. */
function refused(error: unknown): EndpointResponse {
  if (!isDrayError(error) || error.registryCode === undefined) throw error
  const body = { __type: error.registryCode, message: error.message }
  return jsonResponse(400, body, { 'Content-Type': 'application/x-amz-json-1.1' })
}

/** Returns the user of the access key. @throws the refusal of AWS. */
function authenticate(
  request: EndpointRequest,
  { access, clock, options }: VendorState,
  sessions: Map<string, number>,
): string | undefined {
  const form =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/\d{8}\/[a-z0-9-]+\/ecr\/aws4_request, SignedHeaders=[a-z0-9;-]+, Signature=[0-9a-f]{64}$/
  const [, key = ''] = form.exec(request.header('authorization') ?? '') ?? []
  if (key === '') throw ecrFailure('MissingAuthenticationTokenException', 'Missing Authentication Token')
  if (access !== undefined && !Object.hasOwn(access.options.users, key))
    throw ecrFailure('UnrecognizedClientException', 'The security token included in the request is invalid.')
  const session = request.header('x-amz-security-token')
  if (session !== undefined && options.traits?.has('sessions end') === true) {
    const began = sessions.get(session) ?? clock.now()
    sessions.set(session, began)
    if (clock.now() - began >= sessionMs)
      throw ecrFailure('ExpiredTokenException', 'The security token included in the request is expired')
  }
  return access === undefined ? undefined : key
}

/** Counts requests, and refuses them as `ThrottlingException`, which is a 400 too. */
class RequestCount {
  #total = 0
  #hour = 0
  #inHour = 0

  add({ options, clock }: VendorState): void {
    const hour = Math.floor(clock.now() / hourMs)
    this.#inHour = hour === this.#hour ? this.#inHour + 1 : 1
    this.#hour = hour
    this.#total++
    const isOverLimit = options.requestsPerHour !== undefined && this.#inHour > options.requestsPerHour
    if (isOverLimit || (options.traits?.has('rate exceeded') === true && this.#total % 2 === 1))
      throw ecrFailure('ThrottlingException', 'Rate exceeded')
  }
}
