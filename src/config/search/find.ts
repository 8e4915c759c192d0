import { lstatSync, readFileSync, realpathSync, type Stats, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import type { Loader, Options, PublicExplorer } from 'cosmiconfig'
import { DrayError } from '../../lib/errors.ts'
import { type Owners, readTrusted, refuseUntrusted } from './trusted-file.ts'

/** The names of configuration files. The first existing one is used. */
export const configNames: readonly string[] = ['dray.yaml', 'dray.yml', 'dray.json']

export interface FoundFile {
  /** absolute */
  readonly file: string
  readonly content: string
}

export interface SearchOptions {
  /** the folder where the search begins */
  readonly from: string
  /** the search does not go above this folder */
  readonly home: string | undefined
  readonly owners: Owners
}

type ExplorerOptions = Options & { readonly moduleName: string; readonly metaConfigFilePath: null }

/**
 * Searches a folder and the folders above it for a configuration, up to the home, the root of a git
 * working tree, the mount point of the file system or the root.
 * @throws `config` if others than `owners` can write to the file; `io` if a file cannot be read: a
 * file further up would be the wrong one.
 */
export async function findConfig(options: SearchOptions): Promise<FoundFile | undefined> {
  const file = nearestConfig(options)
  return file === undefined ? undefined : await readFound(file, options.owners)
}

/**
 * The nearest file, which may be unreadable. It reads the file system synchronously, because
 * waiting for Node's thread pool takes longer than these calls.
 */
function nearestConfig(options: SearchOptions): string | undefined {
  for (const folder of foldersUp(options)) {
    const file = configIn(folder)
    if (file !== undefined) return file
  }
  return undefined
}

/**
 * The public function of cosmiconfig first reads settings of its own in the working directory, and
 * executes `.config/config.js` and similar files there, with any loaders (10.0.1,
 * `getUserDefinedOptionsFromMetaConfig`). So dray uses its class with this loader alone: nothing is
 * executed, and `$import` in a file has no meaning.
 */
async function readFound(file: string, owners: Owners): Promise<FoundFile> {
  refuseUntrusted(file, owners)
  const { Explorer } = (await import('cosmiconfig/dist/Explorer.js')) as unknown as {
    Explorer: new (options: ExplorerOptions) => PublicExplorer
  }
  const load: Loader = async (path): Promise<FoundFile> => ({
    file: path,
    content: await readTrusted(path, owners),
  })
  const explorer = new Explorer({
    moduleName: 'dray',
    metaConfigFilePath: null,
    searchPlaces: [...configNames],
    searchStrategy: 'none',
    ignoreEmptySearchPlaces: false,
    loaders: { '.yaml': load, '.yml': load, '.json': load },
    transform: (result) => result,
    cache: false,
    mergeImportArrays: false,
    mergeSearchPlaces: false,
  })
  const found = await explorer.search(dirname(file))
  // cosmiconfig skips a file that it cannot read.
  if (found?.filepath !== file) throw unreadable(file)
  return (found.config as FoundFile | undefined) ?? { file, content: '' }
}

function* foldersUp({ from, home }: SearchOptions): Generator<string> {
  const realHome = home === undefined ? undefined : realPath(home)
  const mounts = readMountPoints()
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    yield folder
    if (folder === home || folder === realHome || folder === dirname(folder)) return
    if (isGitRoot(folder) || isMountPoint(folder, mounts)) return
  }
}

/** The path without links, or unchanged if it cannot be followed. */
function realPath(path: string): string {
  try {
    return realpathSync.native(path)
  } catch {
    return path
  }
}

/** `.git` is a folder, or a file in a submodule or a linked working tree. */
function isGitRoot(folder: string): boolean {
  return entryAt(join(folder, '.git')) !== undefined
}

/** A bind mount can have the device of the folder above. On Linux the table of mounts shows it. */
function isMountPoint(folder: string, mounts: ReadonlySet<string>): boolean {
  return mounts.has(folder) || deviceOf(folder) !== deviceOf(dirname(folder))
}

/** Undefined if the folder cannot be read. */
function deviceOf(folder: string): number | undefined {
  try {
    return statSync(folder).dev
  } catch {
    return undefined
  }
}

/** The mount points of this process (proc_pid_mountinfo(5)); none without such a table. */
function readMountPoints(): ReadonlySet<string> {
  const paths = readMountTable()
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
  // The table writes blanks, tabs, line breaks and backslashes as three octal digits.
  return new Set(
    paths.map((path) =>
      path.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCodePoint(Number.parseInt(octal, 8))),
    ),
  )
}

function readMountTable(): string {
  try {
    return readFileSync('/proc/self/mountinfo', 'utf8')
  } catch {
    return ''
  }
}

/** The first existing name, unless it is a folder. */
function configIn(folder: string): string | undefined {
  return configNames.map((name) => join(folder, name)).find((file) => entryAt(file)?.isDirectory() === false)
}

/** Undefined if nothing has this name, or if it cannot be read. */
function entryAt(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false })
  } catch {
    return undefined
  }
}

function unreadable(file: string): DrayError {
  return new DrayError('io', `cannot read the configuration ${file}`, {
    subject: file,
    hint: 'Make it readable for this user, or pass --config FILE.',
  })
}
