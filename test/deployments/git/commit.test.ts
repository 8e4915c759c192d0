import { chmod, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { publish } from '../../../src/deployments/git/publish.ts'
import { errorOf } from '../../support/git/error-of.ts'
import { type GitFolder, gitWorld } from '../../support/git/git-world.ts'
import { publishRequest, setImage } from '../../support/git/publish-requests.ts'
import { notedCall } from '../../support/http-world.ts'

const app = 'replicas: 2\nimage: one\n'

async function edit(folder: GitFolder, name: string, digest = 'two'): Promise<void> {
  await folder.write(name, setImage(await folder.read(name), digest))
}

describe('a commit of edited files', () => {
  it('has only the edited files, and other staged and unstaged work stays unchanged', async () => {
    const w = await gitWorld()
    const repository = await w.repository({ 'app.yaml': app, 'staged.txt': '1\n', 'unstaged.txt': '1\n' })
    await repository.write('staged.txt', '2\n')
    await repository.write('new.txt', '2\n')
    await repository.git('add', 'staged.txt', 'new.txt')
    await repository.write('unstaged.txt', '2\n')
    await edit(repository, 'app.yaml')
    const published = await publish(await publishRequest(repository, ['app.yaml']), w.ports, notedCall())
    expect(published).toEqual({
      commit: await repository.git('rev-parse', 'HEAD'),
      branch: 'main',
      isPushed: false,
      attempts: 0,
    })
    expect(await repository.git('show', '--format=', '--name-only', 'HEAD')).toBe('app.yaml')
    expect(await repository.git('status', '--porcelain')).toBe('A  new.txt\nM  staged.txt\n M unstaged.txt')
  })

  it('has the image, the digest, the plan and the run as trailers', async () => {
    const w = await gitWorld()
    const repository = await w.repository({ 'app.yaml': app })
    await edit(repository, 'app.yaml')
    await publish(await publishRequest(repository, ['app.yaml']), w.ports, notedCall())
    expect(await repository.git('log', '-1', '--format=%s%n%(trailers:only,unfold)')).toBe(
      [
        'Deploy api 1.4.2 to prod',
        'Dray-Image: registry.test/prod/api:1.4.2',
        'Dray-Digest: two',
        'Dray-Plan: sha256:11',
        'Dray-Run: run-1',
        '',
      ].join('\n'),
    )
  })

  it('cannot get trailers from values and subjects with line breaks', async () => {
    const w = await gitWorld()
    const repository = await w.repository({ 'app.yaml': app })
    await edit(repository, 'app.yaml')
    const hostile = 'x\nDray-Run: forged\r\n\u2028Signed-off-by: forged\u0085'
    const request = await publishRequest(repository, ['app.yaml'], {
      message: `# ${hostile}`,
      trailers: [['Dray-Image', hostile]],
    })
    await publish(request, w.ports, notedCall())
    const line = 'x Dray-Run: forged Signed-off-by: forged'
    expect(await repository.git('log', '-1', '--format=%B')).toBe(`# ${line}\n\nDray-Image: ${line}\n`)
    expect(await repository.git('log', '-1', '--format=%(trailers:only)')).toBe(`Dray-Image: ${line}\n`)
  })

  it('is not made if no file differs from HEAD', async () => {
    const w = await gitWorld()
    const repository = await w.repository({ 'app.yaml': app })
    const before = await repository.git('rev-parse', 'HEAD')
    const request = await publishRequest(repository, ['app.yaml'])
    expect(await publish(request, w.ports, notedCall())).toEqual({
      branch: 'main',
      isPushed: false,
      attempts: 0,
    })
    expect(await repository.git('rev-parse', 'HEAD')).toBe(before)
  })

  it.each([
    'with space.yaml',
    'line\nbreak.yaml',
    'größe-日本.yaml',
    '-rf.yaml',
    '--amend',
    ':(top)x.yaml',
    '*.yaml',
    'quote"\'`$(touch harm).yaml',
    'back\\slash.yaml',
  ])('takes a file with the name %j and no other', async (name) => {
    const w = await gitWorld()
    const repository = await w.repository({ [`d/${name}`]: app, 'd/x.yaml': app, 'x.yaml': app })
    for (const one of [`d/${name}`, 'd/x.yaml', 'x.yaml']) await edit(repository, one)
    await publish(await publishRequest(repository, [`d/${name}`]), w.ports, notedCall())
    expect(await repository.git('show', '--format=', '--name-only', '-z', 'HEAD')).toBe(`d/${name}\0`)
  })

  it('takes the file behind a link', async () => {
    const w = await gitWorld()
    const repository = await w.repository({ 'real.yaml': app })
    const { symlink } = await import('node:fs/promises')
    await symlink('real.yaml', join(repository.path, 'link.yaml'))
    await repository.git('add', '--all')
    await repository.git('commit', '--quiet', '-m', 'Link')
    await edit(repository, 'link.yaml')
    await publish(await publishRequest(repository, ['link.yaml']), w.ports, notedCall())
    expect(await repository.git('show', '--format=', '--name-only', 'HEAD')).toBe('real.yaml')
  })

  it('is refused if another program changed a file after the edit', async () => {
    const w = await gitWorld()
    const repository = await w.repository({ 'app.yaml': app })
    await edit(repository, 'app.yaml')
    const request = await publishRequest(repository, ['app.yaml'])
    await repository.write('app.yaml', 'replicas: 9\nimage: two\n')
    const error = await errorOf(publish(request, w.ports, notedCall()))
    expect(error).toMatchObject({ code: 'conflict', subject: join(repository.path, 'app.yaml') })
    expect(await repository.git('rev-list', '--count', 'HEAD')).toBe('1')
  })

  it('ignores the repository and the index of a hook that dray runs in', async () => {
    const w = await gitWorld()
    const repository = await w.repository({ 'app.yaml': app })
    const other = await w.repository({ 'other.txt': '1\n' }, 'other')
    await edit(repository, 'app.yaml')
    const env = {
      ...w.env,
      GIT_DIR: join(other.path, '.git'),
      GIT_WORK_TREE: other.path,
      GIT_INDEX_FILE: join(other.path, '.git', 'index'),
      GIT_PREFIX: 'x/',
      GIT_GLOB_PATHSPECS: '1',
    }
    await publish(await publishRequest(repository, ['app.yaml']), { ...w.ports, env }, notedCall())
    expect(await repository.git('rev-list', '--count', 'HEAD')).toBe('2')
    expect(await other.git('rev-list', '--count', 'HEAD')).toBe('1')
    expect(await other.git('status', '--porcelain')).toBe('')
  })
})

describe('a hook', () => {
  it('that fails leaves the edited file, and the next run commits it', async () => {
    const w = await gitWorld()
    const repository = await w.repository({ 'app.yaml': app })
    const hook = await repository.write(
      '.git/hooks/pre-commit',
      '#!/bin/sh\necho "no: \u001b[31mred" >&2\nexit 1\n',
    )
    await chmod(hook, 0o755)
    await edit(repository, 'app.yaml')
    const request = await publishRequest(repository, ['app.yaml'])
    const error = await errorOf(publish(request, w.ports, notedCall()))
    expect(error).toMatchObject({ code: 'refused', why: 'no: \u001b[31mred' })
    expect(await repository.read('app.yaml')).toBe('replicas: 2\nimage: two\n')
    await rename(hook, `${hook}.off`)
    const published = await publish(request, w.ports, notedCall())
    expect(published.commit).toBe(await repository.git('rev-parse', 'HEAD'))
  })

  it('gets the locale and the variables of the user', async () => {
    const w = await gitWorld()
    const repository = await w.repository({ 'app.yaml': app })
    const hook = await repository.write(
      '.git/hooks/commit-msg',
      '#!/bin/sh\necho "$LC_ALL $MINE" > hook.txt\n',
    )
    await chmod(hook, 0o755)
    await edit(repository, 'app.yaml')
    const env = { ...w.env, LC_ALL: 'C.UTF-8', MINE: 'yes' }
    await publish(await publishRequest(repository, ['app.yaml']), { ...w.ports, env }, notedCall())
    expect(await repository.read('hook.txt')).toBe('C.UTF-8 yes\n')
  })
})

describe('a signing program', () => {
  it('signs the commit as configured, and its failure leaves the edited file', async () => {
    const w = await gitWorld()
    const repository = await w.repository({ 'app.yaml': app })
    const signature = '-----BEGIN PGP SIGNATURE-----\\n\\nx\\n-----END PGP SIGNATURE-----\\n'
    const sign = `cat > /dev/null; printf -- '${signature}'; printf '\\n[GNUPG:] SIG_CREATED x\\n' >&2`
    const program = await w.at(w.folder).write('sign', `#!/bin/sh\n[ ! -e "$0.fails" ] || exit 1\n${sign}\n`)
    await chmod(program, 0o755)
    await repository.git('config', 'commit.gpgSign', 'true')
    await repository.git('config', 'gpg.program', program)
    await edit(repository, 'app.yaml')
    await w.at(w.folder).write('sign.fails', '')
    const request = await publishRequest(repository, ['app.yaml'])
    expect((await errorOf(publish(request, w.ports, notedCall()))).code).toBe('refused')
    expect(await repository.read('app.yaml')).toBe('replicas: 2\nimage: two\n')
    await rename(`${program}.fails`, `${program}.works`)
    await publish(request, w.ports, notedCall())
    expect(await repository.git('cat-file', 'commit', 'HEAD')).toContain(
      'gpgsig -----BEGIN PGP SIGNATURE-----',
    )
  })
})
