import { copyFile, mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  completeInit,
  completeRetention,
  formatInitFlags,
  type InitPorts,
} from '../../../src/cli/setup/config-init.ts'
import type { InitFlags } from '../../../src/cli/setup/init-flags.ts'
import { chooseGateSections } from '../../../src/cli/setup/choose-gates.ts'
import { findUsualRegistry } from '../../../src/cli/setup/usual-registry.ts'
import { validate } from '../../../src/cli/setup/validate.ts'
import { findSchema, writeConfig } from '../../../src/cli/setup/write-config.ts'
import { emptyConfig } from '../../../src/config/config.ts'
import { loadConfig } from '../../../src/config/load.ts'
import { retentionOf } from '../../../src/config/retention/retention.ts'
import { startingConfig } from '../../../src/config/starting/starting-config.ts'
import { fixturePath } from '../../support/gates/cosign-fixtures.ts'
import { readGatedConfig } from '../../support/gates/read-gated-config.ts'
import { scriptedAnswers } from '../../support/scripted-answers.ts'
import { tempFolder } from '../../support/temp.ts'

const flags = (given: Partial<InitFlags> = {}): InitFlags => ({
  registry: undefined,
  env: [],
  image: [],
  retention: undefined,
  clean: undefined,
  gates: undefined,
  ...given,
})
const given = flags({ registry: 'r.example.com', env: ['dev', 'prod'] })

/** Registries with these images. */
const ports = (questions?: InitPorts['questions'], images: readonly string[] = []): InitPorts => ({
  questions,
  usualRegistry: async () => 'localhost:5000',
  usualImage: 'shop',
  findImages: async () => images,
})

/** The environments as `NAME=REGISTRY/PATH`. */
async function environmentsOf(...env: readonly string[]): Promise<readonly string[]> {
  const { environments } = await completeInit(flags({ registry: 'r.example.com', env }), ports())
  return environments.map(({ name, registry, path }) => `${name}=${registry}/${path}`)
}

