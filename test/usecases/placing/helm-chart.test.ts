import { describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/lib/clock.ts'
import { parseVersion, plainReading } from '../../../src/semver/version.ts'
import { defaultTagPolicy } from '../../../src/semver/tag-policy.ts'
import { decide } from '../../../src/usecases/rollback/decide.ts'
import { gather } from '../../../src/usecases/rollback/gather.ts'
import { artifact, type Content, image } from '../../support/images.ts'
import { promote } from '../../support/promotion.ts'
import { stagingAndProd } from '../../support/staging-and-prod.ts'
import { tag } from '../../support/tagging.ts'

const world = stagingAndProd()
const chart = (name: string): Content => artifact('helm', name)
const exact = '1.2.3_build5'
const maintenance = { policy: defaultTagPolicy, mayDerive: true }

describe('a tag of a Helm chart with build metadata', () => {
  it.each([
    ['a copy', {}],
    ['a promotion with floating tags', { tagMaintenance: maintenance }],
  ])('is a version tag that %s does not move without --move-tag', async (_, more) => {
    const { staging, prod, run } = world
    await staging.oracle.push(chart('new'), 'staging/api', exact)
    await prod.oracle.push(chart('old'), 'prod/api', exact)
    const promotion = { from: world.from(), to: [world.to()], at: { tag: exact }, tags: [exact], ...more }
    const done = await promote(run, promotion)
    expect(done.placements).toMatchObject([{ status: 'refused' }])
    expect(await prod.oracle.digest('prod/api', exact)).toBe(chart('old').root.digest)
    const forced = await promote(run, { ...promotion, policy: { moveTags: true } })
    expect(forced.placements).toMatchObject([{ status: 'promoted' }])
    expect(await prod.oracle.digest('prod/api', exact)).toBe(chart('new').root.digest)
  })

  it.each([
    [[], 'refused'],
    [['*_amd64'], 'promoted'],
  ])('looks like a version of a container image unless %j ignores it: %s', async (ignoreVersions, status) => {
    const { staging, prod, run } = world
    await staging.oracle.push(image({ label: 'new' }), 'staging/api', '1.2.3_amd64')
    await prod.oracle.push(image({ label: 'old' }), 'prod/api', '1.2.3_amd64')
    const done = await promote(run, {
      from: world.from(),
      to: [world.to()],
      at: { tag: '1.2.3_amd64' },
      tags: ['1.2.3_amd64'],
      reading: { ...plainReading, ignoreVersions },
    })
    expect(done.placements).toMatchObject([{ status }])
  })

  it.each([[[exact]], [['latest']]])(
    'moves the floating tags of its version if %j is promoted, as far as they go forward',
    async (tags) => {
      const { staging, prod, run } = world
      await staging.oracle.push(chart('new'), 'staging/api', exact, 'latest')
      await prod.oracle.push(chart('other'), 'prod/api', '2.0.0_build1', 'latest')
      const at = { tag: tags[0] ?? '' }
      const tagMaintenance = { ...maintenance, isForwardOnly: true } as const
      const done = await promote(run, { from: world.from(), to: [world.to()], at, tags, tagMaintenance })
      expect(done.placements).toMatchObject([{ status: 'promoted', errors: [] }])
      const on = async (name: string) => prod.oracle.digest('prod/api', name)
      expect(await on('1.2')).toBe(chart('new').root.digest)
      expect(await on('latest')).toBe(chart('other').root.digest)
    },
  )

  it('is kept if dray tag puts it by name or by its version on another chart', async () => {
    const { prod, run } = world
    await prod.oracle.push(chart('old'), 'prod/api', exact)
    await prod.oracle.push(chart('new'), 'prod/api', 'build')
    const at = { tag: 'build' }
    for (const as of [{ kind: 'plain', tags: [exact] } as const, '1.2.3+build5', '1.2.3']) {
      const done = await tag(run, { in: world.to(), at, as })
      expect(done.placements).toMatchObject([{ status: 'refused' }])
    }
    expect(await prod.oracle.digest('prod/api', exact)).toBe(chart('old').root.digest)
  })

  it('counts for the next version', async () => {
    const { prod, run } = world
    await prod.oracle.push(chart('old'), 'prod/api', exact)
    await prod.oracle.push(chart('new'), 'prod/api', 'build')
    await tag(run, { in: world.to(), at: { tag: 'build' }, as: { kind: 'next', part: 'minor' } })
    expect(await prod.oracle.digest('prod/api', '1.3.0')).toBe(chart('new').root.digest)
  })

  it.each([[undefined], [parseVersion('1.2.3+build5', plainReading)]])(
    'is a release to go back to (%s)',
    async (to) => {
      const { prod, run } = world
      await prod.oracle.push(chart('old'), 'prod/api', exact)
      await prod.oracle.push(chart('new'), 'prod/api', '1.2.4_build1', '1.2', 'latest')
      const request = {
        image: 'api',
        targets: [world.to()],
        to,
        currentTag: 'latest',
        policy: defaultTagPolicy,
        immutable: [],
        partial: false,
      } as const
      const snapshot = await gather(request, run.stores, { clock: systemClock }, run.call)
      const plan = decide(snapshot, { moveTags: false, partial: false, hash: '', tool: '0' }, new Date())
      expect(plan.refusals).toEqual([])
      expect(plan.placements[0]?.tags.map(({ tag: name, change }) => `${name} ${change}`)).toEqual([
        '1.2 move',
        'latest move',
      ])
    },
  )
})
