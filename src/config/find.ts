import { lstat, readFile, realpath, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { Loader, Options, PublicExplorer } from 'cosmiconfig'
import { DrayError } from '../lib/errors.ts'
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
 *
 * The public function of cosmiconfig first reads settings of its own in the working directory, and
 * executes `.config/config.js` and similar files there, with any loaders (10.0.1,
 * `getUserDefinedOptionsFromMetaConfig`). So dray uses its class with this loader alone: nothing is
 * executed, and `$import` in a file has no meaning.
 * @throws `config` if others than `owners` can write to the file; `io` if a file cannot be read: a
 * file further up would be the wrong one.
 */
export async function findConfig(options: SearchOptions): Promise<FoundFile | undefined> {
  const { Explorer } = (await import('cosmiconfig/dist/Explorer.js')) as unknown as {
    Explorer: new (options: ExplorerOptions) => PublicExplorer
  }
  const load: Loader = async (file): Promise<FoundFile> => ({
    file,
    content: await readTrusted(file, options.owners),
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
  for await (const folder of foldersUp(options)) {
    const file = await configIn(folder)
    if (file === undefined) continue
    await refuseUntrusted(file, options.owners)
    const found = await explorer.search(folder)
    // cosmiconfig skips a file that it cannot read.
    if (found?.filepath !== file) throw unreadable(file)
    return (found.config as FoundFile | undefined) ?? { file, content: '' }
  }
  return undefined
}

async function* foldersUp({ from, home }: SearchOptions): AsyncGenerator<string> {
  const realHome = home === undefined ? undefined : await realpath(home).catch(() => home)
  const mounts = await readMountPoints()
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    yield folder
    if (folder === home || folder === realHome || folder === dirname(folder)) return
    if ((await isGitRoot(folder)) || (await isMountPoint(folder, mounts))) return
  }
}

/** `.git` is a folder, or a file in a submodule or a linked working tree. */
async function isGitRoot(folder: string): Promise<boolean> {
  return (await lstat(join(folder, '.git')).catch(() => undefined)) !== undefined
}

/** A bind mount can have the device of the folder above. On Linux the table of mounts shows it. */
async function isMountPoint(folder: string, mounts: ReadonlySet<string>): Promise<boolean> {
  if (mounts.has(folder)) return true
  const [own, above] = await Promise.all(
    [folder, dirname(folder)].map(async (path) => await stat(path).catch(() => undefined)),
  )
  return own?.dev !== above?.dev
}

/** The mount points of this process (proc_pid_mountinfo(5)); none without such a table. */
async function readMountPoints(): Promise<ReadonlySet<string>> {
  const table = await readFile('/proc/self/mountinfo', 'utf8').catch(() => '')
  const paths = table.split('\n').map((line) => line.split(' ')[4] ?? '')
  // The table writes blanks, tabs, line breaks and backslashes as three octal digits.
  return new Set(
    paths.map((path) =>
      path.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCodePoint(Number.parseInt(octal, 8))),
    ),
  )
}

/** The first existing name, unless it is a folder. */
async function configIn(folder: string): Promise<string | undefined> {
  for (const name of configNames) {
    const file = join(folder, name)
    const entry = await lstat(file).catch(() => undefined)
    if (entry !== undefined && !entry.isDirectory()) return file
  }
  return undefined
}

function unreadable(file: string): DrayError {
  return new DrayError('io', `cannot read the configuration ${file}`, {
    subject: file,
    hint: 'Make it readable for this user, or pass --config FILE.',
  })
}
