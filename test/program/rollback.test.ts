import { readFile } from 'node:fs/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type AnyRegistry, describeEachRegistry } from '../support/each-registry.ts'
import { image } from '../support/images.ts'
import { type Workplace, warmWorkplace } from '../support/workplace.ts'
import { watchedRegistry } from '../support/world.ts'

const content = (version: string) => image({ label: version, layers: 1 })
const digestOf = (version: string) => content(version).root.digest
let repositories = 0

/** Pushes tags (`TAG=VERSION …`) to a repository of prod. */
async function prodWith(
  registry: Pick<AnyRegistry, 'host' | 'oracle'>,
  tags: string,
  more: object = {},
): Promise<{ project: Workplace; path: string; name: string }> {
  const name = `r${++repositories}`
  const path = `prod/${name}`
  for (const entry of tags.split(' ')) {
    const [tag = '', version = tag] = entry.split('=')
    await registry.oracle.push(content(version), path, tag)
  }
  const config = {
    version: 1,
    environments: { prod: { registry: registry.host, path: 'prod/{image}', ...more } },
  }
  return { project: await warmWorkplace(JSON.stringify(config)), path, name }
}

const profiles = ['oci-1.1'] as const

async function newRegistry() {
  const registry = await watchedRegistry()
  onTestFinished(() => registry[Symbol.asyncDispose]())
  return registry
}

describeEachRegistry(
  'dray rollback',
  (registryOf) => {
    it('moves the floating tags to the release before the current one, and no other tag', async () => {
      const registry = registryOf()
      const tags = '1.3.9 1.3=1.3.9 1.4.0 1.4.1 1.4=1.4.1 1=1.4.1 latest=1.4.1 2.0.0-rc.1'
      const { project, path, name } = await prodWith(registry, tags)
      const ended = await project.run('rollback', name, '--env', 'prod', '--yes')
      expect(ended).toMatchObject({ code: 0 })
      const on = (tag: string) => registry.oracle.digest(path, tag)
      for (const tag of ['latest', '1', '1.4']) expect(await on(tag)).toBe(digestOf('1.4.0'))
      for (const tag of ['1.3', '1.3.9']) expect(await on(tag)).toBe(digestOf('1.3.9'))
      expect(await on('1.4.1')).toBe(digestOf('1.4.1'))
      const records = await readFile(project.auditFile, 'utf8')
      expect(records).toContain('"operation":"rollback"')
      expect(records).toContain('"override":"rollback"')
    })

    it.each([
      ['a version', (): string => '1.3.9'],
      ['its other spelling', (): string => 'v1.3.9'],
      ['its digest', (): string => digestOf('1.3.9')],
    ])('moves the tags to a release that is named by %s', async (_, to) => {
      const registry = registryOf()
      const { project, path, name } = await prodWith(registry, '1.3.9 1.4.0 1.4=1.4.0 1=1.4.0 latest=1.4.0')
      expect(await project.run('rollback', `@prod/${name}`, '--to', to(), '--yes')).toMatchObject({ code: 0 })
      const on = (tag: string) => registry.oracle.digest(path, tag)
      expect(await on('latest')).toBe(digestOf('1.3.9'))
      expect(await on('1')).toBe(digestOf('1.3.9'))
      expect(await on('1.4')).toBe(digestOf('1.4.0'))
      // A rollback creates no floating tag.
      expect(await on('1.3')).toBeUndefined()
    })

    it('does not hinder the next release', async () => {
      const registry = registryOf()
      const { project, path, name } = await prodWith(
        registry,
        '1.4.0 1.4.1 1.4=1.4.1 1=1.4.1 latest=1.4.1 new=1.4.2',
      )
      await project.run('rollback', name, '--env', 'prod', '--yes')
      expect(await registry.oracle.digest(path, 'latest')).toBe(digestOf('1.4.0'))
      expect(await project.run('tag', `@prod/${name}:new`, '1.4.2', '--yes')).toMatchObject({ code: 0 })
      for (const tag of ['latest', '1', '1.4', '1.4.2'])
        expect(await registry.oracle.digest(path, tag)).toBe(digestOf('1.4.2'))
    })

    it('goes back one release each time, and exits with 3 if there is none', async () => {
      const registry = registryOf()
      const { project, path, name } = await prodWith(registry, '1.0.0 1.1.0 1.2.0 latest=1.2.0')
      for (const version of ['1.1.0', '1.0.0']) {
        await project.run('rollback', name, '--env', 'prod', '--yes')
        expect(await registry.oracle.digest(path, 'latest')).toBe(digestOf(version))
      }
      const ended = await project.run('rollback', name, '--env', 'prod', '--yes')
      expect(ended).toMatchObject({ code: 3, stderr: expect.stringContaining('no release') })
    })

    it('skips a lower version of the current image', async () => {
      const registry = registryOf()
      const { project, path, name } = await prodWith(registry, '1.3.0 1.4.0 1.4.1=1.4.0 1=1.4.0 latest=1.4.0')
      expect(await project.run('rollback', name, '--env', 'prod', '--yes')).toMatchObject({ code: 0 })
      for (const tag of ['latest', '1'])
        expect(await registry.oracle.digest(path, tag)).toBe(digestOf('1.3.0'))
    })

    it('writes nothing if the tags are up to date', async () => {
      const registry = registryOf()
      const { project, name } = await prodWith(registry, '1.3.0 1.4.0 latest=1.3.0')
      const ended = await project.run('rollback', name, '--env', 'prod', '--to', '1.3.0', '--yes')
      expect(ended).toMatchObject({ code: 0, stdout: expect.stringContaining('up to date') })
    })

    it('is a conflict if a tag or the release was moved since the plan', async () => {
      const registry = registryOf()
      for (const moved of ['latest', '1.3.9']) {
        const { project, path, name } = await prodWith(registry, '1.3.9 1.4.0 latest=1.4.0')
        await project.run('rollback', name, '--env', 'prod', '--to', '1.3.9', '--out', 'plan.json')
        await registry.oracle.push(content('theirs'), path, moved)
        expect(await project.run('apply', 'plan.json', '--yes')).toMatchObject({ code: 3 })
        const latest = moved === 'latest' ? 'theirs' : '1.4.0'
        expect(await registry.oracle.digest(path, 'latest')).toBe(digestOf(latest))
      }
    })
  },
  profiles,
)

