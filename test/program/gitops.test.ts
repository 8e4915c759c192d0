import { execFileSync } from 'node:child_process'
import { readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { contentOf, digestOf, type GitOpsPlace, gitopsPlace, pod } from '../support/gitops/gitops-place.ts'
import { tempFolder } from '../support/temp.ts'
import { isWrite } from '../support/staging-and-prod.ts'

const file = 'clusters/prod/api.yaml'

const nameIn = (place: GitOpsPlace, image = 'api'): string => `${place.eu.host}/prod/${image}`

async function deploy(place: GitOpsPlace, version: string, ...tags: readonly string[]): Promise<void> {
  for (const target of [place.eu, place.us])
    for (const tag of [version, ...tags]) await target.oracle.push(contentOf(version), 'prod/api', tag)
}

/** `api` 1.4.2 in staging, and 1.4.1 in the file of prod. */
async function promotable(more?: object, env?: Readonly<Record<string, string>>): Promise<GitOpsPlace> {
  const place = await gitopsPlace(more, env)
  await place.staging.oracle.push(contentOf('1.4.2'), 'staging/api', '1.4.2')
  await place.write(file, pod(`${nameIn(place)}:1.4.1`))
  return place
}

const edited = (place: GitOpsPlace, version = '1.4.2'): string =>
  pod(`${nameIn(place)}:${version}@${digestOf(version)}`)

interface CdEvent {
  readonly data: { readonly context: { readonly chainId: string } }
}

const promote = ['promote', 'api:1.4.2', '--from', 'staging', '--to', 'prod', '--gitops'] as const

describe('dray gitops update', () => {
  it('writes the deployed version into the files, and nothing if it is there', async () => {
    const place = await gitopsPlace()
    await deploy(place, '1.4.2', 'stable')
    await place.write(file, pod(`${nameIn(place)}:1.4.1`, 'other:1'))
    const shown = await place.run('gitops', 'update', '--env', 'prod', '--dry-run', '--detailed-exitcode')
    expect(shown).toMatchObject({ code: 2 })
    expect(shown.stdout).toContain('line 4  spec.containers[0].image  1.4.1 -> 1.4.2@sha256:')
    expect(await place.read(file)).toContain(':1.4.1 }')
    const ended = await place.run('gitops', 'update', '--env', 'prod', '--yes')
    expect(ended).toMatchObject({ code: 0 })
    const text = pod(`${nameIn(place)}:1.4.2@${digestOf('1.4.2')}`, 'other:1')
    expect(await place.read(file)).toBe(text)
    expect(place.entries()).toMatchObject([
      { operation: 'gitops', phase: 'intent', image: 'api:1.4.2', environment: { to: 'prod' } },
      { phase: 'outcome', result: 'done', step: { file, edits: [{ before: `${nameIn(place)}:1.4.1` }] } },
    ])
    const before = await place.mtime(file)
    const metrics = ['--metrics', join(place.folder, 'gitops.prom')] as const
    const again = await place.run('gitops', 'update', '--env', 'prod', '--yes', '-o', 'digest', ...metrics)
    expect(again).toMatchObject({ code: 0, stdout: `${digestOf('1.4.2')}\n` })
    expect(await place.mtime(file)).toBe(before)
    const written = await place.read('gitops.prom')
    expect(written).toContain('dray_gitops_files{environment="prod",result="unchanged"} 1')
    expect(written).toContain('dray_gitops_last_success_timestamp_seconds{environment="prod"}')
    const log = await place.run('audit', 'log', '--image', 'api', '--env', 'prod')
    expect(log.stdout).toContain(`api:1.4.2: edit ${file} -> ${digestOf('1.4.2')}`)
  })

  it('writes the tag of an argument, and asks no registry for others', async () => {
    const place = await gitopsPlace()
    await deploy(place, '1.4.1', 'stable')
    await deploy(place, '1.4.2')
    await place.write(file, pod(`${nameIn(place)}:1.4.0`, `${nameIn(place, 'web')}:1`))
    const before = [place.eu, place.us].map(({ requests }) => requests.length)
    const { code, document } = await place.json('gitops', 'update', '--env', 'prod', 'api:1.4.2', '--yes')
    expect(code).toBe(0)
    expect(document).toMatchObject({
      result: { operation: 'gitops', edits: { files: [{ file, status: 'edited', edits: [{ line: 4 }] }] } },
    })
    const requests = [place.eu, place.us].flatMap((target, i) => target.requests.slice(before[i]))
    expect(requests.filter(({ path }) => path.includes('/prod/web/'))).toEqual([])
    expect(requests.filter(isWrite)).toEqual([])
  })

  it('refuses targets with different images, a missing image and an environment without files', async () => {
    const place = await gitopsPlace()
    await place.write(file, pod(`${nameIn(place)}:1.4.1`))
    await place.eu.oracle.push(contentOf('1.4.1'), 'prod/api', 'stable')
    await place.us.oracle.push(contentOf('1.4.2'), 'prod/api', 'stable')
    const different = await place.json('gitops', 'update', '--env', 'prod', '--yes')
    expect(different).toMatchObject({ code: 3, document: { error: { code: 'conflict' } } })
    const missing = await place.json('gitops', 'update', '--env', 'prod', 'api:9.9.9', '--yes')
    expect(missing).toMatchObject({ code: 1, document: { error: { code: 'not-found' } } })
    const none = await place.json('gitops', 'update', '--env', 'staging', '--yes')
    expect(none).toMatchObject({
      code: 64,
      document: { error: { message: 'staging has no deployment files' } },
    })
    expect(await place.read(file)).toBe(pod(`${nameIn(place)}:1.4.1`))
  })

  it('refuses a tag that is another image, or missing, at one target', async () => {
    const place = await gitopsPlace({ gitops: [{ files: 'clusters/**/*.yaml', write: 'tag' }] })
    const before = pod(`${nameIn(place)}:1.4.1`)
    await place.write(file, before)
    await place.eu.oracle.push(contentOf('1.4.2'), 'prod/api', '1.4.2')
    for (const target of [place.eu, place.us])
      await target.oracle.push(contentOf('1.4.2'), 'prod/api', 'stable')
    const refusal = { code: 3, document: { error: { code: 'conflict' } } }
    expect(await place.json('gitops', 'update', '--env', 'prod', '--yes')).toMatchObject(refusal)
    await place.us.oracle.push(contentOf('1.4.1'), 'prod/api', '1.4.2')
    expect(await place.json('gitops', 'update', '--env', 'prod', '--yes')).toMatchObject(refusal)
    const both = `api:1.4.2@${digestOf('1.4.2')}`
    const given = await place.json('gitops', 'update', '--env', 'prod', both, '--yes')
    expect(given).toMatchObject(refusal)
    const tagged = await place.json('tag', 'api:1.4.2', '--env', 'prod', '--tags', 'ok', '--gitops', '--yes')
    expect(tagged).toMatchObject(refusal)
    expect(await place.read(file)).toBe(before)
  })

  it('needs the reason that the environment requires', async () => {
    const place = await gitopsPlace({ gitops: [{ files: 'clusters/**/*.yaml' }], require: ['reason'] })
    await deploy(place, '1.4.2', 'stable')
    await place.write(file, pod(`${nameIn(place)}:1.4.1`))
    expect(await place.run('gitops', 'update', '--env', 'prod', '--yes')).toMatchObject({ code: 3 })
    const reason = ['--reason', 'rollout'] as const
    expect(await place.run('gitops', 'update', '--env', 'prod', '--yes', ...reason)).toMatchObject({
      code: 0,
    })
  })

  it('does not write through a link that leaves the folder', async () => {
    const place = await gitopsPlace()
    await deploy(place, '1.4.2', 'stable')
    const outside = join(await tempFolder(), 'api.yaml')
    await writeFile(outside, pod(`${nameIn(place)}:1.4.1`))
    await place.write('clusters/prod/other.yaml', pod(`${nameIn(place)}:1.4.1`))
    await symlink(outside, join(place.folder, file))
    const { code, document } = await place.json('gitops', 'update', '--env', 'prod', '--yes')
    expect({ code, error: document.error?.code }).toEqual({ code: 3, error: 'refused' })
    expect(await readFile(outside, 'utf8')).toBe(pod(`${nameIn(place)}:1.4.1`))
  })
})

describe('dray promote --gitops', () => {
  it('edits the files after the tags of all targets, without further requests', async () => {
    const place = await promotable()
    const plain = await promotable()
    await plain.run(...promote.slice(0, -1), '--yes')
    const ended = await place.run(...promote, '--yes')
    expect(ended).toMatchObject({ code: 0 })
    expect(ended.stdout).toContain('edited  clusters/prod/api.yaml')
    expect(await place.read(file)).toBe(edited(place))
    // A slow machine repeats a check before a write, so requests count once.
    const sentTo = ({ staging, eu, us }: GitOpsPlace): string[][] =>
      [staging, eu, us].map(({ requests }) =>
        [
          ...new Set(
            requests.map(({ method, path }) => `${method} ${path.replace(/uploads\/.*/, 'uploads')}`),
          ),
        ].sort(),
      )
    expect(sentTo(place)).toEqual(sentTo(plain))
    const order = place
      .entries()
      .flatMap((entry) => (entry.phase === 'intent' ? [entry.step?.kind ?? ''] : []))
    expect(order.lastIndexOf('tag')).toBeLessThan(order.indexOf('edit'))
  })

  it('records tags and edits as one run', async () => {
    const place = await promotable()
    await place.run(...promote, '--yes')
    const entries = place.entries()
    expect(entries.map(({ phase }) => phase)).toContain('outcome')
    expect(new Set(entries.map((entry) => entry.run)).size).toBe(1)
    expect(await place.run('audit', 'verify')).toMatchObject({ code: 0 })
    const exported = await place.run('audit', 'export', '--format', 'cdevents')
    const chains = exported.stdout
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as CdEvent).data.context.chainId)
    expect(new Set(chains)).toEqual(new Set([entries[0]?.run]))
  })

  it('shows and records no text beside the image', async () => {
    const place = await promotable()
    const secret = 'hunter2-of-the-database'
    const text = (version: string): string =>
      `image:\n  repository: ${nameIn(place)}\n  tag: ${version}\n  password: ${secret} # ${secret}\n`
    await place.write('clusters/prod/values.yaml', text('1.4.1'))
    const shown = await place.json(...promote, '--out', 'plan.json')
    const ended = await place.run('apply', 'plan.json', '--verbose')
    expect(ended).toMatchObject({ code: 0 })
    expect(await place.read('clusters/prod/values.yaml')).toBe(text(`1.4.2@${digestOf('1.4.2')}`))
    for (const output of [
      shown.stdout,
      ended.stdout,
      ended.stderr,
      await place.read('plan.json'),
      await readFile(place.auditFile, 'utf8'),
    ])
      expect(output).not.toContain(secret)
  })

  it('shows the edits in the plan, and asks about them', async () => {
    const place = await promotable()
    const { code, document } = await place.json(...promote, '--dry-run')
    expect(code).toBe(0)
    expect(document).toMatchObject({
      result: { plan: { edits: { environment: 'prod', steps: [{ file, images: [{ image: 'api' }] }] } } },
    })
    const unconfirmed = await place.run(...promote)
    expect(unconfirmed.code).toBe(64)
    expect(unconfirmed.stderr).toContain('Edits, after the tags of the image at all targets')
    expect(await place.read(file)).toContain(':1.4.1 }')
  })

  it('edits nothing if the promotion is refused or fails at one target', async () => {
    const place = await promotable()
    await place.us.oracle.push(contentOf('other'), 'prod/api', '1.4.2')
    expect(await place.run(...promote, '--yes')).toMatchObject({ code: 3 })
    expect(await place.run(...promote, '--yes', '--partial')).toMatchObject({ code: 4 })
    expect(await place.read(file)).toContain(':1.4.1 }')
  })

  it('is finished by a second run if the first was killed before the edit', async () => {
    const place = await promotable()
    await place.run(...promote.slice(0, -1), '--yes')
    const again = await place.run(...promote, '--yes')
    expect(again).toMatchObject({ code: 0 })
    expect(await place.read(file)).toBe(edited(place))
  })

  it('promotes nothing if a file or image of dray.yaml is not there', async () => {
    const place = await promotable({ gitops: [{ files: 'other/*.yaml' }] })
    const missing = await place.json(...promote, '--yes')
    expect(missing).toMatchObject({ code: 1, document: { error: { code: 'not-found' } } })
    const other = await promotable()
    await other.write(file, pod('unrelated:1'))
    expect(await other.json(...promote, '--yes')).toMatchObject({ code: 1 })
    for (const { requests } of [place.eu, other.eu]) expect(requests.filter(isWrite)).toEqual([])
  })

  it('needs --gitops to commit', async () => {
    const place = await promotable()
    const ended = await place.json(...promote.slice(0, -1), '--yes', '--commit')
    expect(ended).toMatchObject({ code: 64, document: { error: { message: '--commit needs --gitops' } } })
  })
})

