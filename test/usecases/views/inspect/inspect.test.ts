import { describe, expect, it } from 'vitest'
import { memoryStorage } from '../../../../src/embedded/storage/memory-storage.ts'
import type { ServerOptions } from '../../../../src/embedded/server.ts'
import {
  inspectImage,
  type InspectOptions,
  readRawManifest,
} from '../../../../src/usecases/views/inspect/inspect.ts'
import { digestOf, parseDigest } from '../../../../src/oci/digest.ts'
import { cosignTag } from '../../../../src/oci/evidence-tags.ts'
import { parsePlatformName } from '../../../../src/oci/platform.ts'
import type { TagOrDigest } from '../../../../src/oci/reference.ts'
import { collect, embedded, newCall, openStores, scripted } from '../../../registry/client/world.ts'
import { buildxIndex } from '../../../support/buildx.ts'
import { imageWithConfig } from '../../../support/config-image.ts'
import { artifact, type Content, image, index, referrer, together } from '../../../support/images.ts'

/**
 * Starts a registry for the repository `api`. `inspect` returns the view, the warnings and the
 * requests.
 */
async function start(options: ServerOptions = {}) {
  const at = await embedded(options)
  const store = () => openStores().source({ registry: at.registry, path: 'api' })
  const requests = () => at.log.map(({ method, kind }) => `${method} ${kind}`).sort()
  const inspect = async (tag: string, over: Partial<InspectOptions> = {}) => {
    const call = newCall()
    at.clear()
    const view = await inspectImage(store(), { tag }, { tags: 'none', ...over }, call)
    const warnings = call.events.flatMap((event) => (event.kind === 'warning' ? [event.text] : []))
    return { view, warnings, requests: requests() }
  }
  const raw = async (reference: TagOrDigest, platform?: string) => {
    at.clear()
    const wanted = platform === undefined ? undefined : parsePlatformName(platform)
    const bytes = await collect(
      readRawManifest(store(), reference, wanted === undefined ? {} : { platform: wanted }, newCall()),
    )
    return { bytes, requests: requests() }
  }
  const push = (content: Content, ...tags: string[]) => at.push(content, 'api', ...tags)
  return { ...at, inspect, raw, push }
}

const on = (platform: string) => ({ platform: parsePlatformName(platform) })
const bytesOf = (content: Content, at = 0) => Buffer.from(content.manifests.at(at)?.bytes ?? [])

