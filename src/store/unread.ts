import type { Call } from '../call.ts'
import { type DrayError, toDrayError } from '../errors.ts'
import type { RepositoryName } from '../oci/reference.ts'

/** A target that could not be read, with the reason: nothing goes there. */
export interface UnreadTarget {
  readonly kind: 'unread'
  readonly repository: RepositoryName
  readonly error: DrayError
}

/** What was read of a target, or why it was not: one that cannot be read is no reason to give up the others. @throws the signal's reason. */
export async function orUnread<R>(
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
