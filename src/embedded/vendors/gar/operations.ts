import { randomUUID } from 'node:crypto'
import type { Digest } from '../../../oci/digest.ts'
import { indexesOf } from '../../endpoints/deletes.ts'
import { type EndpointResponse, jsonResponse } from '../../response.ts'
import type { VendorState } from '../vendor.ts'
import { apiError } from './api-error.ts'

/** How long `slow deletes` take, in milliseconds. */
const slowMs = 5000

/** The result of a delete, a message in JSON (protobuf.dev, ProtoJSON Format, Any). */
const empty = { '@type': 'type.googleapis.com/google.protobuf.Empty' }

interface VersionDelete {
  readonly repository: string
  readonly digest: Digest
  /** deletes the tags of the version too */
  readonly force: boolean
}

interface RunningOperation extends VersionDelete {
  readonly name: string
  readonly doneAt: number
  /** undefined: it has not ended; null: it succeeded */
  error?: RpcStatus | null
}

/** google.rpc.Status */
interface RpcStatus {
  readonly code: number
  readonly message: string
}

/**
 * Long-running operations (google.aip.dev/151). A delete ends at the first request after its time.
 */
export class Operations {
  readonly #byId = new Map<string, RunningOperation>()

  async startDelete(parent: string, what: VersionDelete, state: VendorState): Promise<EndpointResponse> {
    const id = randomUUID()
    const isSlow = state.options.traits?.has('slow deletes') === true
    const doneAt = state.clock.now() + (isSlow ? slowMs : 0)
    const operation: RunningOperation = { ...what, name: `${parent}/${id}`, doneAt }
    this.#byId.set(id, operation)
    if (!isSlow) await end(operation, state)
    return jsonResponse(200, { name: operation.name })
  }

  async get(id: string, state: VendorState): Promise<EndpointResponse> {
    const operation = this.#byId.get(id)
    if (operation === undefined) return apiError(404, 'NOT_FOUND', 'Operation was not found.')
    if (operation.doneAt > state.clock.now()) return jsonResponse(200, { name: operation.name })
    await end(operation, state)
    const { name, error } = operation
    return jsonResponse(200, { name, done: true, ...(error ? { error } : { response: empty }) })
  }
}

async function end(operation: RunningOperation, state: VendorState): Promise<void> {
  if (operation.error !== undefined) return
  const { repository, digest } = operation
  operation.error = (await refusalOf(operation, state)) ?? null
  if (operation.error !== null) return
  await state.storage.deleteManifest(repository, digest)
  state.records.deleted(repository, digest, state.clock.now())
}

async function refusalOf(
  { repository, digest, force }: VersionDelete,
  { storage, options: { traits } }: VendorState,
): Promise<RpcStatus | undefined> {
  if (traits?.has('failing deletes') === true) return { code: 13, message: 'Internal error encountered.' }
  const tags = await storage.tagsOf(repository, digest)
  if (tags.length > 0 && (!force || traits?.has('immutable tags') === true))
    return { code: 9, message: `The version is tagged: ${tags.join()}.` }
  const [index] = await indexesOf(storage, repository, digest)
  return index === undefined ? undefined : { code: 9, message: `The version is referenced by ${index}.` }
}
