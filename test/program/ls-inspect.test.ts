import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { image } from '../support/images.ts'
import { warmDray, warmDrayJson } from '../support/program.ts'
import { tempFolder } from '../support/temp.ts'
import { configOf, world } from '../support/world.ts'

describe('dray ls', () => {
  it('lists tags with age, size, platforms and evidence, the highest version first, without evidence tags', async () => {
    const created = '2020-01-02T03:04:05Z'
    const at = await world()
      .image('api:1.9.0', { created })
      .index('api:1.10.0', ['linux/amd64', 'linux/arm64'], { created })
      .signed('cosign')
      .start()
    const repository = `${at.staging.host}/staging/api`
    const ended = await warmDray(['ls', repository])
    expect(ended.code).toBe(0)
    const rows = ended.stdout.split('\n').map((line) => line.split(/ {2,}/))
    expect(rows[0]).toEqual(['TAG', 'DIGEST', 'AGE', 'SIZE', 'PLATFORMS', 'ATTACHED'])
    const sizeAndAge = [expect.stringMatching(/^\d+y$/), expect.stringMatching(/KiB$/)]
    expect(rows.slice(1, 3)).toEqual([
      ['1.10.0', at.content('api:1.10.0').root.digest, ...sizeAndAge, 'linux/amd64, linux/arm64', 'sig'],
      ['1.9.0', at.content('api:1.9.0').root.digest, ...sizeAndAge, 'linux/amd64', '-'],
    ])
    expect(ended.stderr).toContain('1 tag of an attached artifact is hidden')
    expect((await warmDray(['ls', repository, '--all-tags'])).stdout).toContain('.sig')
    expect((await warmDray(['ls', repository, '-n', '1'])).stderr).toContain('1 more tag')
  })

  it('prints references and digests for other commands, with one HEAD for each tag', async () => {
    const at = await world().image('api:1.9.0').image('api:1.10.0').start()
    const repository = `${at.staging.host}/staging/api`
    const digests = ['api:1.10.0', 'api:1.9.0'].map((name) => at.content(name).root.digest)
    const seen = await at.during(async () => {
      const names = await warmDray(['-o', 'name', 'ls', repository])
      expect(names).toMatchObject({
        code: 0,
        stdout: `${repository}:1.10.0\n${repository}:1.9.0\n`,
        stderr: '',
      })
      const [first = ''] = names.stdout.split('\n')
      const pinned = await warmDray(['inspect', first, '-oname'])
      expect(pinned).toMatchObject({ stdout: `${repository}@${digests[0]}\n`, stderr: '' })
      const listed = await warmDray(['ls', repository, '--output=digest'])
      expect(listed).toMatchObject({ stdout: `${digests.join('\n')}\n`, stderr: '' })
    })
    expect(seen.filter(({ kind }) => kind === 'manifest').map(({ method }) => method)).toEqual(
      Array.from({ length: 5 }, () => 'HEAD'),
    )
  })

  it('requests only the digests of the listed tags with --brief', async () => {
    const at = await world().image('api:1.9.0').image('api:1.10.0').start()
    const seen = await at.during(async () => {
      const { document } = await warmDrayJson([
        'ls',
        `${at.staging.host}/staging/api`,
        '--limit',
        '1',
        '--brief',
      ])
      expect(document).toMatchObject({ ok: true, result: [{ total: 2, tags: [{ tag: '1.10.0' }] }] })
    })
    expect(seen.map(({ method, kind }) => `${method} ${kind}`)).toEqual(['GET tags', 'HEAD manifest'])
  })

  it('lists only tags that match a range, a glob or an age', async () => {
    const at = await world()
      .image('api:1.9.0', { created: '2020-01-02T03:04:05Z' })
      .image('api:2.0.0', { created: '2020-03-02T03:04:05Z' })
      .image('api:2.1.0', { created: '1970-01-01T00:00:00Z' })
      .image('api:pr-7', { created: '2020-03-02T03:04:05Z' })
      .start()
    const list = async (...args: string[]) => {
      const { stdout, stderr } = await warmDray(['ls', `${at.staging.host}/staging/api`, ...args])
      return {
        tags: stdout
          .split('\n')
          .flatMap((line) => line.split(' ')[0] || [])
          .slice(1),
        stderr,
      }
    }
    expect((await list('--semver', '>=1 <2.1')).tags).toEqual(['2.0.0', '1.9.0'])
    expect((await list('--glob', 'pr-*', '--glob', '1.*')).tags).toEqual(['1.9.0', 'pr-7'])
    const since = await list('--since', '2020-02-01')
    expect(since.tags).toEqual(['2.0.0', 'pr-7'])
    expect(since.stderr).toContain('1 tag skipped, because the image has no creation time.')
    expect((await list('--since', '2020-02-01', '--semver', '*')).tags).toEqual(['2.0.0'])
  })

  it.each([
    ['an invalid range', ['--semver', 'new']],
    ['an invalid glob', ['--glob', 'pr-*', '--glob', '1.[0-9]']],
    ['an empty glob', ['--glob', '']],
    ['an invalid time', ['--since', 'new']],
    ['an age together with --brief', ['--since', '7d', '--brief']],
    ['an image instead of a repository', [], ':1.4.2'],
  ])('refuses %s', async (_, args, tag = '') => {
    const { code, document } = await warmDrayJson(['ls', `registry.invalid/api${tag}`, ...args])
    expect(code).toBe(64)
    expect(document).toMatchObject({ ok: false, error: { code: 'usage', hint: expect.stringMatching(/./) } })
  })

  it('accepts an environment of dray.yaml', async () => {
    const at = await world().image('api:1.0.0').start()
    const cwd = await tempFolder()
    await writeFile(join(cwd, 'dray.yaml'), at.config)
    expect((await warmDray(['ls', '@staging/api'], { cwd })).stdout).toContain('1.0.0')
  })

  it('exits with 4 if some targets of an environment cannot be read, and lists the others', async () => {
    const { staging } = await world().image('api:1.0.0').start()
    await staging.oracle.push(image(), 'prod/api', '1.0.0')
    const cwd = await tempFolder()
    await writeFile(join(cwd, 'dray.yaml'), configOf(staging.host, ['127.0.0.1:1', staging.host]))
    const { code, document } = await warmDrayJson(['ls', '@prod/api'], { cwd })
    expect(code).toBe(4)
    expect(document).toMatchObject({
      ok: false,
      result: [{ error: { code: 'network' } }, { tags: [{ tag: '1.0.0' }] }],
    })
    const { stdout, stderr } = await warmDray(['ls', '@prod/api'], { cwd })
    expect(stdout).toMatch(/^127\.0\.0\.1:1\/prod\/api\nunreachable\n\n127.*\nTAG .*\n1\.0\.0 /)
    expect(stderr).toContain('cannot connect to 127.0.0.1:1')
  })

  it('lists an image of dray.yaml in the environments that have it, and exits 1 if none has it', async () => {
    const at = await world().image('api:1.0.0').start()
    const cwd = await tempFolder()
    await writeFile(join(cwd, 'dray.yaml'), at.config)
    const ended = await warmDray(['ls', 'api'], { cwd })
    expect(ended).toMatchObject({ code: 0, stderr: '' })
    expect(ended.stdout).toMatch(
      /\/dev\/api\nno tags\n\n.*\/staging\/api\nTAG .*\n1\.0\.0 .*\n\n.*\nno tags\n$/,
    )
    const none = await warmDray(['ls', 'web'], { cwd })
    expect(none.code).toBe(1)
    expect(none.stderr).toContain('/prod/web does not exist')
  })

  it('exits with 1 if the repository does not exist', async () => {
    const at = await world().image('api:1.0.0').start()
    const ended = await warmDray(['ls', `${at.staging.host}/nowhere`])
    expect(ended.code).toBe(1)
    expect(ended.stderr).toContain('404')
  })
})

