import { describe, expect, it } from 'vitest'
import { credentialSources, findCredentials } from '../../src/registry/credentials/find-credentials.ts'
import type { DrayError } from '../../src/lib/errors.ts'
import type { Credential } from '../../src/registry/credential.ts'
import { home } from '../support/docker-home.ts'
import { notedCall } from '../support/http-world.ts'
import { dray } from '../support/program.ts'
import { ada, adasHeader, clientOf, scopedRegistry, tokenParameters } from '../support/scoped-registry.ts'

const refresh: Credential = { kind: 'identity', token: 'canary-refresh' }

type Scoped = Awaited<ReturnType<typeof scopedRegistry>>

/** Everything that was sent, except the bodies of token requests by POST. */
function sentInTheOpen(registry: Scoped): string {
  return registry.seen
    .map(({ method, path, headers, body }) =>
      [path, JSON.stringify(headers), method === 'POST' && path.startsWith('/token') ? '' : body].join(' '),
    )
    .join('\n')
}

const forms = [
  'canary-refresh',
  ...['<token>:', ':', ''].map((user) => Buffer.from(`${user}canary-refresh`).toString('base64')),
]

function expectUnseen(registry: Scoped): void {
  const sent = sentInTheOpen(registry)
  for (const form of forms) expect(sent).not.toContain(form)
}

const basicOnly = { challenge: () => 'Basic realm="registry"', accepts: () => false }

describe('a registry that asks for a password', () => {
  it.each(['ping', 'read', 'write', 'catalog'] as const)('gets no refresh token for a %s', async (action) => {
    const registry = await scopedRegistry(basicOnly)
    const client = clientOf(registry, refresh)
    for (let turn = 0; turn < 2; turn++) {
      await expect(client[action]('team/api')).rejects.toMatchObject({
        code: 'unauthorized',
        why: expect.stringContaining('dray found only a refresh token'),
        hint: `Log in with a user and a password: dray login ${registry.host}`,
      })
    }
    expect(registry.authorizations()).toEqual([])
    expectUnseen(registry)
  })

  it('gets none after it first asked for a token', async () => {
    let isBearer = true
    const registry = await scopedRegistry({
      challenge: (_request, bearer) => (isBearer ? bearer : 'Basic realm="registry"'),
      accepts: () => isBearer,
    })
    const client = clientOf(registry, refresh)
    expect(await client.read('team/api')).toBe(200)
    isBearer = false
    await expect(client.read('team/api')).rejects.toMatchObject({ code: 'unauthorized' })
    await expect(client.write('team/web')).rejects.toMatchObject({ code: 'unauthorized' })
    expect(registry.authorizations().every((header) => header.startsWith('Bearer '))).toBe(true)
    expectUnseen(registry)
  })

  it('gets none if it offers both, and its token server refuses', async () => {
    const registry = await scopedRegistry({
      challenge: (_request, bearer) => `Basic realm="registry", ${bearer}`,
      refuses: () => 401,
    })
    await expect(clientOf(registry, refresh).read('team/api')).rejects.toMatchObject({ code: 'unauthorized' })
    expect(registry.authorizations()).toEqual([])
    expectUnseen(registry)
  })

  it('gets a password if one is known, also after it asked for a token', async () => {
    const registry = await scopedRegistry({
      challenge: ({ path }, bearer) => (path.startsWith('/v2/_catalog') ? 'Basic realm="harbor"' : bearer),
      accepts: (_scopes, path) => path !== '/v2/_catalog',
    })
    const client = clientOf(registry, ada)
    expect(await client.read('team/api')).toBe(200)
    await expect(client.catalog()).rejects.toMatchObject({ code: 'unauthorized' })
    expect(registry.seen.at(-1)?.headers.authorization).toBe(adasHeader)
  })

  it('gets no password for a token that has expired: the token is renewed', async () => {
    let isExpired = false
    const registry = await scopedRegistry({
      challenge: ({ headers }, bearer) =>
        headers.authorization === undefined ? bearer : 'Basic realm="harbor"',
      accepts: () => {
        const was = isExpired
        isExpired = false
        return !was
      },
    })
    const client = clientOf(registry, ada)
    await client.read('team/api')
    isExpired = true
    expect(await client.read('team/api')).toBe(200)
    expect(registry.scopes()).toHaveLength(2)
    const toRegistry = registry.seen.filter(({ path }) => path.startsWith('/v2/'))
    expect(toRegistry.map(({ headers }) => headers.authorization)).not.toContain(adasHeader)
  })
})

