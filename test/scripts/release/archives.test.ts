import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { buildArchives } from '../../../scripts/release/archives.ts'
import { readCompletionFiles } from '../../../scripts/release/completions.ts'
import { readTar } from '../../../scripts/release/tar.ts'
import { zipArchive } from '../../../scripts/release/zip.ts'
import { readScript } from '../../../src/cli/completion/shells.ts'
import { gunzipSync } from 'node:zlib'
import { tempFolder } from '../../support/temp.ts'
import { tools } from '../../support/tools.ts'

const unzip = tools('unzip')
const date = Date.UTC(2026, 10, 28, 12) / 1000
const texts = new Map([
  ['LICENSE', 'text'],
  ['completions/dray.bash', 'script'],
  ['man/dray.1', '.TH'],
])

/** A release folder with two binaries. */
async function release(): Promise<string> {
  const folder = await tempFolder()
  mkdirSync(join(folder, 'bin'))
  for (const name of ['dray-linux-x64', 'dray-windows-x64.exe'])
    writeFileSync(join(folder, 'bin', name), name)
  return folder
}

it('completion scripts in archives are those that dray prints', async () => {
  const files = await readCompletionFiles()
  expect([...files.keys()]).toEqual(['dray.bash', '_dray', 'dray.fish', 'dray.ps1'])
  expect(files.get('_dray')).toBe(await readScript('zsh'))
  expect(files.get('_dray')).toMatch(/^#compdef dray\n/)
})

it('there is an archive for each binary, with the program, texts and their folders', async () => {
  const folder = await release()
  expect(buildArchives({ folder, texts, date })).toEqual(['dray-linux-x64.tar.gz', 'dray-windows-x64.zip'])
  const entries = readTar(gunzipSync(readFileSync(join(folder, 'dray-linux-x64.tar.gz'))))
  expect(entries.map(({ path, mode, kind }) => [path, mode.toString(8), kind])).toEqual([
    ['LICENSE', '644', 'file'],
    ['completions', '755', 'folder'],
    ['completions/dray.bash', '644', 'file'],
    ['dray', '755', 'file'],
    ['man', '755', 'folder'],
    ['man/dray.1', '644', 'file'],
  ])
})

it('archives of the same files have the same bytes', async () => {
  const [one, two] = [await release(), await release()]
  for (const folder of [one, two]) buildArchives({ folder, texts, date })
  for (const name of ['dray-linux-x64.tar.gz', 'dray-windows-x64.zip'])
    expect(readFileSync(join(one, name)).equals(readFileSync(join(two, name))), name).toBe(true)
})

it.skipIf(!unzip.available)(`a ZIP archive is intact and has the time in UTC${unzip.note}`, async () => {
  const folder = await release()
  buildArchives({ folder, texts, date })
  const file = join(folder, 'dray-windows-x64.zip')
  const run = (...args: readonly string[]): string =>
    execFileSync('unzip', [...args, file], { encoding: 'utf8' })
  expect(run('-tq')).toContain('No errors detected')
  expect(run('-Z1').trim().split('\n')).toEqual([
    'LICENSE',
    'completions/',
    'completions/dray.bash',
    'dray.exe',
    'man/',
    'man/dray.1',
  ])
  expect(run('-ZT')).toMatch(/-rwxr-xr-x {2}2\.0 unx +\d+ b- def\S? 20261128\.120000 dray\.exe/)
  expect(execFileSync('unzip', ['-p', file, 'dray.exe'], { encoding: 'utf8' })).toBe('dray-windows-x64.exe')
})

it('a ZIP archive refuses symbolic links', () => {
  expect(() => zipArchive([{ kind: 'symlink', path: 'a', mode: 0o777, target: 'b' }], 0)).toThrow(
    'a ZIP archive has no symbolic links: a',
  )
})
