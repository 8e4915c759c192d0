import type { Call } from '../call.ts'
import { DrayError } from '../errors.ts'
import { formatTagOrDigest, type TagOrDigest } from '../oci/reference.ts'
import type { RepositoryClient } from './client.ts'
import { type Attempt, errorOf, type RegistryWords, wordsOf } from './errors.ts'
import { resolveManifest } from './manifests.ts'
import { knownRegistry } from './registries.ts'

/**
 * DELETEs a tag or a manifest (distribution-spec, Content Management); a manifest takes every tag on it
 * along.
 * @throws `unsupported` (400, 405), which is remembered where it is the ability that is missing and not this
 * one piece that is held.
 */
export async function deleteContent(
  client: RepositoryClient,
  at: TagOrDigest,
  call: Call,
): Promise<'deleted' | 'absent'> {
  const name = 'tag' in at ? 'deleteTag' : 'deleteManifest'
  const { capabilities } = client.run
  const doing = 'tag' in at ? 'delete the tag' : 'delete the manifest'
  const attempt = client.attempt(doing, 'tag' in at ? `:${at.tag}` : `@${at.digest}`, 'delete')
  if (capabilities.get(client.repository, name) === 'no') throw unsupported(name, attempt)
  const url = client.url(`manifests/${formatTagOrDigest(at)}`)
  const response = await client.send(
    { method: 'DELETE', url, expect: [200, 202, 204, 400, 404, 405], attempt },
    call,
  )
  if ('digest' in at) client.run.manifests.forget(client.repository, at.digest)
  const words = await wordsOf(response)
  if (response.status === 404) return await absent(client, at, name, attempt, words, call)
  if (response.status === 400 || response.status === 405) {
    if (isMissingAbility(name, response.status, words)) capabilities.learn(client.repository, name, 'no')
    throw unsupported(name, attempt, response.status, words)
  }
  capabilities.learn(client.repository, name, 'yes')
  return 'deleted'
}

/**
 * Some registries answer 404 to a delete that they do not have (Quay, of an untagged manifest): only what is
 * gone is absent.
 */
async function absent(
  client: RepositoryClient,
  at: TagOrDigest,
  name: 'deleteTag' | 'deleteManifest',
  attempt: Attempt,
  words: RegistryWords,
  call: Call,
): Promise<'absent'> {
  if ((await resolveManifest(client, at, call)) === undefined) return 'absent'
  throw unsupported(name, attempt, 404, words)
}

/**
 * zot and GAR answer 405 or 400 of a manifest that something points at, with codes of their own; that says
 * nothing of the next one. To docker-registry 2.8 a tag is a digest that is none.
 */
function isMissingAbility(
  name: 'deleteTag' | 'deleteManifest',
  status: number,
  words: RegistryWords,
): boolean {
  if (words.code === 'UNSUPPORTED') return true
  return name === 'deleteTag' ? words.code === 'DIGEST_INVALID' : status === 405 && words.code === undefined
}

function unsupported(
  name: 'deleteTag' | 'deleteManifest',
  attempt: Attempt,
  status?: number,
  words: RegistryWords = {},
): DrayError {
  const { registry } = attempt
  const hint = knownRegistry(registry)?.hints[name] ?? defaultHints[name]
  const said = status === undefined ? undefined : errorOf(status, words, attempt)
  return new DrayError('unsupported', `cannot ${attempt.doing}: ${registry} does not do that`, {
    subject: attempt.subject,
    hint,
    ...(status !== undefined && { status }),
    ...(said?.why !== undefined && { why: said.why }),
    ...(said?.registryCode !== undefined && { registryCode: said.registryCode }),
  })
}

const defaultHints = {
  deleteTag: 'Some registries remove a tag only with its manifest, or by an API of their own.',
  deleteManifest:
    "Deletes may be switched off in the registry's settings, or an index may hold the manifest.",
} as const
