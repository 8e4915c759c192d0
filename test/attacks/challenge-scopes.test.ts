import { describe, expect, it } from 'vitest'
import { checkService } from '../../src/registry/http/auth/token-service.ts'
import { readRealm } from '../../src/registry/http/auth/token-realms.ts'
import { ada, clientOf, scopedRegistry, tokenParameters } from '../support/scoped-registry.ts'
import { home } from '../support/docker-home.ts'
import { dray } from '../support/program.ts'

const greedy = [
  'repository:victim/secret:pull,push,delete',
  'repository:victim/two:pull',
  'repository:team/api:pull,push,delete,*',
  'registry:catalog:*',
  'repository:*:*',
  'repository(plugin):team/api:pull',
  'project:admin:*',
].join(' ')

describe('a challenge that names more scopes', () => {
  it.each([
    ['a request without scopes', 'ping', ''],
    ['a read', 'read', 'repository:team/api:pull'],
    ['a write', 'write', 'repository:team/api:pull,push'],
    ['a delete', 'remove', 'repository:team/api:pull,delete'],
    ['a catalog', 'catalog', 'registry:catalog:*'],
  ] as const)('does not change what %s requests', async (_name, action, scopes) => {
    const registry = await scopedRegistry({ challengeScope: greedy })
    expect(await clientOf(registry, ada)[action]('team/api')).toBe(200)
    expect(registry.scopes()).toEqual([scopes])
  })

  it('does not change what is requested without credentials', async () => {
    const registry = await scopedRegistry({ challengeScope: greedy })
    const client = clientOf(registry, undefined)
    await client.ping()
    await client.read('team/api')
    expect(registry.scopes()).toEqual(['', 'repository:team/api:pull'])
  })

  it('does not change what is requested after the scopes of dray were refused', async () => {
    const registry = await scopedRegistry({ challengeScope: greedy, accepts: () => false })
    const client = clientOf(registry, ada)
    await expect(client.ping()).rejects.toMatchObject({ code: 'unauthorized' })
    await expect(client.read('team/api')).rejects.toMatchObject({ code: 'unauthorized' })
    await expect(client.catalog()).rejects.toMatchObject({ code: 'unauthorized' })
    expect(new Set(registry.scopes())).toEqual(
      new Set(['', 'repository:team/api:pull', 'registry:catalog:*']),
    )
  })

  it('adds nothing to the expected scopes, which a request without scopes does not request', async () => {
    const registry = await scopedRegistry({ challengeScope: greedy })
    const client = clientOf(registry, ada)
    client.expect('prod/api', 'pull', 'push')
    await client.ping()
    await client.read('team/api')
    expect(registry.scopes()).toEqual(['', 'repository:prod/api:pull,push repository:team/api:pull'])
  })
})

describe('a challenge that names the repository by another name', () => {
  const proxied = {
    challengeScope: (path: string) =>
      `repository:mirror/${path.split('/').slice(2, 4).join('/')}:pull,push,delete`,
    accepts: (scopes: readonly string[], path: string) =>
      scopes.includes(`repository:mirror/${path.split('/').slice(2, 4).join('/')}:pull`),
  }

  it('makes dray request that name to pull after its own name was refused', async () => {
    const registry = await scopedRegistry(proxied)
    const client = clientOf(registry, ada)
    expect(await client.read('team/api')).toBe(200)
    const [first, ...rest] = registry.scopes()
    expect(first).toBe('repository:team/api:pull')
    expect(new Set(rest)).toEqual(new Set(['repository:team/api:pull', 'repository:mirror/team/api:pull']))
    expect(rest.at(-1)).toBe('repository:mirror/team/api:pull')
    const before = registry.seen.length
    expect(await client.read('team/api')).toBe(200)
    expect(registry.seen).toHaveLength(before + 1)
    expect(await client.read('team/web')).toBe(200)
    expect(registry.scopes().at(-1)).toBe('repository:mirror/team/web:pull')
  })

  it.each([400, 401, 403])(
    'makes dray request that name after a token server refused its own name with %i',
    async (status) => {
      const registry = await scopedRegistry({
        ...proxied,
        refuses: (scopes) => (scopes.includes('repository:team/api:pull') ? status : undefined),
      })
      expect(await clientOf(registry, ada).read('team/api')).toBe(200)
      expect(registry.scopes()).toEqual(['repository:team/api:pull', 'repository:mirror/team/api:pull'])
    },
  )

  it('makes dray renew an expired token for that name', async () => {
    let valid = true
    const registry = await scopedRegistry({
      ...proxied,
      accepts: (scopes, path) => (valid ? proxied.accepts(scopes, path) : ((valid = true), false)),
    })
    const client = clientOf(registry, ada)
    await client.read('team/api')
    valid = false
    const before = registry.scopes().length
    expect(await client.read('team/api')).toBe(200)
    expect(registry.scopes().slice(before)).toEqual(['repository:mirror/team/api:pull'])
  })

  it.each(['write', 'remove'] as const)(
    'makes dray request nothing for a %s, and the error has both names',
    async (action) => {
      const registry = await scopedRegistry(proxied)
      const failing = clientOf(registry, ada)[action]('team/api')
      await expect(failing).rejects.toMatchObject({
        code: 'unauthorized',
        message: expect.stringContaining(`${registry.host}/team/api`),
        why: expect.stringContaining('mirror/team/api'),
        hint: expect.stringContaining(`${registry.host}/mirror/team/api`),
      })
      expect(registry.scopes().join(' ')).not.toContain('mirror')
    },
  )

  it('makes dray request at most one other name for each repository', async () => {
    let count = 0
    const registry = await scopedRegistry({
      challengeScope: () => `repository:victim/v${count++}:pull repository:victim/w${count++}:pull`,
      accepts: () => false,
    })
    const client = clientOf(registry, ada)
    for (let turn = 0; turn < 4; turn++)
      await expect(client.read('team/api')).rejects.toMatchObject({ code: 'unauthorized' })
    const others = registry.scopes().filter((scope) => scope.includes('victim'))
    expect(new Set(others).size).toBe(1)
    expect(others[0]).toMatch(/^repository:victim\/v\d+:pull$/)
  })

  it.each([
    'repository:*:pull',
    'repository:Victim/A:pull',
    'repository:../x:pull',
    'repository:victim/a:push',
    'repository:victim/a:delete',
    'repository(plugin):victim/a:pull',
    'registry:catalog:*',
    'project:victim:pull',
    'victim/a',
    `repository:${'v'.repeat(3000)}:pull`,
  ])('is ignored as %.40s', async (challengeScope) => {
    const registry = await scopedRegistry({ challengeScope, accepts: () => false })
    await expect(clientOf(registry, ada).read('team/api')).rejects.toMatchObject({ code: 'unauthorized' })
    expect(new Set(registry.scopes())).toEqual(new Set(['repository:team/api:pull']))
  })
})

