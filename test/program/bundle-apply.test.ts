import { readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { carrier } from '../support/bundles/carrier.ts'
import { artifact, cosignSignature, image, index, referrer } from '../support/images.ts'
import { warmDray, warmDrayJson } from '../support/program.ts'

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  )

describe('dray bundle apply', () => {
  it.each(['file', 'pipe'])(
    'writes all images of a bundle from a %s, with attached artifacts',
    async (from) => {
      await using world = await carrier()
      const { source, destination, folder } = world
      const alpine = index(['linux/amd64', 'linux/arm64'], { label: 'alpine' })
      const signature = referrer(alpine, { artifactType: 'application/x.sig' })
      const cosign = cosignSignature(alpine)
      const chart = artifact('helm', 'chart')
      await source.oracle.push(alpine, 'library/alpine', '3.20', 'latest')
      await source.oracle.push(signature, 'library/alpine')
      await source.oracle.push(cosign, 'library/alpine', `${alpine.root.digest.replace(':', '-')}.sig`)
      await source.oracle.push(chart, 'charts/app', '1.0.0')
      await world.create('base.tar', ['library/alpine:3.20', 'library/alpine:latest', 'charts/app:1.0.0'])
      const ended =
        from === 'file'
          ? await world.apply('base.tar')
          : await world.applyPiped(await readFile(join(folder, 'base.tar')))
      expect(ended).toMatchObject({ code: 0 })
      const { oracle } = destination
      expect(await oracle.differences('hub/library/alpine', alpine, '3.20')).toEqual([])
      expect(await oracle.differences('hub/library/alpine', alpine, 'latest')).toEqual([])
      expect(await oracle.differences('hub/library/alpine', signature)).toEqual([])
      expect(await oracle.referrers('hub/library/alpine', alpine.root.digest)).toEqual([
        signature.root.digest,
      ])
      expect(await oracle.digest('hub/library/alpine', `${alpine.root.digest.replace(':', '-')}.sig`)).toBe(
        cosign.root.digest,
      )
      expect(await oracle.differences('hub/charts/app', chart, '1.0.0')).toEqual([])
    },
  )

  it('leaves no temporary file of a pipe', async () => {
    await using world = await carrier()
    await world.source.oracle.push(image({ label: 'a' }), 'a', '1')
    await world.create('base.tar', ['a:1'])
    expect(await world.applyPiped(await readFile(join(world.folder, 'base.tar')))).toMatchObject({ code: 0 })
    const { readdir } = await import('node:fs/promises')
    expect(await readdir(join(world.folder, 'cache', 'dray', 'bundles'))).toEqual([])
  })

  it('a second run sends no write, and writes the same receipt', async () => {
    await using world = await carrier()
    await world.source.oracle.push(image({ label: 'a' }), 'a', '1')
    await world.create('base.tar', ['a:1'])
    await world.apply('base.tar')
    const receipt = await readFile(join(world.folder, 'base.tar.receipt.json'))
    world.destination.forget()
    expect(await world.apply('base.tar')).toMatchObject({ code: 0 })
    expect(world.destination.requests.filter(({ method }) => !['GET', 'HEAD'].includes(method))).toEqual([])
    expect(await readFile(join(world.folder, 'base.tar.receipt.json'))).toEqual(receipt)
  })

  it('records the bundle and the source of each image', async () => {
    await using world = await carrier()
    await world.source.oracle.push(image({ label: 'a' }), 'a', '1')
    await world.create('base.tar', ['a:1'])
    await world.apply('base.tar')
    const { env } = world
    const log = await readFile(join(world.folder, 'state', 'dray', 'audit.jsonl'), 'utf8')
    const records = log
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    const { bundle } = JSON.parse(await readFile(join(world.folder, 'base.tar.receipt.json'), 'utf8')) as {
      bundle: { id: string }
    }
    expect(records.length).toBeGreaterThan(0)
    for (const record of records) expect(record).toMatchObject({ operation: 'bundle', bundle: bundle.id })
    const history = await warmDray(['audit', 'log'], { env, cwd: world.folder })
    expect(history.stdout + history.stderr).toContain(`bundle:${world.source.host}/a`)
    const exported = await warmDray(['audit', 'export', '--format', 'csv'], { env, cwd: world.folder })
    expect(exported.stdout).toContain(`bundle:${world.source.host}/a`)
  })

  it('--dry-run shows the plan with the bundle and writes nothing', async () => {
    await using world = await carrier()
    await world.source.oracle.push(image({ label: 'a' }), 'a', '1')
    await world.create('base.tar', ['a:1'])
    const { document } = await warmDrayJson(
      ['bundle', 'apply', 'base.tar', '--to', world.place, '--dry-run'],
      { cwd: world.folder, env: world.env },
    )
    expect(document).toMatchObject({ ok: true, result: { bundle: { sequence: 1 } } })
    expect(await world.destination.oracle.digest('hub/a', '1')).toBeUndefined()
    expect(await isThere(join(world.folder, 'base.tar.receipt.json'))).toBe(false)
  })

  it('a bundle from stdin requires --yes', async () => {
    await using world = await carrier()
    const ended = await warmDray(['bundle', 'apply', '-', '--to', world.place], {
      cwd: world.folder,
      env: world.env,
    })
    expect(ended).toMatchObject({ code: 64 })
    expect(ended.stderr).toContain('a bundle from stdin requires --yes')
    expect(world.destination.requests).toEqual([])
  })

  it('writes to image layouts in a folder', async () => {
    await using world = await carrier()
    const a = image({ label: 'a' })
    await world.source.oracle.push(a, 'team/a', '1')
    await world.create('base.tar', ['team/a:1'])
    const { env, folder: cwd } = world
    const ended = await warmDray(['bundle', 'apply', 'base.tar', '--to', 'oci:./out', '--yes'], { cwd, env })
    expect(ended).toMatchObject({ code: 0 })
    const layout = JSON.parse(await readFile(join(cwd, 'out', 'team', 'a', 'index.json'), 'utf8')) as {
      manifests: { digest: string }[]
    }
    expect(layout.manifests.map(({ digest }) => digest)).toEqual([a.root.digest])
  })
})

