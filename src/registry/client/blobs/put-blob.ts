import type { Call } from '../../../lib/call.ts'
import { isDrayError } from '../../../lib/errors.ts'
import type { Descriptor } from '../../../oci/descriptor.ts'
import { type RepositoryName, sameRepository } from '../../../oci/reference.ts'
import type { BlobSource } from '../../../images/ports.ts'
import { hasBlob } from './blobs.ts'
import type { RepositoryClient } from '../client.ts'
import {
  algorithmQuery,
  cancelSession,
  namesBlob,
  namesSession,
  type Session,
  sessionOf,
  unlessAborted,
} from './upload-session.ts'
import { Upload } from './upload.ts'

/**
 * The size up to which a blob is sent without a HEAD to a repository whose list was 404. Such a
 * repository can have blobs: those of a run that was killed before its first tag. To send a small
 * one again costs no more than to ask for it.
 */
const smallBlobBytes = 1024 ** 2

/**
 * Puts a blob in the cheapest way: by a mount without HEAD if the source is another repository of
 * this registry; else, or if the mount is refused, by HEAD and an upload. HEAD costs less than the
 * bytes, and is skipped for new content and for small blobs of a new repository.
 */
export async function putBlob(
  client: RepositoryClient,
  d: Descriptor,
  from: BlobSource,
  call: Call,
): Promise<'mounted' | 'uploaded' | 'present'> {
  const { repository } = from
  let session: Session | undefined
  if (repository?.registry === client.repository.registry && !sameRepository(repository, client.repository)) {
    const mount = await mountBlob(client, d, repository, call)
    if (mount === 'mounted') return 'mounted'
    session = mount
  }
  const purpose = client.describe('upload the blob', `@${d.digest}`, 'write')
  let isPresent = true
  try {
    isPresent = !isSentAnyway(client, d, from) && (await isKnownPresent(client, d, call))
  } finally {
    if (isPresent && session !== undefined) await cancelSession(client, session, purpose, call)
  }
  if (isPresent) return 'present'
  await new Upload(client, d, from, call).run(session)
  return 'uploaded'
}

function isSentAnyway({ repository, shared }: RepositoryClient, d: Descriptor, from: BlobSource): boolean {
  return from.isNew === true || (d.size <= smallBlobBytes && shared.tagLists.isAbsent(repository))
}

/**
 * Statuses by which registries, and the storage that they redirect to, refuse HEAD of blobs that
 * they accept and return: storage signs the URL for GET alone.
 */
const headRefusals: ReadonlySet<number | undefined> = new Set([400, 401, 403, 405, 501])

/** A refused HEAD says nothing of the blob. If the upload is not allowed either, it says so. */
async function isKnownPresent(client: RepositoryClient, d: Descriptor, call: Call): Promise<boolean> {
  try {
    return await hasBlob(client, d, call, 'write')
  } catch (error) {
    if (isDrayError(error) && headRefusals.has(error.status) && !call.signal.aborted) return false
    throw error
  }
}

/**
 * Returns `mounted`, the session that the registry opened instead, or undefined if it did neither.
 */
async function mountBlob(
  client: RepositoryClient,
  d: Descriptor,
  from: RepositoryName,
  call: Call,
): Promise<'mounted' | Session | undefined> {
  const purpose = client.describe('mount the blob', `@${d.digest}`, 'write')
  const mount = `mount=${encodeURIComponent(d.digest)}&from=${encodeURIComponent(from.path)}`
  const algorithm = algorithmQuery(d.digest)
  const response = await client.sendAndDiscard(
    {
      method: 'POST',
      url: client.url('blobs/uploads/', algorithm === '' ? mount : `${mount}&${algorithm}`),
      alsoScopes: [{ repository: from, actions: ['pull'] }],
      settles: true,
      expect: (status) => status !== 401 && status !== 408 && status !== 429 && status < 500,
      purpose,
    },
    call,
  )
  const isOpened = namesSession(response)
  if (namesBlob(response, d.digest) || (response.status === 201 && !isOpened)) {
    client.shared.capabilities.learn(client.repository, 'mount', 'yes')
    return 'mounted'
  }
  if (!isOpened) return undefined
  return await unlessAborted(client, sessionOf(client, response, undefined, purpose), purpose, call)
}
