import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { systemClock } from '../../../src/lib/clock.ts'
import type { GitPorts } from '../../../src/deployments/git/process/git-ports.ts'
import { quoteWord } from '../../../src/lib/quote-word.ts'
import { randomFrom } from '../random.ts'
import { tempFolder } from '../temp.ts'
import { inSmallShell } from './small-shell.ts'

type Environment = Readonly<Record<string, string>>

/** A clone or a bare repository in a temporary folder. */
export interface GitFolder {
  readonly path: string
  /** Runs git here and returns its output without the last line break. */
  git(...args: readonly string[]): Promise<string>
  write(name: string, text: string): Promise<string>
  read(name: string): Promise<string>
}

export interface GitWorld {
  readonly folder: string
  readonly env: Environment
  readonly ports: GitPorts
  at(path: string, env?: Environment): GitFolder
  /** Creates a repository with one commit of these files on the branch `main`. */
  repository(files: Readonly<Record<string, string>>, name?: string): Promise<GitFolder>
  /** Creates a bare repository with these files on `main`. */
  remote(files: Readonly<Record<string, string>>, name?: string): Promise<GitFolder>
  clone(remote: GitFolder, name?: string, ...args: readonly string[]): Promise<GitFolder>
}

/** Repositories that no configuration of this machine or user affects. */
export async function gitWorld(over: Partial<GitPorts> = {}): Promise<GitWorld> {
  const folder = await tempFolder()
  const env: Environment = {
    PATH: process.env['PATH'] ?? '',
    HOME: folder,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_AUTHOR_NAME: 'A U Thor',
    GIT_AUTHOR_EMAIL: 'author@example.test',
    GIT_COMMITTER_NAME: 'C O Mitter',
    GIT_COMMITTER_EMAIL: 'committer@example.test',
  }
  const shell = (script: string, own: Environment = env): Promise<string> => inSmallShell(folder, own, script)
  const at = (path: string, own: Environment = env): GitFolder => ({
    path,
    git: (...args) => shell(`cd ${quoteWord(path)} && ${['git', ...args].map(quoteWord).join(' ')}`, own),
    write: async (name, text) => {
      await mkdir(dirname(join(path, name)), { recursive: true })
      await writeFile(join(path, name), text)
      return join(path, name)
    },
    read: (name) => readFile(join(path, name), 'utf8'),
  })
  const begin = async (files: Readonly<Record<string, string>>, name: string): Promise<string> => {
    const here = at(join(folder, name))
    await mkdir(here.path, { recursive: true })
    for (const [file, text] of Object.entries(files)) await here.write(file, text)
    const init = 'git init --quiet --template= --initial-branch=main'
    return `cd ${quoteWord(here.path)} && ${init} && git add --all && git commit --quiet --message=Begin`
  }
  const repository: GitWorld['repository'] = async (files, name = 'repository') => {
    await shell(await begin(files, name))
    return at(join(folder, name))
  }
  const cloneOf = (from: string, to: string, ...args: readonly string[]): string =>
    ['git', 'clone', '--quiet', '--template=', ...args, from, to].map(quoteWord).join(' ')
  const clone: GitWorld['clone'] = async (from, name = 'clone', ...args) => {
    await shell(cloneOf(from.path, join(folder, name), ...args))
    return at(join(folder, name))
  }
  const remote: GitWorld['remote'] = async (files, name = 'remote.git') => {
    const from = `${name}-origin`
    const path = join(folder, name)
    await shell(`${await begin(files, from)} && ${cloneOf('.', path, '--bare')}`)
    return at(path)
  }
  const ports = { env, clock: systemClock, random: randomFrom(1), temporaryFolder: folder, ...over }
  return { folder, env, ports, at, repository, remote, clone }
}
