import { describe, expect, it } from 'vitest'
import { defaultTagPolicy } from '../../../src/semver/tag-policy.ts'
import { plainReading, type VersionReading } from '../../../src/semver/version.ts'
import { type Content, image } from '../../support/images.ts'
import { type ExecutedPlan, promote } from '../../support/promotion.ts'
import { stagingAndProd } from '../../support/staging-and-prod.ts'

const world = stagingAndProd()
const build = image({ label: 'build' })
const other = image({ label: 'other' })
const alpine = { variants: ['alpine'] }
const calver = { scheme: 'calver' } as const

async function push(content: Content, where: 'staging' | 'prod', ...tags: readonly string[]): Promise<void> {
  for (const tag of tags) await world[where].oracle.push(content, `${where}/api`, tag)
}

/** Promotes `tag`, with the reading of each side. */
async function promoteTag(
  tag: string,
  from: Partial<VersionReading>,
  to: Partial<VersionReading>,
): Promise<ExecutedPlan> {
  return await promote(world.run, {
    from: world.from(),
    at: { tag },
    to: [world.to()],
    reading: { ...plainReading, ...from },
    tagMaintenance: { policy: { ...defaultTagPolicy, ...to }, mayDerive: true },
  })
}

/** The tags of prod that are on the promoted image. */
async function promotedTags(): Promise<string> {
  const { oracle } = world.prod
  const tags = await oracle.tags('prod/api')
  const on = await Promise.all(
    tags.map(async (tag) => ((await oracle.digest('prod/api', tag)) === build.root.digest ? [tag] : [])),
  )
  return on.flat().sort().join(' ')
}

describe('a promotion reads its source and its destination each in its own way:', () => {
  it.each([
    ['1.4.2-alpine', {}, alpine, '1-alpine 1.4-alpine 1.4.2-alpine alpine'],
    ['1.4.2-alpine', alpine, {}, '1.4.2-alpine'],
    ['2024.04.1', {}, calver, '2024 2024.04 2024.04.1 latest'],
    ['2024.04.1', calver, {}, '2024.04.1'],
  ])('%s from %j to %j gets the tags %s', async (tag, from, to, expected) => {
    await push(build, 'staging', tag)
    await push(other, 'prod', '1.3.0', '1.3', '1', '1.3.0-alpine', 'alpine')
    const done = await promoteTag(tag, from, to)
    expect(done.placements).toMatchObject([{ status: 'promoted', errors: [] }])
    expect(await promotedTags()).toBe(expected)
    expect(await world.prod.oracle.digest('prod/api', '1')).toBe(other.root.digest)
  })

  it('a floating tag has the version of its variant in the source', async () => {
    await push(build, 'staging', '1.4.2', '1.4.2-alpine', 'latest', 'alpine', '1-alpine')
    await promoteTag('1-alpine', alpine, alpine)
    expect(await promotedTags()).toBe('1-alpine 1.4-alpine 1.4.2-alpine alpine')
    await promoteTag('latest', alpine, alpine)
    expect(await promotedTags()).toBe('1 1-alpine 1.4 1.4-alpine 1.4.2 1.4.2-alpine alpine latest')
  })

  it.each([
    [alpine, alpine],
    [{}, alpine],
  ])('a floating tag moves only forward from %j to %j', async (from, to) => {
    await push(build, 'staging', '1.4.2-alpine', 'alpine', '1.4-alpine')
    await push(other, 'prod', '1.5.0-alpine', 'alpine')
    expect((await promoteTag('alpine', from, to)).placements).toMatchObject([{ status: 'promoted' }])
    expect(await promotedTags()).toBe('1.4-alpine 1.4.2-alpine')
    await promoteTag('1.4-alpine', from, to)
    expect(await promotedTags()).toBe('1.4-alpine 1.4.2-alpine')
  })

  it('latest has the version without a variant, also if only the destination has variants', async () => {
    await push(build, 'staging', '1.4.2', '1.4.2-alpine', 'latest')
    await promoteTag('latest', {}, alpine)
    expect(await promotedTags()).toBe('1 1.4 1.4.2 latest')
  })

  it('the destination reads a source without any version', async () => {
    await push(build, 'staging', '2024.04.1', 'latest')
    await promoteTag('latest', {}, calver)
    expect(await promotedTags()).toBe('2024 2024.04 2024.04.1 latest')
    await push(other, 'staging', '2024.10.1', 'latest', '1.0.0')
    await push(build, 'staging', '2024.11.1', 'latest')
    expect((await promoteTag('latest', {}, calver)).refusals).toMatchObject([
      { error: { why: 'it has no version tag in the scheme semver of the source' } },
    ])
  })

  it('a version of the source that the destination does not read is refused with its scheme', async () => {
    await push(build, 'staging', '2024.04.1', 'latest')
    expect((await promoteTag('latest', calver, {})).refusals).toMatchObject([
      {
        error: {
          message: 'the version of staging/api:latest is unknown',
          why: 'it has the version tag 2024.04.1, which the scheme semver of the destination does not read as a version',
        },
      },
    ])
    await promoteTag('latest', calver, calver)
    expect(await promotedTags()).toBe('2024 2024.04 2024.04.1 latest')
  })

  it('a tag that follows a variant only at the destination is refused', async () => {
    await push(build, 'staging', 'alpine')
    await push(other, 'prod', '1.3.0-alpine', 'alpine')
    expect((await promoteTag('alpine', {}, alpine)).placements).toMatchObject([{ status: 'refused' }])
    expect(await world.prod.oracle.digest('prod/api', 'alpine')).toBe(other.root.digest)
  })
})