describe('dray rollback --gitops and tag --gitops', () => {
  it('write the release into the files', async () => {
    const place = await gitopsPlace()
    await deploy(place, '1.4.1', '1.4')
    await deploy(place, '1.4.2', '1.4', 'stable')
    await place.write(file, edited(place))
    const back = await place.run('rollback', 'api', '--env', 'prod', '--to', '1.4.1', '--gitops', '--yes')
    expect(back).toMatchObject({ code: 0 })
    expect(await place.read(file)).toBe(edited(place, '1.4.1'))
    const args = ['tag', '@prod/api:1.4.2', '1.4.3', '--gitops', '--yes'] as const
    expect(await place.run(...args)).toMatchObject({ code: 0 })
    expect(await place.read(file)).toBe(pod(`${nameIn(place)}:1.4.3@${digestOf('1.4.2')}`))
  })
})

describe('a saved plan with edits', () => {
  it('is shown and applied', async () => {
    const place = await promotable()
    await place.run(...promote, '--out', 'plan.json')
    const shown = await place.run('plan', 'show', 'plan.json')
    expect(shown.stdout).toContain('spec.containers[0].image')
    expect(await place.run('apply', 'plan.json')).toMatchObject({ code: 0 })
    expect(await place.read(file)).toBe(edited(place))
    expect(await place.run('apply', 'plan.json')).toMatchObject({ code: 0 })
  })

  it('moves the tags and not a file that changed, and a second run finishes', async () => {
    const place = await promotable()
    await place.run(...promote, '--out', 'plan.json')
    const changed = `# by others\n${pod(`${nameIn(place)}:1.4.1`)}`
    await place.write(file, changed)
    const applied = await place.json('apply', 'plan.json')
    expect(applied).toMatchObject({
      code: 4,
      document: {
        result: {
          images: [{ status: 'promoted' }, { status: 'promoted' }],
          edits: { files: [{ file, status: 'conflict', error: { code: 'conflict' } }] },
        },
      },
    })
    expect(await place.read(file)).toBe(changed)
    expect(await place.run(...promote, '--yes')).toMatchObject({ code: 0 })
    expect(await place.read(file)).toBe(`# by others\n${edited(place)}`)
  })

  it('writes no file if another file of it changed', async () => {
    const place = await promotable()
    const second = 'clusters/prod/worker.yaml'
    await place.write(second, pod(`${nameIn(place)}:1.4.1`))
    await place.run(...promote, '--out', 'plan.json')
    await place.write(second, pod(`${nameIn(place)}:1.4.0`))
    expect(await place.run('apply', 'plan.json')).toMatchObject({ code: 4 })
    expect(await place.read(file)).toBe(pod(`${nameIn(place)}:1.4.1`))
    expect(await place.run(...promote, '--yes')).toMatchObject({ code: 0 })
    expect([await place.read(file), await place.read(second)]).toEqual([edited(place), edited(place)])
  })

  it.each([
    ['that was up to date', file],
    ['that was added', 'clusters/prod/added.yaml'],
  ])('reports a file %s and needs an edit now', async (_, other) => {
    const place = await promotable()
    const planned = 'clusters/prod/worker.yaml'
    await place.write(file, edited(place))
    await place.write(planned, pod(`${nameIn(place)}:1.4.1`))
    await place.run(...promote, '--out', 'plan.json')
    const old = pod(`${nameIn(place)}:1.4.0`)
    await place.write(other, old)
    expect(await place.json('apply', 'plan.json')).toMatchObject({
      code: 4,
      document: {
        result: {
          edits: {
            files: [
              { file: other, status: 'conflict', step: 'edit2' },
              { file: planned, status: 'notAttempted', step: 'edit1' },
            ],
          },
        },
      },
    })
    expect([await place.read(other), await place.read(planned)]).toEqual([old, pod(`${nameIn(place)}:1.4.1`)])
    expect(await place.run(...promote, '--yes')).toMatchObject({ code: 0 })
    expect([await place.read(other), await place.read(planned)]).toEqual([edited(place), edited(place)])
  })

  it('without changes is refused if a file needs an edit now', async () => {
    const place = await gitopsPlace()
    await deploy(place, '1.4.2', 'stable')
    await place.write(file, edited(place))
    await place.run('gitops', 'update', '--env', 'prod', '--out', 'plan.json')
    expect(await place.run('apply', 'plan.json')).toMatchObject({ code: 0 })
    await place.write(file, pod(`${nameIn(place)}:1.4.1`))
    expect(await place.json('apply', 'plan.json')).toMatchObject({
      code: 3,
      document: { error: { code: 'conflict', subject: file } },
    })
  })

  it('of an update is refused if its tag moved', async () => {
    const place = await gitopsPlace()
    await deploy(place, '1.4.2', 'stable')
    await place.write(file, pod(`${nameIn(place)}:1.4.1`))
    await place.run('gitops', 'update', '--env', 'prod', '--out', 'plan.json')
    for (const target of [place.eu, place.us]) await target.oracle.push(contentOf('new'), 'prod/api', '1.4.2')
    expect(await place.run('apply', 'plan.json')).toMatchObject({ code: 3 })
    expect(await place.read(file)).toBe(pod(`${nameIn(place)}:1.4.1`))
  })

  it.each([
    ['another file', { '"file": "clusters/prod/api.yaml"': '"file": "dray.yaml"' }],
    ['a file outside', { '"file": "clusters/prod/api.yaml"': '"file": "../x.yaml"' }],
    ['another value', { '"after": "': '"after": "evil.example.com/x:1#' }],
    ['another environment', { '"environment": "prod"': '"environment": "staging"' }],
  ])('that somebody changed to %s edits nothing', async (_, changes) => {
    const place = await promotable()
    await place.run(...promote, '--out', 'plan.json')
    const { rehash } = await import('../support/gitops/rehash.ts')
    await rehash(join(place.folder, 'plan.json'), changes)
    const ended = await place.run('apply', 'plan.json')
    expect([1, 3, 64]).toContain(ended.code)
    expect(await place.read(file)).toBe(pod(`${nameIn(place)}:1.4.1`))
    expect(place.eu.requests.filter(isWrite)).toEqual([])
  })
})

