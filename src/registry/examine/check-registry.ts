import type { Call } from '../../lib/call.ts'
import { isDrayError } from '../../lib/errors.ts'
import { rateLimitOf } from '../http/headers.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import { digestOf } from '../../oci/digest.ts'
import { blobsOf, childrenOf, type Manifest, parseManifest } from '../../oci/manifest.ts'
import { manifestAccept } from '../../oci/media-types.ts'
import {
  type Ability,
  abilities,
  type AbilityFact,
  type ApiFacts,
  type RateLimit,
  type RegistryFacts,
  type RepositoryFacts,
  type CheckResult,
  runCheck,
} from '../../images/registry-facts.ts'
import { RegistryClient, RepositoryClient, type SharedState } from '../client/client.ts'
import type { Purpose } from '../client/errors.ts'
import { findManifest, type ManifestName } from '../client/manifests/manifests.ts'
import { listReferrers } from '../client/lists/referrers.ts'
import { knownRegistry } from '../client/registries.ts'
import { tagPages } from '../client/lists/tags.ts'

type Facts = Partial<Record<Ability, AbilityFact>>

/**
 * Finds out with GET and HEAD alone what a registry can do, and a repository of it if `path` is
 * given. The table of registries answers what such requests do not show. The failure of one check
 * is part of the result and does not end the others. @throws the signal's reason.
 */
export async function checkRegistry(
  shared: SharedState,
  registry: string,
  path: string | undefined,
  call: Call,
): Promise<RegistryFacts> {
  const client = new RegistryClient(shared, registry)
  const api = await runCheck(call, () => checkApi(client, call), shared.redactError)
  const isReachable = 'value' in api
  const [catalog, checked] = await Promise.all([
    isReachable ? runCheck(call, () => checkCatalog(client, call), shared.redactError) : undefined,
    isReachable && path !== undefined
      ? checkRepository(new RepositoryClient(shared, { registry, path }), call)
      : undefined,
  ])
  const clockDifferenceMs = shared.clocks.difference(registry)
  return {
    api,
    ...(clockDifferenceMs !== undefined && { clockDifferenceMs }),
    abilities: {
      ...knownAbilities(registry),
      ...(catalog !== undefined && 'value' in catalog && { catalog: catalog.value }),
      ...checked?.abilities,
    },
    ...(checked !== undefined && { repository: checked.repository }),
  }
}

/**
 * `GET /v2/` (distribution-spec, Determining Support). The second request measures the round trip,
 * because the first opens the connection and is challenged.
 */
async function checkApi(client: RegistryClient, call: Call): Promise<ApiFacts> {
  const purpose = purposeAt(client, 'ask for the API')
  const request = { method: 'GET', url: client.url(''), expect: [200], purpose, withoutScopes: true } as const
  const response = await client.sendAndDiscard(request, call)
  const begin = performance.now()
  await client.sendAndDiscard(request, call)
  const version = response.headers.get('docker-distribution-api-version')
  return {
    roundTripMs: Math.round(performance.now() - begin),
    ...(version !== undefined && { version: client.shared.redact(version).slice(0, 100) }),
  }
}

function purposeAt({ registry }: RegistryClient, doing: string): Purpose {
  return { registry, doing, subject: registry, access: 'read' }
}

/**
 * Requests the permission to list all repositories only from a registry that refuses the list
 * without it.
 */
async function checkCatalog(client: RegistryClient, call: Call): Promise<AbilityFact> {
  const first = await catalogAnswer(client, true, call)
  const isRefused = first.status === 401 || first.status === 403
  return (isRefused ? await catalogAnswer(client, false, call) : first).fact
}

async function catalogAnswer(
  client: RegistryClient,
  withoutScopes: boolean,
  call: Call,
): Promise<{ readonly status: number; readonly fact: AbilityFact }> {
  const purpose = purposeAt(client, 'list the repositories')
  const url = client.url('_catalog', 'n=1')
  try {
    await client.sendAndDiscard({ method: 'GET', url, expect: [200], purpose, withoutScopes }, call)
    return { status: 200, fact: { known: 'yes', by: 'asking' } }
  } catch (error) {
    if (!isDrayError(error) || error.code === 'unavailable' || error.status === undefined) throw error
    const { status } = error
    return { status, fact: { known: 'no', by: 'asking', detail: `it answered ${status}` } }
  }
}

