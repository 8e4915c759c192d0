import { describe, expect, it } from 'vitest'
import type { RegistryRequest, RegistryResponse } from '../../../src/registry/http/fetch.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import { mediaTypes } from '../../../src/oci/media-types.ts'
import type { TargetRepository } from '../../../src/images/ports.ts'
import { blobOf, bytesSource, newCall, storeAt } from './world.ts'

const name = { registry: 'registry.example.com', path: 'team/api' }
const other = { ...name, path: 'team/other' }
const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.index, manifests: [] }))
const d = { mediaType: mediaTypes.index, digest: digestOf(bytes), size: bytes.byteLength }

/** Records the requests of an action, which all get the same answer. */
async function requestsOf(
  work: (store: TargetRepository) => Promise<unknown>,
  status: number,
): Promise<RegistryRequest[]> {
  const seen: RegistryRequest[] = []
  const store = storeAt(name.registry, {
    origin: (registry) => new URL(`https://${registry}`),
    fetch: async (request): Promise<RegistryResponse> => {
      seen.push(request)
      return {
        status,
        headers: new Map([['docker-content-digest', d.digest]]),
        url: request.url,
        body: (async function* () {})(),
        bytes: async () => new Uint8Array(),
        discard: async () => undefined,
      }
    },
  })
  await work(store)
  return seen
}

const scopesOf = (seen: readonly RegistryRequest[]) =>
  seen[0]?.scopes.map((scope) =>
    'catalog' in scope ? ['the catalog'] : [scope.repository.path, ...scope.actions],
  )

describe('the scope of a request', () => {
  it('is pull for reads', async () => {
    const seen = await requestsOf((store) => store.findManifest({ tag: '1' }, newCall()), 404)
    expect(scopesOf(seen)).toEqual([['team/api', 'pull']])
  })

  it('is that of the destination, then of the source for mounts', async () => {
    const source = { ...bytesSource(bytes), repository: other }
    const seen = await requestsOf((store) => store.putBlob(blobOf(bytes), source, newCall()), 201)
    expect(scopesOf(seen)).toEqual([
      ['team/api', 'pull', 'push'],
      ['team/other', 'pull'],
    ])
  })

  it('is pull and push for writes, and a manifest can be sent again', async () => {
    const seen = await requestsOf((store) => store.putManifest(d, bytes, ['1'], newCall()), 201)
    expect(scopesOf(seen)).toEqual([['team/api', 'pull', 'push']])
    expect(seen[0]).toMatchObject({ replay: 'always', lane: 'small' })
  })

  it('is delete only for deletes', async () => {
    const seen = await requestsOf((store) => store.deleteTag('1', newCall()), 202)
    expect(scopesOf(seen)).toEqual([['team/api', 'pull', 'delete']])
  })
})
