import type { Call } from '../../lib/call.ts'
import { isDrayError } from '../../lib/errors.ts'
import { rateLimitOf } from '../http/headers.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import { blobsOf, childrenOf, type Manifest, parseManifest } from '../../oci/manifest.ts'
import type { ManifestContent } from '../../images/ports.ts'
import {
  type Ability,
  abilities,
  type AbilityFact,
  type ApiFacts,
  type Oddity,
  type RateLimit,
  type RegistryFacts,
  type RepositoryFacts,
  type CheckResult,
  runCheck,
} from '../../images/registry-facts.ts'
import { RegistryClient, RepositoryClient, type SharedState } from '../client/client.ts'
import type { Purpose } from '../client/errors.ts'
import type { Fetch } from '../http/fetch.ts'
import { type AnonymousClient, checkChallenge, requestRoot } from './check-anonymous.ts'
import { checkReferrers } from './check-referrers.ts'
import { checkFirstTags, checkMissingTag, compareHead, digestOfNothing, requestHead } from './check-tags.ts'
import { findManifest, type ManifestName } from '../client/manifests/manifests.ts'
import { knownRegistry } from '../client/registries.ts'

type Facts = Partial<Record<Ability, AbilityFact>>

interface Examined {
  readonly shared: SharedState
  /** sends requests without authentication */
  readonly anonymous: Fetch
  readonly registry: string
  readonly path: string | undefined
}

/**
 * Checks a registry, and a repository of it if `path` is given, with GET and HEAD only. The table
 * of registries has the abilities that such requests do not show. The failure of one check
 * is part of the result and does not end the others. @throws the signal's reason.
 */
export async function checkRegistry(
  { shared, anonymous, registry, path }: Examined,
  call: Call,
): Promise<RegistryFacts> {
  const client = new RegistryClient(shared, registry)
  const unauthenticated: AnonymousClient = { client, fetch: anonymous }
  const root = await runCheck(call, () => requestRoot(unauthenticated, call), shared.redactError)
  const isOpen = 'value' in root && root.value.status === 200
  const api =
    'error' in root ? root : await runCheck(call, () => checkApi(client, isOpen, call), shared.redactError)
  const isReachable = 'value' in api
  const [odd, catalog, checked] = await Promise.all([
    'value' in root
      ? runCheck(call, () => checkChallenge(unauthenticated, root.value, path, call), shared.redactError)
      : undefined,
    isReachable ? runCheck(call, () => checkCatalog(client, call), shared.redactError) : undefined,
    isReachable && path !== undefined
      ? checkRepository(new RepositoryClient(shared, { registry, path }), call)
      : undefined,
  ])
  const clockDifferenceMs = shared.clocks.difference(registry)
  const vendor = 'value' in root ? root.value.vendor : undefined
  return {
    api,
    ...(vendor !== undefined && { vendor }),
    ...(clockDifferenceMs !== undefined && { clockDifferenceMs }),
    abilities: {
      ...knownAbilities(registry),
      ...(catalog !== undefined && 'value' in catalog && { catalog: catalog.value }),
      ...checked?.abilities,
    },
    ...(checked !== undefined && { repository: checked.repository }),
    oddities: [odd !== undefined && 'value' in odd ? odd.value : [], checked?.oddities ?? []].flat(),
  }
}

/**
 * `GET /v2/` (distribution-spec, Determining Support). The last request measures the round trip.
 * If the registry challenges, an earlier one gets the token.
 */
async function checkApi(client: RegistryClient, isOpen: boolean, call: Call): Promise<ApiFacts> {
  const purpose = purposeAt(client, 'check the API')
  const request = { method: 'GET', url: client.url(''), expect: [200], purpose, withoutScopes: true } as const
  if (!isOpen) await client.sendAndDiscard(request, call)
  const begin = performance.now()
  const response = await client.sendAndDiscard(request, call)
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

interface RepositoryCheck {
  readonly repository: RepositoryFacts
  readonly abilities: Facts
  readonly oddities: readonly Oddity[]
}

async function checkRepository(client: RepositoryClient, call: Call): Promise<RepositoryCheck> {
  const { path } = client.repository
  const { redactError } = client.shared
  const first = await runCheck(call, () => checkFirstTags(client, call), redactError)
  if ('error' in first || first.value === 'absent')
    return { repository: { path, tags: first as CheckResult<'absent'> }, abilities: {}, oddities: [] }
  const { tags, oddity } = first.value
  const [tag] = tags
  const [referrers, missing, image] = await Promise.all([
    runCheck(call, () => checkReferrers(client, digestOfNothing, call), redactError),
    runCheck(call, () => checkMissingTag(client, call), redactError),
    tag === undefined ? undefined : runCheck(call, () => checkTag(client, tag, call), redactError),
  ])
  const found = image !== undefined && 'value' in image ? image.value : undefined
  return {
    repository: {
      path,
      tags: { value: tags.length },
      ...(found?.rateLimit !== undefined && { rateLimit: found.rateLimit }),
    },
    abilities: {
      ...('value' in referrers && { referrers: referrers.value.fact }),
      ...(found?.range !== undefined && { range: found.range }),
    },
    oddities: [
      oddity ?? [],
      found?.oddity ?? [],
      // A registry that shows no image does not show how it answers tags that do not exist.
      (found?.isReadable === true && 'value' in missing ? missing.value : undefined) ?? [],
    ].flat(),
  }
}

interface TagFacts {
  readonly isReadable: boolean
  readonly rateLimit?: RateLimit
  readonly range?: AbilityFact
  readonly oddity?: Oddity
}

async function checkTag(client: RepositoryClient, tag: string, call: Call): Promise<TagFacts> {
  // A HEAD counts for no rate limit.
  const head = await requestHead(client, tag, call)
  const rateLimit = rateLimitOf(head.headers)
  const facts = { isReadable: head.status === 200, ...(rateLimit !== undefined && { rateLimit }) }
  if (client.shared.capabilities.get(client.repository, 'freeReads') === 'no') return facts
  const content = await findManifest(client, { tag }, call)
  if (content === undefined) return facts
  const oddity = compareHead(head, tag, content)
  const blob = await findBlob(client, content, call)
  const range = blob === undefined ? undefined : await checkRange(client, blob, call)
  return {
    ...facts,
    isReadable: true,
    ...(range !== undefined && { range }),
    ...(oddity !== undefined && { oddity }),
  }
}

/** The config of an image, or of the first image of an index. */
async function findBlob(
  client: RepositoryClient,
  { bytes, descriptor }: ManifestContent,
  call: Call,
): Promise<Descriptor | undefined> {
  const root = parseManifest(bytes, descriptor.mediaType, client.repository.path)
  const [child] = childrenOf(root)
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
      if (name === 'range' || name === 'catalog') return []
      const { [name]: value } = known.capabilities
      if (value === undefined || value === 'unknown') return []
      const { [name]: hint } = known.hints
      const source = `${known.name}: ${known.source}`
      return [[name, { known: value, by: 'table', source, ...(hint !== undefined && { hint }) } as const]]
    }),
  )
}
