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

/** A registry with `api` in it, and what looking at an image there gives and asks. */
async function start(options: ServerOptions = {}) {
  const at = await embedded(options)
  const store = () => openStores().source({ registry: at.registry, path: 'api' })
  const asked = () => at.log.map(({ method, kind }) => `${method} ${kind}`).sort()
  const look = async (tag: string, over: Partial<InspectOptions> = {}) => {
    const call = newCall()
    at.clear()
    const view = await inspectImage(store(), { tag }, { tags: 'none', ...over }, call)
    const warnings = call.events.flatMap((event) => (event.kind === 'warning' ? [event.text] : []))
    return { view, warnings, asked: asked() }
  }
  const raw = async (where: TagOrDigest, platform?: string) => {
    at.clear()
    const wanted = platform === undefined ? undefined : parsePlatformName(platform)
    const bytes = await collect(readRawManifest(store(), where, wanted, newCall()))
    return { bytes, asked: asked() }
  }
  const push = (content: Content, ...tags: string[]) => at.push(content, 'api', ...tags)
  return { ...at, look, raw, push }
}

const on = (platform: string) => ({ platform: parsePlatformName(platform) })
const bytesOf = (content: Content, at = 0) => Buffer.from(content.manifests.at(at)?.bytes ?? [])

describe('one platform of an index', () => {
  it('is looked at with its layers and config, and the index that it is of', async () => {
    const { look, push } = await start()
    const api = index(['linux/amd64', 'linux/arm64'], { layers: 3 })
    await push(api, '1.0.0')
    const { view, asked } = await look('1.0.0', on('linux/arm64'))
    expect(view).toMatchObject({
      kind: 'manifest',
      image: { digest: api.manifests[1]?.descriptor.digest },
      index: { digest: api.root.digest },
      manifests: [{ platform: 'linux/arm64', image: { settings: { cmd: ['/app'] }, history: 3 } }],
    })
    expect(view.manifests[0]?.layers).toHaveLength(3)
    expect(asked.filter((one) => one === 'GET blob')).toHaveLength(1)
  })

  it.each([
    ['linux/arm/v7', 1],
    ['linux/arm/v6', 0],
    ['linux/arm64', 2],
    ['linux/arm64/v8', 2],
  ])('%s is the child %d of an index with variants', async (platform, child) => {
    const { look, push } = await start()
    const api = index(['linux/arm/v6', 'linux/arm/v7', 'linux/arm64'])
    await push(api, '1.0.0')
    const { view } = await look('1.0.0', on(platform))
    expect(view.image.digest).toBe(api.manifests[child]?.descriptor.digest)
  })

  it('is not there where none is for it, and what there is is named', async () => {
    const { look, push } = await start()
    await push(buildxIndex(['linux/amd64', 'linux/arm64']), '1.0.0')
    await push(image({ platform: 'linux/amd64' }), 'single')
    await push(artifact('helm'), 'chart')
    const hints = { '1.0.0': 'linux/amd64, linux/arm64', single: 'linux/amd64', chart: 'no platform' }
    for (const [tag, hint] of Object.entries(hints)) {
      await expect(look(tag, on('linux/s390x'))).rejects.toMatchObject({
        code: 'not-found',
        hint: expect.stringContaining(hint),
      })
    }
  })

  it('is asked for more closely where several fit', async () => {
    const { look, push } = await start()
    await push(index(['linux/arm/v6', 'linux/arm/v7']), '1.0.0')
    await expect(look('1.0.0', on('linux/arm'))).rejects.toMatchObject({
      code: 'usage',
      hint: 'Name one of them: linux/arm/v6, linux/arm/v7.',
    })
  })

  it('is not that of an image whose config names none that can be asked for', async () => {
    const { look, push } = await start()
    await push(imageWithConfig({ os: 'my os', architecture: 'a:b/c' }), '1.0.0')
    await expect(look('1.0.0', on('linux/amd64'))).rejects.toMatchObject({ code: 'not-found' })
  })

  it('is found in an index inside an index, and by its config where the index says nothing', async () => {
    const { look, push } = await start()
    const bare = image({ platform: 'linux/riscv64' })
    const { platform: _, ...root } = bare.root
    const api = index([index(['linux/amd64'], { label: 'inner' }), { ...bare, root }])
    await push(api, '1.0.0')
    expect((await look('1.0.0', on('linux/amd64'))).view.manifests).toHaveLength(1)
    expect((await look('1.0.0', on('linux/riscv64'))).view.image.digest).toBe(bare.root.digest)
  })

  it('is a single image that fits', async () => {
    const { look, push } = await start()
    const api = image({ platform: 'linux/amd64' })
    await push(api, '1.0.0')
    const { view } = await look('1.0.0', on('linux/amd64'))
    expect(view).not.toHaveProperty('index')
    expect(view.image.digest).toBe(api.root.digest)
  })
})

