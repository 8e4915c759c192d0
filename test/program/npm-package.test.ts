import { execFile } from 'node:child_process'
import { mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gunzipSync } from 'node:zlib'
import { beforeAll, describe, expect, it } from 'vitest'
import { buildPackage } from '../../scripts/release/npm-package.ts'
import { readNotices } from '../../scripts/release/notices.ts'
import { readTar } from '../../scripts/release/tar.ts'
import { project } from '../../src/cli/project.ts'
import { makeFolder, removeFolder } from '../support/temp.ts'

const root = join(import.meta.dirname, '..', '..')
const run = promisify(execFile)
let folder = ''
let tarball = ''

beforeAll(async () => {
  folder = await makeFolder()
  tarball = await buildPackage({ folder })
  return async () => removeFolder(folder)
})

/** Runs npm or npx with an empty cache and without a network. */
async function npm(command: 'npm' | 'npx', ...args: readonly string[]) {
  const cwd = join(folder, 'empty')
  await mkdir(cwd, { recursive: true })
  return await run(command, ['--offline', ...args], {
    cwd,
    env: { PATH: process.env['PATH'], HOME: folder, npm_config_cache: join(folder, 'cache') },
  })
}

async function readPackage(): Promise<ReadonlyMap<string, string>> {
  const entries = readTar(gunzipSync(await readFile(tarball)))
  return new Map(
    entries.flatMap((entry) =>
      entry.kind === 'file'
        ? [[entry.path.replace('package/', ''), Buffer.from(entry.bytes).toString()]]
        : [],
    ),
  )
}

describe('the npm package', () => {
  it('installs one package without a network, whose program and man pages are linked', async () => {
    const prefix = join(folder, 'prefix')
    await npm('npm', 'install', '--global', '--prefix', prefix, tarball)
    const installed = await readdir(join(prefix, 'lib/node_modules'))
    expect(installed).toEqual(['dray'])
    await expect(readdir(join(prefix, 'lib/node_modules/dray/node_modules'))).rejects.toThrow('ENOENT')
    const { stdout, stderr } = await run(join(prefix, 'bin/dray'), ['--version'])
    expect({ stdout, stderr }).toEqual({
      stdout: expect.stringMatching(/^dray\/\S+ \S+ node-v\S+\n$/),
      stderr: '',
    })
    const pages = await readdir(join(root, 'dist/man'))
    expect((await readdir(join(prefix, 'share/man/man1'))).toSorted()).toEqual(pages.toSorted())
  })

  it('runs with npx, which prints nothing else', async () => {
    const { stdout, stderr } = await npm('npx', '--yes', `--package=${tarball}`, 'dray', 'config', 'schema')
    expect(stderr).toBe('')
    expect(JSON.parse(stdout)).toHaveProperty('$schema')
  })

  it('has the same bytes each time', async () => {
    const other = await buildPackage({ folder: join(folder, 'other') })
    expect((await readFile(other)).equals(await readFile(tarball))).toBe(true)
  })

  it('has the program, its schema, its man pages and the licences, and no source', async () => {
    const names = [...(await readPackage()).keys()].map((name) =>
      name.replace(/^dist\/man\/.*/, 'dist/man/…'),
    )
    expect([...new Set(names)].toSorted()).toEqual([
      'LICENSE',
      'README.md',
      'bin/dray.js',
      'bin/own-node.js',
      'bin/package.json',
      'dist/THIRD_PARTY_NOTICES',
      'dist/dray.cjs',
      'dist/load.cjs',
      'dist/man/…',
      'package.json',
      'schema/dray.schema.json',
    ])
  })

  it('names every package in the bundle with its licence text', async () => {
    const notices = (await readPackage()).get('dist/THIRD_PARTY_NOTICES')
    expect(readNotices().map(({ name }) => name)).toEqual(expect.arrayContaining(['undici', 'yaml']))
    for (const { name, version, license, text } of readNotices())
      expect(notices).toContain(`${name} ${version}\nLicense: ${license}\n\n${text}\n`)
  })

  it('depends on no package, runs no script when it is installed, and names the addresses of dray', async () => {
    const about = JSON.parse((await readPackage()).get('package.json') ?? '') as {
      readonly scripts: object
      readonly repository: { readonly url: string }
    }
    for (const kind of ['dependencies', 'optionalDependencies', 'peerDependencies', 'bundleDependencies'])
      expect(about).not.toHaveProperty(kind)
    for (const script of ['preinstall', 'install', 'postinstall'])
      expect(about.scripts).not.toHaveProperty(script)
    const { homepage, repository, bugs } = project
    expect(about).toMatchObject({ homepage, bugs, bin: { dray: 'bin/dray.js' } })
    expect(about.repository.url).toBe(`git+${repository}.git`)
  })
})
