import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { schemaFile } from '../../scripts/schema.ts'
import { warmDray, warmDrayJson } from '../support/program.ts'
import { tempFolder } from '../support/temp.ts'
import { world } from '../support/world.ts'

/** Nothing listens at this address. */
const closed = '127.0.0.1:1'
const flags = ['--registry', closed, '--env', 'dev', '--image', 'api', '--retention', 'pull-requests']

describe('dray config', () => {
  it('init writes a valid dray.yaml, and replaces it only with --force', async () => {
    const cwd = await tempFolder()
    const options = { cwd, env: { HOME: cwd } }
    const made = await warmDray(['config', 'init', ...flags], options)
    expect(made.code).toBe(0)
    expect(made.stdout).toBe('Wrote dray.yaml. Next:\n  dray status\n  dray prune\n')
    expect(made.stderr).toContain(`warning: cannot connect to ${closed}`)
    const valid = await warmDray(['config', 'validate'], options)
    expect(valid).toMatchObject({ code: 0, stderr: '' })
    expect(valid.stdout).toContain('retention: 4 rules (pull-requests, main-branches, branches, caches)')
    const before = await readFile(join(cwd, 'dray.yaml'), 'utf8')
    const again = await warmDray(['config', 'init', ...flags], options)
    expect(again.code).toBe(3)
    expect(again.stderr).toContain('--print')
    expect(await readFile(join(cwd, 'dray.yaml'), 'utf8')).toBe(before)
    expect((await warmDray(['config', 'init', ...flags, '--force'], options)).code).toBe(0)
  })

  it('init finds the images of a registry, and the commands that it names work', async () => {
    const w = await world().image('api:1.4.1').image('api:1.4.2').image('web:1.0.0').start()
    const cwd = await tempFolder()
    const options = { cwd, env: { HOME: cwd } }
    const env = ['staging', 'prod'].flatMap((name) => ['--env', name])
    const { code, document } = await warmDrayJson(
      ['config', 'init', '--registry', w.staging.host, ...env],
      options,
    )
    expect(code).toBe(0)
    const next = ['dray status', 'dray promote api:1.4.2 --from staging --to prod', 'dray prune']
    expect(document).toMatchObject({ warnings: [], result: { images: ['api', 'web'], retention: 'newest' } })
    expect(document).toHaveProperty('result.next', next)
    for (const command of next) {
      const yes = command.includes('promote') ? ['--yes'] : []
      const ended = await warmDray([...command.split(' ').slice(1), ...yes], options)
      expect(ended).toMatchObject({ code: 0 })
    }
  })

  it('init exits with 64 and names the flags if it is non-interactive', async () => {
    const cwd = await tempFolder()
    const ended = await warmDray(['config', 'init'], { cwd, env: { HOME: cwd } })
    expect(ended).toMatchObject({ code: 64, stdout: '' })
    expect(ended.stderr).toContain('--registry and --env are missing')
    expect(ended.stderr).toContain('dray config init --registry')
  })

  it('init --print prints a section to paste, and writes nothing', async () => {
    const cwd = await tempFolder()
    const options = { cwd, env: { HOME: cwd } }
    const file = join(cwd, 'dray.yaml')
    const written = 'version: 1\nenvironments:\n  dev: { registry: r.example.com, path: "{image}" }\n'
    const early = await warmDray(
      ['config', 'init', '--print', '--retention', 'environment', '--clean', 'dev'],
      options,
    )
    await writeFile(file, written)
    const printed = await warmDray(['config', 'init', '--print', '--retention', 'environment'], options)
    expect(printed.code).toBe(0)
    expect(early).toMatchObject({ code: 0, stdout: printed.stdout })
    expect(await readFile(file, 'utf8')).toBe(written)
    await writeFile(file, written + printed.stdout)
    expect((await warmDray(['config', 'validate'], options)).code).toBe(0)
  })

  it('validate prints all mistakes, one on each line, and as a list in JSON', async () => {
    const cwd = await tempFolder()
    const options = { cwd, env: { HOME: cwd } }
    await writeFile(
      join(cwd, 'x.yaml'),
      'version: 1\nretention:\n  rules: [{ name: a }, { name: a, olderThan: 0d }]\n',
    )
    const ended = await warmDray(['config', 'validate', 'x.yaml'], options)
    expect(ended).toMatchObject({ code: 1, stdout: '' })
    expect(ended.stderr.split('\n').slice(0, 4)).toEqual([
      'error: x.yaml has 3 mistakes:',
      '  x.yaml:3:11: retention.rules[0]: it deletes everything: add `tags`, `keepNewest` or `olderThan`',
      '  x.yaml:3:32: retention.rules[1].name: "a" is given twice',
      '  x.yaml:3:46: retention.rules[1].olderThan: 0d is not an age: every image is older',
    ])
    const { code, document } = await warmDrayJson(['config', 'validate', 'x.yaml'], options)
    expect(code).toBe(1)
    expect(document).toMatchObject({ error: { message: 'x.yaml has 3 mistakes', details: { length: 3 } } })
    expect(document).toHaveProperty('error.mistakes[1]', {
      path: 'retention.rules[1].name',
      line: 3,
      column: 32,
      message: '"a" is given twice',
    })
  })

  it('validate reports a deprecated key as a warning, once', async () => {
    const cwd = await tempFolder()
    const file = 'version: 1\nenvironments:\n  dev: { registry: r.io, path: "{image}", marker: stable }\n'
    await writeFile(join(cwd, 'dray.yaml'), file)
    const { code, document } = await warmDrayJson(['config', 'validate'], { cwd, env: { HOME: cwd } })
    expect(code).toBe(0)
    const path = 'environments.dev.marker'
    const message = '`marker` is deprecated; rename it to `currentTag`'
    expect(document).toMatchObject({
      warnings: [`dray.yaml:3:43: ${path}: ${message}`],
      result: { warnings: [{ path, line: 3, column: 43, hint: 'rename it to `currentTag`' }] },
    })
  })

  it('schema prints the JSON Schema of the package', async () => {
    const { stdout } = await warmDray(['config', 'schema'])
    expect(stdout).toBe(await readFile(schemaFile, 'utf8'))
  })

  it('validate exits with 1 and a hint if there is no dray.yaml', async () => {
    const cwd = await tempFolder()
    const ended = await warmDray(['config', 'validate'], { cwd, env: { HOME: cwd } })
    expect(ended.code).toBe(1)
    expect(ended.stderr).toContain('dray config init')
  })
})
