import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { makeFolder } from '../../src/files/atomic.ts'
import { privateFolder } from '../../src/files/private-folder.ts'
import { dray, type RunOptions } from '../support/program.ts'
import { tempFolder } from '../support/temp.ts'

const uid = process.getuid?.() ?? 0
const stranger = 65534
const isRoot = uid === 0
const needsRoot = isRoot ? '' : ' (skipped: only root can make files of another user)'

interface Trap {
  readonly home: string
  readonly cache: string
}

/** What another user can prepare: each makes `~/.cache/dray` a folder that must not be used. */
const traps: readonly (readonly [string, (at: Trap) => void])[] = [
  ['every user can write to', ({ cache }) => made(cache, 0o777)],
  ['every user can write to, with the sticky bit', ({ cache }) => made(cache, 0o1777)],
  [
    'is below a folder that every user can write to',
    ({ cache, home }) => {
      made(cache, 0o700)
      chmodSync(join(home, '.cache'), 0o777)
    },
  ],
  [
    'is in a home that every user can write to',
    ({ cache, home }) => {
      made(cache, 0o700)
      chmodSync(home, 0o777)
    },
  ],
  [
    'is a link',
    ({ cache, home }) => {
      made(join(home, 'elsewhere'), 0o700)
      made(join(home, '.cache'), 0o700)
      symlinkSync(join(home, 'elsewhere'), cache)
    },
  ],
  [
    'is below a link',
    ({ home }) => {
      made(join(home, 'elsewhere', 'dray'), 0o700)
      symlinkSync(join(home, 'elsewhere'), join(home, '.cache'))
    },
  ],
  [
    'is a link that leads nowhere',
    ({ cache, home }) => {
      made(join(home, '.cache'), 0o700)
      symlinkSync(join(home, 'nowhere'), cache)
    },
  ],
  [
    'is a file',
    ({ cache, home }) => {
      made(join(home, '.cache'), 0o700)
      writeFileSync(cache, '')
    },
  ],
]

const foreignTraps: readonly (readonly [string, (at: Trap) => void])[] = [
  [
    'belongs to another user',
    ({ cache }) => {
      made(cache, 0o700)
      chownSync(cache, stranger, stranger)
    },
  ],
  [
    'is below a folder of another user',
    ({ cache, home }) => {
      made(cache, 0o700)
      chownSync(join(home, '.cache'), stranger, stranger)
    },
  ],
  ['is in the home of another user', ({ home }) => chownSync(home, stranger, stranger)],
  [
    'a group of several users can write to',
    ({ cache }) => {
      made(cache, 0o770)
      chownSync(cache, uid, stranger)
    },
  ],
]

function made(path: string, mode: number): void {
  mkdirSync(path, { recursive: true, mode: 0o700 })
  chmodSync(path, mode)
}

async function sprung(spring: (at: Trap) => void): Promise<Trap> {
  const home = await tempFolder()
  const trap = { home, cache: join(home, '.cache', 'dray') }
  spring(trap)
  return trap
}

function open(home: string, create = true) {
  return privateFolder({ base: home, below: ['.cache', 'dray'] }, { uid, home, create })
}

/** Everything below a folder that is no folder itself. */
function filesBelow(path: string): readonly string[] {
  if (!existsSync(path)) return []
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory() && !entry.isSymbolicLink())
    .map(({ name }) => name)
}

