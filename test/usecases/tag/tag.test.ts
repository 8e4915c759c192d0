import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { TagPolicy } from '../../../src/semver/tag-policy.ts'
import { type AnyRegistry, describeEachRegistry } from '../../support/each-registry.ts'
import { faultyProxy } from '../../support/faulty-proxy.ts'
import { image, index } from '../../support/images.ts'
import { type Bench, bench, carryOut, repository } from '../../support/promotion.ts'
import { planTags, tag } from '../../support/tagging.ts'

const isWrite = ({ method }: { readonly method: string }) => method !== 'GET' && method !== 'HEAD'
const told = (requests: readonly { readonly method: string; readonly path: string }[]) =>
  requests.map(({ method, path }) => `${method} ${path}`).join('\n')

let run: Bench
beforeEach(async () => {
  run = await bench()
})
afterEach(() => run[Symbol.asyncDispose]())

const fresh = image({ label: 'the new one', layers: 1 })
let repositories = 0

/** tags there, the version, the tags that the image has after it */
type Row = readonly [string, string, string, Partial<TagPolicy>?]

interface Place {
  readonly path: string
  readonly in: ReturnType<typeof repository>
}

/** A repository with an image under each tag, `tag=name` for one that several share, and the new image under `build`. */
async function placeWith(registry: AnyRegistry, tags: string): Promise<Place> {
  const path = `team/r${++repositories}`
  for (const word of tags === '' ? [] : tags.split(' ')) {
    const [name = '', label = name] = word.split('=')
    await registry.oracle.push(image({ label, layers: 1 }), path, name)
  }
  await registry.oracle.push(fresh, path, 'build')
  return { path, in: repository(registry, path) }
}

async function tagsOnFresh(registry: AnyRegistry, { path }: Place): Promise<string> {
  const tags = await registry.oracle.tags(path)
  const on = await Promise.all(
    tags.map(async (name) => ((await registry.oracle.digest(path, name)) === fresh.root.digest ? name : '')),
  )
  return on
    .filter((name) => name !== '' && name !== 'build')
    .sort()
    .join(' ')
}

