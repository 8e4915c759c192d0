import { execFile } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it, onTestFinished } from 'vitest'
import { carrier } from '../support/bundles/carrier.ts'
import { dockerRegistry, startDockerRegistry } from '../support/docker-registry.ts'
import { artifact, image, index } from '../support/images.ts'
import { Oracle } from '../support/oracle.ts'
import { warmDray } from '../support/program.ts'
import { tools } from '../support/tools.ts'

const skopeo = tools('skopeo')
const run = promisify(execFile)

describe.skipIf(!dockerRegistry.available)(`a bundle for docker-registry${dockerRegistry.note}`, () => {
  it('brings images and charts, and an increment mounts and adds', async () => {
    await using world = await carrier()
    const registry = await startDockerRegistry()
    onTestFinished(() => registry.stop())
    const { source, folder: cwd, env } = world
    const [one, chart] = [index(['linux/amd64', 'linux/arm64'], { label: 'one' }), artifact('helm', 'chart')]
    const apply = (file: string) =>
      warmDray(['bundle', 'apply', file, '--to', `${registry.host}/hub`, '--yes'], { cwd, env })
    await source.oracle.push(one, 'a', '1')
    await source.oracle.push(chart, 'chart', '1')
    await world.create('base.tar', ['a:1', 'chart:1'])
    expect(await apply('base.tar')).toMatchObject({ code: 0 })
    const two = image({ label: 'two' })
    await source.oracle.push(one, 'b', '1')
    await source.oracle.push(two, 'a', '2')
    await world.create('next.tar', ['a:1', 'a:2', 'b:1'], '--since', 'base.tar.receipt.json')
    expect(await apply('next.tar')).toMatchObject({ code: 0 })
    const oracle = new Oracle(registry.url)
    expect(await oracle.differences('hub/a', one, '1')).toEqual([])
    expect(await oracle.differences('hub/b', one, '1')).toEqual([])
    expect(await oracle.differences('hub/a', two, '2')).toEqual([])
    expect(await oracle.differences('hub/chart', chart, '1')).toEqual([])
    if (!skopeo.available) return
    const inspected = await run('skopeo', [
      'inspect',
      '--tls-verify=false',
      '--raw',
      `docker://${registry.host}/hub/b:1`,
    ])
    expect(JSON.parse(inspected.stdout)).toMatchObject({ manifests: [{}, {}] })
  })
})

describe('a bundle with selected platforms', () => {
  it('becomes a sparse index where the registry accepts it, also a second time', async () => {
    await using world = await carrier({ abilities: { sparseIndexes: 'accepted' } })
    const a = index(['linux/amd64', 'linux/arm64'], { label: 'a' })
    await world.source.oracle.push(a, 'a', '1')
    await world.create('base.tar', ['a:1'], '--platform', 'linux/arm64')
    const { oracle } = world.destination
    for (let i = 0; i < 2; i++) {
      expect(await world.apply('base.tar')).toMatchObject({ code: 0 })
      expect(await oracle.digest('hub/a', '1')).toBe(a.root.digest)
    }
    const children = (
      JSON.parse(String((await oracle.manifest('hub/a', '1'))?.bytes)) as {
        manifests: { digest: string; platform: { architecture: string } }[]
      }
    ).manifests
    for (const { digest, platform } of children) {
      const isThere = (await oracle.manifest('hub/a', digest)) !== undefined
      expect([platform.architecture, isThere]).toEqual([
        platform.architecture,
        platform.architecture === 'arm64',
      ])
    }
  })

  it('is refused where the registry refuses sparse indexes, before a tag is written', async () => {
    await using world = await carrier({ abilities: { sparseIndexes: 'refused' } })
    await world.source.oracle.push(index(['linux/amd64', 'linux/arm64'], { label: 'a' }), 'a', '1')
    await world.create('base.tar', ['a:1'], '--platform', 'linux/arm64')
    expect((await world.apply('base.tar')).code).not.toBe(0)
    expect(await world.destination.oracle.digest('hub/a', '1')).toBeUndefined()
  })
})

describe('a bundle for an environment', () => {
  it('follows promoteFrom, tags and residency of the environment', async () => {
    await using world = await carrier()
    const { folder, env, source, destination } = world
    await source.oracle.push(image({ label: 'a' }), 'team/a', '1.4.2')
    await world.create('base.tar', ['team/a:1.4.2'])
    const config = join(folder, 'dray.yaml')
    const apply = async (prod: object, more: object = {}) => {
      const environments = { prod: { registry: destination.host, path: 'prod/{image}', ...prod } }
      await writeFile(config, JSON.stringify({ version: 1, environments, ...more }))
      return await warmDray(['bundle', 'apply', 'base.tar', '--to', '@prod', '--yes', '--config', config], {
        cwd: folder,
        env,
      })
    }
    const refused = await apply({ promoteFrom: [] })
    expect(refused).toMatchObject({ code: 3, stderr: expect.stringContaining('does not accept images') })
    const resident = await apply(
      {},
      { residency: { rules: [{ from: [`${source.host}/**`], deny: [`${destination.host}/**`] }] } },
    )
    expect(resident.code).toBe(3)
    expect(await destination.oracle.digest('prod/team/a', '1.4.2')).toBeUndefined()
    const ended = await apply({ tags: { semver: ['exact', 'minor'] } })
    expect(ended).toMatchObject({ code: 0 })
    expect(await destination.oracle.tags('prod/team/a')).toEqual(['1.4', '1.4.2'])
  })

  it('is attested with the bundle as the source, and history shows it', async () => {
    await using world = await carrier()
    const { folder: cwd, env, source, destination } = world
    await source.oracle.push(image({ label: 'a' }), 'a', '1.0.0')
    await world.create('base.tar', ['a:1.0.0'])
    const { privateKey } = generateKeyPairSync('ed25519')
    await writeFile(join(cwd, 'key.pem'), privateKey.export({ format: 'pem', type: 'pkcs8' }), {
      mode: 0o600,
    })
    const prod = { registry: destination.host, path: 'prod/{image}', attest: true }
    const config = { version: 1, environments: { prod }, audit: { sign: { key: 'key.pem' } } }
    await writeFile(join(cwd, 'dray.yaml'), JSON.stringify(config))
    const applied = await warmDray(['bundle', 'apply', 'base.tar', '--to', '@prod', '--yes'], { cwd, env })
    expect(applied).toMatchObject({ code: 0 })
    const receipt = await readFile(join(cwd, 'base.tar.receipt.json'), 'utf8')
    expect(JSON.parse(receipt)).toMatchObject({ signature: { signatures: [{}] } })
    const history = await warmDray(['history', '@prod/a:1.0.0'], { cwd, env })
    expect(history).toMatchObject({ code: 0, stdout: expect.stringContaining(`bundle:${source.host}/a`) })
  })
})