describe('raw bytes', () => {
  it('are those of the index, in one request', async () => {
    const { raw, push } = await start()
    const api = index(['linux/amd64', 'linux/arm64'])
    await push(api, '1.0.0')
    expect(await raw({ tag: '1.0.0' })).toEqual({ bytes: bytesOf(api, -1), asked: ['GET manifest'] })
  })

  it('are those of the child for a platform, in two', async () => {
    const { raw, push } = await start()
    const api = index(['linux/amd64', 'linux/arm64'])
    await push(api, '1.0.0')
    const { bytes, asked } = await raw({ tag: '1.0.0' }, 'linux/arm64')
    expect(bytes).toEqual(bytesOf(api, 1))
    expect(asked).toEqual(['GET manifest', 'GET manifest'])
  })
})

describe('the tags on an image', () => {
  /** A repository with one image under `v` and so many other tags. */
  async function tagged(others: number) {
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

  it('are looked at where they are few: one HEAD for each but that which was asked for, and one list for evidence too', async () => {
    const { look, push } = await start()
    await push(image({ label: 'other' }), '0.9.0', 'old')
    await push(image(), '1.0.0', 'latest', '1')
    const { view, asked } = await look('1.0.0', { tags: 'few' })
    expect(view.tags).toEqual(['latest', '1', '1.0.0'])
    expect(asked).toEqual([
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
  ] as const)('with %d others are looked at only up to 100, in one list: %j', async (others, expected) => {
    const { look } = await tagged(others)
    const { view, asked } = await look('v', { tags: 'few' })
    const heads = asked.filter((one) => one === 'HEAD manifest').length
    expect({ tags: view.tags?.length, heads, left: view.tagsLeftOut }).toEqual(expected)
    expect(asked.filter((one) => one === 'GET tags')).toHaveLength(1)
  })

  it('are found behind a page that is full of evidence', async () => {
    const storage = memoryStorage()
    const { look, push } = await start({ storage })
    const api = image()
    await push(api, 'v1', 'v2')
    const stored = await storage.manifest('api', parseDigest(api.root.digest))
    if (stored === undefined) throw new Error('the image was not pushed')
    const evidence = Array.from({ length: 1200 }, (_, i) => cosignTag(digestOf(String(i)), 'sig'))
    await storage.putManifest('api', stored, evidence)
    expect((await look('v1', { tags: 'few' })).view.tags).toEqual(['v2', 'v1'])
  })

  it('are all looked at where that is asked for, those of evidence too, and none where not', async () => {
    const { look } = await tagged(150)
    const all = await look('v', { tags: 'all' })
    expect(all.view.tags).toHaveLength(152)
    const none = await look('v', { tags: 'none' })
    expect(none.view).not.toHaveProperty('tags')
    expect(none.view).not.toHaveProperty('tagsLeftOut')
    expect(none.asked).not.toContain('GET tags')
  })

  it.each([401, 403, 404, 405])(
    'are left out with a warning where the list is answered %d',
    async (status) => {
      const content = image()
      const bodies = new Map([...content.blobs, ['v', bytesOf(content)]])
      const { registry } = await scripted(({ path }) => {
        const bytes = bodies.get(path.split('/').at(-1) ?? '')
        if (bytes === undefined) return { status: path.includes('/tags/list') ? status : 404 }
        return { status: 200, headers: { 'content-type': content.root.mediaType }, body: bytes }
      })
      const call = newCall()
      const look = (tags: 'few' | 'all') =>
        inspectImage(openStores().source({ registry, path: 'api' }), { tag: 'v' }, { tags }, call)
      expect(await look('few')).toMatchObject({ tagsLeftOut: { why: 'unreadable' } })
      expect(call.events).toContainEqual({
        kind: 'warning',
        text: expect.stringContaining('the tags cannot be listed') as string,
      })
      await expect(look('all')).rejects.toMatchObject({ status })
    },
  )
})

describe('evidence', () => {
  it('that buildkit put into the index speaks of the image that it is for', async () => {
    const { look, push } = await start()
    const api = buildxIndex(['linux/amd64', 'linux/arm64'])
    await push(api, '1.0.0')
    const [amd64, arm64] = api.manifests
    const predicates = ['https://spdx.dev/Document', 'https://slsa.dev/provenance/v0.2']
    const { view } = await look('1.0.0')
    expect(view.evidence).toMatchObject([
      { subject: amd64?.descriptor.digest, via: 'index', predicates },
      { subject: arm64?.descriptor.digest, via: 'index', predicates },
    ])
    expect((await look('1.0.0', on('linux/arm64'))).view.evidence).toEqual([view.evidence?.[1]])
    expect(view.created).toBe('2026-01-02T03:04:05Z')
  })

  it('of a registry that lists its tags is not asked for under tags that are not there', async () => {
    const { look, push } = await start({ profile: 'docker-registry-2.8' })
    const api = image()
    await push(together(api, referrer(api)), '1.0.0')
    const { view, asked } = await look('1.0.0', { tags: 'few' })
    expect(view.evidence).toMatchObject([{ artifactType: 'application/spdx+json', via: 'subject' }])
    // the image, the list under the fallback tag, and the SBOM
    expect(asked.filter((one) => one === 'GET manifest')).toHaveLength(3)
  })
})
