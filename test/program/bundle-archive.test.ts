import { execFileSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import * as images from '../support/images.ts'
import { writeLayout } from '../support/layouts.ts'
import { dray } from '../support/program.ts'
import { programWords } from '../support/program-command.ts'
import { tempFolder } from '../support/temp.ts'
import { tools } from '../support/tools.ts'
import { warmWorkplace, type Workplace } from '../support/workplace.ts'
import { type World, world } from '../support/world.ts'

interface Place extends Workplace {
  readonly at: World
}

/** A registry with two versions that share a layer, and a signature of the first. */
async function place(): Promise<Place> {
  const at = await world()
    .index('api:1.4.2', ['linux/amd64', 'linux/arm64'])
    .signed()
    .signed('cosign')
    .image('api:1.5.0', { label: '1.5.0' })
    .start()
  return { ...(await warmWorkplace(at.config)), at }
}

async function writeKeys(folder: string, name = 'key'): Promise<void> {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  await writeFile(join(folder, `${name}.pem`), privateKey.export({ format: 'pem', type: 'pkcs8' }))
  await writeFile(join(folder, `${name}.pub.pem`), publicKey.export({ format: 'pem', type: 'spki' }))
}

interface Summary {
  readonly id: string
  readonly sequence: number
  readonly base: { readonly id: string; readonly sequence: number; readonly by: string } | null
  readonly roots: readonly {
    readonly repository: string
    readonly tags: readonly string[]
    readonly attached?: { readonly tag?: string }
    readonly platforms?: readonly string[]
  }[]
  readonly carries: { readonly count: number; readonly bytes: number }
  readonly expects: { readonly count: number }
  readonly signature: string
  readonly signedBy: string | null
  readonly size: number
}

/** Runs a command with `--json` that has to succeed. */
async function summary(at: Workplace, ...args: readonly string[]): Promise<Summary> {
  const ended = await at.run(...args, '--json')
  expect(ended, ended.stderr).toMatchObject({ code: 0 })
  return (JSON.parse(ended.stdout) as { result: Summary }).result
}

describe('dray bundle create', () => {
  it('packs an image with its platforms and attached artifacts, each blob once', async () => {
    const here = await place()
    const requests = await here.at.during(async () => {
      const made = await summary(here, 'bundle', 'create', 'a.tar', '@staging/api:1.4.2')
      expect(made).toMatchObject({ sequence: 1, base: null, signature: 'none', expects: { count: 0 } })
      expect(made.roots.map(({ repository, tags }) => [repository, tags])).toEqual([
        ['api', ['1.4.2']],
        ['api', []],
        ['api', []],
      ])
    })
    const blobs = requests.filter(({ method, path }) => method === 'GET' && path.includes('/blobs/'))
    expect(new Set(blobs.map(({ path }) => path)).size).toBe(blobs.length)
    expect(requests.filter(({ method }) => method !== 'GET' && method !== 'HEAD')).toEqual([])
  })

  it('is verified without a registry', async () => {
    const here = await place()
    const made = await summary(here, 'bundle', 'create', 'a.tar', '@staging/api:1.4.2')
    const requests = await here.at.during(async () => {
      expect(await summary(here, 'bundle', 'verify', 'a.tar')).toEqual(made)
    })
    expect(requests).toEqual([])
  })

  it('writes bytes that depend on the content and its source only', async () => {
    const content = images.index(['linux/amd64', 'linux/arm64'])
    const [one, two] = [images.referrer(content), images.cosignSignature(content)]
    const other = images.image({ label: 'other' })
    const bytes: Buffer[] = []
    for (const isReversed of [false, true]) {
      const here = await warmWorkplace('version: 1\n')
      const evidence = isReversed ? [two, one] : [one, two]
      writeLayout(join(here.folder, 'api'), images.together(content, ...evidence), '1', 'a')
      writeLayout(join(here.folder, 'api'), other, '2')
      const names = ['oci:api:1', 'oci:api:2', 'oci:api:a']
      await summary(here, 'bundle', 'create', 'b.tar', ...(isReversed ? names.toReversed() : names))
      bytes.push(await readFile(join(here.folder, 'b.tar')))
    }
    expect(bytes[0]?.equals(bytes[1] ?? Buffer.of())).toBe(true)
  })

  it('sets the time of SOURCE_DATE_EPOCH', async () => {
    const at = await world().image('api:1').start()
    const here = await warmWorkplace(at.config, { SOURCE_DATE_EPOCH: '1700000000' })
    const made = await here.run('bundle', 'create', 'a.tar', '@staging/api:1', '--json')
    expect(JSON.parse(made.stdout)).toMatchObject({ result: { createdAt: '2023-11-14T22:13:20.000Z' } })
    const verified = await here.run('bundle', 'verify', 'a.tar')
    expect(verified, verified.stderr).toMatchObject({ code: 0 })
  })

  it('writes to a pipe, and verify reads from one', async () => {
    const here = await place()
    const file = await summary(here, 'bundle', 'create', 'a.tar', '@staging/api:1.4.2')
    const script = `${programWords} bundle create - @staging/api:1.4.2 | ${programWords} bundle verify - --json`
    const ended = await dray([], {
      cwd: here.folder,
      env: { HOME: here.folder },
      under: ['bash', '-c', `set -o pipefail; ${script}`, 'bash'],
    })
    expect(ended, ended.stderr).toMatchObject({ code: 0 })
    expect((JSON.parse(ended.stdout) as { result: Summary }).result).toEqual({ ...file, file: '-' })
  })

  it('fails if the reader of the pipe ends early', async () => {
    const here = await place()
    const script = `${programWords} bundle create - @staging/api:1.4.2 | head -c 10 > /dev/null; exit $PIPESTATUS`
    const ended = await dray([], {
      cwd: here.folder,
      env: { HOME: here.folder },
      under: ['bash', '-c', script, 'bash'],
    })
    expect(ended).toMatchObject({ code: 1 })
    expect(ended.stderr).toContain('cannot write the bundle')
  })

  it('leaves no file if the disk is full', async () => {
    const here = await place()
    await writeFile(join(here.folder, 'old.tar'), 'old')
    for (const name of ['new.tar', 'old.tar']) {
      const ended = await dray(['bundle', 'create', name, '@staging/api:1.4.2'], {
        cwd: here.folder,
        env: { HOME: here.folder },
        under: ['bash', '-c', 'trap "" XFSZ; ulimit -f 4; exec "$@"', 'bash'],
      })
      expect(ended.code, ended.stderr).toBe(1)
      expect(ended.stderr).toContain(`cannot write ${join(here.folder, name)}`)
    }
    expect((await readdir(here.folder)).filter((name) => /\.tar$|\.tmp$/.test(name))).toEqual(['old.tar'])
    expect(await readFile(join(here.folder, 'old.tar'), 'utf8')).toBe('old')
  })

  it('leaves no file if a blob of the source is damaged', async () => {
    const content = images.image()
    const here = await warmWorkplace('version: 1\n')
    writeLayout(join(here.folder, 'api'), content, '1')
    const [digest = '', bytes = Buffer.of()] = [...content.blobs].at(-1) ?? []
    const damaged = Buffer.from(bytes)
    damaged[0] = (damaged[0] ?? 0) ^ 1
    await writeFile(join(here.folder, 'api', 'blobs', ...digest.split(':')), damaged)
    const ended = await here.run('bundle', 'create', 'a.tar', 'oci:api:1')
    expect(ended.code).toBe(1)
    expect(await readdir(here.folder)).not.toContain('a.tar')
  })

  it('refuses two images of one tag', async () => {
    const at = await world().image('api:1', { label: 'a' }).start()
    const here = await warmWorkplace(at.config)
    writeLayout(join(here.folder, 'api'), images.image({ label: 'b' }), '1')
    const ended = await here.run('bundle', 'create', 'a.tar', '@staging/api:1', 'oci:api:1')
    expect(ended.code).toBe(3)
    expect(ended.stderr).toContain('two images would have the tag api:1')
  })

  it('requires a name, and names an image that does not exist', async () => {
    const here = await place()
    expect(await here.run('bundle', 'create', 'a.tar')).toMatchObject({ code: 64 })
    const ended = await here.run('bundle', 'create', 'a.tar', '@staging/api:9')
    expect(ended.code).toBe(1)
    expect(ended.stderr).toContain('cannot pack @staging/api:9')
  })

  it.each(['-1', 'now', '99999999999999'])('refuses SOURCE_DATE_EPOCH=%s', async (time) => {
    const at = await world().image('api:1').start()
    const here = await warmWorkplace(at.config, { SOURCE_DATE_EPOCH: time })
    expect(await here.run('bundle', 'create', 'a.tar', '@staging/api:1')).toMatchObject({ code: 1 })
  })

  it('refuses JSON and the bundle on one stdout', async () => {
    const here = await place()
    const ended = await here.run('bundle', 'create', '-', '@staging/api:1.4.2', '--json')
    expect(ended).toMatchObject({ code: 64 })
  })

  it('packs the platforms of --platform only', async () => {
    const here = await place()
    const made = await summary(
      here,
      'bundle',
      'create',
      'a.tar',
      '@staging/api:1.4.2',
      '--platform',
      'linux/arm64',
    )
    expect(made.roots[0]).toMatchObject({ platforms: ['linux/arm64'] })
    expect(await summary(here, 'bundle', 'verify', 'a.tar')).toEqual(made)
    const whole = await summary(here, 'bundle', 'create', 'b.tar', '@staging/api:1.4.2')
    expect(made.carries.count).toBeLessThan(whole.carries.count)
  })

  it('obeys the residency of a layout at the path of the file', async () => {
    const at = await world().image('api:1').signed().start()
    const rules = [{ images: ['api'], allow: [`${at.staging.host}/**`] }]
    const here = await warmWorkplace(JSON.stringify({ ...JSON.parse(at.config), residency: { rules } }))
    for (const file of ['a.tar', '-']) {
      const requests = await at.during(async () => {
        const ended = await here.run('bundle', 'create', file, '@staging/api:1')
        expect(ended, ended.stderr).toMatchObject({ code: 3, stdout: '' })
      })
      expect(requests.filter(({ method, path }) => method === 'GET' && path.includes('/blobs/'))).toEqual([])
    }
    expect(await readdir(here.folder)).not.toContain('a.tar')
  })
})

describe('an increment', () => {
  it('omits what the bundle before it had, and reads only manifests and new blobs', async () => {
    const here = await place()
    const base = await summary(here, 'bundle', 'create', 'a.tar', '@staging/api:1.4.2')
    const names = ['@staging/api:1.4.2', '@staging/api:1.5.0']
    let next: Summary | undefined
    const requests = await here.at.during(async () => {
      next = await summary(here, 'bundle', 'create', 'b.tar', ...names, '--since', 'a.tar')
    })
    expect(next).toMatchObject({
      sequence: 2,
      base: { id: base.id, sequence: 1, by: 'bundle' },
      expects: { count: base.carries.count },
    })
    expect(next?.roots.flatMap(({ tags }) => tags)).toEqual(['1.4.2', '1.5.0'])
    const blobs = requests.filter(({ method, path }) => method === 'GET' && path.includes('/blobs/'))
    const fresh = [...here.at.content('api:1.5.0').blobs.keys()]
    expect(blobs.length).toBeGreaterThan(0)
    for (const { path } of blobs) expect(fresh.some((digest) => path.endsWith(digest))).toBe(true)
    expect(await summary(here, 'bundle', 'verify', 'b.tar')).toEqual(next)
  })

  it('has an overhead of at most 12 KiB if nothing is new', async () => {
    const here = await place()
    await summary(here, 'bundle', 'create', 'a.tar', '@staging/api:1.4.2')
    const next = await summary(here, 'bundle', 'create', 'b.tar', '@staging/api:1.4.2', '--since', 'a.tar')
    expect(next.carries).toEqual({ count: 0, bytes: 0 })
    expect(next.size).toBeLessThan(12 * 1024)
  })

  it('carries what a list of needed content names', async () => {
    const here = await place()
    const base = await summary(here, 'bundle', 'create', 'a.tar', '@staging/api:1.5.0')
    const [digest = '', bytes = Buffer.of()] = [...here.at.content('api:1.5.0').blobs].at(-1) ?? []
    const missing = [{ digest, kind: 'blob', repository: 'api', size: bytes.byteLength }]
    const need = (sequence: number): string =>
      `${JSON.stringify({ bundle: { id: base.id, sequence }, missing, schema: 'dray.need/1' })}\n`
    await writeFile(join(here.folder, 'need.json'), need(2))
    const args = [
      'bundle',
      'create',
      'b.tar',
      '@staging/api:1.5.0',
      '--since',
      'a.tar',
      '--need',
      'need.json',
    ]
    expect(await summary(here, ...args)).toMatchObject({
      sequence: 2,
      carries: { count: 1, bytes: bytes.byteLength },
    })
    await writeFile(join(here.folder, 'need.json'), need(7))
    const refused = await here.run(...args)
    expect(refused).toMatchObject({ code: 3 })
    expect(refused.stderr).toContain('it is about bundle 7, and the new bundle is 2')
  })
})

describe('the signature of a bundle', () => {
  it('is verified with --key', async () => {
    const here = await place()
    await writeKeys(here.folder)
    await writeKeys(here.folder, 'other')
    const image = '@staging/api:1.4.2'
    await summary(here, 'bundle', 'create', 'a.tar', image, '--sign-key', 'key.pem')
    const verify = ['bundle', 'verify', 'a.tar', '--key']
    expect(await summary(here, ...verify, 'key.pub.pem')).toMatchObject({
      signature: 'verified',
      signedBy: 'key.pub.pem',
    })
    expect(await here.run(...verify, 'other.pub.pem')).toMatchObject({ code: 3 })
    const unverified = await here.run('bundle', 'verify', 'a.tar')
    expect(unverified).toMatchObject({ code: 0 })
    expect(unverified.stderr).toContain('the signature was not verified')
  })

  it('is missing in an unsigned bundle, which --key refuses', async () => {
    const here = await place()
    await writeKeys(here.folder)
    await summary(here, 'bundle', 'create', 'a.tar', '@staging/api:1.4.2')
    const ended = await here.run('bundle', 'verify', 'a.tar', '--key', 'key.pub.pem')
    expect(ended).toMatchObject({ code: 3 })
    expect(ended.stderr).toContain('is not signed')
  })

  it('is made with audit.sign.key, and verified with it and with the signers of dray.yaml', async () => {
    const at = await world().image('api:1').start()
    const sign = { audit: { sign: { key: 'key.pem' } } }
    const here = await warmWorkplace(JSON.stringify({ ...JSON.parse(at.config), ...sign }))
    await writeKeys(here.folder)
    await writeKeys(here.folder, 'other')
    await summary(here, 'bundle', 'create', 'a.tar', '@staging/api:1', '--sign')
    expect(await summary(here, 'bundle', 'verify', 'a.tar')).toMatchObject({ signedBy: 'audit.sign.key' })
    const signers = (key: string): string =>
      JSON.stringify({ version: 1, signers: { bundles: { keys: [key] } } })
    await writeFile(join(here.folder, 'dray.yaml'), signers('key.pub.pem'))
    expect(await summary(here, 'bundle', 'verify', 'a.tar')).toMatchObject({ signedBy: 'bundles' })
    await writeFile(join(here.folder, 'dray.yaml'), signers('other.pub.pem'))
    expect(await here.run('bundle', 'verify', 'a.tar')).toMatchObject({ code: 3 })
  })

  it('needs a key', async () => {
    const here = await place()
    expect(await here.run('bundle', 'create', 'a.tar', '@staging/api:1.4.2', '--sign')).toMatchObject({
      code: 64,
    })
  })
})

describe('dray bundle verify', () => {
  it('names a file that does not exist, and one that is no bundle', async () => {
    const here = await warmWorkplace('version: 1\n')
    expect(await here.run('bundle', 'verify', 'none.tar')).toMatchObject({ code: 1 })
    await writeFile(join(here.folder, 'text.tar'), 'text'.repeat(1000))
    const ended = await here.run('bundle', 'verify', 'text.tar')
    expect(ended).toMatchObject({ code: 1, stdout: '' })
    expect(ended.stderr).toContain('text.tar is damaged or is not a tar')
  })
})

const skopeo = tools('skopeo')

describe.skipIf(!skopeo.available)(`skopeo${skopeo.note}`, () => {
  const inspect = async (file: string, reference: string): Promise<string> => {
    const temp = await tempFolder()
    const args = ['--tmpdir', temp, 'inspect', '--raw', `oci-archive:${file}${reference}`]
    return images.sha256(execFileSync('skopeo', args))
  }

  it('reads a bundle of one repository by its tags', async () => {
    const here = await place()
    await summary(here, 'bundle', 'create', 'a.tar', '@staging/api:1.4.2', '@staging/api:1.5.0')
    const file = join(here.folder, 'a.tar')
    for (const tag of ['1.4.2', '1.5.0'])
      expect(await inspect(file, `:${tag}`)).toBe(here.at.content(`api:${tag}`).root.digest)
  })

  it('reads the only image of a bundle without a tag', async () => {
    const at = await world().index('api:1', ['linux/amd64', 'linux/arm64']).start()
    const here = await warmWorkplace(at.config)
    await summary(here, 'bundle', 'create', 'a.tar', '@staging/api:1')
    expect(await inspect(join(here.folder, 'a.tar'), '')).toBe(at.content('api:1').root.digest)
  })

  it('reads a bundle of several repositories by repository and tag', async () => {
    const at = await world().image('api:1', { label: 'a' }).image('web:1', { label: 'b' }).start()
    const here = await warmWorkplace(at.config)
    await summary(here, 'bundle', 'create', 'a.tar', '@staging/api:1', '@staging/web:1')
    for (const name of ['api:1', 'web:1'])
      expect(await inspect(join(here.folder, 'a.tar'), `:${name}`)).toBe(at.content(name).root.digest)
  })
})
