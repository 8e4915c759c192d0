import { execFile } from 'node:child_process'
import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { type LoadOptions, loadConfig } from '../../src/config/load.ts'
import { parseConfig } from '../../src/config/parse.ts'
import { tempFolder } from '../support/temp.ts'

const minimal = 'version: 1\n'
const trap = `require('node:fs').writeFileSync('ran', '')`

/** The home folder of the search, with files in it. */
async function folderWith(files: Readonly<Record<string, string>>): Promise<string> {
  const home = await tempFolder()
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(home, name)), { recursive: true })
    await writeFile(join(home, name), content)
  }
  return home
}

function refusal(options: LoadOptions): Promise<unknown> {
  return loadConfig(options).then(
    () => 'loaded',
    (thrown: unknown) => thrown,
  )
}

describe('the search for dray.yaml', () => {
  it('goes up to the nearest file', async () => {
    const home = await folderWith({
      'dray.yaml': minimal,
      'a/dray.yml': `${minimal}audit: { file: log.jsonl }`,
      'a/b/c/x': '',
    })
    const { file, config } = await loadConfig({ cwd: join(home, 'a/b/c'), home })
    expect(file).toBe(join(home, 'a/dray.yml'))
    expect(config.audit.file).toBe(join(home, 'a/log.jsonl'))
  })

  it('reads JSON with tabs', async () => {
    const home = await folderWith({
      'dray.json':
        '{\n\t"version": 1,\n\t"environments": { "dev": { "registry": "r.example.com", "path": "{image}" } }\n}',
    })
    expect([...(await loadConfig({ cwd: home, home })).config.environments.keys()]).toEqual(['dev'])
  })

  it('ends at the home folder, and without a file the configuration is empty', async () => {
    const above = await folderWith({ 'dray.yaml': minimal, 'home/project/x': '' })
    const loaded = await loadConfig({ cwd: join(above, 'home/project'), home: join(above, 'home') })
    expect(loaded.file).toBeUndefined()
    expect(loaded.config.environments.size).toBe(0)
  })

  it('does not skip an unreadable file', async () => {
    const above = await folderWith({ 'dray.yaml': minimal, 'a/x': '' })
    await symlink('nowhere', join(above, 'a/dray.yaml'))
    expect(await refusal({ cwd: join(above, 'a'), home: above })).toMatchObject({ code: 'io' })
  })

  it('accepts an empty file', async () => {
    const home = await folderWith({ 'dray.yaml': '' })
    expect(await refusal({ cwd: home, home })).toMatchObject({ code: 'config' })
  })

  it.each([
    ['.config/config.cjs', trap],
    ['.config/config.mjs', `import { writeFileSync } from 'node:fs'; writeFileSync('ran', '')`],
    ['dray.config.js', trap],
    ['.drayrc.cjs', trap],
    ['package.json', '{"cosmiconfig":{"searchPlaces":["x.cjs"]},"dray":{"version":1,"audit":{"file":"x"}}}'],
    ['.config/config.yaml', 'broken: ['],
  ])('executes nothing and ignores %s beside it', async (name, content) => {
    const home = await folderWith({ 'dray.yaml': minimal, 'x.cjs': trap, [name]: content })
    const load = pathToFileURL(join(import.meta.dirname, '../../src/config/load.ts')).href
    // A process of its own, because cosmiconfig reads the working directory.
    const script = `
      const { loadConfig } = await import(${JSON.stringify(load)})
      const { file, config } = await loadConfig({ cwd: process.cwd(), home: process.cwd() })
      console.log(JSON.stringify({ file, audit: config.audit }))`
    const options = { cwd: home, env: { PATH: process.env['PATH'] ?? '' } }
    const args = ['--input-type=module', '--eval', script]
    const { stdout } = await promisify(execFile)(process.execPath, args, options)
    expect(JSON.parse(stdout)).toEqual({ file: join(home, 'dray.yaml'), audit: {} })
    expect(await readdir(home)).not.toContain('ran')
  })

  it('does not import other files', async () => {
    const home = await folderWith({ 'dray.yaml': `${minimal}$import: other.yaml`, 'other.yaml': 'audit: {}' })
    expect(await refusal({ cwd: home, home })).toMatchObject({
      message: expect.stringContaining('dray.yaml:2:1: $import: unknown key "$import"') as unknown,
    })
  })

  it('is skipped for --config, which is relative to the working directory', async () => {
    const home = await folderWith({
      'dray.yaml': 'broken: [',
      'other/ci.yaml': minimal,
      'a.toml': '',
      'dir.yaml/x': '',
    })
    expect((await loadConfig({ cwd: home, home, file: 'other/ci.yaml' })).file).toBe(
      join(home, 'other/ci.yaml'),
    )
    expect(await refusal({ cwd: home, home, file: 'absent.yaml' })).toMatchObject({ code: 'not-found' })
    expect(await refusal({ cwd: home, home, file: 'a.toml' })).toMatchObject({ code: 'usage' })
    expect(await refusal({ cwd: home, home, file: 'dir.yaml' })).toMatchObject({ code: 'io' })
  })

  it('names the file relative to the working directory, or by its absolute path', async () => {
    const home = await folderWith({ 'dray.yaml': 'version: 2', 'a/x': '' })
    expect(await refusal({ cwd: home, home })).toMatchObject({
      message: 'dray.yaml:1:10: version: must be 1',
    })
    expect(await refusal({ cwd: join(home, 'a'), home })).toMatchObject({ subject: join(home, 'dray.yaml') })
  })
})

