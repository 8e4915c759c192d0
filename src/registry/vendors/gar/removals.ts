import type { Removal } from '../../../images/inventory/inventory.ts'
import type { Call } from '../../../lib/call.ts'
import { DrayError } from '../../../lib/errors.ts'
import type { BeforeAttempt } from '../../../lib/freshness.ts'
import { isRecord } from '../../../oci/json.ts'
import { formatAt, type RepositoryName } from '../../../oci/reference.ts'
import { answerFields, type ApiFields, optionalText } from '../api/fields.ts'
import type { Settled } from '../api/remove-each.ts'
import type { VendorResponse } from '../vendor-api.ts'
import type { GarApi, GarRequest } from './gar-api.ts'
import { imageOf, resourcePath } from './resource-names.ts'

/** Waits between requests for the state of an operation, in milliseconds. */
const firstWaitMs = 500
const longestWaitMs = 10_000
/** How long dray waits for an operation. */
const maxWaitMs = 10 * 60_000

/**
 * The state of the item or its repository forbids the delete (google.rpc.Code). Its HTTP status is
 * 400, as for an invalid request.
 */
const failedState = 'FAILED_PRECONDITION'

/** Codes of google.rpc.Code. */
const notFound = 5
const failedPrecondition = 9

interface GarRemoval {
  readonly removal: Removal
  readonly repository: RepositoryName
  readonly beforeAttempt: BeforeAttempt | undefined
}

/**
 * Deletes a tag, or a version with its tags, through Google's API. dray uses it if the OCI API does
 * not delete. The delete of a version is a long-running operation (google.aip.dev/151), which can
 * fail after it was accepted: dray waits for its end.
 * @throws `refused`, `timeout`, `unavailable` if the operation failed, and what `send` throws.
 */
export async function removeItem(api: GarApi, of: GarRemoval, call: Call): Promise<Settled> {
  const { removal, repository, beforeAttempt } = of
  const image = imageOf(repository, api.location)
  const isTag = removal.kind === 'tag'
  const item = isTag ? (['tags', removal.tag] as const) : (['versions', removal.digest] as const)
  const path = resourcePath(image, 'repositories', image.repository, 'packages', image.image, ...item)
  const at = isTag ? { tag: removal.tag } : { digest: removal.digest }
  const doing = `delete ${formatAt(repository, at)}`
  const request: GarRequest = {
    method: 'DELETE',
    path,
    ...(!isTag && { query: { force: 'true' } }),
    expect: [200, 400, 404],
    doing,
    repository,
    beforeAttempt,
  }
  for (let isAgain = false; ; isAgain = true) {
    const answer = await api.send(request, call)
    if (answer.status === 404) return { result: 'absent' }
    if (answer.status === 400) return await refusal(answer, doing)
    const started = await startedOf(answer, call)
    if (isTag && started !== undefined) return { result: 'removed' }
    if (started !== undefined)
      return settledByEnd(await endOf(api, started, { doing, repository }, call), doing)
    if (isAgain) throw new DrayError('protocol', `cannot ${doing}: Google sent an invalid answer`)
  }
}

/**
 * Returns the answer to a delete: empty for a tag, or the operation. Undefined if it was lost or
 * another program sent it. The delete is then sent again, because only its answer names the
 * operation.
 */
async function startedOf(answer: VendorResponse, call: Call): Promise<ApiFields | undefined> {
  try {
    return answerFields(await answer.json(), answer.url.host)
  } catch {
    call.signal.throwIfAborted()
    return undefined
  }
}

async function refusal(answer: VendorResponse, doing: string): Promise<Settled> {
  const text = await answer.text()
  const body = await answer.json()
  const isProtected = isRecord(body) && isRecord(body['error']) && body['error']['status'] === failedState
  if (isProtected) return { result: 'protected', text }
  throw new DrayError('refused', `cannot ${doing}: Google answered 400`, { status: 400, why: text })
}

/** Waits until an operation is done. @throws `timeout`. */
async function endOf(
  api: GarApi,
  started: ApiFields,
  of: Parameters<GarApi['listOf']>[0],
  call: Call,
): Promise<ApiFields> {
  const { clock } = api
  const name = optionalText(started['name']) ?? ''
  const until = clock.now() + maxWaitMs
  let operation = started
  for (let waitMs = firstWaitMs; operation['done'] !== true; waitMs = Math.min(waitMs * 2, longestWaitMs)) {
    if (!/^projects\/[^/]+\/locations\/[^/]+\/operations\/[^/]+$/.test(name))
      throw new DrayError('protocol', `cannot ${of.doing}: the answer names no operation`)
    if (clock.now() >= until)
      throw new DrayError('timeout', `cannot ${of.doing}: the operation has not ended`, {
        why: `Google Artifact Registry still deletes after ${maxWaitMs / 60_000} minutes`,
        hint: 'Run the command again. It finds out whether the manifest still exists.',
      })
    await clock.sleep(waitMs, call.signal)
    const answer = await api.send({ ...of, path: `/v1/${name}` }, call)
    operation = answerFields(await answer.json(), answer.url.host)
  }
  return operation
}

function settledByEnd({ error }: ApiFields, doing: string): Settled {
  if (!isRecord(error)) return { result: 'removed' }
  const text = optionalText(error['message']) ?? 'the operation failed'
  if (error['code'] === notFound) return { result: 'absent' }
  if (error['code'] === failedPrecondition) return { result: 'protected', text }
  throw new DrayError('unavailable', `cannot ${doing}: the operation failed`, { why: text })
}
