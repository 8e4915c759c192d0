import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  resolveImageToExplain,
  resolveImageToInspect,
  resolveRepositoriesToList,
} from '../../../src/cli/arguments/image-requests.ts'
import { resolveDiffRequest } from '../../../src/cli/arguments/diff-request.ts'
import { resolveHistoryRequest } from '../../../src/cli/arguments/history-request.ts'
import { promoteRequests } from '../../../src/cli/arguments/promote-requests.ts'
import { rollbackRequest } from '../../../src/cli/arguments/rollback-request.ts'
import { resolveStatusRequest } from '../../../src/cli/arguments/status-request.ts'
import { tagRequests } from '../../../src/cli/arguments/tag-requests.ts'
import { checkpointRepository } from '../../../src/cli/audit/checkpoints.ts'
import { resolveScope } from '../../../src/cli/prune/prune-scope.ts'
import { resolveRegistriesToExamine, resolveScratchRepository } from '../../../src/cli/registries/doctor.ts'
import { type Config, emptyConfig } from '../../../src/config/config.ts'
import { parseConfig } from '../../../src/config/parse.ts'
import { resolveLoginRegistry, resolveOneRegistry } from '../../../src/config/resolver/resolve-registry.ts'
import { isDrayError } from '../../../src/lib/errors.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import { formatRepository, type RepositoryName } from '../../../src/oci/reference.ts'

const environments = `version: 1
environments:
  dev: { registry: r.example, path: "dev/{image}" }
  staging: { registry: r.example, path: "staging/{image}", promoteFrom: [dev] }
  prod:
    promoteFrom: [staging]
    targets:
      - { registry: eu.example, path: "prod/{image}" }
      - { registry: us.example, path: "prod/{image}" }
`
const read = (content: string): Config => parseConfig({ file: '/p/dray.yaml', content }, 'dray.yaml').config
const config = read(`${environments}images: { api: {}, team/web: { name: web } }\n`)
const unlisted = read(environments)
const digest = digestOf('x')
const never = () => Promise.reject(new Error('a layout was read'))
const call = { signal: new AbortController().signal, notify: () => undefined }
const retention = {
  name: undefined,
  protect: [],
  rules: [],
  limits: {},
  timeFrom: [],
  hiddenRules: [],
  doubtfulRanges: [],
  hash: '',
} as const
const policy = { levels: undefined, channels: undefined, allowBackward: false }
const tagging = { env: undefined, tags: ['x'], next: undefined, fromLabel: false, policy, cwd: '/p' }
const placing = { tags: ['x'], cwd: '/p' }

type Command = (
  text: string,
  config: Config,
) => Promise<readonly RepositoryName[]> | readonly RepositoryName[]

async function promote(references: readonly string[], options: object, given: Config) {
  const complete = { operation: 'promote', references, ...placing, ...options } as const
  return promoteRequests(complete, given, never)
}

