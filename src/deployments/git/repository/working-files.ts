import { join } from 'node:path'
import { DrayError } from '../../../lib/errors.ts'
import { quoteWord } from '../../../lib/quote-word.ts'
import { type Git, splitNul } from '../process/git.ts'
import { readBytes } from './file-reads.ts'

/**
 * Returns the bytes of a file after the edits, or undefined if they cannot be decided.
 * @param path absolute, as in the request
 */
export type EditBytes = (path: string, bytes: Uint8Array) => Promise<Uint8Array | undefined>

/** Only a commit as a whole is safe: the file has no change in it that the edits did not make. */
interface CheckedFile {
  readonly path: string
  /** false: nothing of the edits is uncommitted, and the file has changes of the user */
  readonly isToCommit: boolean
}

/** An entry of `git status --porcelain=v2` for a tracked file with changes. */
interface ChangedFile {
  readonly isUnmerged: boolean
  readonly isStaged: boolean
  readonly isUnstaged: boolean
  /** octal; `000000` if the file is not in HEAD */
  readonly headMode: string
  readonly fileMode: string
  /** of the blob in HEAD */
  readonly headObject: string
}

/**
 * Checks that a commit of the edited files contains only the edits. A file with changes is
 * accepted if they are edits of an earlier run: the edits of the file in HEAD and of the file in
 * the working tree have the same result.
 * @param paths below the root, by the paths of the request
 * @throws `refused` for a file with other changes, and for one that git does not track.
 */
export async function checkFiles(
  git: Git,
  paths: ReadonlyMap<string, string>,
  edit: EditBytes,
): Promise<readonly CheckedFile[]> {
  const names = [...new Set(paths.values())]
  await checkTracked(git, names)
  const changed = await readChanges(git, names)
  const checked: CheckedFile[] = []
  for (const [path, name] of paths) {
    const change = changed.get(name)
    checked.push({
      path,
      isToCommit: change === undefined || (await mayCommit(git, path, name, change, edit)),
    })
  }
  return checked
}

/** @throws `refused` for an untracked or ignored file, and for one whose changes git ignores. */
async function checkTracked(git: Git, names: readonly string[]): Promise<void> {
  const output = await git.readPaths(`list the files of ${git.folder}`, ['ls-files', '-v', '-z'], names)
  const tags = new Map(splitNul(output).map((entry) => [entry.slice(2), entry.slice(0, 1)]))
  for (const name of names) {
    const tag = tags.get(name)
    const file = join(git.folder, name)
    if (tag === undefined) throw await untracked(git, name, file)
    // Lower case: assume-unchanged. S: skip-worktree.
    if (tag !== 'S' && tag === tag.toUpperCase()) continue
    throw new DrayError('refused', `git ignores changes of ${file}`, {
      subject: file,
      why: `the file is marked as ${tag === 'S' ? 'skip-worktree' : 'assume-unchanged'}`,
      hint: `Remove the flag: git update-index --no-assume-unchanged --no-skip-worktree ${quoteWord(name)}`,
    })
  }
}

async function untracked(git: Git, name: string, file: string): Promise<DrayError> {
  const args = ['ls-files', '-z', '--others', '--ignored', '--exclude-standard', '--', name]
  const isIgnored = (await git.line(args)) !== undefined
  return new DrayError('refused', `git does not track ${file}`, {
    subject: file,
    why: isIgnored ? 'a rule of .gitignore excludes it' : 'it was never committed',
    hint: `Commit it first: git add ${isIgnored ? '--force ' : ''}${quoteWord(name)} && git commit`,
  })
}

async function readChanges(git: Git, names: readonly string[]): Promise<ReadonlyMap<string, ChangedFile>> {
  const args = ['status', '--porcelain=v2', '-z', '--no-renames', '--untracked-files=no']
  const output = await git.readPaths(`read the status of ${git.folder}`, args, names)
  return new Map(splitNul(output).flatMap(parseEntry))
}

/** Fields of git-status(1), "Porcelain Format Version 2". */
function parseEntry(entry: string): readonly (readonly [name: string, change: ChangedFile])[] {
  const fields = entry.split(' ')
  const [type, states = '', , headMode = '', , fileMode = '', headObject = ''] = fields
  if (type !== '1' && type !== 'u') return []
  const isUnmerged = type === 'u'
  const name = fields.slice(isUnmerged ? 10 : 8).join(' ')
  const [staged, unstaged] = states
  return [
    [
      name,
      { isUnmerged, isStaged: staged !== '.', isUnstaged: unstaged !== '.', headMode, fileMode, headObject },
    ],
  ]
}

/** @throws `refused` for a change that the edits did not make. */
async function mayCommit(
  git: Git,
  path: string,
  name: string,
  change: ChangedFile,
  edit: EditBytes,
): Promise<boolean> {
  const file = join(git.folder, name)
  if (change.isUnmerged) throw uncommitted(file, name, 'its merge has conflicts')
  if (/^0+$/.test(change.headMode)) throw uncommitted(file, name, 'the file is new')
  if (change.fileMode !== change.headMode) throw uncommitted(file, name, 'its mode or type changed')
  if (change.isStaged && change.isUnstaged)
    throw uncommitted(file, name, 'its staged text differs from the text of the file')
  const committed = await git.read(`read ${name} in HEAD`, [
    'cat-file',
    '--filters',
    `--path=${name}`,
    change.headObject,
  ])
  const now = await readBytes(file)
  const [fromHead, fromFile] = [await edit(path, committed), await edit(path, now)]
  if (fromHead !== undefined && fromFile !== undefined) {
    if ((await objectOf(git, name, fromHead)) === (await objectOf(git, name, fromFile))) return true
    if (committed.equals(fromHead) && now.equals(fromFile)) return false
  }
  const how = change.isStaged ? 'staged' : 'not staged'
  throw uncommitted(file, name, `it has changes that dray did not make (${how})`)
}

/** Returns the id of the blob that git would commit, after line endings and filters. */
async function objectOf(git: Git, name: string, bytes: Uint8Array): Promise<string> {
  const args = ['hash-object', '--stdin', `--path=${name}`]
  return (await git.read(`hash ${name}`, args, { input: bytes })).toString('utf8')
}

function uncommitted(file: string, name: string, why: string): DrayError {
  return new DrayError('refused', `${file} has uncommitted changes`, {
    subject: file,
    why,
    hint: `Commit or stash them first: git stash push -- ${quoteWord(name)}`,
  })
}