describe('a new configuration', () => {
  it('is made of flags if the run is non-interactive', async () => {
    const config = await completeInit(
      { ...given, image: ['api', 'web', 'api'], retention: 'nightlies', clean: 'prod' },
      ports(undefined, ['other']),
    )
    expect(config).toMatchObject({
      environments: [
        { name: 'dev', registry: 'r.example.com', path: 'dev/{image}' },
        { name: 'prod', registry: 'r.example.com', path: 'prod/{image}' },
      ],
      images: ['api', 'web'],
      retention: { policy: { name: 'nightlies' }, environment: 'prod' },
    })
  })

  it('has the images of the registries, and a policy for the first environment', async () => {
    const config = await completeInit(given, ports(undefined, ['api', 'web']))
    expect(config.images).toEqual(['api', 'web'])
    expect(config.retention).toMatchObject({ policy: { name: 'newest' }, environment: 'dev' })
    expect(await completeInit({ ...given, retention: 'none' }, ports())).not.toHaveProperty('retention')
  })

  it.each([
    [
      'the default paths',
      ['dev', 'prod'],
      ['dev=r.example.com/dev/{image}', 'prod=r.example.com/prod/{image}'],
    ],
    [
      'a registry for one environment',
      ['dev', 'prod=us.example.com/live/{image}'],
      ['dev=r.example.com/dev/{image}', 'prod=us.example.com/live/{image}'],
    ],
    [
      'the path before, with another name',
      ['dev=acme/{image}-dev', 'prod'],
      ['dev=r.example.com/acme/{image}-dev', 'prod=r.example.com/acme/{image}-prod'],
    ],
    [
      'registries that need a dot, a port or localhost',
      ['dev=localhost/{image}', 'test=reg:5000/{image}', 'prod=team/{image}'],
      ['dev=localhost/{image}', 'test=reg:5000/{image}', 'prod=r.example.com/team/{image}'],
    ],
  ])('has %s', async (_, env, expected) => {
    expect(await environmentsOf(...env)).toEqual(expected)
  })

  it('has the registry of the environment before if --registry is missing', async () => {
    const env = ['dev=a.example.com/dev/{image}', 'staging', 'prod=b.example.com/prod/{image}']
    const { environments } = await completeInit(flags({ env }), ports())
    expect(environments.map(({ registry }) => registry)).toEqual([
      'a.example.com',
      'a.example.com',
      'b.example.com',
    ])
  })

  it('is complete if a person only presses Enter', async () => {
    const { questions, asked } = scriptedAnswers('', '', '', '', '', '', 'newest', 'none')
    const config = await completeInit(flags(), ports(questions))
    expect(asked.slice(0, 6)).toEqual([
      'Registry: [localhost:5000]',
      'Environments, in promotion order: [dev, staging, prod]',
      'Repository in dev: [localhost:5000/dev/{image}]',
      'Repository in staging: [localhost:5000/staging/{image}]',
      'Repository in prod: [localhost:5000/prod/{image}]',
      'Images, separated by commas: [shop]',
    ])
    expect(asked[6]).toMatch(/^Retention policy for dev: newest /)
    expect(asked[7]).toMatch(/^Gates of prod: none signature /)
    expect(config.images).toEqual(['shop'])
    expect(formatInitFlags(config).join(' ')).toBe(
      '--registry localhost:5000 --env dev --env staging --env prod --image shop --retention newest',
    )
  })

  it('asks for the account in a registry of accounts', async () => {
    const { questions, asked } = scriptedAnswers(
      'ghcr.io',
      'dev prod',
      'ghcr.io/acme/{image}-dev',
      '',
      'a',
      'none',
      'none',
    )
    const { environments } = await completeInit(flags(), ports(questions))
    expect(asked[2]).toBe('Repository in dev: [ghcr.io/NAMESPACE/{image}-dev]')
    expect(environments.map(({ path }) => path)).toEqual(['acme/{image}-dev', 'acme/{image}-prod'])
  })

  it('is made of answers: each default follows from the answer before', async () => {
    const answers = ['ghcr.io', 'dev prod', 'ghcr.io/acme/dev/{image}', '', ['web'], 'none', 'signature,scan']
    const { questions, asked } = scriptedAnswers(...answers)
    const config = await completeInit(flags(), ports(questions, ['api', 'web']))
    expect(asked[3]).toBe('Repository in prod: [ghcr.io/acme/prod/{image}]')
    expect(asked[4]).toBe('Images: api web')
    expect(formatInitFlags(config).join(' ')).toBe(
      '--registry ghcr.io --env dev=acme/dev/{image} --env prod --image web --retention none --gates signature,scan',
    )
  })

  it('asks only for missing flags, and not for the only image', async () => {
    const { questions, asked } = scriptedAnswers('none')
    const config = await completeInit({ ...given, gates: 'none' }, ports(questions, ['api']))
    expect(config.images).toEqual(['api'])
    expect(asked).toHaveLength(1)
  })

  it.each([
    ['nothing', flags(), '--registry and --env are missing'],
    ['no environments', flags({ registry: 'r.example.com' }), '--env is missing'],
    ['no registry', flags({ env: ['dev'] }), '--registry is missing'],
    ['a registry with a path', { ...given, registry: 'r.example.com/team' }, 'not the host of a registry'],
    ['a registry without a dot', { ...given, registry: 'intranet' }, 'not the host of a registry'],
    ['a path without an image', { ...given, env: ['dev=dev'] }, 'must contain {image} once'],
    ['a path in upper case', { ...given, env: ['dev=Dev/{image}'] }, 'lower case'],
    ['an invalid name', { ...given, env: ['De v={image}'] }, 'not the name of an environment'],
    ['a name twice', { ...given, env: ['dev=a/{image}', 'dev=b/{image}'] }, 'given twice'],
    ['one repository twice', { ...given, env: ['dev=a/{image}', 'qa=a/{image}'] }, 'the same repository'],
    ['a path without an account', flags({ registry: 'ghcr.io', env: ['dev'] }), 'the path is missing'],
    ['an invalid image', { ...given, image: ['Api'] }, 'lower case'],
    ['an unknown policy', { ...given, retention: 'nightly' }, 'no starting policy "nightly"'],
    ['an unknown environment', { ...given, clean: 'prd' }, 'not one of the environments'],
  ])('of %s is wrong usage', async (_, wrong, message) => {
    await expect(completeInit(wrong, ports())).rejects.toThrowError(
      expect.objectContaining({ code: 'usage', message: expect.stringContaining(message) as unknown }),
    )
  })

  it('shows a full command if flags are missing', async () => {
    await expect(completeInit(flags(), ports())).rejects.toMatchObject({
      hint: expect.stringContaining('dray config init --registry') as unknown,
    })
  })

  it.each([
    [['dev', 'prod'], 'dev'],
    [['dev={image}', 'qa={image}-qa', 'prod=us.example.com/prod/{image}', 'last'], 'prod'],
    [['dev=acme/{image}-dev', 'prod', 'other={image}'], 'dev'],
  ])('with --env %j has flags for the same result', async (env, clean) => {
    const config = await completeInit({ ...given, env, image: ['api'], clean }, ports())
    const words = formatInitFlags(config)
    const valuesOf = (flag: string) => words.filter((_, i) => words[i - 1] === flag)
    const again = await completeInit(
      flags({
        registry: valuesOf('--registry')[0],
        env: valuesOf('--env'),
        image: valuesOf('--image'),
        retention: valuesOf('--retention')[0],
        clean: valuesOf('--clean')[0],
      }),
      ports(),
    )
    expect(again).toEqual(config)
  })

  it('has a registry of the configuration of Docker as default', async () => {
    const home = await tempFolder()
    expect(await findUsualRegistry({}, home)).toBe('localhost:5000')
    await mkdir(join(home, '.docker'))
    const auths = { 'r.example.com/team': {}, 'https://index.docker.io/v1/': {} }
    await writeFile(join(home, '.docker', 'config.json'), JSON.stringify({ auths }))
    expect(await findUsualRegistry({}, home)).toBe('docker.io')
  })

  it('is written atomically, and is valid', async () => {
    const cwd = await tempFolder()
    const config = await completeInit({ ...given, retention: 'environment' }, ports())
    await writeConfig(startingConfig(config), 'dray.yaml', { cwd, force: false })
    const loaded = await loadConfig({ cwd, home: cwd })
    expect(loaded.file).toBe(join(cwd, 'dray.yaml'))
    expect(retentionOf(loaded)).toHaveLength(1)
  })

  it('replaces none under any configuration name without --force', async () => {
    const text = startingConfig(await completeInit(given, ports()))
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
    const text = startingConfig(await completeInit(given, ports()))
    await expect(writeConfig(text, 'dray.toml', { cwd, force: false })).rejects.toThrowError(
      expect.objectContaining({ code: 'usage' }),
    )
    await expect(writeConfig(text, 'a/dray.yaml', { cwd, force: false })).rejects.toThrowError(
      expect.objectContaining({ code: 'not-found' }),
    )
  })

  it('names the schema for editors if dray is installed in the folder or above', async () => {
    const cwd = await tempFolder()
    expect(await findSchema(join(cwd, 'a', 'dray.yaml'))).toBeUndefined()
    const folder = join(cwd, 'node_modules', 'dray', 'schema')
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, 'dray.schema.json'), '{}')
    const file = 'node_modules/dray/schema/dray.schema.json'
    expect(await findSchema(join(cwd, 'dray.yaml'))).toBe(`./${file}`)
    expect(await findSchema(join(cwd, 'a', 'dray.yaml'))).toBe(`../${file}`)
    const text = startingConfig(await completeInit(given, ports()), `./${file}`)
    expect(text).toMatch(/^# yaml-language-server: \$schema=\.\/node_modules/)
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
    expect(asked[1]).toBe('Environment of the policy: dev prod')
  })

  it.each([
    ['no policy', flags({ retention: 'none' }), config],
    ['another environment', flags({ retention: 'newest', clean: 'staging' }), config],
    ['no environment', flags({ retention: 'newest' }), emptyConfig],
    ['a name that is none', flags({ retention: 'newest', env: ['x"]\n'] }), emptyConfig],
  ])('of %s is wrong usage', async (_, wrong, known) => {
    await expect(completeRetention(wrong, known, undefined)).rejects.toThrowError(
      expect.objectContaining({ code: 'usage' }),
    )
  })
})

