import { describe, expect, it } from 'vitest'
import { gatherStatus } from '../../../../src/usecases/views/status/gather-status.ts'
import type { StatusTarget } from '../../../../src/usecases/views/status/facts.ts'
import { buildStatus } from '../../../../src/usecases/views/status/status.ts'
import { memoryStorage } from '../../../../src/embedded/storage/memory-storage.ts'
import { digestOf } from '../../../../src/oci/digest.ts'
import { storageInventory } from '../../../support/storage-inventory.ts'
import { DrayError } from '../../../../src/lib/errors.ts'
import { plainReading } from '../../../../src/semver/version.ts'
import { embedded, newCall, openStores, scripted } from '../../../registry/client/world.ts'
import { image, index } from '../../../support/images.ts'

const options = { now: new Date('2027-01-01T00:00:00Z'), children: false }
const targetAt = (registry: string, path: string, over: Partial<StatusTarget> = {}): StatusTarget => ({
  image: path,
  environment: 'prod',
  repository: { registry, path },
  currentTag: 'latest',
  reading: plainReading,
  ...over,
})

it('the config of an image is read once for all its tags and repositories', async () => {
  const { registry, push, requests, clear } = await embedded()
  const paths = ['dev/api', 'prod/api', 'prod/copy']
  for (const path of paths) await push(image(), path, '1.4.2', 'latest')
  clear()
  const targets = paths.map((path) => targetAt(registry, path))
  const found = await gatherStatus(openStores(), targets, [], options, newCall())
  expect(found).toMatchObject(paths.map(() => ({ state: 'present', created: '2026-01-02T03:04:05.000Z' })))
  expect(requests().filter((line) => line.startsWith('GET blob'))).toHaveLength(1)
})

it('the child of an index is read for its age only if the caller requests that', async () => {
  const { registry, push, requests, clear } = await embedded()
  await push(index(['amd64', 'arm64']), 'prod/api', '1.4.2', 'latest')
  const readStatus = async (children: boolean) => {
    clear()
    const targets = [targetAt(registry, 'prod/api')]
    const [cell] = await gatherStatus(openStores(), targets, [], { ...options, children }, newCall())
    const created = cell?.state === 'present' ? cell.created : undefined
    return { created, manifests: requests().filter((line) => line.includes('manifest')).length }
  }
  expect(await readStatus(false)).toEqual({ created: null, manifests: 2 })
  expect(await readStatus(true)).toEqual({ created: '2026-01-02T03:04:05.000Z', manifests: 3 })
})

it('a current-version tag that is a version has that version, and no other tag is read', async () => {
  const { registry, push, requests, clear } = await embedded()
  await push(image(), 'prod/api', '1.4.2', '1.5.0')
  clear()
  const targets = [targetAt(registry, 'prod/api', { currentTag: '1.4.2' })]
  const [cell] = await gatherStatus(openStores(), targets, [], options, newCall())
  expect(cell).toMatchObject({ state: 'present', version: { tag: '1.4.2' } })
  expect(requests().filter((line) => line.includes('manifest'))).toHaveLength(1)
})

it('a repository with 10,000 tags costs at most 100 requests', async () => {
  const storage = memoryStorage()
  const { registry, push, requests, clear } = await embedded({ storage })
  const { digest } = await push(image(), 'prod/api', 'latest', '1.4.2')
  const stored = await storage.manifest('prod/api', digest)
  if (stored === undefined) throw new Error('there is no image')
  const tags = Array.from({ length: 10_000 }, (_, n) => `0.${n}.0`)
  await storage.putManifest('prod/api', stored, tags)
  clear()
  const [cell] = await gatherStatus(openStores(), [targetAt(registry, 'prod/api')], [], options, newCall())
  expect(cell).toMatchObject({ state: 'present', version: { tag: '1.4.2' } })
  expect(requests().length).toBeLessThanOrEqual(100)
})

