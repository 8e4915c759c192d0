import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { image } from '../support/images.ts'
import { type Workplace, workplace } from '../support/workplace.ts'
import { type World, world, type WorldBuilder } from '../support/world.ts'

/** staging and prod of a world, prod with rules for its tags. */
async function placeWith(
  builder: WorldBuilder,
  tags: object,
  more: object = {},
): Promise<{ at: World; place: Workplace }> {
  const at = await builder.start()
  const config = JSON.parse(at.config) as { environments: { prod: object } }
  config.environments.prod = { ...config.environments.prod, tags, ...more }
  return { at, place: await workplace(JSON.stringify(config)) }
}

const semver = ['exact', 'minor', 'major', 'latest']
const toProd = (words: readonly string[], ...more: readonly string[]) =>
  ['promote', ...words, '--from', 'staging', '--to', 'prod', '--yes', ...more] as const
const isWrite = ({ method }: { readonly method: string }) => method !== 'GET' && method !== 'HEAD'

describe('an environment that keeps up the tags of versions', () => {
  it('gets them with a promotion, in one plan, and none of them moves back', async () => {
    const { at, place } = await placeWith(world().image('api:1.4.0').image('api:1.3.9'), { semver })
    const prod = at.staging.oracle
    expect(await place.run(...toProd(['api:1.4.0']))).toMatchObject({ code: 0 })
    expect(await prod.tags('prod/api')).toEqual(['1', '1.4', '1.4.0', 'latest'])
    const { document } = await place.json(...toProd(['api:1.3.9']))
    expect(document.result?.images).toMatchObject([{ status: 'promoted' }])
    const highest = at.content('api:1.4.0').root.digest
    for (const tag of ['latest', '1', '1.4', '1.4.0'])
      expect(await prod.digest('prod/api', tag)).toBe(highest)
    for (const tag of ['1.3', '1.3.9'])
      expect(await prod.digest('prod/api', tag)).toBe(at.content('api:1.3.9').root.digest)
  })

  it('several versions at once end as if they had come one after another', async () => {
    const { at, place } = await placeWith(world().image('api:1.4.1').image('api:1.4.0').image('api:2.0.0'), {
      semver,
    })
    const ended = await place.run(...toProd(['api:2.0.0', 'api:1.4.0', 'api:1.4.1']))
    expect(ended).toMatchObject({ code: 0 })
    const prod = at.staging.oracle
    const on = async (tag: string) => prod.digest('prod/api', tag)
    expect(await on('latest')).toBe(at.content('api:2.0.0').root.digest)
    expect(await on('1')).toBe(at.content('api:1.4.1').root.digest)
    expect(await on('1.4')).toBe(at.content('api:1.4.1').root.digest)
  })

  it.each(['latest', '1.4'])('finds out the version of an image that is named by %s', async (floating) => {
    const { at, place } = await placeWith(world().image(`api:1.4.0`).image('api:1.3.0'), { semver })
    await at.staging.oracle.push(at.content('api:1.4.0'), 'staging/api', floating)
    expect(await place.run(...toProd([`api:${floating}`]))).toMatchObject({ code: 0 })
    expect(await at.staging.oracle.tags('prod/api')).toEqual(['1', '1.4', '1.4.0', 'latest'])
  })

  it('… and by its digest alone', async () => {
    const { at, place } = await placeWith(world().image(`api:1.4.0`), { semver })
    const ended = await place.run(
      'promote',
      `@staging/api@${at.content('api:1.4.0').root.digest}`,
      '@prod',
      '--yes',
    )
    expect(ended).toMatchObject({ code: 0 })
    expect(await at.staging.oracle.tags('prod/api')).toEqual(['1', '1.4', '1.4.0', 'latest'])
  })

  it.each([
    ['several version tags', ['1.4.0', '1.5.0'], /it has several version tags: 1\.4\.0, 1\.5\.0/],
    ['none', [], /no version tag is on it/],
  ] as const)('refuses one that has %s, and names them', async (_, versions, why) => {
    const { at, place } = await placeWith(world(), { semver })
    await at.staging.oracle.push(image({ label: 'x' }), 'staging/api', 'latest', ...versions)
    const ended = await place.run(...toProd(['api:latest']))
    expect(ended.code).toBe(3)
    expect(ended.stderr).toMatch(why)
    expect(await at.staging.oracle.manifest('prod/api', 'latest')).toBeUndefined()
  })

  it('two spellings of one version are one', async () => {
    const { at, place } = await placeWith(world(), { semver })
    await at.staging.oracle.push(image({ label: 'x' }), 'staging/api', 'latest', '1.4.0', 'v1.4.0')
    expect(await place.run(...toProd(['api:latest']))).toMatchObject({ code: 0 })
    expect(await at.staging.oracle.tags('prod/api')).toEqual(['1', '1.4', '1.4.0', 'latest'])
  })

  it.each(['1.4', 'v1.4'])(
    'refuses one that is named by %s where only the destination knows that as a floating tag',
    async (floating) => {
      const { at, place } = await placeWith(world().image(`api:${floating}`), { semver })
      const prod = at.staging.oracle
      const there = await prod.push(image({ label: 'theirs' }), 'prod/api', floating, '1.4.1')
      const ended = await place.run(...toProd([`api:${floating}`]))
      expect(ended).toMatchObject({ code: 3, stderr: expect.stringContaining('cannot be told') })
      expect(await prod.digest('prod/api', floating)).toBe(there.digest)
    },
  )

  it('a floating tag that is named beside a version is written as it is, and not said to stay', async () => {
    const { at, place } = await placeWith(world().image('api:build-7'), { semver })
    await at.staging.oracle.push(image({ label: 'theirs' }), 'prod/api', '1.4.0', 'latest')
    const ended = await place.run(...toProd(['api:build-7'], '--tag', '1.3.0', '--tag', 'latest'))
    expect(ended).toMatchObject({ code: 0, stdout: expect.not.stringContaining('latest: not moved') })
    expect(await at.staging.oracle.digest('prod/api', 'latest')).toBe(at.content('api:build-7').root.digest)
  })

  it('takes a tag that is neither as it is', async () => {
    const { at, place } = await placeWith(world().image('api:build-7').image('api:20240101'), { semver })
    expect(await place.run(...toProd(['api:build-7', 'api:20240101']))).toMatchObject({ code: 0 })
    expect(await at.staging.oracle.tags('prod/api')).toEqual(['20240101', 'build-7'])
  })

  it('tags that --tag names are written as they are, but a version among them is kept up', async () => {
    const { at, place } = await placeWith(world().image('api:build-7'), { semver })
    await place.run(...toProd(['api:build-7'], '--tag', 'stable'))
    expect(await at.staging.oracle.tags('prod/api')).toEqual(['stable'])
    await place.run(...toProd(['api:build-7'], '--tag', '1.4.0'))
    expect(await at.staging.oracle.tags('prod/api')).toEqual(['1', '1.4', '1.4.0', 'latest', 'stable'])
  })

  it('a second run asks, and writes nothing', async () => {
    const { at, place } = await placeWith(world().image('api:1.4.0'), { semver })
    await place.run(...toProd(['api:1.4.0']))
    const seen = await at.during(async () => {
      expect((await place.json(...toProd(['api:1.4.0']))).document.result?.images).toMatchObject([
        { status: 'unchanged' },
      ])
    })
    expect(seen.filter(isWrite)).toEqual([])
  })

  it('a plan of before a higher version came is a conflict, and nothing moves', async () => {
    const { at, place } = await placeWith(world().image('api:1.4.0'), { semver })
    await place.run(...toProd(['api:1.4.0'], '--out', 'plan.json'))
    await at.staging.oracle.push(image({ label: 'theirs' }), 'prod/api', '2.0.0')
    const ended = await place.run('apply', 'plan.json', '--yes')
    expect(ended.code).toBe(3)
    expect(ended.stdout).toContain('2.0.0 came to')
    expect(await at.staging.oracle.tags('prod/api')).toEqual(['2.0.0'])
  })

  it('also in a repository that the plan did not find yet', async () => {
    const { at, place } = await placeWith(world().image('api:1.4.0'), { semver })
    await place.run(...toProd(['api:1.4.0'], '--out', 'plan.json'))
    expect(await place.run('apply', 'plan.json', '--yes')).toMatchObject({ code: 0 })
    expect(await at.staging.oracle.tags('prod/api')).toEqual(['1', '1.4', '1.4.0', 'latest'])
    expect(await place.run('apply', 'plan.json', '--yes')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('unchanged'),
    })
  })

  it('--allow-backward moves them back, and the record says so', async () => {
    const { at, place } = await placeWith(world().image('api:1.4.0').image('api:1.3.9'), { semver })
    await place.run(...toProd(['api:1.4.0']))
    expect(await place.run(...toProd(['api:1.3.9'], '--allow-backward'))).toMatchObject({ code: 0 })
    expect(await at.staging.oracle.digest('prod/api', 'latest')).toBe(at.content('api:1.3.9').root.digest)
    expect(await readFile(place.auditFile, 'utf8')).toContain('"override":"allowBackward"')
  })

  it('tags that are immutable there do not move, by a copy neither', async () => {
    const { at, place } = await placeWith(world().image('api:release-1').image('web:release-1'), {
      immutable: ['release-*'],
    })
    await at.staging.oracle.push(image({ label: 'old' }), 'prod/api', 'release-1')
    for (const words of [
      toProd(['api:release-1']),
      ['copy', '@staging/api:release-1', `${at.staging.host}/prod/api:release-1`, '--yes'],
      ['tag', '@prod/api:release-1', '--tags', 'release-1,release-2', '--yes'],
    ]) {
      const { code, stderr } = await place.run(...words)
      expect([words[0], code, /immutable/.test(stderr)]).toEqual([
        words[0],
        words[0] === 'tag' ? 0 : 3,
        words[0] !== 'tag',
      ])
    }
    expect(await place.run(...toProd(['api:release-1'], '--move-tag'))).toMatchObject({ code: 0 })
  })
})

