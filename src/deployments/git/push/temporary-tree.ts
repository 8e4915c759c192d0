import { mkdir, mkdtemp, readdir, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { hasEnded, processIdentity } from '../../../lib/files/process-identity.ts'
import { Git } from '../process/git.ts'
import { realPathOf, type WorkingRepository } from '../repository/find-repository.ts'

const prefix = 'dray-git-'
const treeName = 'tree'
const withoutHooks = 'core.hooksPath=/dev/null'

/**
 * A linked working tree in a temporary folder. Edits for another commit than the checked-out one
 * are made there: the working tree, the index and the branch of the user stay unchanged until the
 * remote has accepted the commit, also if the run is killed. Configuration, credentials and hooks
 * are those of the repository.
 */
export class TemporaryTree implements AsyncDisposable {
  readonly git: Git
  /** the folder in place of the folder of the request */
  readonly folder: string
  readonly #owner: Git
  readonly #temporary: string

  private constructor(git: Git, folder: string, owner: Git, temporary: string) {
    this.git = git
    this.folder = folder
    this.#owner = owner
    this.#temporary = temporary
  }

  /** @param folder of the request: it keeps its position relative to the working tree */
  static async create(repository: WorkingRepository, folder: string, commit: string): Promise<TemporaryTree> {
    const { git, root } = repository
    const { temporaryFolder = tmpdir() } = git.ports
    await removeOrphaned(git, temporaryFolder)
    const temporary = await realpath(await mkdtemp(join(temporaryFolder, `${prefix}${processIdentity()}-`)))
    const real = await realPathOf(folder)
    const common = commonFolder(root, real)
    const [treeRoot, treeFolder] = [root, real].map((path) =>
      join(temporary, treeName, relative(common, path)),
    )
    const settings = ['core.fsmonitor=false', ...(await absoluteUrls(git, root))]
    const within = new Git(treeRoot ?? '', quietPorts(git), git.call, settings)
    const tree = new TemporaryTree(within, treeFolder ?? '', git, temporary)
    try {
      await mkdir(dirname(within.folder), { recursive: true })
      const args = ['worktree', 'add', '--quiet', '--detach', within.folder, commit]
      const owner = new Git(root, quietPorts(git), git.call, [withoutHooks, 'core.fsmonitor=false'])
      await owner.read(`check out ${commit} in a temporary folder`, args, { kind: 'network' })
      await mkdir(tree.folder, { recursive: true })
      return tree
    } catch (error) {
      await tree[Symbol.asyncDispose]()
      throw error
    }
  }

  /** Makes all files those of a commit. */
  async moveTo(commit: string): Promise<void> {
    const args = ['reset', '--quiet', '--hard', commit]
    await this.git.with(withoutHooks).read(`check out ${commit}`, args, { kind: 'network' })
    await mkdir(this.folder, { recursive: true })
  }

  /** Removes the working tree also after an abort. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { folder, ports, call } = this.#owner
    const { signal } = new AbortController()
    const owner = new Git(folder, ports, { ...call, signal })
    await owner.run(['worktree', 'remove', '--force', '--force', this.git.folder]).catch(() => undefined)
    await rm(this.#temporary, { recursive: true, force: true, maxRetries: 3 })
  }
}

/** Removes the working trees of runs of this machine that were killed. */
async function removeOrphaned(git: Git, temporaryFolder: string): Promise<void> {
  const own = processIdentity()
  for (const name of await readdir(temporaryFolder).catch(() => [])) {
    if (!name.startsWith(prefix) || !hasEnded(name.slice(prefix.length).split('-')[0] ?? '', own)) continue
    const path = join(temporaryFolder, name)
    // Git removes its entry only if the tree is of this repository. Another user's folder stays.
    await git.run(['worktree', 'remove', '--force', '--force', join(path, treeName)])
    await rm(path, { recursive: true, force: true }).catch(() => undefined)
  }
}

/** Settings that make absolute paths of remotes with a path relative to the working tree. */
async function absoluteUrls(git: Git, root: string): Promise<readonly string[]> {
  const { status, stdout } = await git.run(['config', '--null', '--get-regexp', String.raw`^remote\..*url$`])
  if (status !== 0) return []
  const urls = stdout
    .toString('utf8')
    .split('\0')
    .map((entry) => entry.slice(entry.indexOf('\n') + 1))
  return [...new Set(urls)]
    .filter((url) => /^\.\.?\//.test(url))
    .map((url) => `url.${resolve(root, url)}.insteadOf=${url}`)
}

/** Large files that no edit concerns are not downloaded. */
function quietPorts({ ports }: Git): Git['ports'] {
  return { ...ports, env: { ...ports.env, GIT_LFS_SKIP_SMUDGE: '1' } }
}

function commonFolder(one: string, other: string): string {
  let common = one
  while (relative(common, other).split(/[\\/]/)[0] === '..') common = dirname(common)
  return common
}
