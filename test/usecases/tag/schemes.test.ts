import { describe, expect, it } from 'vitest'
import type { TagPolicy } from '../../../src/semver/tag-policy.ts'
import type { TagChoice } from '../../../src/usecases/tag/request.ts'
import { image } from '../../support/images.ts'
import { executePlan } from '../../support/promotion.ts'
import { isWrite, stagingAndProd } from '../../support/staging-and-prod.ts'
import { planTags, tag } from '../../support/tagging.ts'

const world = stagingAndProd()
const path = 'prod/api'
const build = image({ label: 'build' })

type Policy = Partial<TagPolicy>
type Row = readonly [existing: string, as: string | TagChoice, expected: string, Policy?]

/** Pushes an image under each tag, `tag=name` for one that several share, and one under `build`. */
async function push(existing: string): Promise<void> {
  for (const entry of existing.split(' ')) {
    const [name = '', label = name] = entry.split('=')
    await world.prod.oracle.push(image({ label }), path, name)
  }
  await world.prod.oracle.push(build, path, 'build')
}

/** The tags of the registry that are on the new image. */
async function tagsOfBuild(): Promise<string> {
  const { oracle } = world.prod
  const tags = await oracle.tags(path)
  const on = await Promise.all(
    tags.map(async (name) => ((await oracle.digest(path, name)) === build.root.digest ? [name] : [])),
  )
  return on
    .flat()
    .filter((name) => name !== 'build')
    .sort()
    .join(' ')
}

const next = (part: 'major' | 'minor' | 'patch', variant = ''): TagChoice => ({ kind: 'next', part, variant })
const calver = { scheme: 'calver' } as const
const alpine = { variants: ['alpine'] } as const

