import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { checkWorkingTree } from '../../../src/deployments/git/check-working-tree.ts'
import { publish } from '../../../src/deployments/git/publish.ts'
import type { GitRequest } from '../../../src/plan/edits/edit-step.ts'
import type { DrayError } from '../../../src/lib/errors.ts'
import { errorOf } from '../../support/git/error-of.ts'
import { type GitFolder, type GitWorld, gitWorld } from '../../support/git/git-world.ts'
import { publishRequest, setImage } from '../../support/git/publish-requests.ts'
import { notedCall } from '../../support/http-world.ts'

const app = 'replicas: 2\nimage: one\n'
const edited = 'replicas: 2\nimage: two\n'

interface CheckOptions {
  readonly mode?: GitRequest['mode']
  readonly branch?: string
  readonly env?: Readonly<Record<string, string>>
}

/** Checks the files of edits that set the line `image:` to `two`, and returns those to publish. */
async function check(
  w: GitWorld,
  { path }: GitFolder,
  names: readonly string[] = ['app.yaml'],
  { mode = 'commit', branch, env = w.env }: CheckOptions = {},
): Promise<readonly string[]> {
  const request = {
    mode,
    ...(branch !== undefined && { branch }),
    folder: w.folder,
    files: names.map((name) => join(path, name)),
    edit: async (_: string, bytes: Uint8Array) => Buffer.from(setImage(Buffer.from(bytes).toString(), 'two')),
  }
  const files = await checkWorkingTree(request, { ...w.ports, env }, notedCall())
  return files.map((file) => file.slice(path.length + 1))
}

async function refusal(...args: Parameters<typeof check>): Promise<DrayError> {
  const error = await errorOf(check(...args))
  expect(error.code).toBe('refused')
  expect(error.hint).toBeDefined()
  return error
}

describe('a file with changes', () => {
  it('is refused if the edits did not make them', async () => {
    const w = await gitWorld()
    const repository = await w.repository({ 'app.yaml': app })
    await repository.write('app.yaml', 'replicas: 3\nimage: one\n')
    expect(await refusal(w, repository)).toMatchObject({
      message: `${join(repository.path, 'app.yaml')} has uncommitted changes`,
      why: 'it has changes that dray did not make (not staged)',
      hint: 'Commit or stash them first: git stash push -- app.yaml',
    })
    await repository.git('add', 'app.yaml')
    expect((await refusal(w, repository)).why).toBe('it has changes that dray did not make (staged)')
  })

  it('is accepted if it is exactly an edit of an earlier run', async () => {
    const w = await gitWorld()
    const repository = await w.repository({ 'app.yaml': app, 'clean.yaml': app })
    await repository.write('app.yaml', edited)
    expect(await check(w, repository, ['app.yaml', 'clean.yaml'])).toEqual(['app.yaml', 'clean.yaml'])
    await repository.git('add', 'app.yaml')
    expect(await check(w, repository)).toEqual(['app.yaml'])
    await publish(await publishRequest(repository, ['app.yaml']), w.ports, notedCall())
    expect(await repository.git('status', '--porcelain')).toBe('')
  })

  it('is accepted with the edit of an earlier run for another digest', async () => {
    const w = await gitWorld()
    const repository = await w.repository({ 'app.yaml': app })
    await repository.write('app.yaml', 'replicas: 2\nimage: earlier\n')
    expect(await check(w, repository)).toEqual(['app.yaml'])
  })

  it('is refused if it has an edit and other changes', async () => {
    const w = await gitWorld()
    const repository = await w.repository({ 'app.yaml': app })
    await repository.write('app.yaml', 'replicas: 3\nimage: two\n')
    expect((await refusal(w, repository)).message).toContain('has uncommitted changes')
  })

  it('is omitted if HEAD has the edit, and its changes stay uncommitted', async () => {
    const w = await gitWorld()
    const repository = await w.repository({ 'app.yaml': edited, 'other.yaml': app })
    await repository.write('app.yaml', 'replicas: 3\nimage: two\n')
    expect(await check(w, repository, ['app.yaml', 'other.yaml'])).toEqual(['other.yaml'])
  })

  it('is refused if its staged text differs', async () => {
    const w = await gitWorld()
    const repository = await w.repository({ 'app.yaml': app })
    await repository.write('app.yaml', 'replicas: 3\nimage: one\n')
    await repository.git('add', 'app.yaml')
    await repository.write('app.yaml', edited)
    expect((await refusal(w, repository)).why).toBe('its staged text differs from the text of the file')
  })

  it('is refused if its mode changed', async () => {
    const w = await gitWorld()
    const repository = await w.repository({ 'app.yaml': app })
    const { chmod } = await import('node:fs/promises')
    await chmod(join(repository.path, 'app.yaml'), 0o755)
    expect((await refusal(w, repository)).why).toBe('its mode or type changed')
  })

  it.each(['unstaged', 'staged'])('does not count as changed by %s line endings of git', async (state) => {
    const w = await gitWorld()
    const repository = await w.repository({ 'app.yaml': app })
    await repository.git('config', 'core.autocrlf', 'true')
    await repository.write('app.yaml', edited.replaceAll('\n', '\r\n'))
    if (state === 'staged') await repository.git('add', 'app.yaml')
    expect(await check(w, repository)).toEqual(['app.yaml'])
  })
})

