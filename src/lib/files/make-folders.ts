import { mkdirSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

/**
 * Creates a folder and its missing parents. Returns the created ones, topmost first. `mkdir` with
 * `recursive` does not serve: if the system answers ENOENT for a parent that cannot be created, as
 * below /proc, Node retries without end.
 * @throws the system's error.
 */
export function makeFolders(path: string, mode: number): readonly string[] {
  return missingFolders(resolve(path)).filter((folder) => {
    try {
      mkdirSync(folder, { mode })
      return true
    } catch (thrown) {
      // Another process may have been quicker.
      if (isFolder(folder)) return false
      throw thrown
    }
  })
}

function missingFolders(path: string): readonly string[] {
  if (isFolder(path)) return []
  const parent = dirname(path)
  return parent === path ? [path] : [...missingFolders(parent), path]
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory()
  } catch (thrown) {
    const code = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined
    if (code === 'ENOENT' || code === 'ENOTDIR') return false
    throw thrown
  }
}
