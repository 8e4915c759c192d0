import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, lchownSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { configNames } from '../../src/config/search/find.ts'
import { loadConfig } from '../../src/config/load.ts'
import { trustedOwners } from '../../src/lib/files/ownership.ts'
import { isRoot, needsRoot, stranger, uid } from '../support/unsafe-folders.ts'
import { image } from '../support/images.ts'
import { writeLayout } from '../support/layouts.ts'
import { dray, warmDray } from '../support/program.ts'
import { tempFolder } from '../support/temp.ts'

const minimal = 'version: 1\n'

/** A project folder, with a file above it. */
async function placeWith(name = 'dray.yaml'): Promise<{ above: string; project: string; file: string }> {
  const above = await tempFolder()
  const project = join(above, 'project', 'sub')
  mkdirSync(project, { recursive: true })
  const file = join(above, name)
  writeFileSync(file, name.endsWith('.json') ? '{"version":1}' : minimal)
  return { above, project, file }
}

async function searchFrom(cwd: string, more: { home?: string; owners?: readonly number[] } = {}) {
  return await loadConfig({ cwd, ...more }).then(
    ({ file }) => ({ file }),
    (thrown: unknown) => ({ thrown }),
  )
}

const refused = (file: string) => ({
  thrown: {
    code: 'config',
    subject: file,
    message: expect.stringContaining(file) as unknown,
    hint: expect.stringMatching(/--config|chmod go-w/) as unknown,
  },
})

