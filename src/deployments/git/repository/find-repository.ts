import { realpath } from 'node:fs/promises'
import { dirname, isAbsolute, join, relative, sep } from 'node:path'
import { DrayError } from '../../../lib/errors.ts'
import type { Git } from '../process/git.ts'
import { readState, type WorkingState } from './head-state.ts'
import { cannotRead, exists } from './file-reads.ts'

/** The working tree that has all files of a request. */
export interface WorkingRepository extends WorkingState {
  /** in the root of the working tree */
  readonly git: Git
  /** real path */
  readonly root: string
  /** the paths of the files below the root, with `/`, by their paths in the request */
  readonly paths: ReadonlyMap<string, string>
}

/**
 * Returns the working tree of files. Links are followed: the file behind a link is committed. A
 * file in a submodule belongs to the repository of the submodule.
 * @param files absolute paths
 * @param git in any folder
 * @throws `refused` if there is none, or more than one, and as `readState`; `io`.
 */
export async function findRepository(files: readonly string[], git: Git): Promise<WorkingRepository> {
  const roots = new Map<string, string | undefined>()
  const found = new Map<string, { readonly file: string; readonly real: string }>()
  for (const file of files) {
    const real = await realPathOf(file)
    const root = await rootOf(dirname(real), roots)
    if (root === undefined) throw noRepository(file)
    found.set(root, found.get(root) ?? { file, real })
  }
  const [[root, first] = [], [other, second] = []] = [...found]
  if (root === undefined || first === undefined) throw new DrayError('internal', 'no file to commit')
  if (other !== undefined) throw twoRepositories([root, first.file], [other, second?.file ?? ''])
  const within = git.in(root)
  const state = await readState(within)
  const paths = new Map<string, string>()
  for (const file of files) paths.set(file, gitPath(root, await realPathOf(file)))
  return { ...state, git: within, root, paths }
}

/** Returns a path below the root as git writes it. */
export function gitPath(root: string, path: string): string {
  const below = relative(root, path)
  if (below === '' || below === '..' || below.startsWith(`..${sep}`) || isAbsolute(below))
    throw new DrayError('internal', `${path} is outside ${root}`)
  return below.split(sep).join('/')
}

export async function realPathOf(file: string): Promise<string> {
  try {
    return await realpath(file)
  } catch (cause) {
    throw cannotRead(file, cause)
  }
}

/** The nearest folder with `.git`, which is a file in submodules and linked working trees. */
async function rootOf(folder: string, known: Map<string, string | undefined>): Promise<string | undefined> {
  if (known.has(folder)) return known.get(folder)
  const parent = dirname(folder)
  let root: string | undefined
  if (await exists(join(folder, '.git'))) root = folder
  else if (parent !== folder) root = await rootOf(parent, known)
  known.set(folder, root)
  return root
}

function noRepository(file: string): DrayError {
  return new DrayError('refused', `${file} is in no git repository`, {
    subject: file,
    why: 'no folder above it has .git',
    hint: 'Run dray in a clone of the repository, or without --commit, --push and --pr.',
  })
}

function twoRepositories(
  [rootA, fileA]: readonly [string, string],
  [rootB, fileB]: readonly [string, string],
): DrayError {
  return new DrayError('refused', 'the edited files belong to two git repositories', {
    subject: rootA,
    details: [`${fileA} belongs to ${rootA}`, `${fileB} belongs to ${rootB}`],
    why: 'one commit cannot have both',
    hint: 'Run dray once for each repository, with the images of its files.',
  })
}
