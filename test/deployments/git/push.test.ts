import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, chmod, rm } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { describe, expect, it } from 'vitest'
import { publish } from '../../../src/deployments/git/publish.ts'
import { processIdentity } from '../../../src/lib/files/process-identity.ts'
import { errorOf } from '../../support/git/error-of.ts'
import { type GitFolder, type GitWorld, gitWorld } from '../../support/git/git-world.ts'
import { publishRequest, setImage } from '../../support/git/publish-requests.ts'
import { notedCall } from '../../support/http-world.ts'

const app = 'replicas: 2\nimage: one\n'
const edited = 'replicas: 2\nimage: two\n'
const push = { mode: 'push' as const }

interface RemoteWorld {
  readonly w: GitWorld
  readonly remote: GitFolder
  readonly clone: GitFolder
}

async function remoteWorld(files: Readonly<Record<string, string>> = {}): Promise<RemoteWorld> {
  const w = await gitWorld({ random: () => 0 })
  const remote = await w.remote({ 'app.yaml': app, 'other.txt': '1\n', 'staged.txt': '1\n', ...files })
  return { w, remote, clone: await w.clone(remote) }
}

async function edit(folder: GitFolder, name = 'app.yaml', digest = 'two'): Promise<void> {
  await folder.write(name, setImage(await folder.read(name), digest))
}

/** Commits a change of another user to the remote. */
async function commitRemotely({ w, remote }: RemoteWorld, text = '2\n', name = 'other.txt'): Promise<void> {
  const other = await w.clone(remote, `other-${Math.random()}`)
  await other.write(name, text)
  await other.git('add', '--all')
  await other.git('commit', '--quiet', '-m', 'Other')
  await other.git('push', '--quiet')
}

async function hook(remote: GitFolder, name: string, script: string): Promise<void> {
  await chmod(await remote.write(`hooks/${name}`, `#!/bin/sh\n${script}\n`), 0o755)
}

/** A script for a hook: another client commits the same tree while a push is received. */
function moveWith(message: string): string {
  return [
    'unset GIT_QUARANTINE_PATH GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES',
    `message="$(printf '${message.replaceAll('%n', String.raw`\n`)}')"`,
    'git update-ref refs/heads/main "$(git commit-tree -p main -m "$message" main^{tree})"',
  ].join('\n')
}

async function isClean(folder: GitFolder): Promise<void> {
  expect(await folder.git('worktree', 'list', '--porcelain')).not.toContain('dray-git-')
}

