import { realpath, stat } from 'node:fs/promises'
import { dirname, extname, isAbsolute, join, relative, resolve, sep } from 'node:path'
import { filesMatching, isPattern } from '../../../deployments/files/glob.ts'
import type { Call } from '../../../lib/call.ts'
import { DrayError, isDrayError } from '../../../lib/errors.ts'
import { ioError } from '../../../lib/files/io-error.ts'

/** The files that a wildcard matches. */
const extensions: ReadonlySet<string> = new Set(['.yaml', '.yml', '.json', '.tfvars'])
/** The files of a folder. Most JSON files of a repository name no image. */
const filesOfFolder = '**/*.{yaml,yml}'

/** A file to edit. */
export interface PinPath {
  /** as the argument begins it */
  readonly name: string
  /** the folder that links do not leave: the current one, or that of a file outside of it */
  readonly root: string
}

/**
 * Returns the files of arguments: files, globs, and folders with the YAML files below them. Each
 * file once. @throws `not-found` for an argument without a file; `io`; what `filesMatching` throws.
 */
export async function listPinPaths(
  args: readonly string[],
  cwd: string,
  call: Call,
): Promise<readonly PinPath[]> {
  const paths = new Map<string, PinPath>()
  for (const arg of args) {
    const names = await namesOf(arg, cwd, call)
    if (names.length === 0) throw noFile(arg)
    for (const name of names) {
      const path = resolve(cwd, name)
      const real = await realpath(path).catch(() => path)
      if (!paths.has(real)) paths.set(real, { name, root: isInside(cwd, path) ? cwd : dirname(path) })
    }
  }
  return [...paths.values()]
}

async function namesOf(arg: string, cwd: string, call: Call): Promise<readonly string[]> {
  const kind = await kindOf(resolve(cwd, arg), arg)
  if (kind === 'file') return [arg]
  try {
    if (kind === 'folder') {
      const below = await filesMatching(filesOfFolder, resolve(cwd, arg), call)
      return below.map((name) => join(arg, name))
    }
    if (!isPattern(arg)) return []
    const names = await filesMatching(arg, cwd, call)
    return names.filter((name) => extensions.has(extname(name).toLowerCase()))
  } catch (error) {
    if (!isDrayError(error)) throw error
    throw error.with({ hint: 'Make the path readable, or name other files.', cause: error })
  }
}

async function kindOf(path: string, arg: string): Promise<'file' | 'folder' | 'absent'> {
  try {
    return (await stat(path)).isDirectory() ? 'folder' : 'file'
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR' || isPattern(arg)) return 'absent'
    throw ioError(cause, `cannot read ${arg}`, arg)
  }
}

function isInside(folder: string, path: string): boolean {
  const below = relative(folder, path)
  return !isAbsolute(below) && below.split(sep)[0] !== '..'
}

function noFile(arg: string): DrayError {
  return new DrayError('not-found', `no file matches ${JSON.stringify(arg)}`, {
    subject: arg,
    why: 'a folder or wildcard matches YAML files, and not those whose name begins with a dot',
    hint: 'Name a file, a folder, or a glob in quotes.',
  })
}