it('the tags are from the list of the vendor if the registry does not list them', async () => {
  const { registry } = await scripted(() => ({ status: 403 }))
  const digest = digestOf('a')
  const inventory = {
    ...storageInventory(memoryStorage()),
    entries: async function* () {
      yield { digest, tags: [{ name: '1.4.2' }] }
    },
  }
  const stores = openStores()
  const { repository } = targetAt(registry, 'prod/api')
  const store = {
    ...stores.source(repository),
    findManifest: async () => undefined,
    resolve: async () => undefined,
  }
  const facts = await gatherStatus(
    { ...stores, source: () => store },
    [targetAt(registry, 'prod/api')],
    [],
    { ...options, inventory: async () => inventory },
    newCall(),
  )
  expect(facts).toMatchObject([{ state: 'no-current-tag', tags: ['1.4.2'], highest: [{ tag: '1.4.2' }] }])
})

it('a repository without the current-version tag has its highest version with one more HEAD', async () => {
  const { registry, push, requests, clear } = await embedded()
  await push(image(), 'prod/api', '1.4.2', '1.10.0')
  clear()
  const found = await gatherStatus(openStores(), [targetAt(registry, 'prod/api')], [], options, newCall())
  expect(found).toMatchObject([{ state: 'no-current-tag', highest: [{ tag: '1.10.0' }] }])
  expect(requests()).toHaveLength(3)
})

it('a repository that has only attached artifacts is not deployed', async () => {
  const { registry, push } = await embedded()
  await push(image(), 'prod/api', `sha256-${'a'.repeat(64)}.sig`)
  const found = await gatherStatus(openStores(), [targetAt(registry, 'prod/api')], [], options, newCall())
  expect(found).toMatchObject([{ state: 'not-deployed' }])
})

describe('the requests to compare two environments', () => {
  const paths = [{ from: 'staging', to: 'prod' }]
  /** Returns the tags of which each repository was asked, in `staging/api` and `prod/api`. */
  async function asked(staging: readonly string[], prod: readonly string[]) {
    const { registry, push, requests, clear } = await embedded()
    await push(image({ label: 'a' }), 'staging/api', ...staging)
    await push(image({ label: 'a' }), 'prod/api', ...prod)
    clear()
    const targets = ['staging', 'prod'].map((environment) =>
      targetAt(registry, `${environment}/api`, { environment, image: 'api' }),
    )
    const facts = await gatherStatus(openStores(), targets, paths, options, newCall())
    const { images } = buildStatus(['staging', 'prod'], paths, facts)
    return { heads: requests().filter((line) => line.startsWith('HEAD')).length, step: images[0]?.steps[0] }
  }

  it.each([
    [
      'one HEAD for the version of each current-version tag',
      ['latest', '1.4.2'],
      ['latest', '1.4.2'],
      2,
      'currentTag',
    ],
    ['one HEAD for the highest version of each', ['1.4.1', '1.4.2'], ['1.4.2'], 2, 'highestVersion'],
    [
      'none twice if one side has the current-version tag',
      ['latest', '1.4.2'],
      ['1.4.2'],
      2,
      'highestVersion',
    ],
    ['one HEAD for each common tag', ['main', 'pr-1', 'pr-2'], ['main', 'pr-1'], 4, 'commonTags'],
    ['one HEAD for the only image', ['1.4.2'], ['release'], 2, 'sameDigest'],
  ])('are %s', async (_, staging, prod, heads, comparedBy) => {
    expect(await asked(staging, prod)).toMatchObject({ heads, step: { state: 'in-sync', comparedBy } })
  })
})

it('a repository is unreachable if the tags that it is compared by cannot be read', async () => {
  const { registry } = await scripted(({ path }) => {
    if (path.includes('/tags/list'))
      return { status: 200, body: JSON.stringify({ name: 'api', tags: ['main'] }) }
    return { status: path.endsWith('/main') ? 403 : 404 }
  })
  const targets = ['staging', 'prod'].map((environment) =>
    targetAt(registry, `${environment}/api`, { environment, image: 'api' }),
  )
  const paths = [{ from: 'staging', to: 'prod' }]
  const facts = await gatherStatus(openStores(), targets, paths, options, newCall())
  expect(facts).toMatchObject(targets.map(() => ({ state: 'unreachable', error: { code: 'forbidden' } })))
  expect(buildStatus(['staging', 'prod'], paths, facts).summary).toMatchObject({ inSync: 0, unknown: 1 })
})