describe('an environment that reads build metadata', () => {
  it('moves no version with build metadata either, however it is told to write it', async () => {
    const { at, place } = await placeWith(world().image('api:1.4.0_b1'), { buildMetadata: true })
    const prod = at.staging.oracle
    const there = await prod.push(image({ label: 'old' }), 'prod/api', '1.4.0_b1')
    await prod.push(image({ label: 'new' }), 'prod/api', 'build')
    for (const words of [
      toProd(['api:1.4.0_b1']),
      ['copy', '@staging/api:1.4.0_b1', `${at.staging.host}/prod/api`, '--yes'],
      ['tag', '@prod/api:build', '--tags', '1.4.0_b1', '--yes'],
    ])
      expect(await place.run(...words)).toMatchObject({
        code: 3,
        stderr: expect.stringContaining('a version tag does not move'),
      })
    expect(await prod.digest('prod/api', '1.4.0_b1')).toBe(there.digest)
  })

  it('marks what --move-tag puts beside another image of that version, and so does the record', async () => {
    const { at, place } = await placeWith(world(), { buildMetadata: true })
    await at.staging.oracle.push(image({ label: 'old' }), 'prod/api', '1.4.0_b1')
    await at.staging.oracle.push(image({ label: 'new' }), 'prod/api', 'build')
    expect(await place.run('tag', '@prod/api:build', '1.4.0+b2', '--move-tag', '--yes')).toMatchObject({
      code: 0,
    })
    expect(await readFile(place.auditFile, 'utf8')).toContain('"override":"moveTag"')
  })
})

describe('dray.yaml', () => {
  it.each([
    [{ semver: ['minor'] }, 'must have exact in it'],
    [{ semver, immutable: ['*'] }, 'which `semver` or `channels` moves'],
    [{ semver, channels: ['latest'] }, 'is the name of another tag'],
    [{ semver: ['exact', 'pacth'] }, 'must be one of exact, minor, major, latest'],
    [{ immutable: ['a b'] }, 'fits no tag'],
    [{ sevmer: [] }, 'did you mean "semver"?'],
  ])('with the rules %j is told what is wrong, and where', async (tags, said) => {
    const { place } = await placeWith(world(), tags)
    const { code, stderr } = await place.run('ls', '@prod/api')
    expect(code).toBe(1)
    expect(stderr).toContain(said)
    expect(stderr).toMatch(/dray\.yaml:\d+:\d+: /)
  })
})