describe('a folder of one user', () => {
  it.each(traps)('is refused if it %s, and stays as it is', async (_, spring) => {
    const { home } = await sprung(spring)
    const before = treeOf(home)
    expect(open(home)).toMatchObject({ fault: { path: expect.stringContaining(home) as unknown } })
    expect(open(home, false)).toHaveProperty('fault')
    expect(treeOf(home)).toEqual(before)
  })

  it.skipIf(!isRoot).each(foreignTraps)(`is refused if it %s${needsRoot}`, async (_, spring) => {
    const { home } = await sprung(spring)
    const before = treeOf(home)
    expect(open(home)).toHaveProperty('fault')
    expect(treeOf(home)).toEqual(before)
  })

  it('is made with mode 0700, whatever the umask, and is good the next time', async () => {
    const home = await tempFolder()
    const umask = process.umask(0)
    try {
      expect(open(home)).toEqual({ path: join(home, '.cache', 'dray') })
    } finally {
      process.umask(umask)
    }
    expect(statSync(join(home, '.cache')).mode & 0o777).toBe(0o700)
    expect(statSync(join(home, '.cache', 'dray')).mode & 0o777).toBe(0o700)
    expect(open(home)).toEqual({ path: join(home, '.cache', 'dray') })
  })

  it('is not made by a look at it', async () => {
    const home = await tempFolder()
    expect(open(home, false)).toEqual({ path: join(home, '.cache', 'dray') })
    expect(readdirSync(home)).toEqual([])
  })

  it.skipIf(!isRoot)(`may be open to the group that is the own one of its user${needsRoot}`, async () => {
    const { home, cache } = await sprung((at) => {
      made(at.cache, 0o770)
      chownSync(at.cache, uid, uid)
    })
    expect(open(home)).toEqual({ path: cache })
  })

  it('may be reached by a link above the home, and is given by its real path', async () => {
    const place = await tempFolder()
    made(join(place, 'real'), 0o700)
    symlinkSync(join(place, 'real'), join(place, 'home'))
    expect(open(join(place, 'home'))).toEqual({ path: join(place, 'real', '.cache', 'dray') })
  })

  it('may be in a shared folder with the sticky bit, such as /tmp', async () => {
    const shared = await tempFolder()
    chmodSync(shared, 0o1777)
    const folder = { base: join(shared, 'cache'), below: ['dray'] }
    expect(privateFolder(folder, { uid, home: undefined, create: true })).toEqual({
      path: join(shared, 'cache', 'dray'),
    })
    chmodSync(shared, 0o777)
    expect(privateFolder(folder, { uid, home: undefined, create: true })).toMatchObject({
      fault: { path: shared, kind: 'mode' },
    })
  })

  it('is not made in a home that is missing', async () => {
    const home = join(await tempFolder(), 'gone')
    expect(open(home)).toHaveProperty('fault')
    expect(existsSync(home)).toBe(false)
  })

  it.skipIf(!existsSync('/proc/self'))('that the system cannot make is an error at once', async () => {
    const folder = { base: '/proc/none/x', below: ['dray'] }
    expect(privateFolder(folder, { uid, home: undefined, create: true })).toHaveProperty('fault')
    await expect(makeFolder('/proc/none/x/y')).rejects.toMatchObject({ code: 'not-found' })
  })
})

function treeOf(path: string): readonly string[] {
  return readdirSync(path, { recursive: true, encoding: 'utf8' }).map((name) => {
    const { mode, uid: owner } = lstatSync(join(path, name))
    return `${name} ${mode.toString(8)} ${owner}`
  })
}

describe('the compile cache', () => {
  /** Files of compiled code that a run has left below these folders. */
  async function cachedBelow(
    folders: readonly string[],
    env: RunOptions['env'],
    more: Partial<RunOptions> = {},
  ) {
    const ended = await dray(['plan', 'show', 'absent'], { env: { NODE_COMPILE_CACHE: '', ...env }, ...more })
    expect(ended).toMatchObject({ code: 1, stderr: expect.stringContaining('there is no plan') as unknown })
    return folders.flatMap(filesBelow)
  }

  it('is in the cache folder of the user, private whatever the umask, and not in the temporary folder', async () => {
    const [home, tmp] = [await tempFolder(), await tempFolder()]
    chmodSync(tmp, 0o1777)
    const under = ['sh', '-c', 'umask 000; exec "$@"', 'sh']
    expect(await cachedBelow([tmp], { HOME: home, TMPDIR: tmp }, { under })).toEqual([])
    const folder = join(home, '.cache', 'dray', 'compile-cache')
    expect(filesBelow(folder).length).toBeGreaterThan(5)
    const folders = [folder, ...readdirSync(folder).map((name) => join(folder, name))]
    expect(folders.map((path) => statSync(path).mode & 0o777)).toEqual([0o700, 0o700])
  })

  it.each(traps)('is not used if its folder %s', async (_, spring) => {
    const { home } = await sprung(spring)
    expect(await cachedBelow([home], { HOME: home })).toEqual(filesBelow(home))
    expect(filesBelow(home).filter((name) => name !== 'dray')).toEqual([])
  })

  it.skipIf(!isRoot).each(foreignTraps)(`is not used if its folder %s${needsRoot}`, async (_, spring) => {
    const { home } = await sprung(spring)
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
    // A run that used the cache would write again what is gone.
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

  it('is in XDG_CACHE_HOME if that is absolute', async () => {
    const [home, xdg] = [await tempFolder(), await tempFolder()]
    expect(await cachedBelow([home], { HOME: home, XDG_CACHE_HOME: xdg })).toEqual([])
    expect(filesBelow(join(xdg, 'dray', 'compile-cache')).length).toBeGreaterThan(5)
  })

  it('is where NODE_COMPILE_CACHE says, and nowhere if Node is told to do without', async () => {
    const [home, named] = [await tempFolder(), await tempFolder()]
    expect(await cachedBelow([home], { HOME: home, NODE_COMPILE_CACHE: named })).toEqual([])
    expect(filesBelow(named).length).toBeGreaterThan(5)
    expect(await cachedBelow([home], { HOME: home, NODE_DISABLE_COMPILE_CACHE: '1' })).toEqual([])
  })
})
