import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { image } from '../support/images.ts'
import { type Workplace, warmWorkplace } from '../support/workplace.ts'
import { type World, world, type WorldBuilder } from '../support/world.ts'

/** Starts staging and prod, and configures the tags of prod. */
async function placeWith(
  builder: WorldBuilder,
  tags: object,
  more: object = {},
): Promise<{ registries: World; project: Workplace }> {
  const registries = await builder.start()
  const config = JSON.parse(registries.config) as { environments: { prod: object } }
  config.environments.prod = { ...config.environments.prod, tags, ...more }
  return { registries, project: await warmWorkplace(JSON.stringify(config)) }
}

const semver = ['exact', 'minor', 'major', 'latest']
const toProd = (images: readonly string[], ...flags: readonly string[]) =>
  ['promote', ...images, '--from', 'staging', '--to', 'prod', '--yes', ...flags] as const

describe('an environment with tags.semver', () => {
  it('gets the floating tags with a promotion, and none of them moves back', async () => {
    const { registries, project } = await placeWith(world().image('api:1.4.0').image('api:1.3.9'), { semver })
    const prod = registries.staging.oracle
    expect(await project.run(...toProd(['api:1.4.0']))).toMatchObject({ code: 0 })
    expect(await prod.tags('prod/api')).toEqual(['1', '1.4', '1.4.0', 'latest'])
    const { document } = await project.json(...toProd(['api:1.3.9']))
    expect(document.result?.images).toMatchObject([{ status: 'promoted' }])
    const highest = registries.content('api:1.4.0').root.digest
    for (const tag of ['latest', '1', '1.4', '1.4.0'])
      expect(await prod.digest('prod/api', tag)).toBe(highest)
    for (const tag of ['1.3', '1.3.9'])
      expect(await prod.digest('prod/api', tag)).toBe(registries.content('api:1.3.9').root.digest)
  })

  it('gets the same floating tags from several versions at once as from one after another', async () => {
    const { registries, project } = await placeWith(
      world().image('api:1.4.1').image('api:1.4.0').image('api:2.0.0'),
      {
        semver,
      },
    )
    const ended = await project.run(...toProd(['api:2.0.0', 'api:1.4.0', 'api:1.4.1']))
    expect(ended).toMatchObject({ code: 0 })
    const prod = registries.staging.oracle
    const on = async (tag: string) => prod.digest('prod/api', tag)
    expect(await on('latest')).toBe(registries.content('api:2.0.0').root.digest)
    expect(await on('1')).toBe(registries.content('api:1.4.1').root.digest)
    expect(await on('1.4')).toBe(registries.content('api:1.4.1').root.digest)
  })

  it.each(['latest', '1.4'])('gets the version tag of an image that is named by %s', async (floating) => {
    const { registries, project } = await placeWith(world().image(`api:1.4.0`).image('api:1.3.0'), { semver })
    await registries.staging.oracle.push(registries.content('api:1.4.0'), 'staging/api', floating)
    expect(await project.run(...toProd([`api:${floating}`]))).toMatchObject({ code: 0 })
    expect(await registries.staging.oracle.tags('prod/api')).toEqual(['1', '1.4', '1.4.0', 'latest'])
  })

  it('gets the version tag of an image that is named by its digest', async () => {
    const { registries, project } = await placeWith(world().image(`api:1.4.0`), { semver })
    const ended = await project.run(
      'promote',
      `@staging/api@${registries.content('api:1.4.0').root.digest}`,
      '@prod',
      '--yes',
    )
    expect(ended).toMatchObject({ code: 0 })
    expect(await registries.staging.oracle.tags('prod/api')).toEqual(['1', '1.4', '1.4.0', 'latest'])
  })

  it.each(['1.4', 'v1.4'])(
    'refuses the tag %s if it is floating only at the destination',
    async (floating) => {
      const { registries, project } = await placeWith(world().image(`api:${floating}`), { semver })
      const prod = registries.staging.oracle
      const there = await prod.push(image({ label: 'theirs' }), 'prod/api', floating, '1.4.1')
      const ended = await project.run(...toProd([`api:${floating}`]))
      expect(ended).toMatchObject({ code: 3, stderr: expect.stringContaining('is unknown') })
      expect(await prod.digest('prod/api', floating)).toBe(there.digest)
    },
  )

  it('gets a floating tag that --tag names together with a version', async () => {
    const { registries, project } = await placeWith(world().image('api:build-7'), { semver })
    await registries.staging.oracle.push(image({ label: 'theirs' }), 'prod/api', '1.4.0', 'latest')
    const ended = await project.run(...toProd(['api:build-7'], '--tag', '1.3.0', '--tag', 'latest'))
    expect(ended).toMatchObject({ code: 0, stdout: expect.not.stringContaining('latest: not moved') })
    expect(await registries.staging.oracle.digest('prod/api', 'latest')).toBe(
      registries.content('api:build-7').root.digest,
    )
  })

  it('gets a tag that is no version unchanged', async () => {
    const { registries, project } = await placeWith(world().image('api:build-7').image('api:20240101'), {
      semver,
    })
    expect(await project.run(...toProd(['api:build-7', 'api:20240101']))).toMatchObject({ code: 0 })
    expect(await registries.staging.oracle.tags('prod/api')).toEqual(['20240101', 'build-7'])
  })

  it('gets the tags of --tag, and the floating tags of a version among them', async () => {
    const { registries, project } = await placeWith(world().image('api:build-7'), { semver })
    await project.run(...toProd(['api:build-7'], '--tag', 'stable'))
    expect(await registries.staging.oracle.tags('prod/api')).toEqual(['stable'])
    await project.run(...toProd(['api:build-7'], '--tag', '1.4.0'))
    expect(await registries.staging.oracle.tags('prod/api')).toEqual([
      '1',
      '1.4',
      '1.4.0',
      'latest',
      'stable',
    ])
  })

  it('refuses a saved plan with a conflict if a higher version appeared', async () => {
    const { registries, project } = await placeWith(world().image('api:1.4.0'), { semver })
    await project.run(...toProd(['api:1.4.0'], '--out', 'plan.json'))
    await registries.staging.oracle.push(image({ label: 'theirs' }), 'prod/api', '2.0.0')
    const ended = await project.run('apply', 'plan.json', '--yes')
    expect(ended.code).toBe(3)
    expect(ended.stdout).toContain('2.0.0 was added to')
    expect(await registries.staging.oracle.tags('prod/api')).toEqual(['2.0.0'])
  })

  it('accepts a saved plan for a repository that did not exist, and nothing changes the second time', async () => {
    const { registries, project } = await placeWith(world().image('api:1.4.0'), { semver })
    await project.run(...toProd(['api:1.4.0'], '--out', 'plan.json'))
    expect(await project.run('apply', 'plan.json', '--yes')).toMatchObject({ code: 0 })
    expect(await registries.staging.oracle.tags('prod/api')).toEqual(['1', '1.4', '1.4.0', 'latest'])
    expect(await project.run('apply', 'plan.json', '--yes')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('up to date'),
    })
  })

  it('moves floating tags back with --allow-backward, and records the override', async () => {
    const { registries, project } = await placeWith(world().image('api:1.4.0').image('api:1.3.9'), { semver })
    await project.run(...toProd(['api:1.4.0']))
    expect(await project.run(...toProd(['api:1.3.9'], '--allow-backward'))).toMatchObject({ code: 0 })
    expect(await registries.staging.oracle.digest('prod/api', 'latest')).toBe(
      registries.content('api:1.3.9').root.digest,
    )
    expect(await readFile(project.auditFile, 'utf8')).toContain('"override":"allowBackward"')
  })

  it('keeps its immutable tags unless --move-tag is given', async () => {
    const { registries, project } = await placeWith(world().image('api:release-1').image('web:release-1'), {
      immutable: ['release-*'],
    })
    await registries.staging.oracle.push(image({ label: 'old' }), 'prod/api', 'release-1')
    for (const args of [
      toProd(['api:release-1']),
      ['copy', '@staging/api:release-1', `${registries.staging.host}/prod/api:release-1`, '--yes'],
      ['tag', '@prod/api:release-1', '--tags', 'release-1,release-2', '--yes'],
    ]) {
      const { code, stderr } = await project.run(...args)
      expect([args[0], code, /immutable/.test(stderr)]).toEqual([
        args[0],
        args[0] === 'tag' ? 0 : 3,
        args[0] !== 'tag',
      ])
    }
    expect(await project.run(...toProd(['api:release-1'], '--move-tag'))).toMatchObject({ code: 0 })
  })
})

