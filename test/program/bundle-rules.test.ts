import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { warmWorkplace, type Workplace } from '../support/workplace.ts'
import { type World, world } from '../support/world.ts'

interface Place extends Workplace {
  readonly at: World
  /** Writes `dray.yaml` again. */
  write(changes: Readonly<Record<string, unknown>>): Promise<void>
}

/** A rule `hub` of two repositories. */
async function place(): Promise<Place> {
  const builder = world()
  for (const name of ['api:1.0', 'api:1.1', 'api:1.2', 'web:2.0', 'web:dev'])
    builder.image(name, { label: name })
  const at = await builder.start()
  const config = (changes: Readonly<Record<string, unknown>>): string => {
    const from = `${at.staging.host}/staging`
    const to = `${at.staging.host}/hub/{repository}`
    const rule = { name: 'hub', from, repositories: ['api', 'web'], to, exclude: ['dev'], ...changes }
    return JSON.stringify({ version: 1, sync: [rule] })
  }
  const here = await warmWorkplace(config({}))
  const write = async (changes: Readonly<Record<string, unknown>>): Promise<void> =>
    await writeFile(join(here.folder, 'dray.yaml'), config(changes))
  return { ...here, at, write }
}

interface Packed {
  readonly roots: readonly {
    readonly repository: string
    readonly tags: readonly string[]
    readonly rule: string
  }[]
  readonly deletes: readonly { readonly repository: string; readonly tag: string }[]
}

async function pack(here: Workplace, ...args: readonly string[]): Promise<Packed> {
  const ended = await here.run('bundle', 'create', ...args, '--json')
  expect(ended, ended.stderr).toMatchObject({ code: 0 })
  return (JSON.parse(ended.stdout) as { result: Packed }).result
}

const tagsOf = ({ roots }: Packed): readonly string[] =>
  roots.flatMap(({ repository, tags }) => tags.map((tag) => `${repository}:${tag}`))

describe('dray bundle create with a rule', () => {
  it('packs what the rule selects, at the paths below its source', async () => {
    const here = await place()
    const made = await pack(here, 'a.tar', 'hub')
    expect(tagsOf(made)).toEqual(['api:1.0', 'api:1.1', 'api:1.2', 'web:2.0'])
    expect(new Set(made.roots.map(({ rule }) => rule))).toEqual(new Set(['hub']))
    expect(await here.run('bundle', 'verify', 'a.tar')).toMatchObject({ code: 0 })
  })

  it('packs images and rules together', async () => {
    const here = await place()
    const made = await pack(here, 'a.tar', 'hub', `${here.at.staging.host}/staging/web:dev`)
    expect(tagsOf(made)).toContain('staging/web:dev')
    expect(tagsOf(made)).toContain('web:2.0')
  })

  it('does not delete tags that the rule no longer selects unless the rule deletes', async () => {
    const here = await place()
    await pack(here, 'a.tar', 'hub')
    await here.write({ exclude: ['dev', '1.0'] })
    expect((await pack(here, 'b.tar', 'hub', '--since', 'a.tar')).deletes).toEqual([])
    await here.write({ exclude: ['dev', '1.0'], delete: { exclusive: true } })
    const next = await pack(here, 'b.tar', 'hub', '--since', 'a.tar')
    expect(next.deletes).toMatchObject([{ repository: 'api', tag: '1.0' }])
    expect(await here.run('bundle', 'verify', 'b.tar')).toMatchObject({ code: 0 })
  })

  it.each([{ maxDeletes: 1 }, { maxPercent: 49 }])('refuses more deletes than %o', async (limits) => {
    const here = await place()
    await pack(here, 'a.tar', 'hub')
    await here.write({ exclude: ['dev', '1.0', '1.1'], delete: { exclusive: true, limits } })
    const ended = await here.run('bundle', 'create', 'b.tar', 'hub', '--since', 'a.tar')
    expect(ended, ended.stderr).toMatchObject({ code: 3, stdout: '' })
    expect(ended.stderr).toContain('would delete too many tags')
    expect(await readdir(here.folder)).not.toContain('b.tar')
  })

  it('deletes nothing in a repository that is no longer in the rule', async () => {
    const here = await place()
    await pack(here, 'a.tar', 'hub')
    await here.write({ repositories: ['api'], delete: { exclusive: true } })
    expect((await pack(here, 'b.tar', 'hub', '--since', 'a.tar')).deletes).toEqual([])
  })

  it('fails as a whole if a repository cannot be read', async () => {
    const here = await place()
    await here.write({ repositories: ['api', 'none'] })
    const ended = await here.run('bundle', 'create', 'a.tar', 'hub')
    expect(ended, ended.stderr).toMatchObject({ code: 1, stdout: '' })
    expect(await readdir(here.folder)).not.toContain('a.tar')
  })

  it('refuses a rule that selects nothing', async () => {
    const here = await place()
    await here.write({ exclude: ['*'] })
    const ended = await here.run('bundle', 'create', 'a.tar', 'hub')
    expect(ended, ended.stderr).toMatchObject({ code: 3 })
    expect(ended.stderr).toContain('the rule hub selects no tag')
  })
})