describe('a configuration', () => {
  const read = (content: string) => parseConfig({ file: '/etc/dray/dray.yaml', content }, 'dray.yaml')

  it('has its short forms expanded and its paths absolute', () => {
    const { config, where } = read(`
version: 1
registries:
  eu.example.com: { insecure: true, ca: certs/eu.pem, concurrency: 4, tokenRealm: https://auth.example.com/token }
environments:
  dev:  { registry: localhost:5000, path: "dev/{image}" }
  prod:
    promoteFrom: [dev]
    targets:
      - { registry: eu.example.com, path: "prod/{image}" }
      - { registry: us.example.com, path: "{image}" }
images:
  api:
  web: { name: frontend/web }
`)
    expect(config.registries.get('eu.example.com')).toEqual({
      insecure: true,
      ca: '/etc/dray/certs/eu.pem',
      concurrency: 4,
      tokenRealm: 'https://auth.example.com/token',
    })
    expect(config.environments.get('dev')).toEqual({
      targets: [{ registry: 'localhost:5000', path: 'dev/{image}' }],
    })
    expect(config.environments.get('prod')?.targets).toHaveLength(2)
    expect(config.environments.get('prod')?.promoteFrom).toEqual(['dev'])
    expect([...(config.images ?? [])]).toEqual([
      ['api', {}],
      ['web', { name: 'frontend/web' }],
    ])
    expect(where(['environments', 'prod', 'targets', 1, 'path'])).toBe('dray.yaml:11:37')
  })

  const dev = 'version: 1\nenvironments:\n  dev: { registry: r.example.com, path: "{image}" }\n'
  it.each([
    [
      'an unknown key',
      `version: 1\nenviroments: {}\n`,
      '2:1: enviroments: unknown key "enviroments"; did you mean "environments"?',
    ],
    [
      'an unknown key deep down',
      `${dev}  prod:\n    registry: r.example.com\n    path: "p/{image}"\n    promotFrom: [dev]\n`,
      '7:5: environments.prod.promotFrom: unknown key "promotFrom"; did you mean "promoteFrom"?',
    ],
    [
      'an unknown key in a list',
      'version: 1\nenvironments:\n  dev:\n    targets:\n      - registry: r.example.com\n        path: "{image}"\n        regin: eu\n',
      '7:9: environments.dev.targets[0].regin: unknown key "regin"; known here: registry, path',
    ],
    ['a missing version', 'environments: {}\n', '1:1: version: the key is missing'],
    ['another version', 'version: "1"\n', '1:10: version: must be 1'],
    [
      'a list for a map',
      'version: 1\nenvironments: []\n',
      '2:15: environments: must be a map, but is a list',
    ],
    ['nothing for a map', 'version: 1\nenvironments:\n', '2:14: environments: must be a map'],
    ['text for the whole', 'hello', '1:1: must be a map'],
    ['a list for the whole', '- version', '1:1: must be a map, but is a list'],
    [
      'a repository of checkpoints without a registry',
      `${dev}audit: { repository: team/audit }\n`,
      '4:22: audit.repository: the registry of "team/audit" is missing; write docker.io/team/audit for Docker Hub',
    ],
    [
      'a time zone that does not exist',
      'version: 1\naudit: { timezone: Europe/Atlantis }\n',
      '2:20: audit.timezone: must be the name of a time zone, such as Europe/Berlin',
    ],
    [
      'an invalid name',
      'version: 1\nenvironments:\n  Prod: { registry: r.example.com, path: "{image}" }\n',
      '3:3: environments.Prod: must consist of lower-case letters',
    ],
    [
      'a property name of JavaScript objects',
      'version: 1\nenvironments:\n  constructor: {}\n',
      '3:3: environments.constructor: "constructor" cannot be used as a name',
    ],
    [
      'neither path nor targets',
      'version: 1\nenvironments:\n  dev: { registry: r.example.com }\n',
      '3:3: environments.dev: an environment needs `registry` and `path`, or `targets`',
    ],
    [
      'both path and targets',
      'version: 1\nenvironments:\n  dev: { path: "{image}", targets: [{ registry: r.example.com, path: "{image}" }] }\n',
      '3:10: environments.dev.path: `path` and `targets` exclude each other',
    ],
    [
      'no targets',
      'version: 1\nenvironments:\n  dev: { targets: [] }\n',
      '3:19: environments.dev.targets: must have at least one entry',
    ],
    [
      'a target twice',
      'version: 1\nenvironments:\n  dev: { targets: [{ registry: r.io, path: "{image}" }, { registry: r.io, path: "{image}" }] }\n',
      '3:57: environments.dev.targets[1]: r.io/{image} is listed twice',
    ],
    [
      'a path without {image}',
      'version: 1\nenvironments:\n  dev: { registry: r.example.com, path: dev }\n',
      '3:41: environments.dev.path: must contain {image} once',
    ],
    [
      'a path with {image} twice',
      'version: 1\nenvironments:\n  dev: { registry: r.io, path: "{image}/{image}" }\n',
      'must contain {image} only once',
    ],
    [
      'an invalid path',
      'version: 1\nenvironments:\n  dev: { registry: r.io, path: "Dev//{image}" }\n',
      '"Dev" must be lower case',
    ],
    [
      'a registry with a path',
      'version: 1\nenvironments:\n  dev: { registry: r.io/team, path: "{image}" }\n',
      '3:20: environments.dev.registry: "r.io/team" is not the host of a registry',
    ],
    [
      'a registry with a scheme',
      'version: 1\nenvironments:\n  dev: { registry: "https://r.io", path: "{image}" }\n',
      '"https://r.io" is not the host of a registry: write it without https://',
    ],
    [
      'a registry that references cannot name',
      'version: 1\nregistries:\n  intranet: {}\n',
      '3:3: registries.intranet: "intranet" is not the host of a registry',
    ],
    [
      'one registry under two names',
      'version: 1\nregistries:\n  docker.io: {}\n  index.docker.io: {}\n',
      '4:3: registries["index.docker.io"]: docker.io is listed twice',
    ],
    [
      'an unknown environment',
      `${dev}  prod: { registry: r.io, path: "p/{image}", promoteFrom: [dve] }\n`,
      'there is no environment "dve"; did you mean "dev"?',
    ],
    [
      'an environment that promotes from itself',
      `${dev}  prod: { registry: r.io, path: "p/{image}", promoteFrom: [prod] }\n`,
      'prod cannot be promoted from itself',
    ],
    [
      'two images with one name',
      'version: 1\nimages:\n  web: { name: site }\n  site: {}\n',
      '4:3: images.site: "site" and "web" have the same name',
    ],
    ['an image that is no path', 'version: 1\nimages:\n  Web: {}\n', '"Web" must be lower case'],
    [
      'a fraction',
      'version: 1\nregistries:\n  r.io: { concurrency: 1.5 }\n',
      '3:24: registries["r.io"].concurrency: must be a whole number',
    ],
    [
      'a secret in a realm',
      'version: 1\nregistries:\n  r.io: { tokenRealm: "https://u:p@r.io/t" }\n',
      'without credentials',
    ],
    [
      'a key twice',
      'version: 1\nimages: {}\nimages: {}\n',
      '3:1: images: the key is given twice in this map',
    ],
    ['broken YAML', 'version: 1\nimages: {\n', '3:1: '],
    ['a tag of another type', 'version: !!js/function "x"\n', '1:10: Unresolved tag'],
    ['two documents', 'version: 1\n---\nversion: 1\n', '2:1: '],
  ])('with %s is refused with its position', (_, content, message) => {
    expect(() => read(content)).toThrowError(
      expect.objectContaining({ code: 'config', message: expect.stringContaining(message) }),
    )
    expect(() => read(content)).toThrowError(/dray\.yaml:\d+:\d+: /)
  })

  it('with several problems reports all, in the order of the file', () => {
    expect(() => read('version: 2\nimags: {}\nregistrys: {}\n')).toThrowError(
      expect.objectContaining({
        code: 'config',
        message: 'dray.yaml has 3 mistakes',
        details: [
          'dray.yaml:1:10: version: must be 1',
          'dray.yaml:2:1: imags: unknown key "imags"; did you mean "images"?',
          'dray.yaml:3:1: registrys: unknown key "registrys"; did you mean "registries"?',
        ],
      }),
    )
  })

  it('cannot exhaust memory by aliases or by its size', () => {
    const bomb = ['a0: &a0 [x]']
    for (let i = 1; i < 30; i++)
      bomb.push(
        `a${i}: &a${i} [${Array(9)
          .fill(`*a${i - 1}`)
          .join(', ')}]`,
      )
    expect(() => read(bomb.join('\n'))).toThrowError(expect.objectContaining({ code: 'config' }))
    expect(() => read('#'.repeat(2_000_000))).toThrowError('larger than')
  })

  it('may use an alias', () => {
    const { config } = read(
      'version: 1\nenvironments:\n  dev: &d { registry: r.example.com, path: "{image}" }\n  test: *d\n',
    )
    expect(config.environments.get('test')).toEqual(config.environments.get('dev'))
  })
})