describe('one platform of an index', () => {
  it('has its layers and config, and its index', async () => {
    const { inspect, push } = await start()
    const api = index(['linux/amd64', 'linux/arm64'], { layers: 3 })
    await push(api, '1.0.0')
    const { view, requests } = await inspect('1.0.0', on('linux/arm64'))
    expect(view).toMatchObject({
      kind: 'manifest',
      image: { digest: api.manifests[1]?.descriptor.digest },
      index: { digest: api.root.digest },
      manifests: [{ platform: 'linux/arm64', image: { settings: { cmd: ['/app'] }, history: 3 } }],
    })
    expect(view.manifests[0]?.layers).toHaveLength(3)
    expect(requests.filter((one) => one === 'GET blob')).toHaveLength(1)
  })

  it.each([
    ['linux/arm/v7', 1],
    ['linux/arm/v6', 0],
    ['linux/arm64', 2],
    ['linux/arm64/v8', 2],
  ])('%s is the child %d of an index with variants', async (platform, child) => {
    const { inspect, push } = await start()
    const api = index(['linux/arm/v6', 'linux/arm/v7', 'linux/arm64'])
    await push(api, '1.0.0')
    const { view } = await inspect('1.0.0', on(platform))
    expect(view.image.digest).toBe(api.manifests[child]?.descriptor.digest)
  })

  it('is an error with the existing platforms if none matches', async () => {
    const { inspect, push } = await start()
    await push(buildxIndex(['linux/amd64', 'linux/arm64']), '1.0.0')
    await push(image({ platform: 'linux/amd64' }), 'single')
    await push(artifact('helm'), 'chart')
    const hints = { '1.0.0': 'linux/amd64, linux/arm64', single: 'linux/amd64', chart: 'no platform' }
    for (const [tag, hint] of Object.entries(hints)) {
      await expect(inspect(tag, on('linux/s390x'))).rejects.toMatchObject({
        code: 'not-found',
        hint: expect.stringContaining(hint),
      })
    }
  })

  it('is an error with the matching platforms if several match', async () => {
    const { inspect, push } = await start()
    await push(index(['linux/arm/v6', 'linux/arm/v7']), '1.0.0')
    await expect(inspect('1.0.0', on('linux/arm'))).rejects.toMatchObject({
      code: 'usage',
      hint: 'Pass one of them: linux/arm/v6, linux/arm/v7.',
    })
  })

  it('is not found in an image whose config has an invalid platform', async () => {
    const { inspect, push } = await start()
    await push(imageWithConfig({ os: 'my os', architecture: 'a:b/c' }), '1.0.0')
    await expect(inspect('1.0.0', on('linux/amd64'))).rejects.toMatchObject({ code: 'not-found' })
  })

  it('is found in a nested index, and by its config if the index has no platform', async () => {
    const { inspect, push } = await start()
    const bare = image({ platform: 'linux/riscv64' })
    const { platform: _, ...root } = bare.root
    const api = index([index(['linux/amd64'], { label: 'inner' }), { ...bare, root }])
    await push(api, '1.0.0')
    expect((await inspect('1.0.0', on('linux/amd64'))).view.manifests).toHaveLength(1)
    expect((await inspect('1.0.0', on('linux/riscv64'))).view.image.digest).toBe(bare.root.digest)
  })

  it('is a single image that matches', async () => {
    const { inspect, push } = await start()
    const api = image({ platform: 'linux/amd64' })
    await push(api, '1.0.0')
    const { view } = await inspect('1.0.0', on('linux/amd64'))
    expect(view).not.toHaveProperty('index')
    expect(view.image.digest).toBe(api.root.digest)
  })
})

describe('raw bytes', () => {
  it('are those of the index, in one request', async () => {
    const { raw, push } = await start()
    const api = index(['linux/amd64', 'linux/arm64'])
    await push(api, '1.0.0')
    expect(await raw({ tag: '1.0.0' })).toEqual({ bytes: bytesOf(api, -1), requests: ['GET manifest'] })
  })

  it('are those of the child for a platform, in two requests', async () => {
    const { raw, push } = await start()
    const api = index(['linux/amd64', 'linux/arm64'])
    await push(api, '1.0.0')
    const { bytes, requests } = await raw({ tag: '1.0.0' }, 'linux/arm64')
    expect(bytes).toEqual(bytesOf(api, 1))
    expect(requests).toEqual(['GET manifest', 'GET manifest'])
  })
})

