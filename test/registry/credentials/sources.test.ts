import { mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { explainCredentials } from '../../../src/registry/credentials/explain-credentials.ts'
import {
  credentialSources,
  type FindOptions,
  findCredentials,
} from '../../../src/registry/credentials/find-credentials.ts'
import { sourceNames } from '../../../src/registry/credentials/source.ts'
import { notedCall } from '../../support/http-world.ts'
import { tempFolder } from '../../support/temp.ts'

const auths = (user: string, key = 'r.test'): string =>
  JSON.stringify({ auths: { [key]: { auth: Buffer.from(`${user}:canary`).toString('base64') } } })

/** Every source has credentials for r.test with its own name as the user. */
async function everywhere(): Promise<{ options: FindOptions; files: Record<string, string> }> {
  const home = await tempFolder()
  const files = {
    named: join(home, 'named.json'),
    session: join(home, 'run', 'containers', 'auth.json'),
    user: join(home, '.config', 'containers', 'auth.json'),
    docker: join(home, '.docker', 'config.json'),
  }
  for (const [user, file] of Object.entries(files)) {
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, auths(user))
  }
  const env = {
    DRAY_USERNAME: 'variables',
    DRAY_PASSWORD: 'canary',
    DRAY_REGISTRY: 'r.test',
    DOCKER_AUTH_CONFIG: auths('text'),
    REGISTRY_AUTH_FILE: files.named,
    XDG_RUNTIME_DIR: join(home, 'run'),
  }
  const given = { username: 'flags', password: () => Promise.resolve('canary'), registry: 'r.test' }
  return { options: { env, home, given }, files }
}

async function userOf(
  options: FindOptions,
  registry = 'r.test',
  path = 'team/api',
): Promise<string | undefined> {
  const found = await findCredentials(options)(registry, path, notedCall())
  return found?.kind === 'basic' ? found.username : undefined
}

describe('credentials are found', () => {
  it('in the first source that has any', async () => {
    const { options, files } = await everywhere()
    const { given: _, ...withoutFlags } = options
    const env: Record<string, string | undefined> = { ...options.env }
    const users = [await userOf(options)]
    const rest = { ...withoutFlags, env }
    users.push(await userOf(rest))
    delete env['DRAY_USERNAME']
    delete env['DRAY_PASSWORD']
    users.push(await userOf(rest))
    delete env['DOCKER_AUTH_CONFIG']
    users.push(await userOf(rest))
    delete env['REGISTRY_AUTH_FILE']
    users.push(await userOf(rest))
    for (const file of [files['session'], files['user'], files['docker']]) {
      await rm(file ?? '')
      users.push(await userOf(rest))
    }
    expect(users).toEqual(['flags', 'variables', 'text', 'named', 'session', 'user', 'docker', undefined])
  })

  it('in the next source if one has only those of other registries', async () => {
    const { options } = await everywhere()
    const text = auths('text', 'other.test')
    const { given: _, ...rest } = options
    const env = { ...options.env, DRAY_REGISTRY: 'r.test:5000', DOCKER_AUTH_CONFIG: text }
    expect(await userOf({ ...rest, env })).toBe('named')
    expect(await userOf({ ...rest, env }, 'other.test')).toBe('text')
    expect(await userOf({ ...rest, env }, 'r.test:5000')).toBe('variables')
  })

  it.each(['other.test', 'r.test:5000', 'r.test.evil.test', 'xr.test'])(
    'and those of flags or variables are not used for %s',
    async (registry) => {
      const { options } = await everywhere()
      const env = { DRAY_USERNAME: 'a', DRAY_PASSWORD: 'canary', DRAY_REGISTRY: 'r.test' }
      expect(await userOf({ ...options, env, home: '/nowhere' }, registry)).toBeUndefined()
    },
  )

  it('for one namespace if it is named', async () => {
    const given = { username: 'flags', password: () => Promise.resolve('x'), registry: 'r.test/team' }
    const options = { env: {}, home: '/nowhere', given }
    expect(await userOf(options)).toBe('flags')
    expect(await userOf(options, 'r.test', 'teams/api')).toBeUndefined()
  })

  it('in the default folder of podman if there is no session folder', () => {
    const places = credentialSources({ env: {}, home: '/home/me', uid: 1000 }).map(({ where }) => where)
    expect(places).toContain('/run/containers/1000/auth.json')
  })

  it.each([
    ['DRAY_USERNAME', { DRAY_PASSWORD: 'canary', DRAY_REGISTRY: 'r.test' }],
    ['DRAY_PASSWORD and DRAY_REGISTRY', { DRAY_USERNAME: 'ada' }],
    ['DRAY_REGISTRY', { DRAY_USERNAME: 'ada', DRAY_PASSWORD: 'canary' }],
  ])('and an incomplete set of variables without %s is an error', async (missing, env) => {
    const finding = userOf({ env, home: '/nowhere' })
    await expect(finding).rejects.toMatchObject({ code: 'config', message: expect.stringContaining(missing) })
    await expect(finding).rejects.not.toThrow(/canary/)
  })

  it.each([
    ['a missing file of REGISTRY_AUTH_FILE', { REGISTRY_AUTH_FILE: '/nowhere/x.json' }],
    ['a DOCKER_AUTH_CONFIG that is no JSON', { DOCKER_AUTH_CONFIG: 'canary' }],
  ])('and %s is an error, whatever the later sources have', async (_, env) => {
    const { options } = await everywhere()
    const finding = userOf({ home: options.home, env })
    await expect(finding).rejects.toMatchObject({ code: 'config' })
    await expect(finding).rejects.not.toThrow(/canary/)
  })
})

describe('an explanation of credentials', () => {
  const explain = async (options: FindOptions, path?: string) =>
    await explainCredentials(credentialSources(options), 'r.test', path, notedCall())

  it('has every source in order, the one that is used, and no secret', async () => {
    const { options } = await everywhere()
    const reports = await explain(options)
    expect(reports.map(({ source }) => source)).toEqual(sourceNames)
    expect(reports.map(({ state }) => state)).toEqual(['used', ...Array.from({ length: 6 }, () => 'behind')])
    expect(reports.map(({ username }) => username)).toEqual([
      'flags',
      'variables',
      'text',
      'named',
      'session',
      'user',
      'docker',
    ])
    expect(JSON.stringify(reports)).not.toContain('canary')
    expect(JSON.stringify(reports)).not.toContain(Buffer.from('docker:canary').toString('base64'))
  })

  it('has the reason for each unused source, and the matching key of a file', async () => {
    const { options, files } = await everywhere()
    await writeFile(files['docker'] ?? '', auths('docker', 'r.test/team'))
    await writeFile(files['user'] ?? '', '{}')
    const env = { XDG_RUNTIME_DIR: '/nowhere' }
    const reports = await explain({ env, home: options.home }, 'team/api')
    expect(reports.map(({ why, key }) => why ?? key)).toEqual([
      'not set',
      'not set',
      'not set',
      'not set',
      'no such file',
      'no entry',
      'r.test/team',
    ])
  })

  it('has the error of a broken source, and uses no later source', async () => {
    const { options, files } = await everywhere()
    await writeFile(files['user'] ?? '', 'canary')
    const reports = await explain({ env: {}, home: options.home })
    expect(reports.slice(5)).toMatchObject([
      { state: 'broken', error: { code: 'config', why: 'it is not JSON' } },
      { state: 'behind', username: 'docker' },
    ])
    expect(JSON.stringify(reports)).not.toContain('canary')
  })
})