it('a repository is unreachable with the reason if the registry answers 403 or with malformed content', async () => {
  const denied = await scripted(() => ({ status: 403 }))
  const strange = await scripted(() => ({ status: 200, body: '{}' }))
  const targets = [targetAt(denied.registry, 'prod/api'), targetAt(strange.registry, 'prod/api')]
  const found = await gatherStatus(openStores(), targets, [], options, newCall())
  expect(found).toMatchObject([
    { state: 'unreachable', error: { code: 'forbidden', status: 403 } },
    { state: 'unreachable', error: { code: 'malformed' } },
  ])
})

it('an image has no version if its tags cannot be listed, with one warning per registry', async () => {
  const content = image()
  const bodies = new Map<string, Uint8Array | undefined>([
    ...content.blobs,
    ['latest', content.manifests[0]?.bytes],
  ])
  const { registry } = await scripted(({ path }) => {
    const body = bodies.get(path.split('/').at(-1) ?? '')
    if (body === undefined) return { status: path.includes('/tags/list') ? 403 : 404 }
    return { status: 200, headers: { 'content-type': content.root.mediaType }, body }
  })
  const targets = ['a', 'b'].map((path) => targetAt(registry, path))
  const call = newCall()
  const found = await gatherStatus(openStores(), targets, [], options, call)
  const shown = { state: 'present', digest: content.root.digest, version: null }
  expect(found).toMatchObject([shown, shown])
  expect(call.events.filter(({ kind }) => kind === 'warning')).toEqual([
    { kind: 'warning', text: expect.stringContaining('does not list tags') as string, from: registry },
  ])
  const unreadable = await gatherStatus(
    openStores(),
    [targetAt(registry, 'a', { currentTag: 'live' })],
    [],
    options,
    call,
  )
  expect(unreadable).toMatchObject([{ state: 'unreachable', error: { code: 'forbidden' } }])
})

it('an image has no age if its config cannot be read', async () => {
  const { registry, push, oracle } = await embedded()
  const content = image()
  await push(content, 'prod/api', '1.4.2', 'latest')
  const [config = ''] = [...content.blobs].flatMap(([digest, bytes]) => (bytes[0] === 0x7b ? [digest] : []))
  await oracle.deleteBlob('prod/api', config)
  const found = await gatherStatus(openStores(), [targetAt(registry, 'prod/api')], [], options, newCall())
  expect(found).toMatchObject([{ state: 'present', version: { tag: '1.4.2' }, created: null }])
})

it('requests to a registry that never answers stop after the retries of the first images', async () => {
  const { heard, registry } = await scripted(() => ({
    status: 200,
    raw: (response) => void response.socket?.destroy(),
  }))
  const targets = Array.from({ length: 200 }, (_, i) => targetAt(registry, `prod/image-${i}`))
  const found = await gatherStatus(openStores(), targets, [], options, newCall())
  expect(found.every(({ state }) => state === 'unreachable')).toBe(true)
  expect(found.at(-1)).toMatchObject({ error: { subject: `${registry}/prod/image-199` } })
  // The first 16 repositories use all retries of the registry. All 200 would need 400 requests.
  expect(heard.length).toBeLessThan(120)
})

it('repositories that were not read in time are unreachable, and an interrupt ends the command', async () => {
  const { registry, push } = await embedded()
  await push(image(), 'prod/api', '1.4.2', 'latest')
  const stop = new AbortController()
  const mute = await scripted(() => {
    stop.abort(reason)
    return { status: 200, raw: () => undefined }
  })
  let reason = new DrayError('timeout', 'the time is up')
  const first = targetAt(registry, 'prod/api')
  const targets = [first, ...Array.from({ length: 20 }, (_, i) => targetAt(mute.registry, `prod/x${i}`))]
  const found = await gatherStatus(openStores(), targets, [], options, newCall(stop.signal))
  expect(found).toHaveLength(21)
  expect(found.slice(1)).toMatchObject(
    targets.slice(1).map(() => ({ state: 'unreachable', error: { code: 'timeout' } })),
  )
  reason = new DrayError('interrupted', 'interrupted')
  const again = new AbortController()
  again.abort(reason)
  const ended = gatherStatus(openStores(), targets, [], options, newCall(again.signal))
  await expect(ended).rejects.toMatchObject({ code: 'interrupted' })
})
