import { describe, expect, it, onTestFinished } from 'vitest'
import type { InventoryKind } from '../../../../src/images/inventory/inventory.ts'
import { toErrorInfo } from '../../../../src/lib/errors.ts'
import type { Credential } from '../../../../src/registry/credential.ts'
import { createFetch } from '../../../../src/registry/http/stack.ts'
import { vendorOfKind } from '../../../../src/registry/known-vendors.ts'
import type { ApiSettings } from '../../../../src/registry/vendors/api/api-access.ts'
import { createVendorApi } from '../../../../src/registry/vendors/api/create-vendor-api.ts'
import type { VendorApi, VendorRequest } from '../../../../src/registry/vendors/vendor-api.ts'
import { type NotedCall, notedCall } from '../../../support/http-world.ts'
import { leapingClock } from '../../../support/manual-clock.ts'
import { reply, type Script, type ScriptedServer, scriptedServer } from '../../../support/scripted-server.ts'

const password = 'canary-password-71'
const token = 'canary-token-73'
const json = { 'content-type': 'application/json' }

interface ApiWorld {
  readonly api: VendorApi
  readonly registry: ScriptedServer
  readonly server: ScriptedServer
  readonly call: NotedCall
  readonly naps: readonly number[]
  /** Sends a GET, as a vendor does. */
  get(over?: Partial<VendorRequest>): Promise<unknown>
  /** Sends a request to the registry itself. */
  getManifest(): Promise<number>
}

interface WorldOptions {
  readonly kind?: InventoryKind
  /** of the API; by default it is on another host than the registry */
  readonly answer: Script
  readonly settings?: ApiSettings
  readonly env?: Readonly<Record<string, string>>
  readonly credential?: Credential
  readonly hosts?: (server: ScriptedServer) => ReadonlyMap<string, { readonly concurrency: number }>
}

async function start(script: Script): Promise<ScriptedServer> {
  const server = await scriptedServer(script)
  onTestFinished(() => server[Symbol.asyncDispose]())
  return server
}

async function apiWorld(options: WorldOptions): Promise<ApiWorld> {
  const { kind = 'gitea', answer, env = {}, hosts } = options
  const credential = options.credential ?? { kind: 'basic', username: 'ada', password }
  const registry = await start((_, response) => reply(response, 200))
  const server = await start(answer)
  const vendor = vendorOfKind(kind)
  if (vendor === undefined) throw new Error(kind)
  const clock = leapingClock()
  const stack = createFetch({
    settings: hosts?.(server) ?? new Map(),
    credentials: async () => credential,
    userAgent: 'dray/test',
    clock,
    random: () => 1,
  })
  onTestFinished(() => stack.close())
  const settings = { api: `${server.origin}/git`, ...options.settings }
  const api = createVendorApi({
    registry: registry.host,
    vendor,
    settings,
    stack,
    isInsecure: () => false,
    resolveTag: async () => undefined,
    env,
    clock,
    random: () => 1,
  })
  const call = notedCall()
  return {
    api,
    registry,
    server,
    call,
    naps: clock.naps,
    get: async (over = {}) => {
      const secret = await api.secret('team/api', call)
      const authorization = secret && `Bearer ${secret.secret}`
      const request = { method: 'GET', path: '/versions', authorization, expect: [200] } as const
      const response = await api.send({ ...request, doing: 'list the versions of api', ...over }, call)
      return await response.json()
    },
    getManifest: async () => {
      const url = new URL(`${registry.origin}/v2/team/api/manifests/latest`)
      const common = { method: 'GET', headers: {}, scopes: [], replay: 'always', lane: 'small' } as const
      return (await stack.fetch({ ...common, registry: registry.host, url }, call)).status
    },
  }
}

const withToken = { settings: { tokenEnv: 'GIT_TOKEN' }, env: { GIT_TOKEN: token } }

/** The error of a promise as data. */
const failure = async (work: Promise<unknown>) =>
  toErrorInfo(await work.then(() => undefined).catch((error: unknown) => error))

/** The text of everything that a person or a log can see. */
const shown = (error: unknown, call: NotedCall): string => JSON.stringify([error, call.events])