describe('dray tag by the scheme and the variants of the repository', () => {
  const rows: readonly Row[] = [
    ['1.4.2 2024.10.15', '1.4.3', '1 1.4 1.4.3 latest'],
    ['1.4.2 2024.09.30', next('patch'), '1 1.4 1.4.3 latest'],
    ['2022.04.1', '2022.12.1', '2022 2022.12 2022.12.1 latest', calver],
    ['5.8.1 2021.12.1', '2022.01.1', '2022 2022.01 2022.01.1 latest', calver],
    ['2024.4.1 2024.4=2024.4.1', '2024.04.2', '2024 2024.04.2 2024.4 latest', calver],
    ['2024.04.9', next('patch'), '2024 2024.04 2024.04.10 latest', calver],
    ['24.04.01', next('patch'), '24 24.04 24.04.02 latest', calver],
    ['27.3.4.1', '27.3.4', '27.3.4', { scheme: 'loose' }],
    ['27.3.4.1', next('patch'), '27 27.3 27.3.5 latest', { scheme: 'loose' }],
    ['1.2.3', '1.2.4-alpine', '1-alpine 1.2-alpine 1.2.4-alpine alpine', alpine],
    ['1.2.4-alpine', '1.2.3', '1 1.2 1.2.3 latest', alpine],
    ['1.2.4-alpine 1.2.3', '1.2.3-alpine', '1.2.3-alpine', alpine],
    ['1.2.3 1.3.0-alpine', next('patch', 'alpine'), '1-alpine 1.3-alpine 1.3.1-alpine alpine', alpine],
    ['1.2.3 1.3.0-alpine', next('patch'), '1 1.3 1.3.1 latest', alpine],
    ['1.4.0-alpine', '1.5.0-rc.1-alpine', '1.5.0-rc.1-alpine', alpine],
    [
      '1.4.0-alpine beta-alpine=else',
      '1.5.0-beta.1-alpine',
      '1.5.0-beta.1-alpine beta-alpine',
      { ...alpine, channels: ['beta'] },
    ],
    ['1.2.3-alpine 1.2.4-alpine', '1.2.5-alpine', '1.2.5-alpine'],
    [
      '1.4.2',
      '1.4.2-debian-12-slim',
      '1-debian-12-slim 1.4-debian-12-slim 1.4.2-debian-12-slim debian-12-slim',
      { variants: ['debian-*', '*-slim'] },
    ],
    ['9.0.0-dev', '1.0.0', '1 1.0 1.0.0 latest', { ignoreVersions: ['9.*'] }],
    ['9.0.0', '1.0.0', '1 1.0 1.0.0 latest', { ignoreVersions: ['9.*'] }],
    ['1.0.0-20240105093000121', '1.0.0-20240105093000122', '1.0.0-20240105093000122'],
    ['1.1.1-rc9', '1.1.1-rc10', '1.1.1-rc10'],
  ]
  it.each(rows.map(([existing, as, expected, policy = {}]) => ({ existing, as, expected, policy })))(
    '[$existing] and $as: the image gets $expected, and a second run writes nothing',
    async ({ existing, as, expected, policy }) => {
      const { prod, run } = world
      await push(existing)
      const tagging = { in: world.to(), at: { tag: 'build' }, as, policy }
      const done = await tag(run, tagging)
      expect(done.placements).toMatchObject([{ status: 'tagged', errors: [] }])
      expect(await tagsOfBuild()).toBe(expected)
      prod.forget()
      expect((await tag(run, tagging)).placements).toMatchObject([{ status: 'unchanged' }])
      expect(prod.requests.filter(isWrite)).toEqual([])
    },
  )

  const refused: readonly (readonly [string, string | TagChoice, Policy, RegExp])[] = [
    ['2024.4.1', '2024.04.1', calver, /same version as 2024\.04\.1, and version tags are immutable/],
    ['7.2', '7.2.0', { scheme: 'loose', twoNumbers: true }, /version tags are immutable/],
    ['1.4.2-alpine', '1.4.2-alpine', alpine, /version tags are immutable/],
    ['v1.4.2-alpine', '1.4.2-alpine', alpine, /version tags are immutable/],
    ['2024.10.15', { kind: 'plain', tags: ['2024.10.15'] }, {}, /version-like tags are immutable/],
    ['1.4.2_amd64', { kind: 'plain', tags: ['1.4.2_amd64'] }, {}, /version-like tags are immutable/],
  ]
  it.each(refused)(
    '%s on another image and %j are refused unless --move-tag is passed',
    async (existing, as, policy, why) => {
      const { prod, run } = world
      await push(existing)
      prod.forget()
      const tagging = { in: world.to(), at: { tag: 'build' }, as, policy }
      const { placements } = await tag(run, tagging)
      expect(placements).toMatchObject([
        { status: 'refused', errors: [{ code: 'refused', why: expect.stringMatching(why) }] },
      ])
      expect(prod.requests.filter(isWrite).length).toBe(0)
      const moved = await tag(run, { ...tagging, moveTags: true })
      expect(moved.placements).toMatchObject([{ status: 'tagged' }])
    },
  )

  it('moves plain tags, and tags that ignoreVersions matches', async () => {
    await push('20240101 2024.10.15 nightly-1.0.0')
    const tags = ['20240101', '2024.10.15', 'nightly-1.0.0']
    const policy = { ignoreVersions: ['2024.*'] }
    const as: TagChoice = { kind: 'plain', tags }
    await tag(world.run, { in: world.to(), at: { tag: 'build' }, as, policy })
    expect(await tagsOfBuild()).toBe(tags.toSorted().join(' '))
  })

  it('takes at most ten requests for a version of a variant', async () => {
    await push('1.4.1-alpine 1.4-alpine=1.4.1-alpine 1-alpine=1.4.1-alpine alpine=1.4.1-alpine')
    world.prod.forget()
    await tag(world.run, { in: world.to(), at: { tag: 'build' }, as: '1.4.2-alpine', policy: alpine })
    expect(world.prod.requests.length).toBeLessThanOrEqual(10)
    expect(await tagsOfBuild()).toBe('1-alpine 1.4-alpine 1.4.2-alpine alpine')
  })

  it('is a conflict if a higher version of the same variant comes after the plan', async () => {
    const { prod, run } = world
    await push('2022.04.1')
    const policy = { ...calver, ...alpine }
    const plan = await planTags(run, { in: world.to(), at: { tag: 'build' }, as: '2022.05.1-alpine', policy })
    await prod.oracle.push(image({ label: 'plain' }), path, '2022.12.1')
    const highest = plan.steps.flatMap(({ expect: all }) => all.filter(({ kind }) => kind === 'highest'))
    expect(highest).toHaveLength(3)
    expect(highest[0]).toMatchObject({ scheme: 'calver', variants: ['alpine'], line: { variant: 'alpine' } })
    await prod.oracle.push(image({ label: 'higher' }), path, '2022.06.1-alpine')
    const done = await executePlan(run, plan, { isSaved: true })
    expect(done.placements).toMatchObject([{ status: 'conflict' }])
    expect(await tagsOfBuild()).toBe('')
  })
})
