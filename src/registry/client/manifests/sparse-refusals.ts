import { DrayError } from '../../../lib/errors.ts'
import type { Descriptor } from '../../../oci/descriptor.ts'
import { formatAt } from '../../../oci/reference.ts'
import type { RepositoryClient } from '../client.ts'

/** Answers to the PUT of an index of which the registry lacks manifests. */
export const sparseRefusals: readonly number[] = [400, 404]

/**
 * Their codes: MANIFEST_BLOB_UNKNOWN of distribution 2.8 and of the specification, MANIFEST_UNKNOWN
 * of Harbor, and MANIFEST_INVALID of zot (pkg/storage/common/common.go, ValidateManifest).
 */
const sparseRefusalCodes: ReadonlySet<string> = new Set([
  'MANIFEST_BLOB_UNKNOWN',
  'MANIFEST_UNKNOWN',
  'MANIFEST_INVALID',
])

/** Whether a registry refused a sparse index because it lacks manifests. */
export function isSparseRefusal({ status, registryCode }: DrayError): boolean {
  return sparseRefusals.includes(status ?? 0) && sparseRefusalCodes.has(registryCode ?? '')
}

/** Remembers that the registry requires all manifests, and returns the error to throw. */
export function noteSparseRefusal(client: RepositoryClient, index: Descriptor, cause: DrayError): DrayError {
  client.shared.capabilities.learn(client.repository, 'sparseIndexes', 'no')
  const { status, registryCode } = cause
  const why = `it answered ${status} ${registryCode}${cause.why === undefined ? '' : `: ${cause.why}`}`
  return sparseRefusal(client, index, { why, status, registryCode, cause })
}

/** Returns the error for an index if an earlier answer showed that the registry refuses it. */
export function knownSparseRefusal(client: RepositoryClient, index: Descriptor): DrayError | undefined {
  if (client.shared.capabilities.get(client.repository, 'sparseIndexes') !== 'no') return undefined
  return sparseRefusal(client, index, { why: 'it refused such an index earlier in this run' })
}

function sparseRefusal(
  { repository }: RepositoryClient,
  { digest }: Descriptor,
  context: Pick<DrayError, 'why'> & Partial<Pick<DrayError, 'status' | 'registryCode' | 'cause'>>,
): DrayError {
  return new DrayError(
    'refused',
    `${repository.registry} does not accept an index without all of its platforms`,
    {
      ...context,
      subject: formatAt(repository, { digest }),
      hint: 'Copy all platforms to this registry: remove `platforms` from the sync rule for this destination, or omit --platform.',
    },
  )
}
