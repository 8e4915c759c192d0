import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { TagPolicy } from '../../../src/semver/tag-policy.ts'
import { type AnyRegistry, describeEachRegistry } from '../../support/each-registry.ts'
import { faultyProxy } from '../../support/faulty-proxy.ts'
import { image, index } from '../../support/images.ts'
import { type Bench, bench, executePlan, repository } from '../../support/promotion.ts'
import { planTags, tag } from '../../support/tagging.ts'

const isWrite = ({ method }: { readonly method: string }) => method !== 'GET' && method !== 'HEAD'
const format = (requests: readonly { readonly method: string; readonly path: string }[]) =>
  requests.map(({ method, path }) => `${method} ${path}`).join('\n')

let run: Bench
beforeEach(async () => {
  run = await bench()
})
afterEach(() => run[Symbol.asyncDispose]())

const fresh = image({ label: 'new', layers: 1 })
let repositories = 0

type Row = readonly [existing: string, version: string, expected: string, Partial<TagPolicy>?]

interface TestRepository {
  readonly path: string
  readonly in: ReturnType<typeof repository>
}

/**
 * A repository with an image under each tag, `tag=name` for one that several share, and the new
 * image under `build`.
 */
async function startRepository(registry: AnyRegistry, tags: string): Promise<TestRepository> {
  const path = `team/r${++repositories}`
  for (const entry of tags === '' ? [] : tags.split(' ')) {
    const [name = '', label = name] = entry.split('=')
    await registry.oracle.push(image({ label, layers: 1 }), path, name)
  }
  await registry.oracle.push(fresh, path, 'build')
  return { path, in: repository(registry, path) }
}