describe('a token server', () => {
  it('gets a refresh token in the body of a POST', async () => {
    const registry = await scopedRegistry()
    expect(await clientOf(registry, refresh).read('team/api')).toBe(200)
    const [request] = registry.tokenRequests()
    if (request === undefined) throw new Error('no token was requested')
    expect(request).toMatchObject({ method: 'POST', path: '/token' })
    expect(tokenParameters(request).get('refresh_token')).toBe('canary-refresh')
    expectUnseen(registry)
  })

  it('without POST gets a GET without the refresh token', async () => {
    const registry = await scopedRegistry({
      refuses: (_scopes, { method }) => (method === 'POST' ? 404 : undefined),
    })
    expect(await clientOf(registry, refresh).read('team/api')).toBe(200)
    expect(registry.tokenRequests().map(({ method }) => method)).toEqual(['POST', 'GET'])
    expectUnseen(registry)
  })

  it.each([
    [
      'the token server',
      { refuses: (_: unknown, { method }: { method: string }) => (method === 'POST' ? 404 : 401) },
    ],
    [
      'the registry',
      {
        refuses: (_: unknown, { method }: { method: string }) => (method === 'POST' ? 404 : undefined),
        accepts: () => false,
      },
    ],
  ])('that has no POST is named as the reason if %s then refuses', async (_name, options) => {
    const registry = await scopedRegistry(options)
    const error: unknown = await clientOf(registry, refresh)
      .read('team/api')
      .catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({
      code: 'unauthorized',
      why: expect.stringContaining('does not accept refresh tokens'),
    })
    expect((error as DrayError).why).not.toMatch(
      /accepted the credentials|refused the credentials|no credentials/,
    )
    expectUnseen(registry)
  })

  it('on another host gets none for any requester', async () => {
    const thief = await scopedRegistry()
    const registry = await scopedRegistry({ challenge: () => `Bearer realm="${thief.origin}/token"` })
    await expect(clientOf(registry, refresh).read('team/api')).rejects.toMatchObject({ code: 'refused' })
    expect(thief.seen).toEqual([])
  })
})

describe('a refresh token', () => {
  const pair = (text: string) => ({ auth: Buffer.from(text).toString('base64') })
  const entries = [
    ['identitytoken', { identitytoken: 'canary-refresh' }],
    ['identitytoken beside an empty password', { ...pair('ada:'), identitytoken: 'canary-refresh' }],
    ['the user <token> in auth', pair('<token>:canary-refresh')],
    ['the user <token> as username', { username: '<token>', password: 'canary-refresh' }],
  ] as const

  it.each(entries)('is recognised as %s in a file', async (_name, entry) => {
    const one = await home({ auths: { 'r.test': entry } })
    expect(await findCredentials(one.options)('r.test', 'a', notedCall())).toEqual(refresh)
  })

  it.each(entries)('is recognised as %s in DOCKER_AUTH_CONFIG', async (_name, entry) => {
    const env = { DOCKER_AUTH_CONFIG: JSON.stringify({ auths: { 'r.test': entry } }) }
    expect(await findCredentials({ env, home: '/nowhere' })('r.test', 'a', notedCall())).toEqual(refresh)
  })

  it('is recognised in variables, flags and the output of a helper', async () => {
    const env = { DRAY_USERNAME: '<token>', DRAY_PASSWORD: 'canary-refresh', DRAY_REGISTRY: 'r.test' }
    const given = { username: '<token>', password: async () => 'canary-refresh', registry: 'r.test' }
    const answer = JSON.stringify({ ServerURL: 'r.test', Username: '<token>', Secret: 'canary-refresh' })
    const one = await home({ credsStore: 'store' }, { store: `echo '${answer}'` })
    for (const options of [{ env, home: '/nowhere' }, { env: {}, home: '/nowhere', given }, one.options])
      expect(await findCredentials(options)('r.test', 'a', notedCall())).toEqual(refresh)
  })

  it('that is empty is none', async () => {
    const one = await home({ auths: { 'r.test': pair('<token>:') } })
    expect(await findCredentials(one.options)('r.test', 'a', notedCall())).toBeUndefined()
  })

  it('of a registrytoken is neither used nor sent', async () => {
    const one = await home({ auths: { 'r.test': { registrytoken: 'canary-refresh' } } })
    expect(await findCredentials(one.options)('r.test', 'a', notedCall())).toBeUndefined()
    const docker = credentialSources(one.options).at(-1)
    expect(await docker?.ignoredKeys?.('r.test')).toMatchObject([{ text: 'r.test' }])
  })
})

it.each([
  ['ls', (host: string) => ['ls', `${host}/team/api`]],
  ['login', (host: string) => ['login', host, '--username', '<token>', '--password-stdin']],
])(
  'the program sends no refresh token for %s to a registry that asks for a password',
  async (_name, args) => {
    const registry = await scopedRegistry(basicOnly)
    const one = await home({ auths: { [registry.host]: { identitytoken: 'canary-refresh' } } })
    const ended = await dray(args(registry.host), {
      cwd: one.folder,
      env: { HOME: one.folder },
      under: ['sh', '-c', 'printf canary-refresh | "$@"', 'sh'],
    })
    expect(ended.code).toBe(1)
    expect(ended.stderr).toContain('dray found only a refresh token')
    expect(ended.stdout + ended.stderr).not.toContain('canary-refresh')
    expect(registry.seen.length).toBeGreaterThan(0)
    expectUnseen(registry)
  },
)
