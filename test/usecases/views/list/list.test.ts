import { describe, expect, it } from 'vitest'
import { memoryStorage } from '../../../../src/embedded/storage/memory-storage.ts'
import type { ServerOptions } from '../../../../src/embedded/server.ts'
import { type ListOptions, listRepository } from '../../../../src/usecases/views/list/list.ts'
import { parseDigest } from '../../../../src/oci/digest.ts'
import { parseRange } from '../../../../src/semver/range/range.ts'
import { plainReading } from '../../../../src/semver/version.ts'
import { embedded, newCall, openStores } from '../../../registry/client/world.ts'
import { buildxIndex } from '../../../support/buildx.ts'
import { imageWithConfig } from '../../../support/config-image.ts'
import {
  artifact,
  type Content,
  cosignSignature,
  image,
  index,
  referrer,
  together,
} from '../../../support/images.ts'

const now = Date.UTC(2026, 5, 1)
const plain: ListOptions = {
  limit: 50,
  evidenceTags: false,
  brief: false,
  filter: {},
  readingOf: () => plainReading,
  now,
}

/**
 * Starts a registry for the repository `api`. `list` returns the view, the warnings and the
 * requests.
 */
async function start(options: ServerOptions = {}) {
  const at = await embedded(options)
  const list = async (over: Partial<ListOptions> = {}) => {
    const call = newCall()
    const store = openStores().source({ registry: at.registry, path: 'api' })
    at.clear()
    const view = await listRepository(store, { ...plain, ...over }, call)
    const warnings = call.events.flatMap((event) => (event.kind === 'warning' ? [event.text] : []))
    return { view, warnings, requests: at.log.map(({ method, kind }) => `${method} ${kind}`).sort() }
  }
  const push = (content: Content, ...tags: string[]) => at.push(content, 'api', ...tags)
  return { ...at, list, push }
}

const annotatedAs = (time: string) => ({ 'org.opencontainers.image.created': time })

const count = (requests: readonly string[], what: string): number =>
  requests.filter((one) => one === what).length