describe('the tags of an image', () => {
  /** Starts a registry with one image under `v` and `others` more tags. */
  async function startWithTags(others: number) {
    const storage = memoryStorage()
    const at = await start({ storage })
    const api = image()
    await at.push(api, 'v')
    const stored = await storage.manifest('api', parseDigest(api.root.digest))
    if (stored === undefined) throw new Error('the image was not pushed')
    const tags = Array.from({ length: others }, (_, i) => `t${i}`)
    await storage.putManifest('api', stored, [...tags, cosignTag(parseDigest(api.root.digest), 'sig')])
    return at
  }

  it('take one list, which also serves for evidence, and one HEAD for each other tag if they are few', async () => {
    const { inspect, push } = await start()
    await push(image({ label: 'other' }), '0.9.0', 'old')
    await push(image(), '1.0.0', 'latest', '1')
    const { view, requests } = await inspect('1.0.0', { tags: 'few' })
    expect(view.tags).toEqual(['latest', '1', '1.0.0'])
    expect(requests).toEqual([
      'GET blob',
      'GET manifest',
      'GET referrers',
      'GET tags',
      ...Array.from({ length: 4 }, () => 'HEAD manifest'),
    ])
  })

  it.each([
    [99, { tags: 100, heads: 99, left: undefined }],
    [100, { tags: undefined, heads: 0, left: { why: 'many', count: 101, isWhole: true } }],
    [1500, { tags: undefined, heads: 0, left: { why: 'many', count: 999, isWhole: false } }],
  ] as const)('with %d others are read only up to 100, with one list: %j', async (others, expected) => {
    const { inspect } = await startWithTags(others)
    const { view, requests } = await inspect('v', { tags: 'few' })
    const heads = requests.filter((one) => one === 'HEAD manifest').length
    expect({ tags: view.tags?.length, heads, left: view.omittedTags }).toEqual(expected)
    expect(requests.filter((one) => one === 'GET tags')).toHaveLength(1)
  })

  it('are found after a page of evidence tags', async () => {
    const storage = memoryStorage()
    const { inspect, push } = await start({ storage })
    const api = image()
    await push(api, 'v1', 'v2')
    const stored = await storage.manifest('api', parseDigest(api.root.digest))
    if (stored === undefined) throw new Error('the image was not pushed')
    const evidence = Array.from({ length: 1200 }, (_, i) => cosignTag(digestOf(String(i)), 'sig'))
    await storage.putManifest('api', stored, evidence)
    expect((await inspect('v1', { tags: 'few' })).view.tags).toEqual(['v2', 'v1'])
  })

  it('are all read with tags: all, including evidence tags, and none with tags: none', async () => {
    const { inspect } = await startWithTags(150)
    const all = await inspect('v', { tags: 'all' })
    expect(all.view.tags).toHaveLength(152)
    const none = await inspect('v', { tags: 'none' })
    expect(none.view).not.toHaveProperty('tags')
    expect(none.view).not.toHaveProperty('omittedTags')
    expect(none.requests).not.toContain('GET tags')
  })

  it.each([401, 403, 404, 405])(
    'are omitted with a warning if the list is answered with %d',
    async (status) => {
      const content = image()
      const bodies = new Map([...content.blobs, ['v', bytesOf(content)]])
      const { registry } = await scripted(({ path }) => {
        const bytes = bodies.get(path.split('/').at(-1) ?? '')
        if (bytes === undefined) return { status: path.includes('/tags/list') ? status : 404 }
        return { status: 200, headers: { 'content-type': content.root.mediaType }, body: bytes }
      })
      const call = newCall()
      const inspect = (tags: 'few' | 'all') =>
        inspectImage(openStores().source({ registry, path: 'api' }), { tag: 'v' }, { tags }, call)
      expect(await inspect('few')).toMatchObject({ omittedTags: { why: 'unreadable' } })
      expect(call.events).toContainEqual({
        kind: 'warning',
        text: expect.stringContaining('cannot list the tags') as string,
      })
      await expect(inspect('all')).rejects.toMatchObject({ status })
    },
  )
})

describe('evidence', () => {
  it('of buildkit in the index has the image as its subject', async () => {
    const { inspect, push } = await start()
    const api = buildxIndex(['linux/amd64', 'linux/arm64'])
    await push(api, '1.0.0')
    const [amd64, arm64] = api.manifests
    const predicates = ['https://spdx.dev/Document', 'https://slsa.dev/provenance/v0.2']
    const { view } = await inspect('1.0.0')
    expect(view.evidence).toMatchObject([
      { subject: amd64?.descriptor.digest, via: 'index', predicates },
      { subject: arm64?.descriptor.digest, via: 'index', predicates },
    ])
    expect((await inspect('1.0.0', on('linux/arm64'))).view.evidence).toEqual([view.evidence?.[1]])
    expect(view.created).toBe('2026-01-02T03:04:05Z')
  })

  it('under tags is read only for listed tags', async () => {
    const { inspect, push } = await start({ profile: 'docker-registry-2.8' })
    const api = image()
    await push(together(api, referrer(api)), '1.0.0')
    const { view, requests } = await inspect('1.0.0', { tags: 'few' })
    expect(view.evidence).toMatchObject([{ artifactType: 'application/spdx+json', via: 'subject' }])
    // The image, the list under the fallback tag, and the SBOM.
    expect(requests.filter((one) => one === 'GET manifest')).toHaveLength(3)
  })
})