describe('a request to the API of a vendor', () => {
  it('goes to its base path with the token of tokenEnv, and not with the credentials', async () => {
    const world = await apiWorld({ ...withToken, answer: (_, response) => reply(response, 200, json, '[1]') })
    expect(await world.get({ query: { q: 'base=*' } })).toEqual([1])
    expect(world.server.seen).toMatchObject([
      { path: '/git/versions?q=base%3D*', headers: { authorization: `Bearer ${token}` } },
    ])
    expect(world.server.seen[0]?.headers).not.toHaveProperty('cookie')
    expect(world.registry.seen).toEqual([])
  })

  it('reads a page again that breaks off', async () => {
    let requests = 0
    const world = await apiWorld({
      ...withToken,
      answer: (_, response) => {
        if (++requests > 2) return reply(response, 200, json, '[1, 2]')
        response.writeHead(200, { ...json, 'content-length': '6' })
        response.write('[1,')
        response.flushHeaders()
        setImmediate(() => response.destroy())
      },
    })
    expect(await world.get()).toEqual([1, 2])
    expect(requests).toBe(3)
  })

  it.each([
    ['no JSON', '[1,', /sent an invalid answer/],
    ['a key twice', '{"a":1,"a":2}', /sent an invalid answer/],
  ])('is refused with %s', async (_, body, message) => {
    const world = await apiWorld({ ...withToken, answer: (_r, response) => reply(response, 200, json, body) })
    expect(await failure(world.get())).toMatchObject({
      code: 'protocol',
      message: expect.stringMatching(message),
    })
  })

  it('is refused with a web page', async () => {
    const html = { 'content-type': 'text/html' }
    const world = await apiWorld({ ...withToken, answer: (_, response) => reply(response, 200, html, '<p>') })
    expect((await failure(world.get())).message).toContain('answered with a web page')
  })

  it('is not repeated after a status that the caller expects', async () => {
    const world = await apiWorld({ ...withToken, answer: (_, response) => reply(response, 503, json, '{}') })
    await world.get({ method: 'DELETE', expect: [204, 503] })
    expect(world.server.seen).toHaveLength(1)
  })

  it.each([
    ['errors', '{"errors":[{"code":"DENIED","message":"a reason"}]}'],
    ['message', '{"message":"a reason","url":"https://x.test"}'],
    ['error.message', '{"error":{"code":403,"message":"a reason","status":"PERMISSION_DENIED"}}'],
    ['error_message', '{"detail":"other","error_message":"a reason"}'],
    ['detail', '{"detail":"a\\n  reason"}'],
  ])('fails with the reason in %s', async (_, body) => {
    const world = await apiWorld({ ...withToken, answer: (_r, response) => reply(response, 403, json, body) })
    expect(await failure(world.get())).toMatchObject({
      code: 'forbidden',
      status: 403,
      why: 'a reason',
      message: `cannot list the versions of api: ${world.server.host} does not allow it`,
      hint: expect.stringContaining('a token with the scopes read:package'),
    })
  })
})

describe('a limit of requests of an API', () => {
  const clock = leapingClock()
  const seconds = Math.floor(clock.now() / 1000)

  it.each([
    ['403 with Retry-After', 403, { 'retry-after': '30' }, [30_000]],
    [
      '403 at the limit',
      403,
      { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': `${seconds + 40}` },
      [40_000],
    ],
    ['429 with X-Retry-After', 429, { 'x-retry-after': `${seconds + 50}` }, [50_000]],
    ['429 with X-Retry-After in the past', 429, { 'x-retry-after': `${seconds - 50}` }, [250]],
  ])('as %s is a wait', async (_, status, headers, naps) => {
    let requests = 0
    const date = new Date(seconds * 1000).toUTCString()
    const world = await apiWorld({
      ...withToken,
      answer: (_r, response) =>
        ++requests === 1
          ? reply(response, status, { ...json, date, ...headers }, '{}')
          : reply(response, 200, json, '[]'),
    })
    expect(await world.get()).toEqual([])
    expect(world.naps).toEqual(naps)
  })

  it('that ends far away is an error with the time', async () => {
    const headers = { 'x-retry-after': `${seconds + 86_400}`, date: new Date(seconds * 1000).toUTCString() }
    const world = await apiWorld({
      ...withToken,
      answer: (_, response) => reply(response, 429, { ...json, ...headers }, '{}'),
    })
    expect(await failure(world.get())).toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining(`${world.server.host} accepts no requests until`),
    })
    expect(world.naps).toEqual([])
  })

  it('slows the host of the API only', async () => {
    const headers = { ...json, 'retry-after': '86400' }
    const world = await apiWorld({
      ...withToken,
      answer: (_, response) => reply(response, 429, headers, '{}'),
    })
    await failure(world.get())
    expect(await world.getManifest()).toBe(200)
    // The next request to the API is not even sent.
    await failure(world.get())
    expect(world.server.seen).toHaveLength(1)
    expect(world.naps).toEqual([])
  })

  it('uses the settings of the host of the API', async () => {
    let active = 0
    let most = 0
    const world = await apiWorld({
      ...withToken,
      hosts: (server) => new Map([[server.host, { concurrency: 1 }]]),
      answer: (_, response) => {
        most = Math.max(most, ++active)
        setImmediate(() => {
          active--
          reply(response, 200, json, '[]')
        })
      },
    })
    await Promise.all(Array.from({ length: 6 }, () => world.get()))
    expect(most).toBe(1)
  })
})

