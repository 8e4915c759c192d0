import { spawnSync } from 'node:child_process'
import { chmodSync, chownSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  filesBelow,
  foreignFolders,
  isRoot,
  needsRoot,
  makeUnsafe,
  stranger,
  unsafeFolders,
} from '../support/unsafe-folders.ts'
import { dray, type RunOptions } from '../support/program.ts'
import { onlyOnNode } from '../support/program-command.ts'
import { tempFolder } from '../support/temp.ts'

const skip = onlyOnNode('compile cache')

describe.skipIf(skip.isSkipped)(`the compile cache${skip.note}`, () => {
  /** Files of compiled code that a run has left below these folders. */
  async function cachedBelow(
    folders: readonly string[],
    env: RunOptions['env'],
    more: Partial<RunOptions> = {},
  ) {
    const ended = await dray(['plan', 'show', 'absent'], { env: { NODE_COMPILE_CACHE: '', ...env }, ...more })
    expect(ended).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('cannot read the plan') as unknown,
    })
    return folders.flatMap(filesBelow)
  }

  it('is in the cache folder of the user, private whatever the umask, and not in the temporary folder', async () => {
    const [home, tmp] = [await tempFolder(), await tempFolder()]
    chmodSync(tmp, 0o1777)
    const under = ['sh', '-c', 'umask 000; exec "$@"', 'sh']
    expect(await cachedBelow([tmp], { HOME: home, TMPDIR: tmp }, { under })).toEqual([])
    const folder = join(home, '.cache', 'dray', 'compile-cache')
    expect(filesBelow(folder)).toHaveLength(1)
    const folders = [folder, ...readdirSync(folder).map((name) => join(folder, name))]
    expect(folders.map((path) => statSync(path).mode & 0o777)).toEqual([0o700, 0o700])
  })

  it.each(unsafeFolders)('is not used if its folder %s', async (_, makeTrap) => {
    const { home } = await makeUnsafe(makeTrap)
    expect(await cachedBelow([home], { HOME: home })).toEqual(filesBelow(home))
    expect(filesBelow(home).filter((name) => name !== 'dray')).toEqual([])
  })

  it.skipIf(!isRoot).each(foreignFolders)(`is not used if its folder %s${needsRoot}`, async (_, makeTrap) => {
    const { home } = await makeUnsafe(makeTrap)
    expect(await cachedBelow([home], { HOME: home })).toEqual([])
  })

  it.skipIf(!isRoot).each([
    ['a file', (folder: string, file: string) => chownSync(join(folder, file), stranger, stranger)],
    ['the folder', (folder: string) => chownSync(folder, stranger, stranger)],
  ])(`is not used if %s of compiled code is of another user${needsRoot}`, async (_, plant) => {
    const home = await tempFolder()
    await cachedBelow([], { HOME: home })
    const cache = join(home, '.cache', 'dray', 'compile-cache')
    const folder = join(cache, readdirSync(cache)[0] ?? '')
    const [first = '', ...others] = readdirSync(folder)
    // A run that uses the cache would write the deleted files again.
    plant(folder, first)
    for (const name of others) rmSync(join(folder, name))
    expect(await cachedBelow([folder], { HOME: home })).toEqual([first])
  })

  it.each([
    ['is empty', ''],
    ['is relative', 'home'],
    ['is missing', '/nonexistent/home'],
    ['is no folder', '/dev/null'],
  ])('is not used if HOME %s', async (_, home) => {
    const [cwd, tmp] = [await tempFolder(), await tempFolder()]
    expect(await cachedBelow([cwd, tmp], { HOME: home, TMPDIR: tmp }, { cwd })).toEqual([])
  })

  const setpriv = ['setpriv', '--reuid', '1234567', '--regid', '0', '--clear-groups']
  const canSwitch = isRoot && spawnSync(setpriv[0] ?? '', [...setpriv.slice(1), 'true']).status === 0
  it.skipIf(!canSwitch).each([
    ['that is not known to the system and has no HOME', ['env', '-u', 'HOME']],
    ['that is not known to the system, with HOME=/', ['env', 'HOME=/']],
    ['with the home of root, as sudo can leave it', ['env', `HOME=${process.env['HOME'] ?? '/'}`]],
  ])(`is not used for a user %s${canSwitch ? '' : ' (skipped: needs root and setpriv)'}`, async (_, env) => {
    const tmp = await tempFolder()
    chmodSync(tmp, 0o1777)
    // A container sets no SHELL either.
    const under = [...setpriv, 'env', '-u', 'SHELL', ...env]
    expect(await cachedBelow([tmp], { TMPDIR: tmp }, { under, cwd: '/' })).toEqual([])
  })

  it.skipIf(!isRoot)(`is not made by root in the home of another user${needsRoot}`, async () => {
    const home = await tempFolder()
    chownSync(home, stranger, stranger)
    await cachedBelow([], { HOME: home, SUDO_UID: String(stranger) })
    expect(readdirSync(home)).toEqual([])
  })

  it('is in XDG_CACHE_HOME if that is absolute', async () => {
    const [home, xdg] = [await tempFolder(), await tempFolder()]
    expect(await cachedBelow([home], { HOME: home, XDG_CACHE_HOME: xdg })).toEqual([])
    expect(filesBelow(join(xdg, 'dray', 'compile-cache'))).toHaveLength(1)
  })

  it('is in NODE_COMPILE_CACHE, and is not used if NODE_DISABLE_COMPILE_CACHE is set', async () => {
    const [home, named] = [await tempFolder(), await tempFolder()]
    expect(await cachedBelow([home], { HOME: home, NODE_COMPILE_CACHE: named })).toEqual([])
    expect(filesBelow(named).length).toBeGreaterThan(1)
    expect(await cachedBelow([home], { HOME: home, NODE_DISABLE_COMPILE_CACHE: '1' })).toEqual([])
  })
})