const to = 'x.example/elsewhere'
/** The repositories that each command reads or writes for an argument. */
const commands: Readonly<Record<string, Command>> = {
  'promote --from staging': async (text, given) =>
    (await promote([text], { from: 'staging', to: 'prod' }, given)).map(({ from }) => from.repository),
  'promote --to prod': async (text, given) =>
    (await promote([text], { to: 'prod' }, given)).map(({ from }) => from.repository),
  'promote SOURCE': async (text, given) =>
    (await promote([text, to], {}, given)).map(({ from }) => from.repository),
  'promote DESTINATION': async (text, given) =>
    (await promote([to, text], {}, given)).flatMap((request) => request.to.targets),
  'copy SOURCE': async (text, given) =>
    (await promote([text, to], { operation: 'copy' }, given)).map(({ from }) => from.repository),
  'copy DESTINATION': async (text, given) =>
    (await promote([to, text], { operation: 'copy' }, given)).flatMap((request) => request.to.targets),
  tag: (text, given) =>
    tagRequests({ ...tagging, references: [text] }, given).flatMap(({ targets }) => targets),
  'tag --env staging': (text, given) =>
    tagRequests({ ...tagging, references: [text], env: 'staging' }, given).flatMap(({ targets }) => targets),
  rollback: (text, given) =>
    rollbackRequest({ image: text, env: undefined, to: undefined, partial: false, cwd: '/p' }, given).targets,
  'rollback --env staging': (text, given) =>
    rollbackRequest({ image: text, env: 'staging', to: undefined, partial: false, cwd: '/p' }, given).targets,
  prune: async (text, given) => {
    const options = { patterns: [text], exclude: [] }
    const { repositories } = await resolveScope(retention, options, given, async () => [], call)
    return repositories.map(({ repository }) => repository)
  },
  explain: (text, given) => [resolveImageToExplain(text, given).repository],
  history: (text, given) => resolveHistoryRequest(text, 1, given).targets.map(({ repository }) => repository),
  status: (text, given) =>
    resolveStatusRequest([text], [], given).targets.map(({ repository }) => repository),
  'status --env staging': (text, given) =>
    resolveStatusRequest([text], ['staging'], given).targets.map(({ repository }) => repository),
  diff: (text, given) =>
    resolveDiffRequest(['staging', 'prod', text], given).images.flatMap(({ from, to: other }) =>
      [...from, ...other].map(({ repository }) => repository),
    ),
  ls: (text, given) => resolveRepositoriesToList(text, given).repositories,
  inspect: (text, given) => resolveImageToInspect(text, given).repositories,
  doctor: (text, given) =>
    resolveRegistriesToExamine(text, given).map(({ registry, path = '' }) => ({ registry, path })),
  'doctor --write': (text, given) => [resolveScratchRepository(text, given, true)],
  'audit checkpoint --repository': (text, given) => [checkpointRepository(text, given)],
  'auth explain': (text, given) => [{ path: '', ...resolveOneRegistry(text, given) }],
}
const names = Object.keys(commands)

async function repositoriesOf(command: string, text: string, given: Config = config): Promise<string> {
  const run = commands[command]
  if (run === undefined) throw new Error(command)
  try {
    return (await run(text, given)).map(formatRepository).join(' ')
  } catch (error) {
    if (!isDrayError(error)) throw error
    return `${error.code}: ${error.message}`
  }
}

async function allOf(text: string, given: Config = config): Promise<Readonly<Record<string, string>>> {
  const entries = names.map(async (name) => [name, await repositoriesOf(name, text, given)] as const)
  return Object.fromEntries(await Promise.all(entries))
}

/** The same result for some commands. */
function allWith(commandNames: readonly string[], result: string): Readonly<Record<string, string>> {
  return Object.fromEntries(commandNames.map((name) => [name, result]))
}

/** The distinct results of all commands. */
async function distinct(text: string, given: Config = config): Promise<readonly string[]> {
  return [...new Set(Object.values(await allOf(text, given)))]
}

const dev = 'r.example/dev/api'
const staging = 'r.example/staging/api'
const prod = 'eu.example/prod/api us.example/prod/api'
const onlyEnvironments = new Set(names.filter((name) => /--(?:from|to|env)|^diff|^status/.test(name)))
const needEnvironment = names.filter((name) =>
  /SOURCE|DESTINATION|^tag$|^rollback$|^prune|--write|--repository/.test(name),
)
const views = ['history', 'status', 'ls', 'inspect']
const selecting = names.filter((name) => name.endsWith('--env staging') || name.startsWith('promote --'))

/** `doctor` and `auth explain` take a host too, with a dot or a port. */
const withoutHost = names.filter((name) => !/^doctor$|^auth/.test(name))
/** An error, or repositories of the environments. */
const ofEnvironments: unknown = expect.stringMatching(/^(?:usage: .*|(?:(?:r|eu|us)\.example\/\S+ ?)+)$/s)

describe('a name of Docker Hub', () => {
  it.each(['docker.io', 'index.docker.io', 'registry-1.docker.io', 'Index.Docker.io:443'])(
    'with %s is docker.io/library/… for every command',
    async (host) => {
      const found = await allOf(`${host}/alpine`)
      const others = Object.entries(found).filter(([name]) => !onlyEnvironments.has(name))
      const repositories = others.map(([, repository]) => repository)
      expect(repositories.filter((text) => text === 'docker.io/library/alpine').length).toBeGreaterThan(5)
      expect(repositories.filter((text) => !/docker\.io\/library\/alpine/.test(text))).toEqual([])
      expect(repositories.join()).not.toMatch(/index|registry-1/i)
    },
  )
})