describe('a configuration file that the search finds', () => {
  it.each(configNames)('%s is used if only its user can write to it', async (name) => {
    const { project, file } = await placeWith(name)
    expect(await searchFrom(project)).toEqual({ file })
  })

  it.each(configNames.flatMap((name) => [0o666, 0o646, 0o602].map((mode) => [name, mode] as const)))(
    '%s is refused with mode %o',
    async (name, mode) => {
      const { project, file } = await placeWith(name)
      chmodSync(file, mode)
      expect(await searchFrom(project)).toMatchObject(refused(file))
    },
  )

  it('is refused in a folder that every user can write to', async () => {
    const { above, project, file } = await placeWith()
    chmodSync(above, 0o777)
    expect(await searchFrom(project)).toMatchObject(refused(file))
  })

  it('has a hint about --config if one chmod is not enough', async () => {
    const { above, project, file } = await placeWith()
    for (const path of [above, file]) chmodSync(path, 0o777)
    expect(await searchFrom(project)).toMatchObject({
      thrown: { hint: `To use it on purpose, pass --config ${file} or set DRAY_CONFIG.` },
    })
  })

  it('is used in a folder such as /tmp, in which others cannot replace it', async () => {
    const { above, project, file } = await placeWith()
    chmodSync(above, 0o1777)
    expect(await searchFrom(project)).toEqual({ file })
  })

  it('is refused if it is a link to a file that every user can write to', async () => {
    const { above, project, file } = await placeWith('shared.yaml')
    chmodSync(file, 0o666)
    symlinkSync(file, join(above, 'dray.yaml'))
    expect(await searchFrom(project)).toMatchObject(refused(join(above, 'dray.yaml')))
  })

  it('is refused if it is a link to a file that others can replace', async () => {
    const { above, project } = await placeWith('other.yaml')
    const shared = join(above, 'shared')
    mkdirSync(shared)
    writeFileSync(join(shared, 'dray.yaml'), minimal)
    symlinkSync('shared/dray.yaml', join(above, 'dray.yaml'))
    expect(await searchFrom(project)).toEqual({ file: join(above, 'dray.yaml') })
    chmodSync(shared, 0o777)
    expect(await searchFrom(project)).toMatchObject(refused(join(above, 'dray.yaml')))
  })

  it.skipIf(!isRoot)(`is refused if a link of another user leads to it${needsRoot}`, async () => {
    const { above, project } = await placeWith('other.yaml')
    mkdirSync(join(above, 'shared'))
    chmodSync(join(above, 'shared'), 0o1777)
    for (const [at, to] of [
      ['file', '../other.yaml'],
      ['folder', '..'],
    ] as const) {
      symlinkSync(to, join(above, 'shared', at))
      lchownSync(join(above, 'shared', at), stranger, stranger)
    }
    for (const by of ['shared/file', 'shared/folder/other.yaml']) {
      const link = join(above, 'dray.yaml')
      rmSync(link, { force: true })
      symlinkSync(by, link)
      expect(await searchFrom(project)).toMatchObject(refused(link))
    }
  })

  it('is an error if it is a link to itself', async () => {
    const { above, project } = await placeWith('other.yaml')
    symlinkSync('dray.yaml', join(above, 'dray.yaml'))
    expect(await searchFrom(project)).toMatchObject({
      thrown: { code: 'io', message: `cannot read the configuration ${join(above, 'dray.yaml')}` },
    })
  })

  it('is used if it is a link of the user to a file of the user', async () => {
    const { above, project, file } = await placeWith('shared.yaml')
    symlinkSync(file, join(above, 'dray.yaml'))
    expect(await searchFrom(project)).toEqual({ file: join(above, 'dray.yaml') })
  })

  it('is refused without waiting if it is a pipe', async () => {
    const above = await tempFolder()
    execFileSync('mkfifo', [join(above, 'dray.yaml')])
    expect(await searchFrom(above)).toMatchObject({ thrown: { code: 'io' } })
  })

  it('is not skipped for one in a parent folder or with another name', async () => {
    const { project, file } = await placeWith()
    const near = join(dirname(project), 'dray.yaml')
    writeFileSync(near, minimal)
    writeFileSync(join(dirname(project), 'dray.json'), '{"version":1}')
    chmodSync(near, 0o666)
    expect(await searchFrom(project)).toMatchObject(refused(near))
    expect(file).not.toBe(near)
  })

  it.skipIf(!isRoot).each<readonly [string, (at: { above: string; file: string }) => void]>([
    ['belongs to another user', ({ file }) => chownSync(file, stranger, stranger)],
    [
      'is empty and belongs to another user',
      ({ file }) => {
        writeFileSync(file, '')
        chownSync(file, stranger, stranger)
      },
    ],
    [
      'belongs to another user and cannot be read by others',
      ({ file }) => {
        chownSync(file, stranger, stranger)
        chmodSync(file, 0o600)
      },
    ],
    ['is in a folder of another user', ({ above }) => chownSync(above, stranger, stranger)],
    [
      'is in a folder of another user with the sticky bit',
      ({ above }) => {
        chownSync(above, stranger, stranger)
        chmodSync(above, 0o1777)
      },
    ],
    [
      'a group of several users can write to',
      ({ file }) => {
        chownSync(file, uid, stranger)
        chmodSync(file, 0o664)
      },
    ],
  ])(`is refused if it %s${needsRoot}`, async (_, change) => {
    const { above, project, file } = await placeWith()
    change({ above, file })
    expect(await searchFrom(project)).toMatchObject(refused(file))
  })

  it.skipIf(!isRoot)(`is refused if it is a link of another user to a file of root${needsRoot}`, async () => {
    const { above, project, file } = await placeWith('elsewhere.yaml')
    const link = join(above, 'dray.yaml')
    symlinkSync(file, link)
    lchownSync(link, stranger, stranger)
    expect(await searchFrom(project)).toMatchObject(refused(link))
  })

  it.skipIf(!isRoot)(`of the user who ran sudo is used by root${needsRoot}`, async () => {
    const { above, project, file } = await placeWith()
    for (const path of [above, file]) chownSync(path, stranger, stranger)
    const owners = trustedOwners({ SUDO_UID: String(stranger) }) ?? []
    expect(await searchFrom(project, { owners })).toEqual({ file })
    expect(await searchFrom(project, { owners: trustedOwners({ SUDO_UID: '1' }) ?? [] })).toMatchObject(
      refused(file),
    )
  })

  it('ignores SUDO_UID unless the user is root', () => {
    expect(trustedOwners({ SUDO_UID: `${stranger}x` })).toEqual([uid, 0])
    expect(trustedOwners({ SUDO_UID: '-1' })).toEqual([uid, 0])
  })

  it('is used with --config even if others can write to it', async () => {
    const { above, file } = await placeWith()
    chmodSync(file, 0o666)
    const loaded = await loadConfig({ cwd: above, file: 'dray.yaml' })
    expect(loaded.file).toBe(file)
  })
})

