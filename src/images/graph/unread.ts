import type { Call } from '../../lib/call.ts'
import { type DrayError, toDrayError } from '../../lib/errors.ts'
import type { RepositoryName } from '../../oci/reference.ts'
import { inParallel } from '../parallel.ts'

/** A target that could not be read, with the reason: nothing is changed there. */
export interface UnreadTarget {
  readonly kind: 'unread'
  readonly repository: RepositoryName
  readonly error: DrayError
}

/** The snapshot for a request, or why it could not be read. */
export type Gathered<Request, Snapshot> =
  | { readonly kind: 'read'; readonly snapshot: Snapshot }
  | { readonly kind: 'unread'; readonly unread: { readonly request: Request; readonly error: DrayError } }

/**
 * Reads for every request, at most `limit` at once; a failure does not stop the others.
 * @throws the signal's reason.
 */
export async function gatherEach<Request, Snapshot>(
  requests: readonly Request[],
  limit: number,
  call: Call,
  read: (request: Request, call: Call) => Promise<Snapshot>,
): Promise<readonly Gathered<Request, Snapshot>[]> {
  return await inParallel(requests, limit, call, async (request, c): Promise<Gathered<Request, Snapshot>> => {
    try {
      return { kind: 'read', snapshot: await read(request, c) }
    } catch (error) {
      call.signal.throwIfAborted()
      return { kind: 'unread', unread: { request, error: toDrayError(error) } }
    }
  })
}

/**
 * Reads a target, or returns why it cannot be read: the other targets are read anyway.
 * @throws the signal's reason.
 */
export async function readOrUnread<R>(
  repository: RepositoryName,
  call: Call,
  read: () => Promise<R>,
): Promise<R | UnreadTarget> {
  try {
    return await read()
  } catch (error) {
    call.signal.throwIfAborted()
    return { kind: 'unread', repository, error: toDrayError(error) }
  }
}