async function checkRepository(
  client: RepositoryClient,
  call: Call,
): Promise<{ readonly repository: RepositoryFacts; readonly abilities: Facts }> {
  const { path } = client.repository
  const first = await runCheck(call, () => firstPage(client, call), client.shared.redactError)
  if ('error' in first || first.value === 'absent')
    return { repository: { path, tags: first as CheckResult<'absent'> }, abilities: {} }
  const [tag] = first.value
  const [referrers, image] = await Promise.all([
    runCheck(call, () => checkReferrers(client, call), client.shared.redactError),
    tag === undefined
      ? undefined
      : runCheck(call, () => checkTag(client, tag, call), client.shared.redactError),
  ])
  const found = image !== undefined && 'value' in image ? image.value : undefined
  return {
    repository: {
      path,
      tags: { value: first.value.length },
      ...(found?.rateLimit !== undefined && { rateLimit: found.rateLimit }),
    },
    abilities: {
      ...('value' in referrers && { referrers: referrers.value }),
      ...(found?.range !== undefined && { range: found.range }),
    },
  }
}

async function firstPage(client: RepositoryClient, call: Call): Promise<readonly string[] | 'absent'> {
  try {
    for await (const page of tagPages(client, 'skip', call)) return page
    return []
  } catch (error) {
    if (isDrayError(error) && error.code === 'not-found') return 'absent'
    throw error
  }
}

/** A digest that does not exist has an empty list, if the registry has the API. */
async function checkReferrers(client: RepositoryClient, call: Call): Promise<AbilityFact> {
  await listReferrers(client, digestOf('nothing has this digest'), call)
  // Quay has no answer for a digest that it does not have.
  return { known: client.shared.capabilities.get(client.repository, 'referrers'), by: 'asking' }
}

async function checkTag(
  client: RepositoryClient,
  tag: string,
  call: Call,
): Promise<{ readonly rateLimit?: RateLimit; readonly range?: AbilityFact }> {
  const purpose = client.describe('read the manifest', `:${tag}`, 'read')
  const url = client.url(`manifests/${tag}`)
  // A HEAD counts for no rate limit.
  const head = await client.sendAndDiscard(
    { method: 'HEAD', url, headers: { accept: manifestAccept }, expect: [200, 404, 405], purpose },
    call,
  )
  const rateLimit = rateLimitOf(head.headers)
  const blob =
    client.shared.capabilities.get(client.repository, 'freeReads') === 'no'
      ? undefined
      : await findBlob(client, tag, call)
  const range = blob === undefined ? undefined : await checkRange(client, blob, call)
  return { ...(rateLimit !== undefined && { rateLimit }), ...(range !== undefined && { range }) }
}

/** The config of the image under a tag, or of the first image of its index. */
async function findBlob(client: RepositoryClient, tag: string, call: Call): Promise<Descriptor | undefined> {
  const root = await manifestAt(client, { tag }, call)
  const [child] = root === undefined ? [] : childrenOf(root)
  const manifest = child === undefined ? root : await manifestAt(client, child, call)
  return manifest === undefined ? undefined : blobsOf(manifest)[0]
}

async function manifestAt(
  client: RepositoryClient,
  at: ManifestName,
  call: Call,
): Promise<Manifest | undefined> {
  const content = await findManifest(client, at, call)
  if (content === undefined) return undefined
  return parseManifest(content.bytes, content.descriptor.mediaType, client.repository.path)
}

async function checkRange(
  client: RepositoryClient,
  d: Descriptor,
  call: Call,
): Promise<AbilityFact | undefined> {
  if (d.size < 2) return undefined
  const purpose = client.describe('read the blob', `@${d.digest}`, 'read')
  const response = await client.sendAndDiscard(
    {
      method: 'GET',
      url: client.url(`blobs/${d.digest}`),
      headers: { range: 'bytes=1-' },
      lane: 'download',
      expect: [200, 206, 416],
      purpose,
    },
    call,
  )
  return { known: response.status === 206 ? 'yes' : 'no', by: 'asking' }
}

function knownAbilities(registry: string): Facts {
  const known = knownRegistry(registry)
  if (known === undefined) return {}
  return Object.fromEntries(
    abilities.flatMap((name) => {
      const value = name === 'range' || name === 'catalog' ? undefined : known.capabilities[name]
      if (value === undefined || value === 'unknown') return []
      return [[name, { known: value, by: 'table', source: `${known.name}: ${known.source}` } as const]]
    }),
  )
}
