import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { publish } from '../../../src/deployments/git/publish.ts'
import { errorOf } from '../../support/git/error-of.ts'
import { type ForgeWorld, forgeWorld } from '../../support/git/forge-world.ts'
import { publishRequest } from '../../support/git/publish-requests.ts'
import { notedCall } from '../../support/http-world.ts'
import type { PublishRequest, Published } from '../../../src/deployments/git/publish-request.ts'

const app = 'replicas: 2\nimage: one\n'
const edited = 'replicas: 2\nimage: two\n'
const files = { 'app.yaml': app, 'other.txt': '1\n' }
const github = { host: 'git@github.com', files }

/** Edits the file in the working tree, and publishes it. */
async function open(
  { w, clone }: ForgeWorld,
  over: Parameters<typeof publishRequest>[2] = {},
  call = notedCall(),
): Promise<Published> {
  await clone.write('app.yaml', edited)
  const request: PublishRequest = await publishRequest(clone, ['app.yaml'], { mode: 'pullRequest', ...over })
  return await publish(request, w.ports, call)
}

describe('a pull request', () => {
  it('has one commit on the base branch of the remote, and the working tree is restored', async () => {
    const world = await forgeWorld({ ...github, gh: true })
    const { remote, clone } = world
    await clone.write('other.txt', 'private\n')
    await clone.git('commit', '--quiet', '-am', 'Private')
    const head = await clone.git('rev-parse', 'HEAD')
    await clone.write('other.txt', 'staged\n')
    await clone.git('add', 'other.txt')
    const published = await open(world)
    expect(published).toEqual({
      commit: await remote.git('rev-parse', 'dray/prod/two'),
      branch: 'dray/prod/two',
      isPushed: true,
      pullRequest: { url: 'https://forge.test/acme/deploy/pull/7', isOpen: true },
      attempts: 1,
    })
    expect(await remote.git('log', '--format=%s', 'dray/prod/two')).toBe('Deploy api 1.4.2 to prod\nBegin')
    expect(await remote.git('show', 'main:app.yaml')).toBe(app.trimEnd())
    expect(await clone.git('status', '--porcelain')).toBe('M  other.txt')
    expect(await clone.git('rev-parse', 'HEAD')).toBe(head)
  })

  it('is opened by gh, with the repository, both branches, title and trailers', async () => {
    const world = await forgeWorld({ ...github, gh: true, glab: true })
    await open(world)
    const [status, list, create, again] = await world.calls('gh')
    expect(status).toBe('auth\tstatus\t--hostname=github.com')
    expect(list).toBe(
      'pr\tlist\t--repo=github.com/acme/deploy\t--head=dray/prod/two\t--base=main\t--state=open\t--json=url\t--limit=1',
    )
    expect(create).toContain(
      'pr\tcreate\t--repo=github.com/acme/deploy\t--head=dray/prod/two\t--base=main\t--title=Deploy api 1.4.2 to prod\t--body=',
    )
    expect(create).toContain('Dray-Digest: two\n')
    expect(again).toBe(list)
    expect(await world.calls('glab')).toEqual([])
  })

  it('is found by a repeated run, which pushes nothing', async () => {
    const world = await forgeWorld({ ...github, gh: true })
    const first = await open(world)
    const again = await open(world)
    expect(again).toEqual({
      branch: 'dray/prod/two',
      isPushed: true,
      pullRequest: first.pullRequest,
      attempts: 0,
    })
    const created = (await world.calls('gh')).filter((one) => one.startsWith('pr\tcreate'))
    expect(created).toHaveLength(1)
  })

  it('is not opened if the base branch has the edits', async () => {
    const world = await forgeWorld({ ...github, gh: true })
    const { remote } = world
    const { commit = '' } = await open(world)
    await remote.git('update-ref', 'refs/heads/main', commit)
    expect(await open(world)).toEqual({ branch: 'main', isPushed: true, attempts: 0 })
  })

  it('continues a branch that was merged, after the base branch lost the edits', async () => {
    const world = await forgeWorld({ ...github, gh: true })
    const { w, remote } = world
    const { commit = '' } = await open(world)
    await remote.git('update-ref', 'refs/heads/main', commit)
    const other = await w.clone(remote, 'other')
    await other.git('revert', '--no-edit', 'HEAD')
    await other.git('push', '--quiet')
    const reverted = await remote.git('rev-parse', 'main')
    expect(await open(world)).toMatchObject({ branch: 'dray/prod/two', attempts: 1 })
    expect(await remote.git('rev-parse', 'dray/prod/two^')).toBe(reverted)
  })

  it('follows a push to a protected branch, whose commit leaves the local branch', async () => {
    const world = await forgeWorld({ ...github, gh: true })
    const { remote, clone } = world
    const protect = '#!/bin/sh\nwhile read old new ref; do [ "$ref" != refs/heads/main ] || exit 1; done\n'
    await chmod(await remote.write('hooks/pre-receive', protect), 0o755)
    const before = await clone.git('rev-parse', 'HEAD')
    expect((await errorOf(open(world, { mode: 'push' }))).code).toBe('refused')
    expect(await clone.git('rev-parse', 'HEAD^')).toBe(before)
    expect(await open(world)).toMatchObject({ branch: 'dray/prod/two', isPushed: true })
    expect(await clone.git('rev-parse', 'HEAD')).toBe(before)
    expect(await clone.git('status', '--porcelain')).toBe('')
  })

  it('is refused if gh cannot open it, and no credentials appear', async () => {
    const world = await forgeWorld({ ...github, gh: true })
    await writeFile(join(world.w.folder, 'gh.fails'), '')
    const error = await errorOf(open(world))
    expect(error).toMatchObject({
      code: 'refused',
      message: 'gh cannot open a pull request from dray/prod/two to main',
      why: 'no https://forge.test',
    })
  })

  it('is refused for a base branch that the remote does not have', async () => {
    const world = await forgeWorld(github)
    const error = await errorOf(open(world, { branch: 'release/prod' }))
    expect(error).toMatchObject({ code: 'refused', message: 'the remote has no branch release/prod' })
  })

  it('gets a page to open it by hand if gh is not logged in', async () => {
    const world = await forgeWorld({ ...github, gh: false })
    expect((await open(world)).pullRequest).toEqual({
      url: 'https://github.com/acme/deploy/compare/main...dray/prod/two?expand=1&title=Deploy%20api%201.4.2%20to%20prod',
      isOpen: false,
    })
  })

  it('has no page on a server that dray does not know, and a warning names the branches', async () => {
    const world = await forgeWorld({ ...github, host: 'git@git.example.test' })
    const call = notedCall()
    expect(await open(world, {}, call)).toMatchObject({ isPushed: true, attempts: 1 })
    const text =
      'No pull request is open, because the server of origin is unknown. Open one from dray/prod/two to main.'
    expect(call.events).toEqual([{ kind: 'warning', text }])
  })

  it('is opened by the program that is logged in to an unknown server', async () => {
    const world = await forgeWorld({ ...github, host: 'git@git.example.test', gh: false, glab: true })
    expect((await open(world)).pullRequest?.isOpen).toBe(true)
    expect((await world.calls('glab')).map((one) => one.split('\t').slice(0, 2).join(' '))).toEqual([
      'auth status',
      'mr list',
      'mr create',
      'mr list',
    ])
  })
})

