import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises'

export const isRoot = process.geteuid?.() === 0

type UnreadableFolder = readonly [why: string, code: string, make: (path: string) => Promise<void>]

/** Ways to make a folder unreadable. Root can read every folder, so one is omitted for root. */
export const unreadableFolders: readonly UnreadableFolder[] = [
  ['is a file', 'ENOTDIR', (path) => writeFile(path, '')],
  ['is a loop of symbolic links', 'ELOOP', (path) => symlink(path, path)],
  ...(isRoot ? [] : [closedFolder()]),
]

function closedFolder(): UnreadableFolder {
  const make = async (path: string): Promise<void> => {
    await mkdir(path)
    await chmod(path, 0)
  }
  return ['is closed to this user', 'EACCES', make]
}