describeEachRegistry('dray tag', (registryOf) => {
  const table: readonly Row[] = [
    ['', '1.0.0', '1 1.0 1.0.0 latest'],
    ['1.4.0 1.4=1.4.0 1=1.4.0 latest=1.4.0', '1.3.9', '1.3 1.3.9'],
    ['1.4.0', '1.4.1', '1 1.4 1.4.1 latest'],
    ['1.4.0 2.0.0', '1.5.0', '1 1.5 1.5.0'],
    ['1.4.0', '2.0.0-rc.1', '2.0.0-rc.1'],
    ['2.0.0-rc.1', '1.0.0', '1 1.0 1.0.0 latest'],
    ['0.3.0', '0.3.1', '0.3 0.3.1 latest'],
    ['v1.2.0', '1.2.1', 'latest v1 v1.2 v1.2.1'],
    ['1.4.0', '1.4.1+build.7', '1 1.4 1.4.1_build.7 latest', { buildMetadata: true }],
    ['v1.4.0 1.4.0=v1.4.0 latest=v1.4.0', '1.3.0', '1.3 1.3.0'],
    ['1.4.0 1.5.0', '1.4.1', '1.4 1.4.1'],
    ['20240101 99 abc1234', '1.0.0', '1 1.0 1.0.0 latest'],
    ['1.4.0 latest=else 1=else 1.4=else', '1.4.1', '1 1.4 1.4.1 latest'],
    ['2.0.0-beta.1 beta=2.0.0-beta.1', '2.0.0-beta.2', '2.0.0-beta.2 beta', { channels: ['beta'] }],
  ]
  it.each(table.map(([tags, version, expected, policy = {}]) => ({ tags, version, expected, policy })))(
    '[$tags] and $version: it is under $expected',
    async ({ tags, version, expected, policy }) => {
      const registry = registryOf()
      const place = await placeWith(registry, tags)
      const before = new Map(
        await Promise.all(
          (await registry.oracle.tags(place.path)).map(
            async (name) => [name, await registry.oracle.digest(place.path, name)] as const,
          ),
        ),
      )
      const done = await tag(run, { in: place.in, at: { tag: 'build' }, as: version, policy })
      expect(done.placements).toMatchObject([{ status: 'tagged', errors: [] }])
      expect(await tagsOnFresh(registry, place)).toBe(expected)
      const moved = expected.split(' ')
      for (const [name, digest] of [...before].filter((one) => !moved.includes(one[0])))
        expect(await registry.oracle.digest(place.path, name), name).toBe(digest)
      await registry.forget()
      const again = await tag(run, { in: place.in, at: { tag: 'build' }, as: version, policy })
      expect(again.placements).toMatchObject([{ status: 'unchanged' }])
      expect((await registry.requests()).filter(isWrite)).toEqual([])
    },
  )

  const taken: readonly (readonly [string, string, Partial<TagPolicy>?])[] = [
    ['1.4.0', '1.4.0'],
    ['v1.4.0', '1.4.0'],
    ['1.4.0', 'v1.4.0'],
    ['1.4.0-rc.1', '1.4.0-rc.1'],
    ['1.4.0_build.1', '1.4.0+build.1'],
    ['1.4.0_build.1', '1.4.0+build.2', { buildMetadata: true }],
    ['1.4.0', '1.4.0+build.2', { buildMetadata: true }],
  ]
  it.each(taken.map(([there, version, policy = {}]) => ({ there, version, policy })))(
    '$there on another image and $version: refused, and nothing is written',
    async ({ there, version, policy }) => {
      const registry = registryOf()
      const place = await placeWith(registry, there)
      await registry.forget()
      const done = await tag(run, { in: place.in, at: { tag: 'build' }, as: version, policy })
      expect(done.placements).toMatchObject([{ status: 'refused', errors: [{ code: 'refused' }] }])
      expect((await registry.requests()).filter(isWrite)).toEqual([])
    },
  )

  it('four tags take at most ten requests: the list, the image, one look and one write for each', async () => {
    const registry = registryOf()
    const place = await placeWith(registry, '1.4.0 1.4=1.4.0 1=1.4.0 latest=1.4.0')
    await registry.forget()
    await tag(run, { in: place.in, at: { tag: 'build' }, as: '1.4.1' })
    const requests = await registry.requests()
    expect(requests.length, told(requests)).toBeLessThanOrEqual(10)
    expect(await tagsOnFresh(registry, place)).toBe('1 1.4 1.4.1 latest')
  })

  it('four plain tags take at most nine', async () => {
    const registry = registryOf()
    const place = await placeWith(registry, 'b')
    await registry.forget()
    const as = { kind: 'plain', tags: ['a', 'b', 'c', 'd'] } as const
    await tag(run, { in: place.in, at: { tag: 'build' }, as })
    const requests = await registry.requests()
    expect(requests.length, told(requests)).toBeLessThanOrEqual(9)
    expect(await tagsOnFresh(registry, place)).toBe('a b c d')
  })

  it('exact tags are written first, latest last', async () => {
    const registry = registryOf()
    const place = await placeWith(registry, '')
    await registry.forget()
    await tag(run, { in: place.in, at: { tag: 'build' }, as: '1.0.0' })
    const written = (await registry.requests()).filter(isWrite).map(({ path }) => path.split('/').at(-1))
    expect([written[0], written.at(-1)]).toEqual(['1.0.0', 'latest'])
    expect(written).toHaveLength(4)
  })

  it.each(['latest', '1.4'])(
    'another moves %s between plan and write: conflict, and it stays',
    async (moved) => {
      const registry = registryOf()
      const place = await placeWith(registry, '1.4.0 1.4=1.4.0 1=1.4.0 latest=1.4.0')
      const plan = await planTags(run, { in: place.in, at: { tag: 'build' }, as: '1.4.1' })
      const theirs = await registry.oracle.push(image({ label: 'theirs' }), place.path, moved)
      const done = await carryOut(run, plan, { isSaved: true })
      expect(done.placements).toMatchObject([{ status: 'conflict' }])
      expect(await registry.oracle.digest(place.path, moved)).toBe(theirs.digest)
      expect(await registry.oracle.digest(place.path, '1.4.1')).toBeUndefined()
    },
  )

  it('a higher version that came since the plan is a conflict, though no tag that it writes was moved', async () => {
    const registry = registryOf()
    const place = await placeWith(registry, '1.4.0 latest=1.4.0')
    const plan = await planTags(run, { in: place.in, at: { tag: 'build' }, as: '1.4.1' })
    await registry.oracle.push(image({ label: 'theirs' }), place.path, '2.0.0')
    const done = await carryOut(run, plan, { isSaved: true })
    expect(done.placements).toMatchObject([
      {
        status: 'conflict',
        errors: [{ code: 'conflict', message: expect.stringContaining('2.0.0 came to') }],
      },
    ])
    expect(await tagsOnFresh(registry, place)).toBe('')
  })

  it('… but one that is of no concern to its tags is none', async () => {
    const registry = registryOf()
    const place = await placeWith(registry, '1.4.0 2.0.0')
    const plan = await planTags(run, { in: place.in, at: { tag: 'build' }, as: '1.4.1' })
    await registry.oracle.push(image({ label: 'theirs' }), place.path, '3.0.0')
    await registry.oracle.push(image({ label: 'theirs' }), place.path, '1.3.9')
    const done = await carryOut(run, plan, { isSaved: true })
    expect(done.placements).toMatchObject([{ status: 'tagged' }])
    expect(await tagsOnFresh(registry, place)).toBe('1 1.4 1.4.1')
  })

  it('a version that it says of itself', async () => {
    const registry = registryOf()
    const path = `team/r${++repositories}`
    const labels = { 'org.opencontainers.image.version': '1.2.3' }
    const api = index(['amd64', 'arm64'], { label: 'labelled', labels })
    await registry.oracle.push(api, path, 'build')
    await tag(run, { in: repository(registry, path), at: { tag: 'build' }, as: { kind: 'label' } })
    expect(await registry.oracle.tags(path)).toEqual(['1', '1.2', '1.2.3', 'build', 'latest'])
    expect(await registry.oracle.digest(path, '1.2.3')).toBe(api.root.digest)
  })

  it('… in two spellings is one', async () => {
    const registry = registryOf()
    const path = `team/r${++repositories}`
    const key = 'org.opencontainers.image.version'
    const platforms = ['1.2.3', 'v1.2.3'].map((text) => image({ label: text, labels: { [key]: text } }))
    await registry.oracle.push(index(platforms, { label: 'both' }), path, 'build')
    await tag(run, { in: repository(registry, path), at: { tag: 'build' }, as: { kind: 'label' } })
    expect(await registry.oracle.tags(path)).toContain('1.2.3')
  })

  it.each([
    ['not at all', {}],
    ['something that is no version', { 'org.opencontainers.image.version': 'main' }],
  ])('… %s: refused', async (_, labels) => {
    const registry = registryOf()
    const path = `team/r${++repositories}`
    await registry.oracle.push(image({ label: 'odd', labels }), path, 'build')
    const done = await tag(run, {
      in: repository(registry, path),
      at: { tag: 'build' },
      as: { kind: 'label' },
    })
    expect(done.refusals).toMatchObject([
      { error: { code: 'refused', why: expect.stringContaining('version') } },
    ])
    expect(await registry.oracle.tags(path)).toEqual(['build'])
  })

  it.each([
    ['patch', '1.4.3'],
    ['minor', '1.5.0'],
    ['major', '2.0.0'],
  ] as const)('the next %s after 1.4.2 is %s; a second run is no further version', async (part, version) => {
    const registry = registryOf()
    const place = await placeWith(registry, '1.4.2 0.9.0 1.5.0-rc.1 2 99')
    const as = { kind: 'next', part } as const
    await tag(run, { in: place.in, at: { tag: 'build' }, as })
    expect(await registry.oracle.digest(place.path, version)).toBe(fresh.root.digest)
    await registry.forget()
    const again = await tag(run, { in: place.in, at: { tag: 'build' }, as })
    expect(again.placements).toMatchObject([{ status: 'unchanged' }])
    expect((await registry.requests()).filter(isWrite)).toEqual([])
  })

  it('the next one after the largest number that there is is refused', async () => {
    const registry = registryOf()
    const place = await placeWith(registry, `${Number.MAX_SAFE_INTEGER}.0.0`)
    const done = await tag(run, { in: place.in, at: { tag: 'build' }, as: { kind: 'next', part: 'major' } })
    expect(done.refusals).toMatchObject([{ error: { code: 'refused' } }])
  })

  it('the job of an earlier build that runs again after a later one has released changes nothing', async () => {
    const registry = registryOf()
    const place = await placeWith(registry, 'later')
    const as = { kind: 'next', part: 'minor' } as const
    await registry.oracle.push(image({ label: '1.0.0', layers: 1 }), place.path, '1.0.0')
    await tag(run, { in: place.in, at: { tag: 'build' }, as })
    await tag(run, { in: place.in, at: { tag: 'later' }, as })
    const later = await registry.oracle.digest(place.path, '1.2.0')
    expect(later).toBe(await registry.oracle.digest(place.path, 'later'))
    await registry.forget()
    const again = await tag(run, { in: place.in, at: { tag: 'build' }, as })
    expect(again.placements).toMatchObject([{ status: 'unchanged' }])
    expect((await registry.requests()).filter(isWrite)).toEqual([])
    expect(await registry.oracle.digest(place.path, 'latest')).toBe(later)
  })

  it('the next one where there is none yet is refused', async () => {
    const registry = registryOf()
    const place = await placeWith(registry, '1.0.0-rc.1 1 latest')
    const done = await tag(run, { in: place.in, at: { tag: 'build' }, as: { kind: 'next', part: 'minor' } })
    expect(done.refusals).toMatchObject([{ error: { code: 'refused' } }])
  })

  it('several versions at once end as if they had come one after another', async () => {
    const registry = registryOf()
    const path = `team/r${++repositories}`
    const versions = ['1.4.1', '1.5.0', '1.4.0', '2.0.0-rc.1']
    for (const version of versions)
      await registry.oracle.push(image({ label: version, layers: 1 }), path, `build-${version}`)
    const place = repository(registry, path)
    const taggings = versions.map((version) => ({ in: place, at: { tag: `build-${version}` }, as: version }))
    const done = await tag(run, ...taggings)
    expect(done.placements.map(({ status }) => status)).toEqual(versions.map(() => 'tagged'))
    const at = (name: string) => registry.oracle.digest(path, name)
    expect(await at('latest')).toBe(await at('build-1.5.0'))
    expect(await at('1')).toBe(await at('build-1.5.0'))
    expect(await at('1.4')).toBe(await at('build-1.4.1'))
  })

  it('the same version for two images at once: neither gets it', async () => {
    const registry = registryOf()
    const place = await placeWith(registry, 'other')
    await registry.forget()
    const done = await tag(
      run,
      { in: place.in, at: { tag: 'build' }, as: '1.0.0' },
      { in: place.in, at: { tag: 'other' }, as: '1.0.0' },
    )
    expect(done.placements.map(({ status }) => status)).toEqual(['refused', 'refused'])
    expect((await registry.requests()).filter(isWrite)).toEqual([])
  })

  it.each([
    ['build metadata', '', { buildMetadata: true, levels: ['exact'] }, '1.4.0+a', '1.4.0+b'],
    ['v', 'v1.0.0 1.0.0=v1.0.0 2.0.0', {}, '1.4.0', 'v1.4.0'],
  ] as const)('… which differ in their %s neither', async (_, tags, policy, one, another) => {
    const registry = registryOf()
    const place = await placeWith(registry, `other ${tags}`.trim())
    await registry.forget()
    const done = await tag(
      run,
      { in: place.in, at: { tag: 'build' }, as: one, policy },
      { in: place.in, at: { tag: 'other' }, as: another, policy },
    )
    expect(done.placements.map(({ status }) => status)).toEqual(['refused', 'refused'])
    expect((await registry.requests()).filter(isWrite)).toEqual([])
  })

  it('of several that go backward at once the highest gets what they share', async () => {
    const registry = registryOf()
    const place = await placeWith(registry, '2.0.0 latest=2.0.0 other')
    const policy = { allowBackward: true }
    const done = await tag(
      run,
      { in: place.in, at: { tag: 'other' }, as: '1.4.0', policy },
      { in: place.in, at: { tag: 'build' }, as: '1.5.0', policy },
    )
    expect(done.placements.map(({ status }) => status)).toEqual(['tagged', 'tagged'])
    expect(await tagsOnFresh(registry, place)).toBe('1 1.5 1.5.0 latest')
  })

  it('what is moved against a rule is marked in the plan, and so in the record', async () => {
    const registry = registryOf()
    const place = await placeWith(registry, '1.4.0 1.5.0 latest=1.5.0')
    const done = await tag(run, {
      in: place.in,
      at: { tag: 'build' },
      as: '1.4.0',
      moveTags: true,
      policy: { allowBackward: true },
    })
    const overrides = done.plan.steps.map((step) => step.kind === 'tag' && [step.tag, step.override])
    expect(overrides).toEqual([
      ['1.4.0', 'moveTag'],
      ['1.4', undefined],
      ['1', 'allowBackward'],
      ['latest', 'allowBackward'],
    ])
    expect(await tagsOnFresh(registry, place)).toBe('1 1.4 1.4.0 latest')
  })

  it('an immutable tag is refused, floating ones too', async () => {
    const registry = registryOf()
    const place = await placeWith(registry, '1.4.0 release-1')
    const plain = { kind: 'plain', tags: ['release-1'] } as const
    const done = await tag(run, { in: place.in, at: { tag: 'build' }, as: plain, immutable: ['release-*'] })
    expect(done.placements).toMatchObject([
      { status: 'refused', errors: [{ why: expect.stringContaining('release-*') }] },
    ])
    const free = await tag(run, {
      in: place.in,
      at: { tag: 'build' },
      as: { kind: 'plain', tags: ['release-2'] },
      immutable: ['release-*'],
    })
    expect(free.placements).toMatchObject([{ status: 'tagged' }])
  })
})

