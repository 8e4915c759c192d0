import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { systemClock } from '../../../src/lib/clock.ts'
import type { GitPorts } from '../../../src/deployments/git/process/git-ports.ts'
import type { FileToPublish, PublishRequest } from '../../../src/deployments/git/publish-request.ts'
import { randomFrom } from '../random.ts'
import { tempFolder } from '../temp.ts'

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
  const at = (path: string, own: Environment = env): GitFolder => ({
    path,
    git: (...args) => run(path, args, own),
    write: async (name, text) => {
      await mkdir(dirname(join(path, name)), { recursive: true })
      await writeFile(join(path, name), text)
      return join(path, name)
    },
    read: (name) => readFile(join(path, name), 'utf8'),
  })
  const repository: GitWorld['repository'] = async (files, name = 'repository') => {
    const here = at(join(folder, name))
    await run(folder, ['init', '--quiet', '--template=', '--initial-branch=main', name], env)
    for (const [file, text] of Object.entries(files)) await here.write(file, text)
    await here.git('add', '--all')
    await here.git('commit', '--quiet', '--message=Begin')
    return here
  }
  const clone: GitWorld['clone'] = async (remote, name = 'clone', ...args) => {
    await run(folder, ['clone', '--quiet', '--template=', ...args, remote.path, name], env)
    return at(join(folder, name))
  }
  const remote: GitWorld['remote'] = async (files, name = 'remote.git') => {
    const from = await repository(files, `${name}-origin`)
    return await clone(from, name, '--bare')
  }
  const ports = { env, clock: systemClock, random: randomFrom(1), temporaryFolder: folder, ...over }
  return { folder, env, ports, at, repository, remote, clone }
}

/** @throws the output of git if it fails. */
function run(cwd: string, args: readonly string[], env: Environment): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile('git', args, { cwd, env, maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      if (error !== null) reject(new Error(`git ${args.join(' ')}: ${stderr}${stdout}`))
      else resolve(stdout.replace(/\n$/, ''))
    })
  })
}

/** The lines of each file that begin with `image:`, set to this digest. */
export function setImage(text: string, digest: string, image = 'image'): string {
  return text.replaceAll(new RegExp(`^${image}: .*$`, 'gm'), `${image}: ${digest}`)
}

export async function fileToPublish(path: string): Promise<FileToPublish> {
  return {
    path,
    hash: `sha256:${createHash('sha256')
      .update(await readFile(path))
      .digest('hex')}`,
  }
}

/** A request that commits these files, whose edits set the line `image:` to a digest. */
export async function publishRequest(
  folder: GitFolder,
  names: readonly string[],
  over: Partial<PublishRequest> & { readonly digest?: string; readonly key?: string } = {},
): Promise<PublishRequest> {
  const { digest = 'two', key = 'image', ...rest } = over
  return {
    mode: 'commit',
    message: 'Deploy api 1.4.2 to prod',
    folder: folder.path,
    files: await Promise.all(names.map((name) => fileToPublish(join(folder.path, name)))),
    trailers: [
      ['Dray-Image', 'registry.test/prod/api:1.4.2'],
      ['Dray-Digest', digest],
      ['Dray-Plan', 'sha256:11'],
      ['Dray-Run', 'run-1'],
    ],
    pullRequestBranch: `dray/prod/${digest}`,
    editAgain: async (other) => {
      const edited: string[] = []
      for (const name of names) {
        const path = join(other, name)
        const before = await readFile(path, 'utf8')
        const after = setImage(before, digest, key)
        if (after === before) continue
        await writeFile(path, after)
        edited.push(path)
      }
      return edited
    },
    ...rest,
  }
}