describe('a registry that always answers 401', () => {
  it.each(['ping', 'read', 'write'] as const)('ends a %s after a few requests', async (action) => {
    const registry = await scopedRegistry({
      challengeScope: 'repository:victim/a:pull',
      accepts: () => false,
    })
    await expect(clientOf(registry, ada)[action]('team/api')).rejects.toMatchObject({ code: 'unauthorized' })
    expect(registry.seen.length).toBeLessThanOrEqual(8)
  })
})

describe('a realm with parameters of a token request', () => {
  it('adds no scope, service or account to the request', async () => {
    const realmQuery =
      '?keep=1&service=another.registry&scope=repository:victim/secret:push&scope=registry:catalog:*&account=root&offline_token=true&client_id=x'
    const registry = await scopedRegistry({ realmQuery })
    await clientOf(registry, ada).read('team/api')
    const [request] = registry.tokenRequests()
    if (request === undefined) throw new Error('no token was requested')
    expect([...tokenParameters(request)]).toEqual([
      ['keep', '1'],
      ['service', 'registry'],
      ['scope', 'repository:team/api:pull'],
    ])
  })

  it.each(['SCOPE', 'Scope', 'scope%20', '%20scope', 'Service', 'ACCOUNT'])(
    'adds no parameter %s, which some servers treat as equal',
    async (name) => {
      const registry = await scopedRegistry({ realmQuery: `?${name}=repository:victim/secret:push&keep=1` })
      await clientOf(registry, ada).read('team/api')
      const [request] = registry.tokenRequests()
      if (request === undefined) throw new Error('no token was requested')
      expect([...tokenParameters(request).keys()]).toEqual(['keep', 'service', 'scope'])
    },
  )

  it('adds none to the form of a refresh token', async () => {
    const realmQuery = '?scope=repository:victim/secret:push&service=another.registry'
    const registry = await scopedRegistry({ realmQuery })
    await clientOf(registry, { kind: 'identity', token: 'canary-refresh' }).read('team/api')
    const [request] = registry.tokenRequests()
    expect(request).toMatchObject({ method: 'POST', path: '/token' })
    expect(registry.scopes()).toEqual(['repository:team/api:pull'])
  })
})