describe('an increment', () => {
  const layer = (text: string) => ({ label: text })

  it('brings only new content and follows the receipt; the next receipt has everything', async () => {
    await using world = await carrier()
    const { source, destination, folder } = world
    const [one, two] = [image(layer('one')), image(layer('two'))]
    await source.oracle.push(one, 'a', 'latest')
    await world.create('base.tar', ['a:latest'])
    await world.apply('base.tar')
    await source.oracle.push(two, 'a', 'latest')
    await source.oracle.push(one, 'a', 'old')
    await world.create('next.tar', ['a:latest', 'a:old'], '--since', 'base.tar.receipt.json')
    expect(await world.apply('next.tar')).toMatchObject({ code: 0 })
    expect(await destination.oracle.differences('hub/a', two, 'latest')).toEqual([])
    expect(await destination.oracle.differences('hub/a', one, 'old')).toEqual([])
    const receipt = JSON.parse(await readFile(join(folder, 'next.tar.receipt.json'), 'utf8')) as {
      bundle: { sequence: number }
      present: { digest: string }[]
    }
    expect(receipt.bundle.sequence).toBe(2)
    const present = receipt.present.map(({ digest }) => digest)
    expect(present).toEqual(expect.arrayContaining([one.root.digest, two.root.digest]))
  })

  it('mounts what the base brought to another repository', async () => {
    await using world = await carrier()
    const { source, destination } = world
    const one = image(layer('one'))
    await source.oracle.push(one, 'a', '1')
    await world.create('base.tar', ['a:1'])
    await world.apply('base.tar')
    await source.oracle.push(one, 'b', '1')
    await world.create('next.tar', ['a:1', 'b:1'], '--since', 'base.tar.receipt.json')
    destination.forget()
    expect(await world.apply('next.tar')).toMatchObject({ code: 0 })
    expect(await destination.oracle.differences('hub/b', one, '1')).toEqual([])
    const posts = destination.requests.filter(({ method }) => method === 'POST')
    expect(posts.length).toBeGreaterThan(0)
    for (const { query } of posts) expect(query.has('mount')).toBe(true)
  })

  it('after a gap is refused, and the error names the missing bundle', async () => {
    await using world = await carrier()
    for (const [i, file] of ['1.tar', '2.tar', '3.tar'].entries()) {
      await world.source.oracle.push(image(layer(file)), 'a', `v${i}`)
      const since = i === 0 ? [] : ['--since', `${i}.tar`]
      await world.create(file, [`a:v${i}`], ...since)
    }
    expect(await world.apply('1.tar')).toMatchObject({ code: 0 })
    world.destination.forget()
    const ended = await world.apply('3.tar')
    expect(ended).toMatchObject({ code: 3 })
    expect(ended.stderr).toContain(`${world.place} lacks bundle 2`)
    expect(world.destination.requests).toEqual([])
    expect(await world.apply('2.tar')).toMatchObject({ code: 0 })
    expect(await world.apply('3.tar')).toMatchObject({ code: 0 })
    const stale = await world.apply('2.tar')
    expect(stale).toMatchObject({ code: 3 })
    expect(stale.stderr).toContain('bundle 2 does not follow bundle 3')
  })

  it('with the receipt of another destination, or an edited one, is refused', async () => {
    await using world = await carrier()
    const { folder } = world
    await world.source.oracle.push(image(layer('one')), 'a', '1')
    await world.create('base.tar', ['a:1'])
    await world.apply('base.tar')
    const receipt = await readFile(join(folder, 'base.tar.receipt.json'), 'utf8')
    await writeFile(join(folder, 'edited.json'), receipt.replace('"sequence":1', '"sequence":2'))
    const edited = await world.apply('base.tar', '--base', 'edited.json')
    expect(edited).toMatchObject({ code: 3 })
    expect(edited.stderr).toContain('was changed after it was written')
    const other = await warmDray(
      [
        'bundle',
        'apply',
        'base.tar',
        '--to',
        `${world.destination.host}/x`,
        '--yes',
        '--base',
        'base.tar.receipt.json',
      ],
      { cwd: folder, env: world.env },
    )
    expect(other).toMatchObject({ code: 3 })
    expect(other.stderr).toContain('the receipt is not of')
  })

  it('without its base content writes only need.json, and the repair completes it', async () => {
    await using world = await carrier()
    const { source, destination, folder } = world
    const [one, two] = [image(layer('one')), image(layer('two'))]
    await source.oracle.push(one, 'a', 'v1')
    await world.create('base.tar', ['a:v1'])
    await world.apply('base.tar')
    await source.oracle.push(two, 'a', 'v2')
    await world.create('next.tar', ['a:v1', 'a:v2'], '--since', 'base.tar.receipt.json')
    const lost = [...one.blobs.keys()][0] ?? ''
    await destination.oracle.deleteBlob('hub/a', lost)
    destination.forget()
    const ended = await world.apply('next.tar')
    expect(ended).toMatchObject({ code: 3 })
    expect(ended.stderr).toContain('pass --need need.json to dray bundle create')
    expect(destination.requests.every(({ method }) => method === 'HEAD')).toBe(true)
    const need = JSON.parse(await readFile(join(folder, 'need.json'), 'utf8')) as {
      missing: { digest: string }[]
    }
    expect(need.missing.map(({ digest }) => digest)).toEqual([lost])
    await world.create(
      'repair.tar',
      ['a:v1', 'a:v2'],
      '--since',
      'base.tar.receipt.json',
      '--need',
      'need.json',
    )
    expect(await world.apply('repair.tar')).toMatchObject({ code: 0 })
    expect(await destination.oracle.differences('hub/a', two, 'v2')).toEqual([])
    expect(await destination.oracle.differences('hub/a', one, 'v1')).toEqual([])
  })

  it('does not move a tag that someone else changed, unless --overwrite-changed', async () => {
    await using world = await carrier()
    const { source, destination } = world
    const [one, two, other] = [image(layer('one')), image(layer('two')), image(layer('other'))]
    await source.oracle.push(one, 'a', 'latest')
    await world.create('base.tar', ['a:latest'])
    await world.apply('base.tar')
    await destination.oracle.push(other, 'hub/a', 'latest')
    await source.oracle.push(two, 'a', 'latest')
    await world.create('next.tar', ['a:latest'], '--since', 'base.tar.receipt.json')
    const refused = await world.apply('next.tar')
    expect(refused).toMatchObject({ code: 3 })
    expect(refused.stderr).toContain('was changed since the last bundle')
    expect(await destination.oracle.digest('hub/a', 'latest')).toBe(other.root.digest)
    expect(await isThere(join(world.folder, 'next.tar.receipt.json'))).toBe(false)
    expect(await world.apply('next.tar', '--overwrite-changed')).toMatchObject({ code: 0 })
    expect(await destination.oracle.digest('hub/a', 'latest')).toBe(two.root.digest)
  })

  it('on a machine without the receipt is applied by its expected content, with a warning', async () => {
    await using world = await carrier()
    await world.source.oracle.push(image(layer('one')), 'a', '1')
    await world.create('base.tar', ['a:1'])
    await world.apply('base.tar')
    await world.create('next.tar', ['a:1'], '--since', 'base.tar.receipt.json')
    await rm(join(world.folder, 'state'), { recursive: true })
    const ended = await world.apply('next.tar')
    expect(ended).toMatchObject({ code: 0 })
    expect(ended.stderr).toContain('there is no receipt of')
  })
})