describe('a list of tags', () => {
  it('has digest, time, size, platforms and evidence of each tag', async () => {
    const { list, push } = await start()
    const api = index(['linux/amd64', 'linux/arm64/v8'], { created: '2026-03-04T05:06:07Z' })
    await push(
      together(
        api,
        referrer(api),
        cosignSignature(api),
        cosignSignature(api, { suffix: 'att' }),
        cosignSignature(api, { suffix: 'att', prefix: 'cve-' }),
      ),
      '1.0.0',
    )
    await push(artifact('helm'), 'chart')
    const { view } = await list()
    const size = (content: Content) =>
      [...content.blobs.values(), ...content.manifests.map(({ bytes }) => bytes)].reduce(
        (sum, bytes) => sum + bytes.byteLength,
        0,
      )
    expect(view.tags).toMatchObject([
      {
        tag: '1.0.0',
        image: { digest: api.root.digest },
        created: '2026-03-04T05:06:07Z',
        size: size(api),
        platforms: ['linux/amd64', 'linux/arm64/v8'],
        evidence: { sig: 1, att: 2, sbom: 1 },
      },
      {
        tag: 'chart',
        created: null,
        platforms: [],
        artifactType: 'application/vnd.cncf.helm.config.v1+json',
        evidence: {},
      },
    ])
    expect(view).toMatchObject({ total: 2, evidenceTagsHidden: 3 })
  })

  it('counts attestations of buildkit in an index as evidence, and not for platforms and time', async () => {
    const { list, push } = await start()
    await push(buildxIndex(['linux/amd64', 'linux/arm64']), '1.0.0')
    const [tag] = (await list()).view.tags
    expect(tag).toMatchObject({ platforms: ['linux/amd64', 'linux/arm64'], evidence: { sbom: 2, att: 2 } })
    expect(tag?.created).toBe('2026-01-02T03:04:05Z')
  })

  it.each([
    [
      'the annotation, before the config',
      image({ annotations: annotatedAs('2026-02-01T00:00:00Z') }),
      '2026-02-01T00:00:00Z',
    ],
    ['the config of an image', image({ created: '2026-03-01T00:00:00Z' }), '2026-03-01T00:00:00Z'],
    [
      'the newest image of an index',
      index([
        image({ created: '2026-03-01T00:00:00Z' }),
        image({ created: '2026-03-01T02:00:00+01:00', label: 'b' }),
      ]),
      '2026-03-01T02:00:00+01:00',
    ],
    [
      'the unchanged time of a reproducible build',
      image({ created: '1970-01-01T00:00:00Z' }),
      '1970-01-01T00:00:00Z',
    ],
  ] as const)('has as time %s', async (_, content, time) => {
    const { list, push } = await start()
    await push(content, '1.0.0')
    expect((await list()).view.tags[0]?.created).toBe(time)
  })

  it('reads evidence under the fallback tag if there is no referrers API, which it requests once', async () => {
    const { list, push } = await start({ profile: 'docker-registry-2.8' })
    for (const minor of [0, 1, 2, 3, 4, 5]) {
      const api = image({ label: String(minor) })
      await push(minor === 3 ? together(api, referrer(api)) : api, `1.${minor}.0`)
    }
    const { view, requests } = await list()
    expect(view.tags.map(({ evidence }) => evidence)).toEqual([{}, {}, { sbom: 1 }, {}, {}, {}])
    expect(count(requests, 'GET referrers')).toBe(1)
    expect(count(requests, 'GET manifest')).toBe(7)
  })

  it('has the known fields and a warning for an image that cannot be read', async () => {
    const { list, push, oracle } = await start()
    const broken = index(['linux/amd64', 'linux/arm64'])
    await push(broken, '2.0.0')
    await oracle.delete('api', broken.manifests[0]?.descriptor.digest ?? '')
    const odd = imageWithConfig('{"created": 5}')
    await push(odd, '1.5.0')
    await push(imageWithConfig('{}'), '1.4.0')
    await push(image(), '1.0.0')
    const { view, warnings } = await list()
    expect(view.tags).toMatchObject([
      {
        tag: '2.0.0',
        image: { digest: broken.root.digest },
        size: null,
        created: null,
        platforms: ['linux/amd64', 'linux/arm64'],
        evidence: {},
      },
      { tag: '1.5.0', created: null, platforms: null, evidence: {} },
      { tag: '1.4.0', created: null, platforms: [], evidence: {} },
      { tag: '1.0.0', platforms: ['linux/amd64'] },
    ])
    expect(view.tags[1]?.size).toBe(odd.root.size + 14)
    expect(warnings).toHaveLength(2)
    expect(warnings.join()).toContain(broken.root.digest)
  })

  it('has null fields for a tag that is deleted meanwhile', async () => {
    const storage = memoryStorage()
    const { list, push } = await start({
      storage,
      onRequest: ({ kind }) => void (kind === 'tags' && storage.deleteTag('api', '1.1.0')),
    })
    await push(image(), '1.0.0', '1.1.0')
    const { view, warnings } = await list()
    expect(view.tags[0]).toEqual({
      tag: '1.1.0',
      image: null,
      created: null,
      size: null,
      platforms: null,
      evidence: null,
    })
    expect(view.tags[1]?.image).not.toBeNull()
    expect(warnings).toEqual([])
  })

  it('fails if a request fails', async () => {
    const { list } = await start()
    await expect(list()).rejects.toMatchObject({ code: 'not-found' })
  })
})

describe('filters', () => {
  async function versions() {
    const at = await start()
    const tags = ['1.3.9', '1.4.0', '1.5.0-rc.1', 'v1.6.0', '2.0.0', '1.4', 'latest', 'pr-7', 'pr-12', 'main']
    await at.push(together(image(), cosignSignature(image())), ...tags)
    return async (over: Partial<ListOptions>) => {
      const { view } = await at.list(over)
      return {
        tags: view.tags.map(({ tag }) => tag).join(' '),
        total: view.total,
        hidden: view.evidenceTagsHidden,
      }
    }
  }

  it('by range select the versions of the scheme, and variants come after their version', async () => {
    const at = await start()
    await at.push(image(), '2024.9.1', '2024.10.1', '2024.10.1-alpine', '2024.10', 'alpine', '5.8.1')
    const readingOf = () => ({ ...plainReading, scheme: 'calver', variants: ['alpine'] }) as const
    const names = async (over: Partial<ListOptions>) =>
      (await at.list({ ...over, readingOf })).view.tags.map(({ tag }) => tag).join(' ')
    expect(await names({})).toBe('alpine 2024.10 2024.10.1 2024.10.1-alpine 2024.9.1 5.8.1')
    expect(await names({ filter: { range: parseRange('>=2024.10') } })).toBe('2024.10.1 2024.10.1-alpine')
  })

  it('by range select exact versions and no floating tags', async () => {
    const list = await versions()
    const range = parseRange('>=1.4 <2')
    expect(await list({ filter: { range } })).toEqual({ tags: 'v1.6.0 1.4.0', total: 2, hidden: 0 })
    expect(await list({ filter: { range }, limit: 1 })).toMatchObject({ tags: 'v1.6.0', total: 2 })
  })

  it('by globs select tags that match one of them, and combine with a range', async () => {
    const list = await versions()
    expect(await list({ filter: { globs: ['pr-*', 'main'] } })).toMatchObject({
      tags: 'pr-12 pr-7 main',
      total: 3,
    })
    const range = parseRange('1.x')
    expect(await list({ filter: { globs: ['v*', 'pr-*'], range } })).toMatchObject({ tags: 'v1.6.0' })
    expect(await list({ filter: { globs: ['sha256-*'] } })).toMatchObject({ tags: '', hidden: 1 })
  })

  it('by time select images created since then, in the order of tags, and count images without a time', async () => {
    const { list, push } = await start()
    const ages = [
      '2026-05-01T00:00:00Z',
      '1970-01-01T00:00:00Z',
      '2026-01-01T00:00:00Z',
      '2026-05-20T00:00:00Z',
    ]
    for (const [minor, created] of ages.entries()) {
      await push(image({ created, label: String(minor) }), `1.${minor}.0`)
    }
    const since = Date.UTC(2026, 4, 1)
    const { view } = await list({ filter: { since } })
    expect(view.tags.map(({ tag }) => tag)).toEqual(['1.3.0', '1.0.0'])
    expect(view).toMatchObject({ total: 4, scan: { read: 4, undated: 1, unread: 0 } })
    expect((await list({ filter: { since }, limit: 1 })).view).toMatchObject({
      tags: [{ tag: '1.3.0', evidence: {} }],
      scan: { read: 1, undated: 0, unread: 0 },
    })
  })
})

