import { existsSync, globSync, lstatSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readInstalledCompletions } from '../completions.ts'
import { buildDeb } from '../deb.ts'
import { renderManPages } from '../man.ts'
import { run } from './program.ts'
import type { CheckContext, Step } from './steps.ts'
import { expectVersion } from './versions.ts'

function debOf({ release, version }: CheckContext, architecture: string): string {
  return join(release, `dray_${version}_${architecture}.deb`)
}

export const lintianStep: Step = {
  name: 'lintian',
  title: 'lintian accepts the Debian packages',
  programs: ['lintian'],
  after: ['packages'],
  async run(context) {
    const files = ['amd64', 'arm64'].map((architecture) => debOf(context, architecture))
    const { stdout } = await run('lintian', [
      '--allow-root',
      '--fail-on',
      'error,warning',
      '--tag-display-limit',
      '0',
      ...files,
    ])
    return stdout.trim()
  },
}

/** Installs into a folder that has a package database of its own. */
export const debStep: Step = {
  name: 'deb',
  title: 'the Debian package installs, upgrades and purges',
  programs: ['dpkg', 'dpkg-deb', 'readelf'],
  after: ['packages'],
  async run(context) {
    if (process.getuid?.() !== 0) throw new Error('dpkg --root needs root')
    const root = await createRoot(join(context.temporary, 'deb'))
    const before = filesIn(root)
    await dpkg(root, '--install', await olderPackage(context))
    await expectInstalled(root, '0.0.1')
    await dpkg(root, '--install', debOf(context, 'amd64'))
    await expectInstalled(root, context.version)
    await expectVersion(join(root, 'usr', 'bin', 'dray'), [], 'bun', context)
    await dpkg(root, '--purge', 'dray')
    const orphaned = filesIn(root).filter((name) => !before.includes(name))
    if (orphaned.length > 0) throw new Error(`after the purge there are ${orphaned.join(', ')}`)
    return ''
  },
}

async function createRoot(root: string): Promise<string> {
  for (const name of ['info', 'updates', 'triggers', 'alternatives', 'parts'])
    mkdirSync(join(root, 'var', 'lib', 'dpkg', name), { recursive: true })
  mkdirSync(join(root, 'var', 'log'), { recursive: true })
  const { stdout } = await run('dpkg-query', ['-s', 'libc6'])
  // Of the packages that dray needs, the database has libc6 without its own dependencies.
  const libc = stdout.split('\n').filter((line) => !/^(?:Depends|Recommends|Suggests|Conffiles| )/.test(line))
  writeFileSync(join(root, 'var', 'lib', 'dpkg', 'status'), `${libc.join('\n').trim()}\n\n`)
  return root
}

/** A package of an earlier version with a small program. */
async function olderPackage({ temporary, date }: CheckContext): Promise<string> {
  const name = buildDeb({
    folder: temporary,
    binary: '/bin/true',
    architecture: 'amd64',
    version: '0.0.1',
    date,
    man: await renderManPages(date),
    completions: await readInstalledCompletions(),
    notices: 'none',
    changelog: '',
  })
  return join(temporary, name)
}

async function dpkg(root: string, ...args: readonly string[]): Promise<void> {
  await run('dpkg', [`--root=${root}`, ...args])
}

async function expectInstalled(root: string, version: string): Promise<void> {
  const { stdout } = await run('dpkg-query', [
    `--root=${root}`,
    '-W',
    '-f',
    '${Version} ${db:Status-Status}',
    'dray',
  ])
  const expected = `${version.replace('-', '~')} installed`
  if (stdout !== expected) throw new Error(`dpkg has "${stdout}" instead of "${expected}"`)
  const { stdout: changed } = await run('dpkg', [`--root=${root}`, '--verify', 'dray'])
  if (changed !== '') throw new Error(`dpkg --verify prints ${changed}`)
  const wanted = ['usr/bin/dray', 'usr/share/man/man1/dray.1.gz', 'usr/share/man/man1/dray-promote.1.gz']
  const absent = wanted.filter((path) => !existsSync(join(root, path)))
  if (absent.length > 0) throw new Error(`the package has no ${absent.join(', ')}`)
}

/** Files outside the database of dpkg. */
function filesIn(root: string): readonly string[] {
  return globSync('**', { cwd: root }).filter(
    (name) => !name.startsWith('var') && lstatSync(join(root, name)).isFile(),
  )
}
