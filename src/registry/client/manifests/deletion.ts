import type { Call } from '../../../lib/call.ts'
import { DrayError, isDrayError } from '../../../lib/errors.ts'
import type { BeforeAttempt } from '../../../lib/freshness.ts'
import type { RegistryResponse } from '../../http/fetch.ts'
import { formatTagOrDigest, type TagOrDigest } from '../../../oci/reference.ts'
import type { ApiRequest, RepositoryClient } from '../client.ts'
import { type Purpose, errorOf, type RegistryError, readError } from '../errors.ts'
import { resolveManifest } from './manifests.ts'
import { knownRegistry } from '../registries.ts'
import { isAboutTags, isImmutable, isUnderWay, refusalSubject } from './delete-refusals.ts'

type DeleteCapability = 'deleteTag' | 'deleteManifest'

/** Statuses of a registry that does not delete; `refusalSubject` has the meaning of each. */
const refusals: ReadonlySet<number> = new Set([400, 403, 405, 409, 412, 423])
const successes: ReadonlySet<number> = new Set([200, 202, 204])

/**
 * Deletes a tag or a manifest (distribution-spec, Content Management). A manifest takes all its
 * tags along.
 * @throws `unsupported` if the registry does not delete, which is remembered; `refused` if it keeps
 * this content and deletes other content; `forbidden`; `protocol` for a 400 that is not explained.
 */
export async function deleteContent(
  client: RepositoryClient,
  at: TagOrDigest,
  call: Call,
  beforeAttempt?: BeforeAttempt,
): Promise<'deleted' | 'absent'> {
  const name = 'tag' in at ? 'deleteTag' : 'deleteManifest'
  const { capabilities } = client.shared
  const doing = 'tag' in at ? 'delete the tag' : 'delete the manifest'
  const purpose = client.describe(doing, 'tag' in at ? `:${at.tag}` : `@${at.digest}`, 'delete')
  if (capabilities.get(client.repository, name) === 'no') throw unsupported(name, purpose)
  const response = await send(client, at, { purpose, beforeAttempt }, call)
  const { status } = response
  const reported = await readError(response, client.shared)
  if (status === 404 || status >= 500) {
    // After several attempts, or a 5xx, one of them may have deleted it.
    const isOurs = status >= 500 || (response.attempts ?? 1) > 1
    if (await isGone(client, at, status, call)) return isOurs ? 'deleted' : 'absent'
    if (isUnderWay(client.registry, status))
      throw locked(errorOf(status, reported, purpose), purpose, underWayHint)
    if (status >= 500) throw errorOf(status, reported, purpose, response)
  }
  if (!successes.has(status)) throw refusal(client, name, status, reported, purpose)
  capabilities.learn(client.repository, name, 'yes')
  return 'deleted'
}

/**
 * Requests a token with the scope to delete. If the registry does not grant it (Quay), requests the
 * scope to push instead. dray learns once for each registry which of them it needs.
 */
async function send(
  client: RepositoryClient,
  at: TagOrDigest,
  { purpose, beforeAttempt }: Pick<ApiRequest, 'purpose' | 'beforeAttempt'>,
  call: Call,
): Promise<RegistryResponse> {
  const { deleteAccess } = client.shared
  const known = deleteAccess.get(client.registry)
  try {
    const first = { purpose: { ...purpose, access: known ?? 'delete' }, beforeAttempt } as const
    const response = await sendAs(client, at, first, call)
    if (known === undefined) deleteAccess.set(client.registry, 'delete')
    return response
  } catch (error) {
    if (known !== undefined || !isDrayError(error) || error.code !== 'unauthorized') throw error
    try {
      const second = { purpose: { ...purpose, access: 'write' }, beforeAttempt } as const
      const response = await sendAs(client, at, second, call)
      deleteAccess.set(client.registry, 'write')
      return response
    } catch (again) {
      if (!isDrayError(again) || again.code !== 'unauthorized') throw again
      deleteAccess.set(client.registry, 'delete')
      throw error.with({ hint: grantHint(purpose) })
    }
  }
}

/** dray has read the repository with the same credentials: only the permission is missing. */
function grantHint({ registry, path = '' }: Purpose): string {
  const { deleteManifest: known } = knownRegistry(registry)?.hints ?? {}
  return `Grant the user or token permission to delete in ${path}, or log in as another user: dray login ${registry}. To see which credentials dray uses: dray auth explain ${registry}${known === undefined ? '' : `. ${known}`}`
}