async function tagsOfFresh(registry: AnyRegistry, { path }: TestRepository): Promise<string> {
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
    '[$tags] and version $version: the image gets $expected',
    async ({ tags, version, expected, policy }) => {
      const registry = registryOf()
      const repo = await startRepository(registry, tags)
      const before = new Map(
        await Promise.all(
          (await registry.oracle.tags(repo.path)).map(
            async (name) => [name, await registry.oracle.digest(repo.path, name)] as const,
          ),
        ),
      )
      const done = await tag(run, { in: repo.in, at: { tag: 'build' }, as: version, policy })
      expect(done.placements).toMatchObject([{ status: 'tagged', errors: [] }])
      expect(await tagsOfFresh(registry, repo)).toBe(expected)
      const moved = expected.split(' ')
      for (const [name, digest] of [...before].filter((one) => !moved.includes(one[0])))
        expect(await registry.oracle.digest(repo.path, name), name).toBe(digest)
      await registry.forget()
      const again = await tag(run, { in: repo.in, at: { tag: 'build' }, as: version, policy })
      expect(again.placements).toMatchObject([{ status: 'unchanged' }])
      expect((await registry.requests()).filter(isWrite)).toEqual([])
    },
  )

  const conflicts: readonly (readonly [string, string, Partial<TagPolicy>?])[] = [
    ['1.4.0', '1.4.0'],
    ['v1.4.0', '1.4.0'],
    ['1.4.0', 'v1.4.0'],
    ['1.4.0-rc.1', '1.4.0-rc.1'],
    ['1.4.0_build.1', '1.4.0+build.1'],
    ['1.4.0_build.1', '1.4.0+build.2', { buildMetadata: true }],
    ['1.4.0', '1.4.0+build.2', { buildMetadata: true }],
  ]
  it.each(conflicts.map(([there, version, policy = {}]) => ({ there, version, policy })))(
    '$there at another image and version $version: the run is refused and writes nothing',
    async ({ there, version, policy }) => {
      const registry = registryOf()
      const repo = await startRepository(registry, there)
      await registry.forget()
      const done = await tag(run, { in: repo.in, at: { tag: 'build' }, as: version, policy })
      expect(done.placements).toMatchObject([{ status: 'refused', errors: [{ code: 'refused' }] }])
      expect((await registry.requests()).filter(isWrite)).toEqual([])
    },
  )

  it('four version tags take at most ten requests: the list, the image, and a check and a write for each', async () => {
    const registry = registryOf()
    const repo = await startRepository(registry, '1.4.0 1.4=1.4.0 1=1.4.0 latest=1.4.0')
    await registry.forget()
    await tag(run, { in: repo.in, at: { tag: 'build' }, as: '1.4.1' })
    const requests = await registry.requests()
    expect(requests.length, format(requests)).toBeLessThanOrEqual(10)
    expect(await tagsOfFresh(registry, repo)).toBe('1 1.4 1.4.1 latest')
  })

  it('four plain tags take at most nine requests', async () => {
    const registry = registryOf()
    const repo = await startRepository(registry, 'b')
    await registry.forget()
    const as = { kind: 'plain', tags: ['a', 'b', 'c', 'd'] } as const
    await tag(run, { in: repo.in, at: { tag: 'build' }, as })
    const requests = await registry.requests()
    expect(requests.length, format(requests)).toBeLessThanOrEqual(9)
    expect(await tagsOfFresh(registry, repo)).toBe('a b c d')
  })

  it('exact tags are written first, latest last', async () => {
    const registry = registryOf()
    const repo = await startRepository(registry, '')
    await registry.forget()
    await tag(run, { in: repo.in, at: { tag: 'build' }, as: '1.0.0' })
    const written = (await registry.requests()).filter(isWrite).map(({ path }) => path.split('/').at(-1))
    expect([written[0], written.at(-1)]).toEqual(['1.0.0', 'latest'])
    expect(written).toHaveLength(4)
  })

  it('the tag of a variant is written last, as latest', async () => {
    const registry = registryOf()
    const repo = await startRepository(registry, '')
    await registry.forget()
    const policy = { variants: ['alpine'] }
    await tag(run, { in: repo.in, at: { tag: 'build' }, as: '1.0.0-alpine', policy })
    const written = (await registry.requests()).filter(isWrite).map(({ path }) => path.split('/').at(-1))
    expect([written[0], written.at(-1)]).toEqual(['1.0.0-alpine', 'alpine'])
    expect(written).toHaveLength(4)
  })

  it.each(['latest', '1.4'])(
    '%s is a conflict and is kept if someone moves it between plan and write',
    async (moved) => {
      const registry = registryOf()
      const repo = await startRepository(registry, '1.4.0 1.4=1.4.0 1=1.4.0 latest=1.4.0')
      const plan = await planTags(run, { in: repo.in, at: { tag: 'build' }, as: '1.4.1' })
      const foreign = await registry.oracle.push(image({ label: 'foreign' }), repo.path, moved)
      const done = await executePlan(run, plan, { isSaved: true })
      expect(done.placements).toMatchObject([{ status: 'conflict' }])
      expect(await registry.oracle.digest(repo.path, moved)).toBe(foreign.digest)
      expect(await registry.oracle.digest(repo.path, '1.4.1')).toBeUndefined()
    },
  )

  it('a higher version that appears after the plan is a conflict, although no planned tag was moved', async () => {
    const registry = registryOf()
    const repo = await startRepository(registry, '1.4.0 latest=1.4.0')
    const plan = await planTags(run, { in: repo.in, at: { tag: 'build' }, as: '1.4.1' })
    await registry.oracle.push(image({ label: 'foreign' }), repo.path, '2.0.0')
    const done = await executePlan(run, plan, { isSaved: true })
    expect(done.placements).toMatchObject([
      {
        status: 'conflict',
        errors: [{ code: 'conflict', message: expect.stringContaining('2.0.0 was added to') }],
      },
    ])
    expect(await tagsOfFresh(registry, repo)).toBe('')
  })

  it('a version that appears after the plan is no conflict if it does not affect the planned tags', async () => {
    const registry = registryOf()
    const repo = await startRepository(registry, '1.4.0 2.0.0')
    const plan = await planTags(run, { in: repo.in, at: { tag: 'build' }, as: '1.4.1' })
    await registry.oracle.push(image({ label: 'foreign' }), repo.path, '3.0.0')
    await registry.oracle.push(image({ label: 'foreign' }), repo.path, '1.3.9')
    const done = await executePlan(run, plan, { isSaved: true })
    expect(done.placements).toMatchObject([{ status: 'tagged' }])
    expect(await tagsOfFresh(registry, repo)).toBe('1 1.4 1.4.1')
  })

  it('the version can come from the label of the image', async () => {
    const registry = registryOf()
    const path = `team/r${++repositories}`
    const labels = { 'org.opencontainers.image.version': '1.2.3' }
    const api = index(['amd64', 'arm64'], { label: 'labelled', labels })
    await registry.oracle.push(api, path, 'build')
    await tag(run, { in: repository(registry, path), at: { tag: 'build' }, as: { kind: 'label' } })
    expect(await registry.oracle.tags(path)).toEqual(['1', '1.2', '1.2.3', 'build', 'latest'])
    expect(await registry.oracle.digest(path, '1.2.3')).toBe(api.root.digest)
  })

  it('the labels of an index may have two spellings of one version', async () => {
    const registry = registryOf()
    const path = `team/r${++repositories}`
    const key = 'org.opencontainers.image.version'
    const platforms = ['1.2.3', 'v1.2.3'].map((text) => image({ label: text, labels: { [key]: text } }))
    await registry.oracle.push(index(platforms, { label: 'both' }), path, 'build')
    await tag(run, { in: repository(registry, path), at: { tag: 'build' }, as: { kind: 'label' } })
    expect(await registry.oracle.tags(path)).toContain('1.2.3')
  })

  it.each([
    ['no label', {}],
    ['a label that is not a version', { 'org.opencontainers.image.version': 'main' }],
  ])('an image with %s is refused', async (_, labels) => {
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
  ] as const)('the next %s after 1.4.2 is %s, and a second run changes nothing', async (part, version) => {
    const registry = registryOf()
    const repo = await startRepository(registry, '1.4.2 0.9.0 1.5.0-rc.1 2 99')
    const as = { kind: 'next', part } as const
    await tag(run, { in: repo.in, at: { tag: 'build' }, as })
    expect(await registry.oracle.digest(repo.path, version)).toBe(fresh.root.digest)
    await registry.forget()
    const again = await tag(run, { in: repo.in, at: { tag: 'build' }, as })
    expect(again.placements).toMatchObject([{ status: 'unchanged' }])
    expect((await registry.requests()).filter(isWrite)).toEqual([])
  })

  it('the next version after the largest safe integer is refused', async () => {
    const registry = registryOf()
    const repo = await startRepository(registry, `${Number.MAX_SAFE_INTEGER}.0.0`)
    const done = await tag(run, { in: repo.in, at: { tag: 'build' }, as: { kind: 'next', part: 'major' } })
    expect(done.refusals).toMatchObject([{ error: { code: 'refused' } }])
  })

  it('a repeated run of an earlier build changes nothing after a later release', async () => {
    const registry = registryOf()
    const repo = await startRepository(registry, 'later')
    const as = { kind: 'next', part: 'minor' } as const
    await registry.oracle.push(image({ label: '1.0.0', layers: 1 }), repo.path, '1.0.0')
    await tag(run, { in: repo.in, at: { tag: 'build' }, as })
    await tag(run, { in: repo.in, at: { tag: 'later' }, as })
    const later = await registry.oracle.digest(repo.path, '1.2.0')
    expect(later).toBe(await registry.oracle.digest(repo.path, 'later'))
    await registry.forget()
    const again = await tag(run, { in: repo.in, at: { tag: 'build' }, as })
    expect(again.placements).toMatchObject([{ status: 'unchanged' }])
    expect((await registry.requests()).filter(isWrite)).toEqual([])
    expect(await registry.oracle.digest(repo.path, 'latest')).toBe(later)
  })

  it('the next version is refused if there is no version', async () => {
    const registry = registryOf()
    const repo = await startRepository(registry, '1.0.0-rc.1 1 latest')
    const done = await tag(run, { in: repo.in, at: { tag: 'build' }, as: { kind: 'next', part: 'minor' } })
    expect(done.refusals).toMatchObject([{ error: { code: 'refused' } }])
  })

  it('several versions at once have the same result as one after the other', async () => {
    const registry = registryOf()
    const path = `team/r${++repositories}`
    const versions = ['1.4.1', '1.5.0', '1.4.0', '2.0.0-rc.1']
    for (const version of versions)
      await registry.oracle.push(image({ label: version, layers: 1 }), path, `build-${version}`)
    const repo = repository(registry, path)
    const taggings = versions.map((version) => ({ in: repo, at: { tag: `build-${version}` }, as: version }))
    const done = await tag(run, ...taggings)
    expect(done.placements.map(({ status }) => status)).toEqual(versions.map(() => 'tagged'))
    const at = (name: string) => registry.oracle.digest(path, name)
    expect(await at('latest')).toBe(await at('build-1.5.0'))
    expect(await at('1')).toBe(await at('build-1.5.0'))
    expect(await at('1.4')).toBe(await at('build-1.4.1'))
  })

  it('the same version for two images at once is refused for both', async () => {
    const registry = registryOf()
    const repo = await startRepository(registry, 'other')
    await registry.forget()
    const done = await tag(
      run,
      { in: repo.in, at: { tag: 'build' }, as: '1.0.0' },
      { in: repo.in, at: { tag: 'other' }, as: '1.0.0' },
    )
    expect(done.placements.map(({ status }) => status)).toEqual(['refused', 'refused'])
    expect((await registry.requests()).filter(isWrite)).toEqual([])
  })

  it.each([
    ['build metadata', '', { buildMetadata: true, levels: ['exact'] }, '1.4.0+a', '1.4.0+b'],
    ['v', 'v1.0.0 1.0.0=v1.0.0 2.0.0', {}, '1.4.0', 'v1.4.0'],
  ] as const)(
    'the same version with another %s for two images at once is refused for both',
    async (_, tags, policy, one, another) => {
      const registry = registryOf()
      const repo = await startRepository(registry, `other ${tags}`.trim())
      await registry.forget()
      const done = await tag(
        run,
        { in: repo.in, at: { tag: 'build' }, as: one, policy },
        { in: repo.in, at: { tag: 'other' }, as: another, policy },
      )
      expect(done.placements.map(({ status }) => status)).toEqual(['refused', 'refused'])
      expect((await registry.requests()).filter(isWrite)).toEqual([])
    },
  )

  it('the highest of several versions that move tags backward gets the shared tags', async () => {
    const registry = registryOf()
    const repo = await startRepository(registry, '2.0.0 latest=2.0.0 other')
    const policy = { allowBackward: true }
    const done = await tag(
      run,
      { in: repo.in, at: { tag: 'other' }, as: '1.4.0', policy },
      { in: repo.in, at: { tag: 'build' }, as: '1.5.0', policy },
    )
    expect(done.placements.map(({ status }) => status)).toEqual(['tagged', 'tagged'])
    expect(await tagsOfFresh(registry, repo)).toBe('1 1.5 1.5.0 latest')
  })

  it('a tag that is moved against a rule has an override in the plan', async () => {
    const registry = registryOf()
    const repo = await startRepository(registry, '1.4.0 1.5.0 latest=1.5.0')
    const done = await tag(run, {
      in: repo.in,
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
    expect(await tagsOfFresh(registry, repo)).toBe('1 1.4 1.4.0 latest')
  })

  it('an immutable tag is refused even if it is floating', async () => {
    const registry = registryOf()
    const repo = await startRepository(registry, '1.4.0 release-1')
    const plain = { kind: 'plain', tags: ['release-1'] } as const
    const done = await tag(run, { in: repo.in, at: { tag: 'build' }, as: plain, immutable: ['release-*'] })
    expect(done.placements).toMatchObject([
      { status: 'refused', errors: [{ why: expect.stringContaining('release-*') }] },
    ])
    const free = await tag(run, {
      in: repo.in,
      at: { tag: 'build' },
      as: { kind: 'plain', tags: ['release-2'] },
      immutable: ['release-*'],
    })
    expect(free.placements).toMatchObject([{ status: 'tagged' }])
  })
})