describe('the service of a challenge', () => {
  const check = (
    registry: string,
    service: string | undefined,
    realm: string,
    tokenService?: string,
  ): void => {
    const origin = new URL(`https://${registry === 'docker.io' ? 'registry-1.docker.io' : registry}`)
    const settings = tokenService === undefined ? undefined : { tokenService }
    checkService({ registry, origin, realm: readRealm(registry, origin, realm).url, service, settings })
  }

  it.each([
    ['r.test', undefined, 'https://r.test/token'],
    ['r.test', '', 'https://r.test/token'],
    ['r.test', 'container_registry', 'https://r.test/jwt/auth'],
    ['r.test', 'harbor-registry', 'https://r.test/service/token'],
    ['r.test', 'Docker registry', 'https://r.test/token'],
    ['r.test', 'r.test', 'https://r.test/token'],
    ['r.test', 'R.Test', 'https://r.test/token'],
    ['r.test', 'r.test:443', 'https://r.test/token'],
    ['r.test:5000', 'r.test:5000', 'https://r.test:5000/token'],
    ['r.test:5000', 'r.test', 'https://r.test:5001/token'],
    ['r.test', 'https://r.test/v2/token', 'https://r.test/v2/token'],
    ['r.test', 'auth.test', 'https://auth.test/token'],
    ['r.test', 'registry.aliyuncs.com:cn-hangzhou:26842', 'https://r.test/auth'],
    ['docker.io', 'registry.docker.io', 'https://auth.docker.io/token'],
    ['registry.hub.docker.com', 'registry.docker.io', 'https://auth.docker.io/token'],
    ['ghcr.io', 'ghcr.io', 'https://ghcr.io/token'],
    ['registry.gitlab.com', 'container_registry', 'https://gitlab.com/jwt/auth'],
    [
      'registry.digitalocean.com',
      'registry.digitalocean.com',
      'https://api.digitalocean.com/v2/registry/auth',
    ],
  ])('of %s may be %j at %s', (registry, service, realm) => {
    expect(() => check(registry, service, realm)).not.toThrow()
  })

  it.each([
    ['r.test', 'another.registry', 'https://r.test/token'],
    ['r.test', 'another.registry.', 'https://r.test/token'],
    ['r.test', ' another.registry ', 'https://r.test/token'],
    ['r.test', 'another:5000', 'https://r.test/token'],
    ['r.test', 'localhost', 'https://r.test/token'],
    ['r.test', '[::1]:5000', 'https://r.test/token'],
    ['r.test', 'https://another.registry/v2/token', 'https://r.test/token'],
    ['r.test', '//another.registry', 'https://r.test/token'],
    ['r.test', 'r.test@another.registry', 'https://r.test/token'],
    ['r.test', 'another.registry/r.test', 'https://r.test/token'],
    ['r.test', 'r.test.another.registry', 'https://r.test/token'],
    ['r.test', 'r.test:5001', 'https://r.test/token'],
    ['r.test:5000', 'r.test:5001', 'https://r.test:5001/token'],
    ['r.test', 'registry.docker.io', 'https://auth.docker.io/token'],
    ['docker.io', 'ghcr.io', 'https://auth.docker.io/token'],
  ])('of %s may not be %j at %s', (registry, service, realm) => {
    expect(() => check(registry, service, realm)).toThrow(`cannot request a token for ${registry}`)
  })

  it('may be only the configured one if there is one', () => {
    expect(() => check('r.test', 'other.test', 'https://r.test/token', 'other.test')).not.toThrow()
    for (const service of ['r.test', 'registry', undefined])
      expect(() => check('r.test', service, 'https://r.test/token', 'other.test')).toThrow('cannot request')
  })

  it('of another registry gets no credentials, and the error contains the setting that allows it', async () => {
    const registry = await scopedRegistry({ service: 'another.registry' })
    await expect(clientOf(registry, ada).read('team/api')).rejects.toMatchObject({
      code: 'refused',
      hint: expect.stringContaining(`"${registry.host}": { tokenService: "another.registry" }`),
    })
    expect(registry.tokenRequests()).toEqual([])
    expect(await clientOf(registry, undefined).read('team/api')).toBe(200)
    expect(await clientOf(registry, ada, { tokenService: 'another.registry' }).read('team/api')).toBe(200)
  })
})

it.each([
  ['ls', (host: string) => ['ls', `${host}/team/api`], ['repository:team/api:pull']],
  ['doctor', (host: string) => ['doctor', host], ['']],
  ['login', (host: string) => ['login', host, '--username', 'ada', '--password-stdin'], ['']],
])(
  'the program requests only the scopes that %s needs, whatever the challenge names',
  async (_name, args, scopes) => {
    const registry = await scopedRegistry({ challengeScope: greedy })
    const { folder } = await home({
      auths: { [registry.host]: auth('ada:canary') },
    })
    await dray(args(registry.host), {
      cwd: folder,
      env: { HOME: folder },
      under: ['sh', '-c', 'printf canary | "$@"', 'sh'],
    })
    expect(registry.scopes()).toEqual(scopes)
  },
)

it('doctor requests the permission to list repositories from a registry that refuses the list without it', async () => {
  const registry = await scopedRegistry({
    challengeScope: greedy,
    accepts: (scopes, path) => path !== '/v2/_catalog' || scopes.includes('registry:catalog:*'),
  })
  const { folder } = await home({ auths: { [registry.host]: auth('ada:canary') } })
  const ended = await dray(['doctor', registry.host], { cwd: folder, env: { HOME: folder } })
  expect(new Set(registry.scopes())).toEqual(new Set(['', 'registry:catalog:*']))
  expect(ended.stdout).toMatch(/catalog +yes, observed/)
})

function auth(pair: string): { auth: string } {
  return { auth: Buffer.from(pair).toString('base64') }
}