describe('commits of edits', () => {
  const git = (place: GitOpsPlace, ...args: readonly string[]): string =>
    execFileSync('git', ['-C', place.folder, ...args], {
      encoding: 'utf8',
      env: { ...process.env, ...identity },
    })
  const identity = {
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_SYSTEM: '/dev/null',
    GIT_AUTHOR_NAME: 'a',
    GIT_AUTHOR_EMAIL: 'a@example.com',
    GIT_COMMITTER_NAME: 'a',
    GIT_COMMITTER_EMAIL: 'a@example.com',
  }

  it('have the subject of dray.yaml and trailers, and their id is on record', async () => {
    const rules = {
      gitops: [{ files: 'clusters/**/*.yaml' }],
      git: { message: 'Ship {image} {version} to {env}' },
    }
    const place = await promotable(rules, identity)
    git(place, 'init', '-q', '-b', 'main')
    git(place, 'add', '-A')
    git(place, 'commit', '-qm', 'first')
    const { code, document } = await place.json(...promote, '--yes', '--commit')
    expect(code).toBe(0)
    const id = git(place, 'rev-parse', 'HEAD').trim()
    expect(document.result).toMatchObject({ edits: { commit: { id, branch: 'main', isPushed: false } } })
    const message = git(place, 'log', '-1', '--format=%B')
    expect(message).toMatch(/^Ship api 1\.4\.2 to prod\n\nDray-Image: api:1\.4\.2\nDray-Digest: sha256:/)
    expect(message).toMatch(/Dray-Plan: sha256:[0-9a-f]{64}\nDray-Run: /)
    expect(git(place, 'show', '--name-only', '--format=', 'HEAD').trim()).toBe(file)
    const outcome = place.entries().find((entry) => entry.phase === 'outcome' && entry.step?.kind === 'edit')
    expect(outcome).toMatchObject({ commit: id })
    const again = await place.json(...promote, '--yes', '--commit')
    expect(again).toMatchObject({ code: 0 })
    expect(git(place, 'rev-parse', 'HEAD').trim()).toBe(id)
  })

  it('are pushed, also if another commit was pushed meanwhile', async () => {
    const place = await promotable(undefined, identity)
    const remote = await tempFolder()
    const other = join(await tempFolder(), 'clone')
    execFileSync('git', ['init', '-q', '--bare', '-b', 'main', remote])
    git(place, 'init', '-q', '-b', 'main')
    await place.write('.gitignore', 'audit.jsonl*\n')
    git(place, 'add', '-A')
    git(place, 'commit', '-qm', 'first')
    git(place, 'remote', 'add', 'origin', remote)
    git(place, 'push', '-q', '-u', 'origin', 'main')
    execFileSync('git', ['clone', '-q', remote, other])
    await writeFile(join(other, 'new.txt'), 'by others')
    const there = { cwd: other, env: { ...process.env, ...identity } }
    for (const args of [
      ['add', '-A'],
      ['commit', '-qm', 'second'],
      ['push', '-q'],
    ])
      execFileSync('git', args, there)
    const { code, document } = await place.json(...promote, '--yes', '--push')
    expect(document).toMatchObject({ result: { edits: { commit: { branch: 'main', isPushed: true } } } })
    expect(code).toBe(0)
    const pushed = execFileSync('git', ['show', `main:${file}`], { cwd: remote, encoding: 'utf8' })
    expect(pushed).toBe(edited(place))
    expect(execFileSync('git', ['show', 'main:new.txt'], { cwd: remote, encoding: 'utf8' })).toBe('by others')
    const stepsOf = (phase: string): Set<string | undefined> =>
      new Set(place.entries().flatMap((one) => (one.phase === phase && 'step' in one ? [one.step?.id] : [])))
    expect(stepsOf('outcome')).toEqual(stepsOf('intent'))
    expect(await place.run('audit', 'verify')).toMatchObject({ code: 0 })
  })

  it('are refused before anything is promoted if a file has changes', async () => {
    const place = await promotable(undefined, identity)
    git(place, 'init', '-q', '-b', 'main')
    git(place, 'add', '-A')
    git(place, 'commit', '-qm', 'first')
    await place.write(file, `# mine\n${await place.read(file)}`)
    expect(await place.run(...promote, '--yes', '--commit')).toMatchObject({ code: 3 })
    expect(place.eu.requests.filter(isWrite)).toEqual([])
  })
})