describe('a merge request of GitLab', () => {
  const gitlab = { host: 'git@gitlab.com', files }

  it('is opened by glab', async () => {
    const world = await forgeWorld({ ...gitlab, glab: true })
    expect((await open(world)).pullRequest).toEqual({
      url: 'https://forge.test/acme/deploy/-/merge_requests/7',
      isOpen: true,
    })
    const [, list, create] = await world.calls('glab')
    expect(list).toBe(
      'mr\tlist\t--repo=https://gitlab.com/acme/deploy\t--source-branch=dray/prod/two\t--target-branch=main\t--output=json\t--per-page=1',
    )
    expect(create).toContain('\t--title=Deploy api 1.4.2 to prod\t--description=')
  })

  it('is opened by push options without glab', async () => {
    const world = await forgeWorld(gitlab)
    const record = `#!/bin/sh\nprintf '%s\\n' "$GIT_PUSH_OPTION_0" "$GIT_PUSH_OPTION_1" "$GIT_PUSH_OPTION_2" > options\n`
    await chmod(await world.remote.write('hooks/pre-receive', record), 0o755)
    expect((await open(world)).pullRequest).toEqual({
      url: 'https://gitlab.com/acme/deploy/-/merge_requests?state=opened&source_branch=dray%2Fprod%2Ftwo',
      isOpen: true,
    })
    expect(await world.remote.read('options')).toBe(
      'merge_request.create\nmerge_request.target=main\nmerge_request.title=Deploy api 1.4.2 to prod\n',
    )
  })
})
