import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  filesBelow,
  foreignFolders,
  isRoot,
  needsRoot,
  makeUnsafe,
  stranger,
  uid,
  unsafeFolders,
} from '../support/unsafe-folders.ts'
import { dray, type RunOptions } from '../support/program.ts'
import { onlyOnNode } from '../support/program-command.ts'
import { tempFolder } from '../support/temp.ts'

/** The only file of compiled code below a home. */
function cacheFile(home: string): string {
  const folder = join(home, '.cache', 'dray', 'compile-cache')
  const version = readdirSync(folder).find((name) => name.includes(process.version))
  return join(folder, version ?? '', 'plan-show')
}

function linkElsewhere(file: string): void {
  writeFileSync(`${file}-elsewhere`, '')
  symlinkSync(`${file}-elsewhere`, file)
}

function changedByte(code: Buffer): Buffer {
  const at = Math.floor(code.length / 2)
  return Buffer.concat([code.subarray(0, at), Buffer.from([~(code[at] ?? 0)]), code.subarray(at + 1)])
}

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
    expect(statSync(cacheFile(home)).mode & 0o777).toBe(0o600)
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

  it.skipIf(!isRoot)(`is not used, but replaced, if its file is of another user${needsRoot}`, async () => {
    const home = await tempFolder()
    await cachedBelow([], { HOME: home })
    chownSync(cacheFile(home), stranger, stranger)
    await cachedBelow([], { HOME: home })
    expect(statSync(cacheFile(home)).uid).toBe(uid)
  })

  it.skipIf(!isRoot)(`is not used if the folder of its version is of another user${needsRoot}`, async () => {
    const home = await tempFolder()
    await cachedBelow([], { HOME: home })
    const folder = dirname(cacheFile(home))
    rmSync(cacheFile(home))
    chownSync(folder, stranger, stranger)
    expect(await cachedBelow([folder], { HOME: home })).toEqual([])
  })

  it.each([
    ['is a link', (file: string) => linkElsewhere(file)],
    [
      'can be written by every user',
      (file: string, code: Buffer) => writeFileSync(file, code, { mode: 0o666 }),
    ],
    ['is empty', (file: string) => writeFileSync(file, '')],
    ['is cut off', (file: string, code: Buffer) => writeFileSync(file, code.subarray(0, -1))],
    ['has another byte', (file: string, code: Buffer) => writeFileSync(file, changedByte(code))],
  ])('is not used if its file %s', async (_, plant) => {
    const home = await tempFolder()
    await cachedBelow([], { HOME: home })
    const file = cacheFile(home)
    const code = readFileSync(file)
    rmSync(file)
    const umask = process.umask(0)
    plant(file, code)
    process.umask(umask)
    await cachedBelow([], { HOME: home })
    // A file that was used is not written again.
    expect(lstatSync(file).mode).toBe(0o100600)
    expect(readFileSync(file).length).toBeGreaterThan(code.length / 2)
  })

  it('has the code that a long run no longer uses', async () => {
    const [home, folder] = [await tempFolder(), await tempFolder()]
    await cachedBelow([], { HOME: home })
    const { length } = readFileSync(cacheFile(home))
    rmSync(cacheFile(home))
    // V8 drops the code of functions that do not run between several collections. To dray, the run
    // has lasted for a second.
    const preload = join(folder, 'collect.cjs')
    writeFileSync(
      preload,
      `const { setFlagsFromString } = require('node:v8')
setFlagsFromString('--expose-gc')
setFlagsFromString('--stress-flush-code')
const collect = require('node:vm').runInNewContext('gc')
const { setTimeout: later } = globalThis
globalThis.setTimeout = (act, ms) => (ms === 1000 && act(), later(act, ms))
process.on('exit', () => { for (let i = 0; i < 20; i++) collect() })`,
    )
    await cachedBelow([], { HOME: home, NODE_OPTIONS: `--require ${preload}` })
    expect(readFileSync(cacheFile(home)).length).toBeGreaterThan(0.9 * length)
  })

  it('is used by the second run of a command, which writes nothing', async () => {
    const home = await tempFolder()
    await cachedBelow([], { HOME: home })
    const { ino } = statSync(cacheFile(home))
    await cachedBelow([], { HOME: home })
    expect(statSync(cacheFile(home)).ino).toBe(ino)
  })

  it('keeps the folders of the three versions that were written last', async () => {
    const home = await tempFolder()
    const folder = join(home, '.cache', 'dray', 'compile-cache')
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    for (const [i, name] of ['one', 'two', 'three', 'four', 'five'].entries()) {
      mkdirSync(join(folder, name, 'below'), { recursive: true })
      utimesSync(join(folder, name), i, i)
    }
    await cachedBelow([], { HOME: home })
    const current = basename(dirname(cacheFile(home)))
    expect(readdirSync(folder).toSorted()).toEqual([current, 'five', 'four'].toSorted())
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