describe('the search ends', () => {
  it.each<readonly [string, (root: string) => void]>([
    ['folder', (root) => mkdirSync(join(root, '.git'))],
    ['file, as in a submodule', (root) => writeFileSync(join(root, '.git'), 'gitdir: ../elsewhere\n')],
  ])('at the root of a git working tree, which has .git as a %s', async (_, mark) => {
    const { above, project } = await placeWith()
    mark(join(above, 'project'))
    expect(await searchFrom(project)).toEqual({ file: undefined })
    const own = join(above, 'project', 'dray.yaml')
    writeFileSync(own, minimal)
    expect(await searchFrom(project)).toEqual({ file: own })
  })

  it('at the home, also if the home is a link', async () => {
    const { above, project } = await placeWith()
    symlinkSync(join(above, 'project'), join(above, 'home'))
    expect(await searchFrom(project, { home: join(above, 'home') })).toEqual({ file: undefined })
  })

  const canMount = isRoot && succeeds('unshare', ['-m', 'true'])
  it.skipIf(!canMount).each([
    ['of another file system', 'mount -t tmpfs none "$0" && mkdir "$0/sub"'],
    ['of the same file system', 'mount --bind "$0" "$0"'],
  ])(`at a mount point %s${canMount ? '' : ' (skipped: needs root and unshare)'}`, async (_, mounting) => {
    const { above } = await placeWith()
    const mount = join(above, 'with a blank')
    mkdirSync(join(mount, 'sub'), { recursive: true })
    const under = ['unshare', '-m', 'sh', '-c', `${mounting} && cd "$0/sub" && exec "$@"`, mount]
    const ended = await dray(['config', 'validate'], { cwd: mount, under, env: { HOME: '/nonexistent' } })
    expect(ended).toMatchObject({ code: 1, stderr: expect.stringContaining('no dray.yaml') as unknown })
  })
})

function succeeds(command: string, args: readonly string[]): boolean {
  try {
    execFileSync(command, args, { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

describe('the configuration in use', () => {
  it('is shown with a plan as text and as JSON, and is not in the plan', async () => {
    const { above, project, file } = await placeWith()
    writeLayout(join(above, 'from'), image({ label: 'named' }), '1.0')
    const args = ['copy', `oci:${above}/from:1.0`, `oci:${above}/to:1.0`, '--dry-run']
    const text = await warmDray(args, { cwd: above })
    expect(text).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/\nConfiguration: dray\.yaml\n/) as unknown,
    })
    const below = await warmDray(args, { cwd: project })
    expect(below.stdout).toContain(`\nConfiguration: ${file}\n`)
    const json = await warmDray([...args, '--json'], { cwd: project })
    const { result } = JSON.parse(json.stdout) as { result: { plan: unknown; configuration: string } }
    expect(result.configuration).toBe(file)
    // The hash of the plan must not depend on the path of the file.
    expect(JSON.stringify(result.plan)).not.toContain('dray.yaml')
    const without = await warmDray([...args, '--json'], { cwd: '/' })
    expect(JSON.parse(without.stdout)).toMatchObject({ result: { configuration: null } })
  })

  it('is shown on stderr with --verbose', async () => {
    const { project, file } = await placeWith()
    expect(await warmDray(['config', 'validate', '--verbose'], { cwd: project })).toMatchObject({
      code: 0,
      stderr: `Configuration: ${file}\n`,
    })
  })

  it.skipIf(!isRoot)(`of another user is an error of every command that needs one${needsRoot}`, async () => {
    const { project, file } = await placeWith()
    chownSync(file, stranger, stranger)
    for (const args of [['config', 'validate'], ['ls', '@dev/api'], ['status']]) {
      const ended = await warmDray(args, { cwd: project })
      expect(ended).toMatchObject({ code: 1, stdout: '' })
      expect(ended.stderr).toContain(`error: cannot use the configuration ${file}`)
      expect(ended.stderr).toContain('belongs to user 65534')
      expect(ended.stderr).toContain(`--config ${file}`)
    }
    const named = await warmDray(['config', 'validate', '--verbose'], {
      cwd: project,
      env: { DRAY_CONFIG: file },
    })
    expect(named.code).toBe(0)
  })
})
