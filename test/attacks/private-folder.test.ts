import {
  chmodSync,
  chownSync,
  existsSync,
  lchownSync,
  mkdirSync,
  readdirSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { makeFolder } from '../../src/lib/files/atomic.ts'
import { privateFolder } from '../../src/lib/files/private-folder.ts'
import {
  foreignFolders,
  isRoot,
  makeFolderWithMode,
  needsRoot,
  makeUnsafe,
  stranger,
  unsafeFolders,
  treeOf,
  uid,
} from '../support/unsafe-folders.ts'
import { tempFolder } from '../support/temp.ts'

function open(home: string, create = true) {
  return privateFolder({ base: home, below: ['.cache', 'dray'] }, { uid, home, create })
}

describe('a folder of one user', () => {
  it.each(unsafeFolders)('is refused and not changed if it %s', async (_, makeTrap) => {
    const { home } = await makeUnsafe(makeTrap)
    const before = treeOf(home)
    expect(open(home)).toMatchObject({ fault: { path: expect.stringContaining(home) as unknown } })
    expect(open(home, false)).toHaveProperty('fault')
    expect(treeOf(home)).toEqual(before)
  })

  it.skipIf(!isRoot).each(foreignFolders)(`is refused if it %s${needsRoot}`, async (_, makeTrap) => {
    const { home } = await makeUnsafe(makeTrap)
    const before = treeOf(home)
    expect(open(home)).toHaveProperty('fault')
    expect(treeOf(home)).toEqual(before)
  })

  it('is made with mode 0700, whatever the umask, and is accepted the next time', async () => {
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

  it('is not made by a check', async () => {
    const home = await tempFolder()
    expect(open(home, false)).toEqual({ path: join(home, '.cache', 'dray') })
    expect(readdirSync(home)).toEqual([])
  })

  it.skipIf(!isRoot)(`may be open to the private group of its user${needsRoot}`, async () => {
    const { home, folder } = await makeUnsafe((at) => {
      makeFolderWithMode(at.folder, 0o770)
      chownSync(at.folder, uid, uid)
    })
    expect(open(home)).toEqual({ path: folder })
  })

  it('may be below a link above the home, and is returned with its real path', async () => {
    const place = await tempFolder()
    makeFolderWithMode(join(place, 'real'), 0o700)
    symlinkSync(join(place, 'real'), join(place, 'home'))
    expect(open(join(place, 'home'))).toEqual({ path: join(place, 'real', '.cache', 'dray') })
  })

  it.skipIf(!isRoot).each([
    ['is one', 'link'],
    ['is above it', 'link/cache'],
    ['is behind a link of the user', 'own/cache'],
  ])(`is refused if a link of another user leads to it: the link %s${needsRoot}`, async (_, named) => {
    const place = await tempFolder()
    mkdirSync(join(place, 'shared'))
    chmodSync(join(place, 'shared'), 0o1777)
    makeFolderWithMode(join(place, 'clone', 'cache'), 0o700)
    symlinkSync('../clone', join(place, 'shared', 'link'))
    lchownSync(join(place, 'shared', 'link'), stranger, stranger)
    symlinkSync('link', join(place, 'shared', 'own'))
    const before = treeOf(place)
    const base = join(place, 'shared', named)
    for (const home of [undefined, base]) {
      expect(privateFolder({ base, below: ['dray'] }, { uid, home, create: true })).toMatchObject({
        fault: { path: join(place, 'shared', 'link'), why: expect.stringContaining('link') as unknown },
      })
    }
    expect(treeOf(place)).toEqual(before)
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