describe('the gates of a new configuration', () => {
  const environments = flags({ registry: 'r.example.com', env: ['dev', 'staging', 'prod'] })

  it('are those of --gates, for the last environment, with the keys that they need', async () => {
    const gates = 'approvals,signature,soak,scan,sbom'
    const config = await completeInit({ ...environments, gates, retention: 'none' }, ports())
    const cwd = await tempFolder()
    const loaded = await writeConfig(startingConfig(config), 'dray.yaml', { cwd, force: false })
    const { staging, prod } = Object.fromEntries(loaded.config.environments)
    expect(prod?.gates?.map(({ kind }) => kind)).toEqual(['signature', 'scan', 'sbom', 'soak', 'approvals'])
    expect(prod?.gates?.find(({ kind }) => kind === 'soak')).toMatchObject({ soakEnvironment: 'staging' })
    expect(staging).toMatchObject({ attest: true })
    expect(staging?.gates).toBeUndefined()
    expect([...(loaded.config.trust?.signers.keys() ?? [])]).toEqual(['build', 'scanner', 'promotions'])
    expect(loaded.config.audit.sign?.key).toBe(join(cwd, 'keys', 'promotions.pem'))
  })

  it('need keys, and config validate names each file that is missing', async () => {
    const config = await completeInit({ ...environments, gates: 'signature,approvals' }, ports())
    const cwd = await tempFolder()
    const text = startingConfig(config)
    await writeConfig(text, 'dray.yaml', { cwd, force: false })
    const loaded = await loadConfig({ cwd, home: cwd })
    await expect(validate(loaded, Date.now())).rejects.toMatchObject({
      code: 'config',
      mistakes: [
        {
          path: 'signers.build.keys[0]',
          line: text.split('\n').findIndex((line) => line.startsWith('  build:')) + 1,
          message: 'keys/build.pub: the file of the key does not exist',
        },
        {
          path: 'approvers.leads.ada.keys[0]',
          message: 'keys/ada.pub: the file of the key does not exist',
          hint: 'put the public key of the signer into the file, in PEM',
        },
      ],
    })
    await mkdir(join(cwd, 'keys'))
    await copyFile(fixturePath('build.pub'), join(cwd, 'keys', 'build.pub'))
    await copyFile(fixturePath('ed25519.pub'), join(cwd, 'keys', 'ada.pub'))
    await expect(validate(loaded, Date.now())).resolves.toMatchObject({ gateWarnings: [] })
  })

  it('are none without --gates', async () => {
    expect(await completeInit(environments, ports())).not.toHaveProperty('gates')
  })

  it.each([
    ['signatur', '--gates "signatur" is not a gate to begin with', 'Did you mean signature?'],
    [
      'cel',
      '--gates "cel" is not a gate to begin with',
      'Pass some of signature,scan,sbom,soak,approvals, or none.',
    ],
  ])('cannot be %s', async (gates, message, hint) => {
    await expect(completeInit({ ...environments, gates }, ports())).rejects.toMatchObject({
      code: 'usage',
      message,
      hint,
    })
  })

  it('cannot have soak time in the first environment, to which nothing is promoted', async () => {
    for (const env of [['prod'], ['dev', 'prod']]) {
      const few = flags({ registry: 'r.example.com', env, gates: 'soak' })
      await expect(completeInit(few, ports())).rejects.toMatchObject({ code: 'usage' })
    }
  })

  it('are not asked for if there is one environment', async () => {
    const { questions, asked } = scriptedAnswers('none')
    await completeInit(flags({ registry: 'r.example.com', env: ['prod'], image: ['api'] }), ports(questions))
    expect(asked).toHaveLength(1)
  })

  it('are printed for an existing file, and are valid there', async () => {
    const content = `version: 1
environments:
  dev: { registry: r.io, path: "dev/{image}" }
  staging: { registry: r.io, path: "staging/{image}" }
  prod: { registry: r.io, path: "prod/{image}" }
`
    const { config } = await readGatedConfig(content)
    const printed = await chooseGateSections({ gates: 'soak,signature', env: [] }, config)
    expect(printed).toMatchObject({ environment: 'prod', gates: ['signature', 'soak'] })
    expect(printed.text).toContain('  staging:\n    attest: true')
    const paths = printed.text.replaceAll(
      /^ {2}(staging|prod):$/gm,
      '$&\n    registry: r.io\n    path: "$1/{image}"',
    )
    const pasted = await readGatedConfig(`version: 1\n${paths}`)
    expect(pasted.config.environments.get('prod')?.gates).toHaveLength(2)
    await expect(chooseGateSections({ gates: 'none', env: [] }, config)).rejects.toMatchObject({
      code: 'usage',
    })
    await expect(chooseGateSections({ gates: 'scan', env: [] }, emptyConfig)).rejects.toMatchObject({
      code: 'usage',
    })
  })
})