describe('dray inspect', () => {
  it('shows platforms, labels and the tree of evidence', async () => {
    const at = await world().index('api:1.0.0', ['linux/amd64', 'linux/arm64']).sbom({ signed: true }).start()
    const ended = await warmDray(['inspect', `${at.staging.host}/staging/api:1.0.0`, '--tags'])
    expect(ended).toMatchObject({ code: 0, stderr: '' })
    expect(ended.stdout).toContain(at.content('api:1.0.0').root.digest)
    expect(ended.stdout).toMatch(/linux\/amd64 .*2 layers\n.*linux\/arm64 /)
    expect(ended.stdout).toContain('org.opencontainers.image.title')
    expect(ended.stdout).toMatch(/index sha256:[^]*└─ application\/spdx\+json[^]* {3}└─ /)
  })

  it('shows the manifest of one platform with its layers and config', async () => {
    const at = await world().index('api:1.0.0', ['linux/amd64', 'linux/arm64']).start()
    const ref = `${at.staging.host}/staging/api:1.0.0`
    const ended = await warmDray(['inspect', ref, '--platform', 'linux/arm64'])
    expect(ended).toMatchObject({ code: 0, stderr: '' })
    expect(ended.stdout).toContain(at.content('api:1.0.0').manifests[1]?.descriptor.digest)
    expect(ended.stdout).toMatch(/\nTags\n {2}1\.0\.0\n\nLayers\n[^]*\n\nConfig\n {2}cmd +\["\/app"\]\n/)
    const { code, document } = await warmDrayJson(['inspect', ref, '--platform', 'linux/s390x'])
    expect(code).toBe(1)
    expect(document).toMatchObject({
      error: { code: 'not-found', hint: 'Pass one of its platforms: linux/amd64, linux/arm64.' },
    })
  })

  it('prints the unchanged bytes of a manifest with --raw', async () => {
    const at = await world().index('api:1.0.0', ['linux/amd64', 'linux/arm64']).start()
    const ref = `${at.staging.host}/staging/api:1.0.0`
    const manifests = at.content('api:1.0.0').manifests.map(({ bytes }) => Buffer.from(bytes).toString())
    const seen = await at.during(async () => {
      expect(await warmDray(['inspect', ref, '--raw'])).toEqual({
        code: 0,
        stdout: manifests.at(-1),
        stderr: '',
      })
    })
    expect(seen).toHaveLength(1)
    expect((await warmDray(['inspect', ref, '--raw', '--platform', 'linux/amd64'])).stdout).toBe(manifests[0])
  })

  it.each([
    ['raw bytes as JSON', ['--raw', '--json']],
    ['raw bytes with tags', ['--raw', '--tags']],
    ['an invalid platform', ['--platform', 'arm']],
  ])('refuses %s', async (_, args) => {
    expect((await warmDray(['inspect', 'registry.invalid/api:1', ...args])).code).toBe(64)
  })

  it('escapes control characters of labels', async () => {
    const at = await world()
      .image('api:1.0.0', { labels: { '\u001b[2J': '\u202e::error::\n::warning::x' } })
      .start()
    const { stdout } = await warmDray(['inspect', `${at.staging.host}/staging/api:1.0.0`])
    expect(stdout).toContain('\\x1b[2J')
    expect(stdout).not.toContain('\u001b')
    expect(stdout).not.toMatch(/^\s*::/m)
  })

  it('suggests a similar tag if the image does not exist', async () => {
    const at = await world().image('api:1.0.0').start()
    const { code, document } = await warmDrayJson(['inspect', `${at.staging.host}/staging/api:1.0.O`])
    expect(code).toBe(1)
    expect(document).toMatchObject({
      ok: false,
      error: { code: 'not-found', hint: 'Did you mean 1.0.0?' },
    })
  })
})

describe('a name without a registry', () => {
  it('is listed in every environment and inspected in the first one that has the image', async () => {
    const at = await world().image('api:1.9.0').start()
    const folder = await tempFolder()
    await writeFile(join(folder, 'dray.yaml'), at.config)
    const { document } = await warmDrayJson(['ls', 'api', '--brief'], { cwd: folder })
    expect(document.result).toMatchObject([
      { repository: { path: 'dev/api' } },
      { repository: { path: 'staging/api' }, tags: [{ tag: '1.9.0' }] },
      { repository: { path: 'prod/api' } },
    ])
    const { code, stderr, stdout } = await warmDray(['inspect', 'api:1.9.0'], { cwd: folder })
    expect(code).toBe(0)
    expect(stdout).toContain(at.content('api:1.9.0').root.digest)
    expect(stderr).toContain(`Using ${at.staging.host}/staging/api, one of 3 targets.`)
    const none = await warmDray(['inspect', 'api:2.0.0'], { cwd: folder })
    expect(none.code).toBe(1)
    expect(none.stderr).toContain('error: no environment has the image: ')
    expect(none.stderr).toContain('The highest version is 1.9.0.')
    expect(none.stderr).not.toContain('one of 3 targets')
  })
})