describe('a bare name, if dray.yaml defines environments', () => {
  it.each([
    ['api', 'api'],
    ['team/web', 'web'],
  ])('is the image %s of dray.yaml for every command', async (text, name) => {
    const repository = (path: string): string => path.replaceAll('/api', `/${name}`)
    expect(await allOf(text)).toEqual({
      ...allWith(selecting, repository(staging)),
      ...allWith(views, repository(`${dev} ${staging} ${prod}`)),
      ...allWith(needEnvironment, `usage: the environment of "${text}" is missing`),
      diff: repository(`${staging} ${prod}`),
      explain: `usage: ${text} is in several repositories`,
      doctor: repository(`${dev} ${prod}`),
      'auth explain': `usage: ${text} is in several registries`,
    })
  })

  it('is the image if there is only one environment', async () => {
    const one = read('version: 1\nenvironments: { dev: { registry: r.example, path: "dev/{image}" } }\n')
    for (const command of [...views, 'explain', 'doctor', 'auth explain'])
      expect(await repositoriesOf(command, 'api', one)).toBe(dev)
    for (const command of needEnvironment)
      expect(await repositoriesOf(command, 'api', one)).toMatch(/the environment of "api(?::1)?" is missing/)
  })

  it('is never read from Docker Hub', async () => {
    const hex = 'a'.repeat(64)
    const images = 'api api:1.4.2 team/api library/api Team/api:1'
    const valid =
      'API localhost a.b docker.io index.docker.io prod oci library a_b a/b/c/d team/API xn--pi-6kc'
    const malformed = 'api@prod api/@x api: api@ api/ /api -api .. %61pi api%2f.. аpi ａｐｉ api\u200b'
    const words = [images, valid, malformed].flatMap((list) => list.split(' '))
    const texts = [...words, hex, `api@${digest}`, `api:1@${digest}`, ' api', '', '@', 'api\n']
    for (const text of texts) {
      for (const given of [config, unlisted]) {
        const results = await allOf(text, given)
        for (const name of withoutHost) expect([name, results[name]]).toEqual([name, ofEnvironments])
      }
    }
  })

  it('is never read from a registry that dray.yaml does not name, whatever the name is', async () => {
    const part = fc.stringMatching(/^[a-zA-Z0-9_-]{1,6}$/)
    const end = fc.constantFrom('', ':1.4.2', `@${digest}`, '@prod', ':latest')
    const name = fc.tuple(fc.array(part, { minLength: 1, maxLength: 3 }), end)
    await fc.assert(
      fc.asyncProperty(name, fc.constantFrom(...withoutHost), async ([parts, last], command) => {
        const text = `${parts.join('/')}${last}`
        fc.pre(parts[0] !== 'localhost' || parts.length === 1)
        expect(await repositoriesOf(command, text, unlisted)).toEqual(ofEnvironments)
      }),
      { numRuns: 300 },
    )
  })

  it('takes the source of a promotion from the only environment in promoteFrom', async () => {
    const source = async (from: string): Promise<string> =>
      repositoriesOf('promote --to prod', 'api:1', read(environments.replace('[staging]', from)))
    expect(await source('[staging]')).toBe(staging)
    expect(await source('[staging, dev]')).toMatch(/the environment of "api(?::1)?" is missing/)
    expect(await source('[]')).toMatch(/the environment of "api(?::1)?" is missing/)
    const error = promote(['api:1'], { to: 'dev' }, config)
    await expect(error).rejects.toMatchObject({ code: 'usage', hint: expect.stringContaining('--from ENV') })
  })

  it('is not the name of an environment, and the error has the spelling of one', async () => {
    for (const given of [config, unlisted])
      await expect(promote(['@staging/api:1', 'prod'], {}, given)).rejects.toMatchObject({
        code: 'usage',
        hint: expect.stringContaining('@prod'),
      })
  })
})

describe('without environments', () => {
  it('a bare name is on Docker Hub for every command, as in docker pull', async () => {
    const without = Object.entries(await allOf('team/api', emptyConfig)).filter(
      ([name]) => !onlyEnvironments.has(name),
    )
    expect(new Set(without.map(([, result]) => result))).toEqual(new Set(['docker.io/team/api']))
    const official = Object.entries(await allOf('api', emptyConfig)).filter(
      ([name]) => !onlyEnvironments.has(name) && !['doctor', 'auth explain'].includes(name),
    )
    expect(new Set(official.map(([, result]) => result))).toEqual(new Set(['docker.io/library/api']))
  })
})