describe('a rollback', () => {
  it.each([
    ['it is a pre-release', '1.3.0 1.4.0-rc.1 latest=1.3.0', '1.4.0-rc.1', {}, 'is a pre-release'],
    ['no floating tag exists', '1.3.0 1.4.0', '1.3.0', {}, 'the tag does not exist'],
    [
      'tags.semver has no floating tag',
      '1.3.0 latest=1.4.0',
      '1.3.0',
      { tags: { semver: ['exact'] } },
      'maintains no floating tag',
    ],
  ] as const)('is refused if no floating tag could move: %s', async (_, tags, to, more, why) => {
    const registry = await newRegistry()
    const { project, name } = await prodWith(registry, tags, more)
    const ended = await project.run('rollback', name, '--env', 'prod', '--to', to, '--yes')
    expect(ended).toMatchObject({ code: 3, stderr: expect.stringContaining(why) })
  })

  it.each(['1.3.0', 'v1.3.0'])(
    'to %s is refused if two images have a spelling of it, and accepts a digest',
    async (to) => {
      const registry = await newRegistry()
      const { project, path, name } = await prodWith(registry, '1.3.0=a v1.3.0=b 1.4.0 latest=1.4.0')
      const ended = await project.run('rollback', name, '--env', 'prod', '--to', to, '--yes')
      expect(ended).toMatchObject({ code: 3, stderr: expect.stringContaining('--to DIGEST') })
      await project.run('rollback', name, '--env', 'prod', '--to', digestOf('b'), '--yes')
      expect(await registry.oracle.digest(path, 'latest')).toBe(digestOf('b'))
    },
  )

  it('is refused if the current-version tag would not move', async () => {
    const registry = await newRegistry()
    const { project, name } = await prodWith(registry, '1.3.0 1.3=1.3.0 1.4.0 1.4=1.4.0', {
      currentTag: '1.4',
    })
    const ended = await project.run('rollback', name, '--env', 'prod', '--yes')
    expect(ended).toMatchObject({ code: 3, stderr: expect.stringContaining('1.3 is up to date') })
  })

  it.each([
    ['a missing version', ['--to', '1.3.8'], 1, 'Did you mean 1.3.9?'],
    ['a digest without a version', ['--to', `sha256:${'0'.repeat(64)}`], 1, 'has no release'],
    ['neither a version nor a digest', ['--to', '1.4'], 64, 'neither a version nor a digest'],
  ] as const)('to %s is an error with a hint', async (_, flags, code, message) => {
    const registry = await newRegistry()
    const { project, name } = await prodWith(registry, '1.3.9 1.4.0 latest=1.4.0')
    const ended = await project.run('rollback', name, '--env', 'prod', ...flags, '--yes')
    expect(ended).toMatchObject({ code, stderr: expect.stringContaining(message) })
  })
})

