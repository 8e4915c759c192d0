import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  completeInit,
  completeRetention,
  formatInitFlags,
  type InitFlags,
  writeConfig,
} from '../../../src/cli/setup/config-init.ts'
import { emptyConfig } from '../../../src/config/config.ts'
import { loadConfig } from '../../../src/config/load.ts'
import { retentionOf } from '../../../src/config/retention/retention.ts'
import { startingConfig } from '../../../src/config/starting/starting-config.ts'
import { scriptedAnswers } from '../../support/scripted-answers.ts'
import { tempFolder } from '../../support/temp.ts'

const flags = (given: Partial<InitFlags> = {}): InitFlags => ({
  registry: undefined,
  env: [],
  retention: undefined,
  clean: undefined,
  ...given,
})
const given = flags({ registry: 'r.example.com', env: ['dev=dev/{image}', 'prod=prod/{image}'] })

describe('a new configuration', () => {
  it('is made of flags if the run is non-interactive', async () => {
    const config = await completeInit({ ...given, retention: 'nightlies', clean: 'prod' }, undefined)
    expect(config).toMatchObject({
      registry: 'r.example.com',
      environments: [
        { name: 'dev', path: 'dev/{image}' },
        { name: 'prod', path: 'prod/{image}' },
      ],
      retention: { policy: { name: 'nightlies' }, environment: 'prod' },
    })
    expect(await completeInit(given, undefined)).not.toHaveProperty('retention')
  })

  it('is made of answers, and names the command without questions', async () => {
    const answers = ['r.example.com', 'dev', 'dev/{image}', 'prod', 'prod/{image}', '', 'nightlies', 'dev']
    const { questions, asked } = scriptedAnswers(...answers)
    const config = await completeInit(flags(), questions)
    expect(asked).toHaveLength(answers.length)
    expect(formatInitFlags(config).join(' ')).toBe(
      '--registry r.example.com --env dev=dev/{image} --env prod=prod/{image} --retention nightlies --clean dev',
    )
  })

  it('asks only for missing flags', async () => {
    const { questions, asked } = scriptedAnswers('none')
    const config = await completeInit(given, questions)
    expect(config).not.toHaveProperty('retention')
    expect(formatInitFlags(config).slice(-2)).toEqual(['--retention', 'none'])
    expect(asked).toHaveLength(1)
  })

  it.each([
    ['nothing', flags(), 'nobody can be asked'],
    ['no environments', flags({ registry: 'r.example.com' }), 'nobody can be asked'],
    ['a registry with a path', { ...given, registry: 'r.example.com/team' }, 'not the host of a registry'],
    ['a registry without a dot', { ...given, registry: 'intranet' }, 'not the host of a registry'],
    ['an environment without a path', { ...given, env: ['dev'] }, 'has no path'],
    ['a path without an image', { ...given, env: ['dev=dev'] }, 'must contain {image} once'],
    ['a path that is none', { ...given, env: ['dev=Dev/{image}'] }, 'lower case'],
    ['a name that is none', { ...given, env: ['De v={image}'] }, 'not the name of an environment'],
    ['a name twice', { ...given, env: ['dev=a/{image}', 'dev=b/{image}'] }, 'given twice'],
    ['an unknown policy', { ...given, retention: 'nightly' }, 'no starting policy "nightly"'],
    ['an unknown environment', { ...given, retention: 'newest', clean: 'prd' }, 'none of the environments'],
  ])('of %s is wrong usage', async (_, wrong, message) => {
    await expect(completeInit(wrong, undefined)).rejects.toThrowError(
      expect.objectContaining({ code: 'usage', message: expect.stringContaining(message) as unknown }),
    )
  })

  it('is written atomically, and is valid', async () => {
    const cwd = await tempFolder()
    const config = await completeInit({ ...given, retention: 'environment' }, undefined)
    await writeConfig(startingConfig(config), 'dray.yaml', { cwd, force: false })
    const loaded = await loadConfig({ cwd, home: cwd })
    expect(loaded.file).toBe(join(cwd, 'dray.yaml'))
    expect(retentionOf(loaded)).toHaveLength(1)
  })

  it('replaces none under any configuration name without --force', async () => {
    const text = startingConfig(await completeInit(given, undefined))
    const refused = expect.objectContaining({ code: 'refused' }) as Error
    for (const name of ['dray.yaml', 'dray.yml', 'dray.json']) {
      const cwd = await tempFolder()
      await writeFile(join(cwd, name), 'mine')
      await expect(writeConfig(text, 'dray.yaml', { cwd, force: false })).rejects.toThrowError(refused)
      expect(await readFile(join(cwd, name), 'utf8')).toBe('mine')
    }
    const cwd = await tempFolder()
    await symlink('nowhere', join(cwd, 'dray.yaml'))
    await mkdir(join(cwd, 'other.yaml'))
    for (const out of ['dray.yaml', 'other.yaml'])
      await expect(writeConfig(text, out, { cwd, force: false })).rejects.toThrowError(refused)
    await writeConfig(text, 'dray.yaml', { cwd, force: true })
    expect(await readFile(join(cwd, 'dray.yaml'), 'utf8')).toBe(text)
  })

  it('is not written under another name, nor into a missing folder', async () => {
    const cwd = await tempFolder()
    const text = startingConfig(await completeInit(given, undefined))
    await expect(writeConfig(text, 'dray.toml', { cwd, force: false })).rejects.toThrowError(
      expect.objectContaining({ code: 'usage' }),
    )
    await expect(writeConfig(text, 'a/dray.yaml', { cwd, force: false })).rejects.toThrowError(
      expect.objectContaining({ code: 'not-found' }),
    )
  })
})

describe('a policy for an existing configuration', () => {
  const config = {
    ...emptyConfig,
    environments: new Map([
      ['dev', { targets: [{ registry: 'r.example.com', path: 'dev/{image}' }] }],
      ['prod', { targets: [{ registry: 'r.example.com', path: 'prod/{image}' }] }],
    ]),
  }

  it('is for one of its environments', async () => {
    expect(await completeRetention(flags({ retention: 'newest' }), config, undefined)).toMatchObject({
      policy: { name: 'newest' },
      environment: 'dev',
    })
    const { questions, asked } = scriptedAnswers('nightlies', 'prod')
    expect((await completeRetention(flags(), config, questions)).environment).toBe('prod')
    expect(asked[1]).toBe('Which environment is cleared out? dev prod')
  })

  it.each([
    ['no policy', flags(), config],
    ['another environment', flags({ retention: 'newest', clean: 'staging' }), config],
    ['no environment', flags({ retention: 'newest' }), emptyConfig],
    ['a name that is none', flags({ retention: 'newest', env: ['x"]\n'] }), emptyConfig],
  ])('of %s is wrong usage', async (_, wrong, known) => {
    await expect(completeRetention(wrong, known, undefined)).rejects.toThrowError(
      expect.objectContaining({ code: 'usage' }),
    )
  })
})