describe('the credentials for an API on another host', () => {
  it('are missing without tokenEnv, and one error says what to create', async () => {
    const refuse: Script = (_, response) =>
      reply(response, 401, json, '{"message":"Requires authentication"}')
    const world = await apiWorld({ answer: refuse })
    const first = await world.get().catch((error: unknown) => error)
    const second = await world.get({ path: '/other', doing: 'list other' }).catch((error: unknown) => error)
    expect(first).toBe(second)
    expect(toErrorInfo(first)).toEqual({
      code: 'unauthorized',
      status: 401,
      subject: world.registry.host,
      message: `dray has no token for ${world.server.origin}, the API of Gitea or Forgejo that lists the manifests and times of ${world.registry.host}`,
      why: `dray sends the credentials for ${world.registry.host} to ${world.registry.host} only`,
      hint: `dray needs a token with the scopes read:package, and write:package to delete. Create it: Settings, Applications. Then pass it to dray: registries: { "${world.registry.host}": { tokenEnv: VARIABLE } }`,
    })
    expect(world.server.seen.map(({ headers }) => headers.authorization)).toEqual([undefined, undefined])
  })

  it('are an error if the variable is not set or contains more than a token', async () => {
    const answer: Script = (_, response) => reply(response, 200, json, '[]')
    const unset = await apiWorld({ settings: { tokenEnv: 'GIT_TOKEN' }, answer })
    expect(await failure(unset.get())).toMatchObject({
      code: 'config',
      message: 'the variable GIT_TOKEN is not set',
      hint: expect.stringContaining('Then pass it to dray: export GIT_TOKEN=TOKEN'),
    })
    const odd = await apiWorld({ ...withToken, env: { GIT_TOKEN: `${token}\nx: y` }, answer })
    const error = await failure(odd.get())
    expect(error).toMatchObject({ code: 'config', message: 'the variable GIT_TOKEN contains no token' })
    expect(shown(error, odd.call)).not.toContain('canary')
    expect([...unset.server.seen, ...odd.server.seen]).toEqual([])
  })

  it('are found again after the API refused them', async () => {
    let asked = 0
    const server = await start((_, response) => reply(response, 401, json, '{}'))
    const clock = leapingClock()
    const stack = createFetch({
      settings: new Map(),
      credentials: async () => ({ kind: 'basic', username: 'ada', password: `${password}-${++asked}` }),
      userAgent: 'dray/test',
      clock,
      random: () => 0,
    })
    onTestFinished(() => stack.close())
    const vendor = vendorOfKind('harbor')
    if (vendor === undefined) throw new Error('harbor')
    const parts = { vendor, settings: {}, stack, env: {}, clock, random: () => 0 }
    const functions = { isInsecure: () => false, resolveTag: async () => undefined }
    const api = createVendorApi({ registry: server.host, ...parts, ...functions })
    const call = notedCall()
    const request = { method: 'GET', path: '/', expect: [200], doing: 'list' } as const
    for (let i = 0; i < 2; i++) {
      const secret = await api.secret('team/api', call)
      expect(await api.secret('team/api', call)).toEqual(secret)
      await failure(api.send({ ...request, authorization: secret?.secret }, call))
    }
    expect(server.seen.map(({ headers }) => headers.authorization)).toEqual([
      `${password}-1`,
      `${password}-2`,
    ])
  })
})

describe('no secret', () => {
  it('follows a redirect to another origin, whose answer does not count', async () => {
    const thief = await start((_, response) => reply(response, 200, json, '[]'))
    const world = await apiWorld({
      ...withToken,
      answer: (_, response) => reply(response, 302, { location: `${thief.origin}/steal` }),
    })
    const error = await failure(world.get())
    expect(error).toMatchObject({
      code: 'protocol',
      message: `cannot list the versions of api: ${world.server.host} redirected to another host`,
    })
    expect(thief.seen.map(({ headers }) => headers.authorization)).toEqual([undefined])
    expect(shown(error, world.call)).not.toContain('canary')
  })

  it('follows a redirect of a change to another origin', async () => {
    const thief = await start((_, response) => reply(response, 204))
    const world = await apiWorld({
      ...withToken,
      answer: (_, response) => reply(response, 307, { location: thief.origin }),
    })
    expect(await failure(world.get({ method: 'DELETE' }))).toMatchObject({ code: 'protocol' })
    expect(thief.seen).toEqual([])
  })

  it.each(['http://evil.test/?page=2', 'https://127.0.0.1/git', 'http://me:secret@SERVER/git/versions'])(
    'goes to a next page at %s',
    async (url) => {
      const world = await apiWorld({
        ...withToken,
        answer: (_, response) => reply(response, 200, json, '[]'),
      })
      const path = new URL(url.replace('SERVER', world.server.host))
      expect(await failure(world.get({ path }))).toMatchObject({
        code: 'protocol',
        message: 'cannot list the versions of api: the API named a page of another host',
      })
      expect(world.server.seen).toEqual([])
    },
  )

  it.each([
    ['unchanged', token],
    ['in Base64', Buffer.from(`me:${token}`).toString('base64')],
    ['in a URL', `https://x.test/?token=${token}`],
  ])('is in an error that repeats it %s', async (_, text) => {
    const world = await apiWorld({
      ...withToken,
      answer: (_r, response) => reply(response, 400, json, JSON.stringify({ message: `wrong: ${text}` })),
    })
    const error = await failure(world.get({ path: `/versions/${token}` }))
    expect(error.why).toContain('wrong: ')
    expect(shown(error, world.call)).not.toMatch(/canary|Y2FuYXJ5/)
  })
})
