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
  type Seen,
  seen,
} from '../../images/registry-facts.ts'
import { RegistryClient, RepositoryClient, type Run } from '../client/client.ts'
import type { Attempt } from '../client/errors.ts'
import { findManifest, type ManifestName } from '../client/manifests/manifests.ts'
import { listReferrers } from '../client/lists/referrers.ts'
import { knownRegistry } from '../client/registries.ts'
import { tagPages } from '../client/lists/tags.ts'

type Facts = Partial<Record<Ability, AbilityFact>>

/**
 * Finds out by GET and HEAD alone what a registry and, where one is named, a repository of it show. What cannot be seen so is taken from the table of
 * registries, or left unknown. A failure of one look is told and does not end the others. @throws the signal's reason.
 */
export async function lookAtRegistry(
  run: Run,
  registry: string,
  path: string | undefined,
  call: Call,
): Promise<RegistryFacts> {
  const client = new RegistryClient(run, registry)
  const api = await seen(call, () => askApi(client, call), run.told)
  const repository = path === undefined ? undefined : new RepositoryClient(run, { registry, path })
  const [catalog, looked] =
    'error' in api
      ? [undefined, undefined]
      : await Promise.all([
          seen(call, () => hasCatalog(client, call), run.told),
          repository === undefined ? undefined : lookAtRepository(repository, call),
        ])
  const clockDifferenceMs = run.clocks.difference(registry)
  return {
    api,
    ...(clockDifferenceMs !== undefined && { clockDifferenceMs }),
    abilities: {
      ...fromTable(registry),
      ...(catalog !== undefined && 'value' in catalog && { catalog: catalog.value }),
      ...looked?.abilities,
    },
    ...(looked !== undefined && { repository: looked.repository }),
  }
}

/** `GET /v2/` (distribution-spec, Determining Support); twice, since the first opens the connection and is challenged. */
async function askApi(client: RegistryClient, call: Call): Promise<ApiFacts> {
  const attempt = attemptAt(client, 'ask for the API')
  const ask = (): ReturnType<RegistryClient['sendAndDiscard']> =>
    client.sendAndDiscard(
      { method: 'GET', url: client.url(''), expect: [200], attempt, withoutScopes: true },
      call,
    )
  const response = await ask()
  const begin = performance.now()
  await ask()
  const version = response.headers.get('docker-distribution-api-version')
  return {
    roundTripMs: Math.round(performance.now() - begin),
    ...(version !== undefined && { version: client.run.redact(version).slice(0, 100) }),
  }
}

function attemptAt({ registry }: RegistryClient, doing: string): Attempt {
  return { registry, doing, subject: registry, access: 'read' }
}

/** Requests the permission to list all repositories only from a registry that refuses the list without it. */
async function hasCatalog(client: RegistryClient, call: Call): Promise<AbilityFact> {
  const first = await catalogAnswer(client, true, call)
  const isRefused = first.status === 401 || first.status === 403
  return (isRefused ? await catalogAnswer(client, false, call) : first).fact
}

async function catalogAnswer(
  client: RegistryClient,
  withoutScopes: boolean,
  call: Call,
): Promise<{ readonly status: number; readonly fact: AbilityFact }> {
  const attempt = attemptAt(client, 'list the repositories')
  const url = client.url('_catalog', 'n=1')
  try {
    await client.sendAndDiscard({ method: 'GET', url, expect: [200], attempt, withoutScopes }, call)
    return { status: 200, fact: { known: 'yes', by: 'asking' } }
  } catch (error) {
    if (!isDrayError(error) || error.code === 'unavailable' || error.status === undefined) throw error
    const { status } = error
    return { status, fact: { known: 'no', by: 'asking', detail: `it answered ${status}` } }
  }
}

async function lookAtRepository(
  client: RepositoryClient,
  call: Call,
): Promise<{ readonly repository: RepositoryFacts; readonly abilities: Facts }> {
  const { path } = client.repository
  const first = await seen(call, () => firstPage(client, call), client.run.told)
  if ('error' in first || first.value === 'absent')
    return { repository: { path, tags: first as Seen<'absent'> }, abilities: {} }
  const [tag] = first.value
  const [referrers, image] = await Promise.all([
    seen(call, () => hasReferrers(client, call), client.run.told),
    tag === undefined ? undefined : seen(call, () => lookAtTag(client, tag, call), client.run.told),
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
    for await (const page of tagPages(client, call)) return page
    return []
  } catch (error) {
    if (isDrayError(error) && error.code === 'not-found') return 'absent'
    throw error
  }
}

/** Of a digest that nothing has: an empty list, or no such API. */
async function hasReferrers(client: RepositoryClient, call: Call): Promise<AbilityFact> {
  const listed = await listReferrers(client, digestOf('nothing has this digest'), call)
  return { known: listed === undefined ? 'no' : 'yes', by: 'asking' }
}

async function lookAtTag(
  client: RepositoryClient,
  tag: string,
  call: Call,
): Promise<{ readonly rateLimit?: RateLimit; readonly range?: AbilityFact }> {
  const attempt = client.attempt('read the manifest', `:${tag}`, 'read')
  const url = client.url(`manifests/${tag}`)
  // a HEAD counts for no quota
  const head = await client.sendAndDiscard(
    { method: 'HEAD', url, headers: { accept: manifestAccept }, expect: [200, 404, 405], attempt },
    call,
  )
  const rateLimit = rateLimitOf(head.headers)
  const blob =
    client.run.capabilities.get(client.repository, 'freeReads') === 'no'
      ? undefined
      : await someBlob(client, tag, call)
  const range = blob === undefined ? undefined : await readsFrom(client, blob, call)
  return { ...(rateLimit !== undefined && { rateLimit }), ...(range !== undefined && { range }) }
}

/** The config of what a tag stands on, or of the first image in it. */
async function someBlob(client: RepositoryClient, tag: string, call: Call): Promise<Descriptor | undefined> {
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

async function readsFrom(
  client: RepositoryClient,
  d: Descriptor,
  call: Call,
): Promise<AbilityFact | undefined> {
  if (d.size < 2) return undefined
  const attempt = client.attempt('read the blob', `@${d.digest}`, 'read')
  const response = await client.sendAndDiscard(
    {
      method: 'GET',
      url: client.url(`blobs/${d.digest}`),
      headers: { range: 'bytes=1-' },
      lane: 'download',
      expect: [200, 206, 416],
      attempt,
    },
    call,
  )
  return { known: response.status === 206 ? 'yes' : 'no', by: 'asking' }
}

function fromTable(registry: string): Facts {
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
