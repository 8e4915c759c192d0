import type { Call } from '../../lib/call.ts'
import { type ErrorCode, type ErrorInfo, toDrayError, toErrorInfo } from '../../lib/errors.ts'
import { formatRepository, type RepositoryName } from '../../oci/reference.ts'

/** Without a connection, every image of the registry fails in the same way. */
const noConnection: ReadonlySet<ErrorCode> = new Set(['network', 'timeout'])

export type Reached<T> =
  | { readonly value: T; readonly error?: undefined }
  | { readonly value?: undefined; readonly error: ErrorInfo }

/** Reads repositories that may fail one by one, and skips registries that do not answer at all. */
export class UnreachableRegistries {
  readonly #answered = new Set<string>()
  readonly #silent = new Map<string, ErrorInfo>()

  /** Returns the result of `read` or its failure. @throws `interrupted`, `internal`. */
  async read<T>(repository: RepositoryName, call: Call, read: () => Promise<T>): Promise<Reached<T>> {
    const { registry } = repository
    const silent = this.#silent.get(registry)
    if (silent !== undefined) return { error: withSubject(silent, repository) }
    try {
      const value = await read()
      this.#answered.add(registry)
      return { value }
    } catch (thrown) {
      const error = toDrayError(call.signal.aborted ? call.signal.reason : thrown)
      if (error.code === 'interrupted' || error.code === 'internal') throw error
      const info = toErrorInfo(error)
      if (noConnection.has(error.code) && !this.#answered.has(registry)) this.#silent.set(registry, info)
      return { error: info }
    }
  }
}

/** Ends without an error at the time limit of the run. @throws any other failure of `read`. */
export async function readUntilTimeout(call: Call, read: () => Promise<unknown>): Promise<void> {
  try {
    await read()
  } catch (thrown) {
    if (!call.signal.aborted || toDrayError(call.signal.reason).code !== 'timeout') throw thrown
  }
}

/** Returns why the run did not reach a repository. */
export function explainUnreached(repository: RepositoryName, call: Call): ErrorInfo {
  return withSubject(toErrorInfo(call.signal.reason), repository)
}

/** Waits for the end of both, so that neither continues after the other failed. */
export async function waitForBoth<A, B>(one: Promise<A>, other: Promise<B>): Promise<readonly [A, B]> {
  await Promise.allSettled([one, other])
  return [await one, await other]
}

function withSubject(error: ErrorInfo, repository: RepositoryName): ErrorInfo {
  return { ...error, subject: formatRepository(repository) }
}