describe('a push', () => {
  it('reaches a remote with a path relative to the clone, also after a rejection', async () => {
    const world = await remoteWorld()
    const { w, remote, clone } = world
    const path = relative(clone.path, remote.path)
    await clone.git('remote', 'set-url', 'origin', path)
    await commitRemotely(world)
    await edit(clone)
    const published = await publish(await publishRequest(clone, ['app.yaml'], push), w.ports, notedCall())
    expect(published).toMatchObject({ branch: 'main', isPushed: true })
    expect(path).toMatch(/^\.\.\//)
    expect(await remote.git('show', 'main:app.yaml')).toBe(edited.trimEnd())
  })

  it('adds one commit to the remote branch', async () => {
    const { w, remote, clone } = await remoteWorld()
    await edit(clone)
    const published = await publish(await publishRequest(clone, ['app.yaml'], push), w.ports, notedCall())
    expect(published).toEqual({
      commit: await clone.git('rev-parse', 'HEAD'),
      branch: 'main',
      isPushed: true,
      attempts: 1,
    })
    expect(await remote.git('rev-parse', 'main')).toBe(published.commit)
    expect(await clone.git('status', '--porcelain=v1', '--branch')).toBe('## main...origin/main')
  })

  it('that is repeated does nothing', async () => {
    const { w, remote, clone } = await remoteWorld()
    await edit(clone)
    const request = await publishRequest(clone, ['app.yaml'], push)
    await publish(request, w.ports, notedCall())
    const head = await remote.git('rev-parse', 'main')
    expect(await publish(request, w.ports, notedCall())).toEqual({
      branch: 'main',
      isPushed: true,
      attempts: 0,
    })
    expect(await remote.git('rev-parse', 'main')).toBe(head)
  })

  it('that loses against another push decides again, and keeps other work of the user', async () => {
    const world = await remoteWorld()
    const { w, remote, clone } = world
    await commitRemotely(world)
    await clone.write('staged.txt', 'mine\n')
    await clone.write('new.txt', 'mine\n')
    await clone.git('add', 'staged.txt', 'new.txt')
    await clone.write('untracked.txt', 'mine\n')
    await edit(clone)
    const call = notedCall()
    const published = await publish(await publishRequest(clone, ['app.yaml'], push), w.ports, call)
    expect(published).toMatchObject({ isPushed: true, attempts: 2 })
    expect(await remote.git('log', '--format=%s', 'main')).toBe('Deploy api 1.4.2 to prod\nOther\nBegin')
    expect(await remote.git('rev-parse', 'main')).toBe(published.commit)
    expect(await clone.git('rev-parse', 'HEAD')).toBe(published.commit)
    expect(await clone.git('status', '--porcelain')).toBe('A  new.txt\nM  staged.txt\n?? untracked.txt')
    expect(await clone.read('staged.txt')).toBe('mine\n')
    expect(call.events).toEqual([])
    await isClean(clone)
  })

  it('finds an edit that another run has pushed', async () => {
    const world = await remoteWorld()
    const { w, remote, clone } = world
    await commitRemotely(world, edited, 'app.yaml')
    const head = await remote.git('rev-parse', 'main')
    await edit(clone)
    const published = await publish(await publishRequest(clone, ['app.yaml'], push), w.ports, notedCall())
    expect(published).toEqual({ branch: 'main', isPushed: true, attempts: 1 })
    expect(await remote.git('rev-parse', 'main')).toBe(head)
    expect(await clone.git('rev-parse', 'HEAD')).toBe(head)
  })

  it('of a working tree that is up to date reaches a remote that is not', async () => {
    const world = await remoteWorld({ 'app.yaml': edited })
    const { w, remote, clone } = world
    await commitRemotely(world, app, 'app.yaml')
    const published = await publish(await publishRequest(clone, ['app.yaml'], push), w.ports, notedCall())
    expect(published).toMatchObject({ isPushed: true, attempts: 1 })
    expect(await remote.git('show', 'main:app.yaml')).toBe(edited.trimEnd())
    expect(await clone.git('rev-parse', 'HEAD')).toBe(published.commit)
  })

  it('never contains unpushed commits of the user, and keeps them', async () => {
    const { w, remote, clone } = await remoteWorld()
    await clone.write('other.txt', 'private\n')
    await clone.git('commit', '--quiet', '-am', 'Private')
    const head = await clone.git('rev-parse', 'HEAD')
    await edit(clone)
    const call = notedCall()
    const published = await publish(await publishRequest(clone, ['app.yaml'], push), w.ports, call)
    expect(published).toMatchObject({ isPushed: true, attempts: 1 })
    expect(await remote.git('log', '--format=%s', 'main')).toBe('Deploy api 1.4.2 to prod\nBegin')
    expect(await clone.git('rev-parse', 'HEAD')).toBe(head)
    expect(await clone.git('status', '--porcelain')).toBe('')
    expect(call.events).toMatchObject([
      { kind: 'warning', text: expect.stringContaining('git pull --rebase') },
    ])
  })

  it('pushes commits of earlier runs, and does not drop them after it lost', async () => {
    const world = await remoteWorld({ 'web.yaml': app })
    const { w, remote, clone } = world
    await edit(clone, 'web.yaml')
    const web = await publishRequest(clone, ['web.yaml'], { trailers: [['Dray-Image', 'web']] })
    const { commit: first } = await publish(web, w.ports, notedCall())
    await commitRemotely(world)
    await edit(clone)
    const request = await publishRequest(clone, ['app.yaml'], push)
    const published = await publish(request, w.ports, notedCall())
    expect(published).toMatchObject({ isPushed: true, attempts: 2 })
    expect(await remote.git('show', 'main:web.yaml')).toBe(app.trimEnd())
    expect(await clone.git('rev-list', 'HEAD')).toContain(first)
  })

  it('pushes the commit of a run that was killed before its push', async () => {
    const { w, remote, clone } = await remoteWorld()
    await edit(clone)
    const { commit } = await publish(await publishRequest(clone, ['app.yaml']), w.ports, notedCall())
    expect(await remote.git('show', 'main:app.yaml')).toBe(app.trimEnd())
    const published = await publish(await publishRequest(clone, ['app.yaml'], push), w.ports, notedCall())
    expect(published).toEqual({ commit, branch: 'main', isPushed: true, attempts: 1 })
    expect(await remote.git('rev-parse', 'main')).toBe(commit)
  })

  it('is finished by the next run after kill -9 during the push', async () => {
    const { w, remote, clone } = await remoteWorld()
    await edit(clone)
    await hook(w.at(join(clone.path, '.git')), 'pre-push', 'kill -9 "$RUN"')
    const script = join(import.meta.dirname, '../../support/git/publish-process.ts')
    const child = spawn(process.execPath, [script, clone.path, 'app.yaml'], { env: w.env, stdio: 'ignore' })
    const [, signal] = (await once(child, 'exit')) as [number | null, string | null]
    expect(signal).toBe('SIGKILL')
    expect(await clone.git('log', '-1', '--format=%s')).toBe('Deploy api 1.4.2 to prod')
    await rm(join(clone.path, '.git', 'hooks'), { recursive: true })
    const published = await publish(await publishRequest(clone, ['app.yaml'], push), w.ports, notedCall())
    expect(published.isPushed).toBe(true)
    expect(await remote.git('rev-parse', 'main')).toBe(await clone.git('rev-parse', 'HEAD'))
    expect(await remote.git('rev-list', '--count', 'main')).toBe('2')
  })

  it('replaces the commit of a killed run if the remote has moved on', async () => {
    const world = await remoteWorld()
    const { w, remote, clone } = world
    await edit(clone)
    await publish(await publishRequest(clone, ['app.yaml']), w.ports, notedCall())
    await commitRemotely(world)
    const call = notedCall()
    const published = await publish(await publishRequest(clone, ['app.yaml'], push), w.ports, call)
    expect(await remote.git('log', '--format=%s', 'main')).toBe('Deploy api 1.4.2 to prod\nOther\nBegin')
    expect(await clone.git('rev-parse', 'HEAD')).toBe(published.commit)
    expect(call.events).toEqual([])
  })

  it('removes the temporary working tree of a run that was killed', async () => {
    const world = await remoteWorld()
    const { w, clone } = world
    const ended = spawn('/bin/true', { stdio: 'ignore' })
    await once(ended, 'exit')
    const identity = `${processIdentity().slice(0, 8)}${(ended.pid ?? 0).toString(16).padStart(8, '0')}`
    const orphaned = join(w.folder, `dray-git-${identity}-abc`)
    const alive = join(w.folder, `dray-git-${processIdentity()}-abc`)
    for (const folder of [orphaned, alive]) await clone.git('worktree', 'add', '--detach', `${folder}/tree`)
    await commitRemotely(world)
    await edit(clone)
    await publish(await publishRequest(clone, ['app.yaml'], push), w.ports, notedCall())
    const trees = await clone.git('worktree', 'list', '--porcelain')
    expect(trees).not.toContain(orphaned)
    expect(trees).toContain(alive)
    await expect(access(orphaned)).rejects.toThrow('ENOENT')
  })

  it('works from a shallow clone', async () => {
    const world = await remoteWorld()
    const { w, remote } = world
    const clone = await w.clone(w.at(`file://${remote.path}`), 'shallow', '--depth=1')
    await commitRemotely(world)
    await edit(clone)
    const published = await publish(await publishRequest(clone, ['app.yaml'], push), w.ports, notedCall())
    expect(published).toMatchObject({ isPushed: true, attempts: 2 })
    expect(await remote.git('rev-list', '--count', 'main')).toBe('3')
    expect(await clone.git('rev-parse', 'HEAD')).toBe(published.commit)
  })

  it('works from a detached HEAD to a named branch', async () => {
    const world = await remoteWorld()
    const { w, remote, clone } = world
    await clone.git('checkout', '--quiet', '--detach')
    await commitRemotely(world)
    await edit(clone)
    const request = await publishRequest(clone, ['app.yaml'], { ...push, branch: 'main' })
    expect(await publish(request, w.ports, notedCall())).toMatchObject({ branch: 'main', attempts: 1 })
    expect(await remote.git('log', '--format=%s', 'main')).toBe('Deploy api 1.4.2 to prod\nOther\nBegin')
    expect(await clone.git('status', '--porcelain')).toBe('')
  })

  it('works from a folder that contains the clone of the deployment repository', async () => {
    const world = await remoteWorld()
    const { w, remote, clone } = world
    await commitRemotely(world)
    await edit(clone)
    const request = await publishRequest(w.at(w.folder), ['clone/app.yaml'], push)
    expect(await publish(request, w.ports, notedCall())).toMatchObject({ isPushed: true, attempts: 2 })
    expect(await remote.git('show', 'main:app.yaml')).toBe(edited.trimEnd())
  })

  it('creates a branch that the remote does not have', async () => {
    const { w, remote, clone } = await remoteWorld()
    await clone.write('other.txt', 'private\n')
    await clone.git('commit', '--quiet', '-am', 'Private')
    await edit(clone)
    const request = await publishRequest(clone, ['app.yaml'], { ...push, branch: 'release/prod' })
    expect(await publish(request, w.ports, notedCall())).toMatchObject({
      branch: 'release/prod',
      attempts: 1,
    })
    expect(await remote.git('log', '--format=%s', 'release/prod')).toBe('Deploy api 1.4.2 to prod\nBegin')
    expect(await remote.git('show', 'main:app.yaml')).toBe(app.trimEnd())
    expect(await clone.git('status', '--porcelain', '--branch')).toBe('## main...origin/main [ahead 1]')
  })
})

describe('a remote', () => {
  it('that refuses each push to a branch is an error that suggests a pull request', async () => {
    const { w, remote, clone } = await remoteWorld()
    await hook(remote, 'pre-receive', 'echo "protected \u001b[1m" >&2; exit 1')
    await edit(clone)
    const error = await errorOf(
      publish(await publishRequest(clone, ['app.yaml'], push), w.ports, notedCall()),
    )
    expect(error).toMatchObject({ code: 'refused', message: 'the remote refuses a push to main of origin' })
    expect(error.hint).toContain('--pr')
    expect(error.why).toContain('protected')
    expect(await clone.read('app.yaml')).toBe(edited)
    await isClean(clone)
  })

  it('whose branch moves before each push is given up after 5 attempts', async () => {
    const { w, remote, clone } = await remoteWorld()
    await hook(remote, 'pre-receive', `${moveWith('Other')}\nexit 1`)
    await edit(clone)
    const error = await errorOf(
      publish(await publishRequest(clone, ['app.yaml'], push), w.ports, notedCall()),
    )
    expect(error).toMatchObject({ code: 'conflict', message: 'cannot push to main of origin' })
    expect(await remote.git('rev-list', '--count', 'main')).toBe('6')
    await isClean(clone)
  })

  it('gets another attempt after each push that lost against a run of dray', async () => {
    const { w, remote, clone } = await remoteWorld()
    const isOver = '[ "$(git rev-list --count main)" -gt 6 ] && exit 0'
    await hook(remote, 'pre-receive', `${isOver}\n${moveWith('Deploy%n%nDray-Image: web')}\nexit 1`)
    await edit(clone)
    const request = await publishRequest(clone, ['app.yaml'], push)
    expect(await publish(request, w.ports, notedCall())).toMatchObject({ isPushed: true, attempts: 7 })
  })

  it('that cannot be reached is an error, and no credentials of its URL appear', async () => {
    const { w, clone } = await remoteWorld()
    await clone.git(
      'remote',
      'set-url',
      'origin',
      'https://user:s3cret@127.0.0.1:1/x.git?private_token=s3cret',
    )
    await edit(clone)
    const call = notedCall()
    const error = await errorOf(publish(await publishRequest(clone, ['app.yaml'], push), w.ports, call))
    expect(error.code).toBe('unavailable')
    expect(JSON.stringify([error, error.message, call.events])).not.toContain('s3cret')
  })
})

describe('a commit to a branch that is not checked out', () => {
  it('creates or advances the local branch, and restores the working tree', async () => {
    const { w, clone } = await remoteWorld()
    await edit(clone)
    const request = await publishRequest(clone, ['app.yaml'], { branch: 'deploy' })
    const published = await publish(request, w.ports, notedCall())
    expect(published).toMatchObject({ branch: 'deploy', isPushed: false, attempts: 0 })
    expect(await clone.git('rev-parse', 'deploy')).toBe(published.commit)
    expect(await clone.git('show', 'deploy:app.yaml')).toBe(edited.trimEnd())
    expect(await clone.git('status', '--porcelain', '--branch')).toBe('## main...origin/main')
    await edit(clone, 'app.yaml', 'three')
    const next = await publishRequest(clone, ['app.yaml'], { branch: 'deploy', digest: 'three' })
    await publish(next, w.ports, notedCall())
    expect(await clone.git('log', '--format=%s', 'deploy')).toBe(
      'Deploy api 1.4.2 to prod\nDeploy api 1.4.2 to prod\nBegin',
    )
  })
})