describe('a rollback that has reached one of two targets', () => {
  it('is finished by a second run only if --to names the release', async () => {
    const registry = await newRegistry()
    const name = `r${++repositories}`
    const targets = ['eu', 'us'].map((region) => ({ registry: registry.host, path: `${region}/{image}` }))
    const project = await warmWorkplace(JSON.stringify({ version: 1, environments: { prod: { targets } } }))
    for (const [region, latest] of [
      ['eu', '1.1.0'],
      ['us', '1.2.0'],
    ] as const) {
      for (const version of ['1.0.0', '1.1.0', '1.2.0'])
        await registry.oracle.push(content(version), `${region}/${name}`, version)
      await registry.oracle.push(content(latest), `${region}/${name}`, 'latest')
    }
    const again = await project.run('rollback', `@prod/${name}`, '--yes')
    expect(again).toMatchObject({ code: 3, stderr: expect.stringContaining('--to VERSION') })
    const named = await project.run('rollback', `@prod/${name}`, '--to', '1.1.0', '--yes')
    expect(named).toMatchObject({ code: 0 })
    for (const region of ['eu', 'us'])
      expect(await registry.oracle.digest(`${region}/${name}`, 'latest')).toBe(digestOf('1.1.0'))
  })
})

describe('the current version', () => {
  it.each([
    ['is refused if the current-version tag is missing', '1.4.0 1.3.9', {}, 'does not exist'],
    [
      'is refused if the current-version tag is on no version',
      '1.4.0 1.3.9 latest=else',
      {},
      'no version tag points to',
    ],
  ])('%s', async (_, tags, more, message) => {
    const { project, name } = await prodWith(await newRegistry(), tags, more)
    const ended = await project.run('rollback', name, '--env', 'prod', '--yes')
    expect(ended).toMatchObject({ code: 3, stderr: expect.stringContaining(message) })
  })

  it('moves the current-version tag of the environment', async () => {
    const registry = await newRegistry()
    const { project, path, name } = await prodWith(registry, '1.4.0 1.3.9 live=1.4.0 1=1.4.0', {
      currentTag: 'live',
    })
    expect(await project.run('rollback', name, '--env', 'prod', '--yes')).toMatchObject({ code: 0 })
    expect(await registry.oracle.digest(path, 'live')).toBe(digestOf('1.3.9'))
    expect(await registry.oracle.digest(path, '1')).toBe(digestOf('1.3.9'))
  })
})

describe('a rollback with an unreachable target', () => {
  const closed = '127.0.0.1:1'
  it.each([[0], [1]])(
    'fails, and changes the other target only with --partial (target %i is unreachable)',
    async (down) => {
      await using registry = await watchedRegistry()
      for (const version of ['1.3.9', '1.4.0'])
        await registry.oracle.push(content(version), 'prod/api', version)
      await registry.oracle.push(content('1.4.0'), 'prod/api', 'latest')
      const targets = [registry.host, registry.host].map((host, i) => ({
        registry: i === down ? closed : host,
        path: 'prod/{image}',
      }))
      const project = await warmWorkplace(JSON.stringify({ version: 1, environments: { prod: { targets } } }))
      expect((await project.run('rollback', 'api', '--env', 'prod', '--yes')).code).toBe(1)
      expect(await registry.oracle.digest('prod/api', 'latest')).toBe(digestOf('1.4.0'))
      const ended = await project.run('rollback', 'api', '--env', 'prod', '--partial', '--yes')
      expect(ended.code).toBe(4)
      expect(await registry.oracle.digest('prod/api', 'latest')).toBe(digestOf('1.3.9'))
    },
  )
})