describe('a registry that does not list what it has', () => {
  const notListed = {
    at: { path: /\/tags\/list/ },
    times: Infinity,
    injury: {
      kind: 'answer',
      status: 404,
      body: { errors: [{ code: 'NAME_UNKNOWN', message: 'repository name not known to registry' }] },
    },
  } as const

  describeEachRegistry('moves no floating tag', (registryOf) => {
    it.each(['2.0.0 latest=2.0.0', '2.0.0'])('of [%s]: the highest version cannot be told', async (tags) => {
      const registry = registryOf()
      const place = await placeWith(registry, tags)
      await using proxy = await faultyProxy(registry.host, notListed)
      const there = repository(proxy, place.path)
      const done = await tag(run, { in: there, at: { tag: 'build' }, as: '1.0.0' })
      expect(done.placements).toMatchObject([{ status: 'refused', errors: [{ code: 'conflict' }] }])
      expect(await tagsOnFresh(registry, place)).toBe('')
      const plain = { kind: 'plain', tags: ['tested'] } as const
      const named = await tag(run, { in: there, at: { tag: 'build' }, as: plain })
      expect(named.placements).toMatchObject([{ status: 'tagged' }])
    })
  })
})

describe('an image that is not there', () => {
  describeEachRegistry('is told', (registryOf) => {
    it('with the tags that are near, and holds back no other', async () => {
      const registry = registryOf()
      const place = await placeWith(registry, '')
      const done = await tag(
        run,
        { in: place.in, at: { tag: 'biuld' }, as: '1.0.0' },
        { in: place.in, at: { tag: 'build' }, as: '1.1.0' },
      )
      expect(done.refusals).toMatchObject([{ error: { code: 'not-found', hint: 'Did you mean build?' } }])
      expect(done.placements).toMatchObject([{ status: 'tagged' }])
    })
  })
})