describe('an argument means the same for every command', () => {
  it.each(['r.example/staging/api', 'R.Example.:0443/staging/api'])('%s is @staging/api', async (text) => {
    expect(await allOf(text)).toEqual(await allOf('@staging/api'))
  })

  it('@staging/api is one repository, and in views of promotions the image in every environment', async () => {
    expect(await allOf('@staging/api')).toEqual({
      ...allWith(names, staging),
      history: `${dev} ${staging} ${prod}`,
      status: `${dev} ${staging} ${prod}`,
      diff: `${staging} ${prod}`,
    })
  })

  it('docker.io/library/api is on Docker Hub', async () => {
    const outside = 'docker.io/library/api is not in staging, the environment of'
    expect(await allOf('docker.io/library/api')).toEqual({
      ...allWith(names, 'docker.io/library/api'),
      ...allWith(['status', 'diff'], 'usage: docker.io/library/api is in no environment of dray.yaml'),
      'promote --from staging': `usage: ${outside} --from`,
      ...allWith(
        ['tag --env staging', 'rollback --env staging', 'status --env staging'],
        `usage: ${outside} --env`,
      ),
    })
  })
})

describe('a wrong argument has the same error for every command', () => {
  it.each([
    ['an unknown environment', '@stagin/api', 'there is no environment "stagin"', 'Did you mean "staging"?'],
    ['an unknown image', 'apy', 'there is no image "apy" in dray.yaml', 'Did you mean "api"?'],
    ['an unknown image in it', '@staging/apy', 'there is no image "apy" in dray.yaml', 'Did you mean "api"?'],
  ])('%s', async (_, text, message, hint) => {
    expect(await distinct(text)).toEqual([`usage: ${message}`])
    expect(() => resolveRepositoriesToList(text, config)).toThrowError(
      expect.objectContaining({ hint: expect.stringContaining(hint) as unknown }),
    )
  })

  it('an environment instead of an image', async () => {
    const takeEnvironment = new Set([
      'promote DESTINATION',
      'copy DESTINATION',
      'prune',
      'doctor',
      'auth explain',
    ])
    const results = Object.entries(await allOf('@staging'))
    const others = results.filter(([name]) => !takeEnvironment.has(name)).map(([, result]) => result)
    expect(new Set(others)).toEqual(new Set(['usage: @staging is an environment, not an image']))
  })

  it('a tag instead of a repository', async () => {
    const all = await allOf('@staging/api:1')
    const take = ['prune', 'status', 'status --env staging', 'diff', 'ls', 'doctor', 'doctor --write']
    for (const name of [...take, 'audit checkpoint --repository', 'auth explain'])
      expect([name, all[name]]).toEqual([
        name,
        'usage: @staging/api:1 names one image, but the command requires a repository',
      ])
  })

  it('several repositories in place of one', async () => {
    for (const name of ['explain', 'doctor --write', 'audit checkpoint --repository'])
      expect(await repositoriesOf(name, '@prod/api')).toBe('usage: @prod/api is in several repositories')
  })

  it('a digest instead of a tag', async () => {
    const text = `@staging/api@${digest}`
    for (const name of ['promote DESTINATION', 'copy DESTINATION'])
      expect(await repositoriesOf(name, text)).toBe(
        `usage: ${text} cannot be a destination: the content decides the digest`,
      )
  })

  it('a repository outside of the environment that an option selects', async () => {
    for (const name of names.filter((one) => one.endsWith(' staging')))
      expect(await repositoriesOf(name, '@prod/api')).toContain(
        'usage: @prod/api is not in staging, the environment of --',
      )
  })

  it('a layout instead of a repository', async () => {
    for (const name of ['prune', 'explain', 'status', 'diff', 'doctor', 'doctor --write', 'auth explain'])
      expect(await repositoriesOf(name, 'oci:./dir')).toContain('usage: oci:./dir is an image layout')
  })
})

describe('the registry of login and logout', () => {
  it.each(['@staging', '@staging/api', 'oci:./dir', 'r.example/staging/api', 'team/web'])(
    'is not %s',
    (text) => {
      expect(() => resolveLoginRegistry(text, 'login', config.registries)).toThrowError(
        expect.objectContaining({ code: 'usage' }),
      )
    },
  )
})