async function sendAs(
  client: RepositoryClient,
  at: TagOrDigest,
  more: Pick<ApiRequest, 'purpose' | 'beforeAttempt'>,
  call: Call,
): Promise<RegistryResponse> {
  const url = client.url(`manifests/${formatTagOrDigest(at)}`)
  const expect = (status: number): boolean =>
    status === 404 || status >= 500 || successes.has(status) || refusals.has(status)
  try {
    return await client.send({ method: 'DELETE', url, expect, ...more }, call)
  } finally {
    // If the answer was lost, the manifest may be gone.
    if ('digest' in at) client.shared.manifests.forget(client.repository, at.digest)
  }
}

/**
 * Some registries answer 404 to a delete that they do not do (Quay, for an untagged manifest), and
 * some a 5xx to one that they did (Docker Hub). HEAD decides.
 */
async function isGone(
  client: RepositoryClient,
  at: TagOrDigest,
  status: number,
  call: Call,
): Promise<boolean> {
  try {
    return (await resolveManifest(client, at, call)) === undefined
  } catch (error) {
    if (status === 404 || call.signal.aborted) throw error
    // The error of the delete is reported.
    return false
  }
}

/** Returns the error for a refused delete of content that exists. */
function refusal(
  client: RepositoryClient,
  name: DeleteCapability,
  status: number,
  reported: RegistryError,
  purpose: Purpose,
): DrayError {
  const { capabilities } = client.shared
  const failure = errorOf(status, reported, purpose)
  const { registry } = purpose
  const known = knownRegistry(registry)?.hints[name]
  if (isAboutTags(reported)) capabilities.learn(client.repository, 'deleteTagged', 'no')
  const isProven = capabilities.isProven(client.repository, name)
  const about = refusalSubject(name, status, reported)
  // A registry that has deleted others in this repository keeps only this one.
  if (about === 'item' || (isProven && about !== 'repository'))
    return locked(failure, purpose, isImmutable(reported) ? immutableHint : (known ?? keptHint(status)))
  if (about === 'ability') {
    capabilities.learn(client.repository, name, 'no')
    return unsupported(name, purpose, failure)
  }
  if (status !== 403) return failure.with({ code: 'protocol', hint: known ?? unexplainedHint })
  return failure.with({
    code: 'forbidden',
    hint: known === undefined ? failure.hint : `${failure.hint} ${known}`,
  })
}

function keptHint(status: number): string {
  return status === 404 ? unknownHint : inUseHint
}

function locked(failure: DrayError, { doing, registry }: Purpose, hint: string): DrayError {
  return failure.with({ code: 'refused', message: `cannot ${doing}: ${registry} refused`, hint })
}

function unsupported(name: DeleteCapability, purpose: Purpose, said?: DrayError): DrayError {
  const { registry } = purpose
  const hint = knownRegistry(registry)?.hints[name] ?? missingHints[name]
  const message = `cannot ${purpose.doing}: ${registry} does not support it`
  return said === undefined
    ? new DrayError('unsupported', message, { subject: purpose.subject, hint })
    : said.with({ code: 'unsupported', message, hint })
}

// distribution, docs/configuration.md, delete
const missingHints = {
  deleteTag:
    "Use the API or the tools of the registry. For Docker's registry 3 or later, set storage.delete.enabled: true in its configuration, or REGISTRY_STORAGE_DELETE_ENABLED=true in its environment.",
  deleteManifest:
    "Enable deletes in the registry. For Docker's registry, set storage.delete.enabled: true in its configuration, or REGISTRY_STORAGE_DELETE_ENABLED=true in its environment.",
} as const

const unknownHint = 'Delete the tags of the manifest. Quay deletes untagged manifests itself.'
const inUseHint =
  'Delete the tags, indexes and referrers that point to it first, or unlock it in the registry.'
const immutableHint =
  'Remove the lock or the rule in the registry, or protect the tag in the retention policy.'
const underWayHint = 'Run the command again later: the registry repeats the delete by itself.'
const unexplainedHint =
  'Check the credentials, the settings of the repository, and a proxy in front of the registry. Then run the command again.'