describe('a file that git does not track', () => {
  it.each([
    ['untracked', 'it was never committed', 'Commit it first: git add app.yaml && git commit'],
    [
      'ignored',
      'a rule of .gitignore excludes it',
      'Commit it first: git add --force app.yaml && git commit',
    ],
  ])('is refused if it is %s', async (state, why, hint) => {
    const w = await gitWorld()
    const repository = await w.repository({ '.gitignore': state === 'ignored' ? '*.yaml\n' : 'x\n' })
    await repository.write('app.yaml', app)
    expect(await refusal(w, repository)).toMatchObject({ why, hint })
  })

  it('is refused if it is only staged', async () => {
    const w = await gitWorld()
    const repository = await w.repository({ 'other.yaml': app })
    await repository.write('app.yaml', app)
    await repository.git('add', 'app.yaml')
    expect((await refusal(w, repository)).why).toBe('the file is new')
  })

  it.each(['assume-unchanged', 'skip-worktree'])('is refused as %s', async (flag) => {
    const w = await gitWorld()
    const repository = await w.repository({ 'app.yaml': app })
    await repository.git('update-index', `--${flag}`, 'app.yaml')
    expect((await refusal(w, repository)).why).toBe(`the file is marked as ${flag}`)
  })
})

describe('a working tree', () => {
  it('is refused without a repository', async () => {
    const w = await gitWorld()
    const folder = w.at(join(w.folder, 'plain'))
    await folder.write('app.yaml', app)
    expect((await refusal(w, folder)).message).toBe(
      `${join(folder.path, 'app.yaml')} is in no git repository`,
    )
  })

  it('is refused without a commit', async () => {
    const w = await gitWorld()
    await mkdir(join(w.folder, 'empty'))
    const folder = w.at(join(w.folder, 'empty'))
    await folder.git('init', '--quiet')
    await folder.write('app.yaml', app)
    expect((await refusal(w, folder)).message).toContain('has no commits')
  })

  it('is refused for files of two repositories', async () => {
    const w = await gitWorld()
    const outer = await w.repository({ 'app.yaml': app })
    await w.repository({ 'app.yaml': app }, 'repository/nested')
    const error = await refusal(w, outer, ['app.yaml', 'nested/app.yaml'])
    expect(error.details).toHaveLength(2)
  })

  it('is refused with a detached HEAD, unless a branch is named', async () => {
    const w = await gitWorld()
    const repository = await w.repository({ 'app.yaml': app })
    await repository.git('checkout', '--quiet', '--detach')
    const error = await refusal(w, repository)
    expect(error.hint).toBe('Name the branch that gets the commit: --branch NAME')
    expect(await check(w, repository, ['app.yaml'], { branch: 'deploy' })).toEqual(['app.yaml'])
  })

  it.each(['merge', 'rebase', 'cherry-pick', 'revert'])('is refused during a %s', async (operation) => {
    const w = await gitWorld()
    const repository = await w.repository({ 'app.yaml': app, 'text.txt': '1\n' })
    await repository.git('checkout', '--quiet', '-b', 'side')
    await repository.write('text.txt', 'side\n')
    await repository.git('commit', '--quiet', '-am', 'Side')
    await repository.git('checkout', '--quiet', 'main')
    await repository.write('text.txt', 'main\n')
    await repository.git('commit', '--quiet', '-am', 'Main')
    await expect(repository.git(operation, 'side')).rejects.toThrow('text.txt')
    const error = await refusal(w, repository)
    expect(error.message).toBe(`a ${operation} is in progress in ${repository.path}`)
    expect(error.hint).toContain(`git ${operation} --abort`)
    await repository.git(operation, '--abort')
    expect(await check(w, repository)).toEqual(['app.yaml'])
  })

  it('is refused without an identity', async () => {
    const w = await gitWorld()
    const repository = await w.repository({ 'app.yaml': app })
    await repository.git('config', 'user.useConfigOnly', 'true')
    const { PATH = '', HOME = '' } = w.env
    const env = { PATH, HOME, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' }
    const error = await refusal(w, repository, ['app.yaml'], { env })
    expect(error.message).toContain('git has no identity for commits')
    await repository.git('config', 'user.name', 'A')
    await repository.git('config', 'user.email', 'a@example.test')
    expect(await check(w, repository, ['app.yaml'], { env })).toEqual(['app.yaml'])
  })

  it('cannot be committed without git', async () => {
    const w = await gitWorld()
    const repository = await w.repository({ 'app.yaml': app })
    const env = { PATH: join(w.folder, 'empty') }
    const error = await errorOf(check(w, repository, ['app.yaml'], { env }))
    expect(error).toMatchObject({ code: 'config', message: 'git is not installed' })
  })

  it('is read in a linked working tree', async () => {
    const w = await gitWorld()
    const repository = await w.repository({ 'app.yaml': app })
    await repository.git('worktree', 'add', '--quiet', '-b', 'linked', '../linked')
    const linked = w.at(join(w.folder, 'linked'))
    await linked.write('app.yaml', edited)
    expect(await check(w, linked)).toEqual(['app.yaml'])
    const published = await publish(await publishRequest(linked, ['app.yaml']), w.ports, notedCall())
    expect(published.branch).toBe('linked')
  })

  it('of a submodule gets the commit, and the outer repository stays unchanged', async () => {
    const w = await gitWorld()
    const inner = await w.remote({ 'app.yaml': app }, 'inner.git')
    const outer = await w.repository({ 'readme.txt': '1\n' })
    await outer.git('-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', inner.path, 'deploy')
    await outer.git('commit', '--quiet', '-m', 'Add a submodule')
    const submodule = w.at(join(outer.path, 'deploy'))
    await submodule.write('app.yaml', edited)
    expect(await check(w, outer, ['deploy/app.yaml'])).toEqual(['deploy/app.yaml'])
    await publish(await publishRequest(outer, ['deploy/app.yaml']), w.ports, notedCall())
    expect(await submodule.git('log', '-1', '--format=%s')).toBe('Deploy api 1.4.2 to prod')
    expect(await outer.git('log', '-1', '--format=%s')).toBe('Add a submodule')
    await submodule.git('checkout', '--quiet', '--detach')
    expect((await refusal(w, outer, ['deploy/app.yaml'])).message).toContain('no branch is checked out')
  })

  it('that another user owns is refused with the message of git', async () => {
    const w = await gitWorld()
    const repository = await w.repository({ 'app.yaml': app })
    const env = { ...w.env, GIT_TEST_ASSUME_DIFFERENT_OWNER: '1' }
    const error = await refusal(w, repository, ['app.yaml'], { env })
    expect(error.why).toContain('safe.directory')
  })

  it('that is damaged is refused', async () => {
    const w = await gitWorld()
    const repository = await w.repository({ 'app.yaml': app })
    await rm(join(repository.path, '.git', 'HEAD'))
    expect((await refusal(w, repository)).message).toContain('git does not accept')
  })
})

describe('a push', () => {
  const push = { mode: 'push' as const }

  it('is refused for a branch without an upstream branch, unless a branch is named', async () => {
    const w = await gitWorld()
    const remote = await w.remote({ 'app.yaml': app })
    const clone = await w.clone(remote)
    expect(await check(w, clone, ['app.yaml'], push)).toEqual(['app.yaml'])
    await clone.git('checkout', '--quiet', '-b', 'topic')
    const error = await refusal(w, clone, ['app.yaml'], push)
    expect(error.hint).toBe('Set it: git push --set-upstream origin topic')
    expect(await check(w, clone, ['app.yaml'], { ...push, branch: 'topic' })).toEqual(['app.yaml'])
  })

  it('is refused without a remote', async () => {
    const w = await gitWorld()
    const repository = await w.repository({ 'app.yaml': app })
    const error = await refusal(w, repository, ['app.yaml'], { ...push, branch: 'main' })
    expect(error).toMatchObject({ why: 'it has no remote' })
  })

  it('is refused if it is unknown which remote is meant', async () => {
    const w = await gitWorld()
    const repository = await w.repository({ 'app.yaml': app })
    await repository.git('remote', 'add', 'one', '../one.git')
    await repository.git('remote', 'add', 'two', '../two.git')
    const options = { ...push, branch: 'main' }
    expect((await refusal(w, repository, ['app.yaml'], options)).why).toBe('it has several: one, two')
    await repository.git('config', 'remote.pushDefault', 'two')
    expect(await check(w, repository, ['app.yaml'], options)).toEqual(['app.yaml'])
  })

  it('works in a shallow clone', async () => {
    const w = await gitWorld()
    const remote = await w.remote({ 'app.yaml': app })
    const clone = await w.clone(w.at(`file://${remote.path}`), 'shallow', '--depth=1')
    expect(await check(w, clone, ['app.yaml'], push)).toEqual(['app.yaml'])
  })

  it('cannot have a branch with a name that git does not allow', async () => {
    const w = await gitWorld()
    const repository = await w.repository({ 'app.yaml': app })
    for (const branch of ['-x', 'a..b', 'a b', 'HEAD', '', 'a\nb', 'x.lock', '@{-1}']) {
      const error = await errorOf(check(w, repository, ['app.yaml'], { ...push, branch }))
      expect(error).toMatchObject({ code: 'usage', subject: branch })
    }
  })
})