describe('an environment with buildMetadata', () => {
  it('keeps a version tag with build metadata', async () => {
    const { registries, project } = await placeWith(world().image('api:1.4.0_b1'), { buildMetadata: true })
    const prod = registries.staging.oracle
    const there = await prod.push(image({ label: 'old' }), 'prod/api', '1.4.0_b1')
    await prod.push(image({ label: 'new' }), 'prod/api', 'build')
    for (const args of [
      toProd(['api:1.4.0_b1']),
      ['copy', '@staging/api:1.4.0_b1', `${registries.staging.host}/prod/api`, '--yes'],
      ['tag', '@prod/api:build', '--tags', '1.4.0_b1', '--yes'],
    ])
      expect(await project.run(...args)).toMatchObject({
        code: 3,
        stderr: expect.stringContaining('version tags are immutable'),
      })
    expect(await prod.digest('prod/api', '1.4.0_b1')).toBe(there.digest)
  })

  it('records the override if --move-tag writes another image of the same version', async () => {
    const { registries, project } = await placeWith(world(), { buildMetadata: true })
    await registries.staging.oracle.push(image({ label: 'old' }), 'prod/api', '1.4.0_b1')
    await registries.staging.oracle.push(image({ label: 'new' }), 'prod/api', 'build')
    expect(await project.run('tag', '@prod/api:build', '1.4.0+b2', '--move-tag', '--yes')).toMatchObject({
      code: 0,
    })
    expect(await readFile(project.auditFile, 'utf8')).toContain('"override":"moveTag"')
  })
})

describe('dray.yaml', () => {
  it('has an error with its position for a mistake in the tag rules', async () => {
    const { project } = await placeWith(world(), { sevmer: [] })
    const { code, stderr } = await project.run('ls', '@prod/api')
    expect(code).toBe(1)
    expect(stderr).toContain('did you mean "semver"?')
    expect(stderr).toMatch(/dray\.yaml:\d+:\d+: /)
  })
})
