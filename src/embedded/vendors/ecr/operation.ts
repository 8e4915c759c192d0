import { DrayError } from '../../../lib/errors.ts'
import { isRecord } from '../../../oci/json.ts'
import type { EndpointRequest } from '../../request.ts'
import type { VendorState } from '../vendor.ts'

/** The most bytes of a request. */
const maxInput = 1024 * 1024

export interface EcrState extends VendorState {
  readonly user: string | undefined
  /** the pull times that the lists show, by repository and digest */
  readonly recordedPulls: Map<string, number>
}

/** The members of a request, by name. */
export type EcrInput = Readonly<Record<string, unknown>>

/** An operation of the API. @throws `ecrFailure`. */
export type EcrOperation = (input: EcrInput, state: EcrState) => Promise<object>

/** @param name the name of the exception */
export function ecrFailure(name: string, message: string): DrayError {
  return new DrayError('refused', message, { registryCode: name, status: 400 })
}

export async function readInput(request: EndpointRequest): Promise<EcrInput> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of request.body) {
    size += chunk.byteLength
    if (size > maxInput) throw ecrFailure('InvalidParameterException', 'the request is too large')
    chunks.push(chunk)
  }
  try {
    const value: unknown = JSON.parse(Buffer.concat(chunks).toString())
    if (isRecord(value)) return value
  } catch {
    // The refusal below names it.
  }
  throw ecrFailure('SerializationException', 'the request is not a JSON object')
}

/** Returns the name of an existing repository. @throws `RepositoryNotFoundException`. */
export async function repositoryOf({ repositoryName }: EcrInput, { storage }: EcrState): Promise<string> {
  if (typeof repositoryName !== 'string')
    throw ecrFailure('InvalidParameterException', `Invalid parameter at 'repositoryName'`)
  if (!(await storage.hasRepository(repositoryName)))
    throw ecrFailure(
      'RepositoryNotFoundException',
      `The repository with name '${repositoryName}' does not exist in the registry`,
    )
  return repositoryName
}

/** @throws `AccessDeniedException` if the policy of the user does not allow the operation. */
export function checkPermission(
  operation: string,
  repository: string,
  action: 'pull' | 'delete',
  { access, user }: EcrState,
): void {
  if (access?.options.mayDo?.(user, repository, action) !== false) return
  throw ecrFailure(
    'AccessDeniedException',
    `User: arn:aws:iam::000000000000:user/${user ?? ''} is not authorized to perform: ecr:${operation} on resource: ${repository}`,
  )
}

/** Checks `maxResults`. @throws `InvalidParameterException`. */
export function pageSize({ maxResults = 100 }: EcrInput, { options }: EcrState): number {
  if (typeof maxResults !== 'number' || !Number.isInteger(maxResults) || maxResults < 1 || maxResults > 1000)
    throw ecrFailure(
      'InvalidParameterException',
      `Invalid parameter at 'maxResults' failed to satisfy constraint: 'Member must be between 1 and 1000'`,
    )
  return Math.min(maxResults, options.pageLimit ?? 1000)
}

/** Returns the last name of the page before. @throws `InvalidParameterException`. */
export function afterOf({ nextToken }: EcrInput): string | undefined {
  if (nextToken === undefined || nextToken === null) return undefined
  const text = typeof nextToken === 'string' ? Buffer.from(nextToken, 'base64url').toString() : ''
  if (!text.startsWith('after ')) throw ecrFailure('InvalidParameterException', 'Invalid nextToken')
  return text.slice('after '.length)
}

/** Cuts the first page off sorted items; `nextToken` is absent on the last page. */
export function firstPage<T>(
  items: readonly T[],
  size: number,
  nameOf: (item: T) => string,
): { readonly page: readonly T[]; readonly next: { readonly nextToken?: string } } {
  const page = items.slice(0, size)
  const last = page.at(-1)
  if (items.length <= size || last === undefined) return { page, next: {} }
  return { page, next: { nextToken: Buffer.from(`after ${nameOf(last)}`).toString('base64url') } }
}