describe('10,000 tags', () => {
  /** Starts a registry with one image under all of the tags but the highest four. */
  async function startWithManyTags() {
    const storage = memoryStorage()
    const at = await start({ storage })
    const old = image({ label: 'old', created: '2020-01-01T00:00:00Z' })
    await at.push(old)
    const stored = await storage.manifest('api', parseDigest(old.root.digest))
    if (stored === undefined) throw new Error('the image was not pushed')
    const tags = Array.from({ length: 9996 }, (_, i) => `1.${i % 100}.${i}`)
    await storage.putManifest('api', stored, tags)
    await at.push(image({ label: 'new', created: '2026-05-30T00:00:00Z' }), '2.0.0', '2.0.1', '2.1.0')
    await at.push(index(['amd64', 'arm64'], { label: 'newest' }), '3.0.0')
    return at
  }

  it('take the pages of the list, a HEAD for each shown tag, and the details of each digest once', async () => {
    const { list } = await startWithManyTags()
    const { view, requests } = await list({ limit: 5 })
    expect(view.tags.map(({ tag }) => tag)).toEqual(['3.0.0', '2.1.0', '2.0.1', '2.0.0', '1.99.9899'])
    expect(view.total).toBe(10_000)
    expect(countAll(requests)).toEqual({
      'GET tags': 10,
      'HEAD manifest': 5,
      // Three digests, and the two children of the index.
      'GET manifest': 5,
      'GET blob': 4,
      'GET referrers': 3,
    })
  })

  it('with digests only take the list and a HEAD for each shown tag', async () => {
    const { list } = await startWithManyTags()
    const { view, requests } = await list({ limit: 5, brief: true })
    expect(countAll(requests)).toEqual({ 'GET tags': 10, 'HEAD manifest': 5 })
    expect(Object.keys(view.tags[0] ?? {})).toEqual(['tag', 'image'])
  })

  it('are read in batches for a filter by time, until enough match', async () => {
    const { list } = await startWithManyTags()
    const since = Date.UTC(2026, 4, 1)
    const { view, requests } = await list({ limit: 2, filter: { since } })
    expect(view.tags.map(({ tag }) => tag)).toEqual(['2.1.0', '2.0.1'])
    expect(countAll(requests)).toEqual({
      'GET tags': 10,
      'HEAD manifest': 32,
      'GET manifest': 5,
      'GET blob': 4,
      'GET referrers': 1,
    })
  })

  it('are all shown without a limit', async () => {
    const { list } = await startWithManyTags()
    const { view, requests } = await list({ limit: undefined, filter: { globs: ['1.?.*'] } })
    expect(view.tags).toHaveLength(view.total)
    expect(countAll(requests)).toEqual({
      'GET tags': 10,
      'HEAD manifest': view.total,
      'GET manifest': 1,
      'GET blob': 1,
      'GET referrers': 1,
    })
  })
})

function countAll(requests: readonly string[]): Readonly<Record<string, number>> {
  return Object.fromEntries([...new Set(requests)].map((one) => [one, count(requests, one)]))
}
