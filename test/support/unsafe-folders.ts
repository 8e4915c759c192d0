import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { tempFolder } from './temp.ts'

export const uid = process.getuid?.() ?? 0
export const stranger = 65534
export const isRoot = uid === 0
export const needsRoot = isRoot ? '' : ' (skipped: only root can make files of another user)'

export interface TestFolder {
  readonly home: string
  /** the first folder below the home: `.cache` or `.local` */
  readonly top: string
  /** the folder of dray below it */
  readonly folder: string
}

export type UnsafeFolder = readonly [string, (at: TestFolder) => void]

/** Folders that must not be used. */
export const unsafeFolders: readonly UnsafeFolder[] = [
  ['every user can write to', ({ folder }) => makeFolderWithMode(folder, 0o777)],
  ['every user can write to, with the sticky bit', ({ folder }) => makeFolderWithMode(folder, 0o1777)],
  [
    'is below a folder that every user can write to',
    ({ folder, top }) => {
      makeFolderWithMode(folder, 0o700)
      chmodSync(top, 0o777)
    },
  ],
  [
    'is in a home that every user can write to',
    ({ folder, home }) => {
      makeFolderWithMode(folder, 0o700)
      chmodSync(home, 0o777)
    },
  ],
  [
    'is a link',
    ({ folder, home }) => {
      makeFolderWithMode(join(home, 'elsewhere'), 0o700)
      makeFolderWithMode(dirname(folder), 0o700)
      symlinkSync(join(home, 'elsewhere'), folder)
    },
  ],
  [
    'is below a link',
    ({ folder, top, home }) => {
      makeFolderWithMode(join(home, 'elsewhere', relative(top, folder)), 0o700)
      symlinkSync(join(home, 'elsewhere'), top)
    },
  ],
  [
    'is a link that leads nowhere',
    ({ folder, home }) => {
      makeFolderWithMode(dirname(folder), 0o700)
      symlinkSync(join(home, 'nowhere'), folder)
    },
  ],
  [
    'is a file',
    ({ folder }) => {
      makeFolderWithMode(dirname(folder), 0o700)
      writeFileSync(folder, '')
    },
  ],
]

export const foreignFolders: readonly UnsafeFolder[] = [
  [
    'belongs to another user',
    ({ folder }) => {
      makeFolderWithMode(folder, 0o700)
      chownSync(folder, stranger, stranger)
    },
  ],
  [
    'is below a folder of another user',
    ({ folder, top }) => {
      makeFolderWithMode(folder, 0o700)
      chownSync(top, stranger, stranger)
    },
  ],
  ['is in the home of another user', ({ home }) => chownSync(home, stranger, stranger)],
  [
    'can be written to by a group of several users',
    ({ folder }) => {
      makeFolderWithMode(folder, 0o770)
      chownSync(folder, uid, stranger)
    },
  ],
]

export function makeFolderWithMode(path: string, mode: number): void {
  mkdirSync(path, { recursive: true, mode: 0o700 })
  chmodSync(path, mode)
}

export async function makeUnsafe(
  prepare: (at: TestFolder) => void,
  below = '.cache/dray',
): Promise<TestFolder> {
  const home = await tempFolder()
  const [top = ''] = below.split('/')
  const trap = { home, top: join(home, top), folder: join(home, below) }
  prepare(trap)
  return trap
}

/** The files below a folder. */
export function filesBelow(path: string): readonly string[] {
  if (!existsSync(path)) return []
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory() && !entry.isSymbolicLink())
    .map(({ name }) => name)
}

export function treeOf(path: string): readonly string[] {
  return readdirSync(path, { recursive: true, encoding: 'utf8' }).map((name) => {
    const { mode, uid: owner } = lstatSync(join(path, name))
    return `${name} ${mode.toString(8)} ${owner}`
  })
}
