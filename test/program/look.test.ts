import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { dray, drayJson } from '../support/program.ts'
import { tempFolder } from '../support/temp.ts'
import { world } from '../support/world.ts'

describe('dray ls', () => {
  it('lists tags, the highest first, with digests, and leaves evidence out', async () => {
    const at = await world().image('api:1.9.0').image('api:1.10.0').signed('cosign').start()
    const repository = `${at.staging.host}/staging/api`
    const ended = await dray(['ls', repository])
    expect(ended.code).toBe(0)
    expect(ended.stdout.split('\n').slice(1, 3)).toEqual([
      `1.10.0  ${at.content('api:1.10.0').root.digest}  image`,
      `1.9.0   ${at.content('api:1.9.0').root.digest}  image`,
    ])
    expect(ended.stderr).toContain('1 tag of evidence not shown')
    expect((await dray(['ls', repository, '--all-tags'])).stdout).toContain('.sig')
    expect((await dray(['ls', repository, '-n', '1'])).stderr).toContain('1 more tag')
  })

  it('asks for the digests of those tags only that it shows', async () => {
    const at = await world().image('api:1.9.0').image('api:1.10.0').start()
    const seen = await at.during(async () => {
      const { document } = await drayJson(['ls', `${at.staging.host}/staging/api`, '--limit', '1'])
      expect(document).toMatchObject({ ok: true, result: [{ total: 2, tags: [{ tag: '1.10.0' }] }] })
    })
    expect(seen.filter(({ method }) => method === 'HEAD')).toHaveLength(1)
  })

  it('takes an environment of dray.yaml', async () => {
    const at = await world().image('api:1.0.0').start()
    const cwd = await tempFolder()
    await writeFile(join(cwd, 'dray.yaml'), at.config)
    expect((await dray(['ls', '@staging/api'], { cwd })).stdout).toContain('1.0.0')
  })

  it('says that a repository is not there', async () => {
    const at = await world().image('api:1.0.0').start()
    const ended = await dray(['ls', `${at.staging.host}/nowhere`])
    expect(ended.code).toBe(1)
    expect(ended.stderr).toContain('404')
  })
})

describe('dray inspect', () => {
  it('shows platforms, labels and the tree of evidence', async () => {
    const at = await world().index('api:1.0.0', ['linux/amd64', 'linux/arm64']).sbom({ signed: true }).start()
    const ended = await dray(['inspect', `${at.staging.host}/staging/api:1.0.0`, '--tags'])
    expect(ended).toMatchObject({ code: 0, stderr: '' })
    expect(ended.stdout).toContain(at.content('api:1.0.0').root.digest)
    expect(ended.stdout).toMatch(/linux\/amd64 .*2 layers\n.*linux\/arm64 /)
    expect(ended.stdout).toContain('org.opencontainers.image.title')
    expect(ended.stdout).toMatch(/index sha256:[^]*└─ application\/spdx\+json[^]* {3}└─ /)
  })

  it('shows no control of a label on the terminal', async () => {
    const at = await world()
      .image('api:1.0.0', { labels: { '\u001b[2J': '\u202e::error::\n::warning::x' } })
      .start()
    const { stdout } = await dray(['inspect', `${at.staging.host}/staging/api:1.0.0`])
    expect(stdout).toContain('\\x1b[2J')
    expect(stdout).not.toContain('\u001b')
    expect(stdout).not.toMatch(/^\s*::/m)
  })

  it('says that an image is not there, and which tags are near', async () => {
    const at = await world().image('api:1.0.0').start()
    const { code, document } = await drayJson(['inspect', `${at.staging.host}/staging/api:1.0.O`])
    expect(code).toBe(1)
    expect(document).toMatchObject({
      ok: false,
      error: { code: 'not-found', hint: 'The nearest tags are 1.0.0.' },
    })
  })
})