describe('a registry that does not list the tags', () => {
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
    it.each(['2.0.0 latest=2.0.0', '2.0.0'])(
      'of [%s], because the highest version is unknown',
      async (tags) => {
        const registry = registryOf()
        const repo = await startRepository(registry, tags)
        await using proxy = await faultyProxy(registry.host, notListed)
        const there = repository(proxy, repo.path)
        const done = await tag(run, { in: there, at: { tag: 'build' }, as: '1.0.0' })
        expect(done.placements).toMatchObject([{ status: 'refused', errors: [{ code: 'conflict' }] }])
        expect(await tagsOfFresh(registry, repo)).toBe('')
        const plain = { kind: 'plain', tags: ['tested'] } as const
        const named = await tag(run, { in: there, at: { tag: 'build' }, as: plain })
        expect(named.placements).toMatchObject([{ status: 'tagged' }])
      },
    )
  })
})

describe('an image that does not exist', () => {
  describeEachRegistry('is refused', (registryOf) => {
    it('with similar tags in the hint, and the other images are tagged', async () => {
      const registry = registryOf()
      const repo = await startRepository(registry, '')
      const done = await tag(
        run,
        { in: repo.in, at: { tag: 'biuld' }, as: '1.0.0' },
        { in: repo.in, at: { tag: 'build' }, as: '1.1.0' },
      )
      expect(done.refusals).toMatchObject([{ error: { code: 'not-found', hint: 'Did you mean build?' } }])
      expect(done.placements).toMatchObject([{ status: 'tagged' }])
    })
  })
})
