import { describe, expect, it } from 'vitest'
import { DrayError } from '../../../../src/lib/errors.ts'
import type { Credential } from '../../../../src/registry/credential.ts'
import type { Action, RegistryRequest, Scope } from '../../../../src/registry/http/fetch.ts'
import type { RegistrySettings } from '../../../../src/registry/http/transport/origins.ts'
import { createFetch, type FetchStack } from '../../../../src/registry/http/stack.ts'
import { notedCall, requestOf } from '../../../support/http-world.ts'
import { manualClock, type ManualClock } from '../../../support/manual-clock.ts'
import {
  reply,
  type ScriptedServer,
  scriptedServer,
  type SeenRequest,
} from '../../../support/scripted-server.ts'

const ada: Credential = { kind: 'basic', username: 'ada', password: 'canary-password' }
const adasHeader = `Basic ${Buffer.from('ada:canary-password').toString('base64')}`

interface TokenServerOptions {
  readonly credential?: Credential | undefined
  readonly credentials?: (registry: string, path: string | undefined) => Promise<Credential | undefined>
  readonly settings?: RegistrySettings
  /** the realm of the challenge; by default `/token` of the registry */
  readonly realm?: string
  readonly expiresIn?: number
  /** the answer of the token endpoint instead of a token */
  readonly tokenAnswer?: (request: SeenRequest) => { status: number; body?: string } | undefined
}

interface World extends AsyncDisposable {
  readonly registry: ScriptedServer
  readonly stack: FetchStack
  readonly clock: ManualClock
  readonly revoke: () => void
  readonly request: (path: string, actions: readonly Action[]) => RegistryRequest
  readonly tokenRequests: () => readonly SeenRequest[]
}

/** A registry with a token server under `/token`. Tokens are `t0`, `t1` … and can be revoked. */
async function bearerWorld(options: TokenServerOptions = {}): Promise<World> {
  const clock = manualClock()
  let issued = 0
  let firstValid = 0
  const registry = await scriptedServer((request, response) => {
    if (request.path.startsWith('/token')) {
      const other = options.tokenAnswer?.(request)
      if (other !== undefined) return reply(response, other.status, {}, other.body ?? '')
      const answer = {
        token: `t${issued++}`,
        ...(options.expiresIn !== undefined && { expires_in: options.expiresIn }),
      }
      return reply(response, 200, {}, JSON.stringify(answer))
    }
    const shown = /^Bearer t(\d+)$/.exec(request.headers.authorization ?? '')
    if (shown !== null && Number(shown[1]) >= firstValid) return reply(response, 200)
    const realm = options.realm ?? `${registry.origin}/token`
    reply(response, 401, { 'www-authenticate': `Bearer realm="${realm}",service="the registry"` })
  })
  const stack = createFetch({
    settings: new Map(options.settings === undefined ? [] : [[registry.host, options.settings]]),
    credentials: options.credentials ?? (async () => options.credential),
    userAgent: 'dray/test',
    clock,
    random: () => 0,
  })
  const request = (path: string, actions: readonly Action[]): RegistryRequest =>
    requestOf(`${registry.origin}/v2/${path}/manifests/1`, { scopes: [scope(registry.host, path, actions)] })
  return {
    registry,
    stack,
    clock,
    request,
    revoke: () => {
      firstValid = issued
    },
    tokenRequests: () => registry.seen.filter((one) => one.path.startsWith('/token')),
    [Symbol.asyncDispose]: async () => {
      await stack.close()
      await registry[Symbol.asyncDispose]()
    },
  }
}

function scope(registry: string, path: string, actions: readonly Action[]): Scope {
  return { repository: { registry, path }, actions }
}

function scopesOf(request: SeenRequest | undefined): string[] {
  return new URL(request?.path ?? '/', 'http://x').searchParams.getAll('scope')
}

const caught = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  )

async function statusOf(w: World, request: RegistryRequest): Promise<number> {
  const response = await w.stack.fetch(request, notedCall())
  await response.discard()
  return response.status
}

describe('bearer tokens', () => {
  it('are requested with service, scope and credentials, once for many requests', async () => {
    await using w = await bearerWorld({ credential: ada })
    const all = Array.from({ length: 20 }, () => statusOf(w, w.request('a', ['pull'])))
    expect(new Set(await Promise.all(all))).toEqual(new Set([200]))
    expect(w.tokenRequests().map((one) => [one.path, one.headers.authorization])).toEqual([
      ['/token?service=the+registry&scope=repository%3Aa%3Apull', adasHeader],
    ])
    expect(w.registry.seen.filter((one) => one.headers.authorization === undefined)).toHaveLength(1)
  })

  it.each([
    [1, 200, 2],
    [2, 200, 3],
    [3, 'protocol', 3],
  ])('are requested again after %i damaged answers, at most twice', async (damaged, result, requests) => {
    let left = damaged
    await using w = await bearerWorld({
      tokenAnswer: () => (left-- > 0 ? { status: 200, body: '{"token":"t' } : undefined),
    })
    const status = await w.stack.fetch(w.request('a', ['pull']), notedCall()).then(
      (response) => response.status,
      (error: DrayError) => error.code,
    )
    expect(status).toBe(result)
    expect(w.tokenRequests()).toHaveLength(requests)
  })

  it('are requested anonymously without credentials, and requests do not wait for each other', async () => {
    await using w = await bearerWorld()
    expect(await Promise.all([1, 2, 3].map(() => statusOf(w, w.request('a', ['pull']))))).toEqual([
      200, 200, 200,
    ])
    expect(w.registry.seen.filter((one) => one.headers.authorization === undefined).length).toBe(4)
    expect(w.tokenRequests()).toHaveLength(1)
  })

  it('are requested for all expected scopes in their order', async () => {
    await using w = await bearerWorld({ credential: ada })
    const { host } = w.registry
    w.stack.expectScopes(host, [scope(host, 'prod', ['push', 'pull']), scope(host, 'staging', ['pull'])])
    await statusOf(w, w.request('staging', ['pull']))
    await statusOf(w, w.request('prod', ['pull', 'push']))
    expect(w.tokenRequests().map(scopesOf)).toEqual([
      ['repository:prod:pull,push', 'repository:staging:pull'],
    ])
  })

  it('are used for a part of their scopes, and not for others', async () => {
    await using w = await bearerWorld({ credential: ada })
    await statusOf(w, w.request('a', ['pull', 'push']))
    await statusOf(w, w.request('a', ['pull']))
    await statusOf(w, w.request('a', ['delete']))
    expect(w.tokenRequests().map(scopesOf)).toEqual([['repository:a:pull,push'], ['repository:a:delete']])
  })

  it('are renewed before they expire, after 60 s by default', async () => {
    await using w = await bearerWorld({ credential: ada })
    await statusOf(w, w.request('a', ['pull']))
    await w.clock.advance(44_000)
    await statusOf(w, w.request('a', ['pull']))
    expect(w.tokenRequests()).toHaveLength(1)
    await w.clock.advance(2000)
    await statusOf(w, w.request('a', ['pull']))
    expect(w.tokenRequests()).toHaveLength(2)
  })

  it('that expire early are renewed once for all requests in progress', async () => {
    await using w = await bearerWorld({ credential: ada, expiresIn: 3600 })
    await statusOf(w, w.request('a', ['pull']))
    w.revoke()
    const all = Array.from({ length: 10 }, () => statusOf(w, w.request('a', ['pull'])))
    expect(new Set(await Promise.all(all))).toEqual(new Set([200]))
    expect(w.tokenRequests()).toHaveLength(2)
  })

  it('that the registry always refuses are renewed once, then an error names registry and credentials', async () => {
    await using w = await bearerWorld({
      credential: ada,
      tokenAnswer: () => ({ status: 200, body: '{"token":"bad"}' }),
    })
    const error = await caught(statusOf(w, w.request('team/api', ['pull'])))
    expect(error).toMatchObject({ code: 'unauthorized', status: 401, subject: `${w.registry.host}/team/api` })
    expect((error as DrayError).why).toContain(
      'accepted the credentials, but they do not have this permission',
    )
    await caught(statusOf(w, w.request('team/api', ['pull'])))
    expect(JSON.stringify(error)).not.toContain('canary')
    expect(w.registry.seen.filter((one) => one.headers.authorization === 'Bearer bad')).toHaveLength(4)
  })

  it('that are refused at their first use are renewed once, like expired ones', async () => {
    let refused = 0
    await using w = await bearerWorld({
      credential: ada,
      tokenAnswer: () => (refused++ === 0 ? { status: 200, body: '{"token":"bad"}' } : undefined),
    })
    expect(await statusOf(w, w.request('a', ['pull']))).toBe(200)
    expect(w.tokenRequests()).toHaveLength(2)
  })

  it('are requested for one repository if the server refuses several', async () => {
    await using w = await bearerWorld({
      credential: ada,
      tokenAnswer: (request) => (scopesOf(request).length > 1 ? { status: 403 } : undefined),
    })
    const { host } = w.registry
    w.stack.expectScopes(host, [scope(host, 'b', ['push'])])
    expect(await statusOf(w, w.request('a', ['pull']))).toBe(200)
    expect(w.tokenRequests().map(scopesOf)).toEqual([
      ['repository:b:push', 'repository:a:pull'],
      ['repository:a:pull'],
    ])
  })

  it('are requested with a refresh token by POST, or by GET if the server has no POST', async () => {
    const seen: string[] = []
    await using w = await bearerWorld({
      credential: { kind: 'identity', token: 'canary-refresh' },
      tokenAnswer: (request) => {
        seen.push(`${request.method} ${request.body.toString()}`)
        return request.method === 'POST' ? { status: 404 } : undefined
      },
    })
    expect(await statusOf(w, w.request('a', ['pull']))).toBe(200)
    expect(seen).toEqual([
      'POST grant_type=refresh_token&client_id=dray&refresh_token=canary-refresh&service=the+registry&scope=repository%3Aa%3Apull',
      'GET ',
    ])
  })

  it.each([
    ['no JSON: canary-password', 200, 'protocol'],
    ['{"token":"two\\nlines"}', 200, 'protocol'],
    ['[]', 200, 'protocol'],
    ['x'.repeat(70_000), 200, 'protocol'],
    ['', 401, 'unauthorized'],
    ['', 404, 'protocol'],
  ])('of a server that answers %.20s with %i end in a clear error', async (body, status, code) => {
    await using w = await bearerWorld({ credential: ada, tokenAnswer: () => ({ status, body }) })
    const error = await caught(statusOf(w, w.request('a', ['pull'])))
    expect(error).toMatchObject({ code })
    expect(`${String(error)} ${JSON.stringify(error)}`).not.toContain('canary')
  })

  it('of an aborted request are used by the others that wait for it', async () => {
    const call = notedCall()
    await using w = await bearerWorld({
      tokenAnswer: () => {
        call.abort(new DrayError('interrupted', 'enough'))
        return undefined
      },
    })
    const first = caught(w.stack.fetch(w.request('a', ['pull']), call))
    const second = statusOf(w, w.request('a', ['pull']))
    expect(await first).toMatchObject({ code: 'interrupted' })
    expect(await second).toBe(200)
  })

  it('are not shared between repositories with different credentials', async () => {
    await using w = await bearerWorld({
      credentials: async (_registry, path) => ({ kind: 'basic', username: path ?? '', password: 'p' }),
    })
    const { host } = w.registry
    w.stack.expectScopes(host, [scope(host, 'a', ['push']), scope(host, 'b', ['pull'])])
    await statusOf(w, w.request('a', ['push']))
    await statusOf(w, w.request('b', ['pull']))
    expect(w.tokenRequests().map((one) => [scopesOf(one), one.headers.authorization])).toEqual([
      [['repository:a:push'], `Basic ${Buffer.from('a:p').toString('base64')}`],
      [['repository:b:pull'], `Basic ${Buffer.from('b:p').toString('base64')}`],
    ])
  })
})

describe('credentials', () => {
  it('that cannot be read are an error, never an anonymous request', async () => {
    await using w = await bearerWorld({
      credentials: () => Promise.reject(new DrayError('config', 'the helper failed')),
    })
    expect(await caught(statusOf(w, w.request('a', ['pull'])))).toMatchObject({
      message: 'the helper failed',
    })
    expect(w.registry.seen).toEqual([])
  })

  it('are not sent to a realm on another port, and the error has the setting that allows it', async () => {
    await using thief = await scriptedServer((_request, response) =>
      reply(response, 200, {}, '{"token":"t0"}'),
    )
    await using w = await bearerWorld({ credential: ada, realm: `${thief.origin}/token` })
    const error = await caught(statusOf(w, w.request('a', ['pull'])))
    expect(error).toMatchObject({ code: 'refused' })
    expect((error as DrayError).hint).toContain(
      `"${w.registry.host}": { tokenRealm: "${thief.origin}/token" }`,
    )
    expect(thief.seen).toEqual([])
  })

  it('are sent to the configured realm', async () => {
    await using other = await scriptedServer((_request, response) =>
      reply(response, 200, {}, '{"token":"t0"}'),
    )
    await using w = await bearerWorld({
      credential: ada,
      realm: `${other.origin}/token`,
      settings: { tokenRealm: `${other.origin}/token` },
    })
    expect(await statusOf(w, w.request('a', ['pull']))).toBe(200)
    expect(other.seen[0]?.headers.authorization).toBe(adasHeader)
  })

  it('are not sent with a request to another origin, whatever it asks for', async () => {
    await using thief = await scriptedServer((_request, response) =>
      reply(response, 401, { 'www-authenticate': 'Basic realm="yours, please"' }),
    )
    await using w = await bearerWorld({ credential: ada })
    await statusOf(w, w.request('a', ['pull']))
    const location = { ...w.request('a', ['pull']), url: new URL(`${thief.origin}/v2/a/blobs/uploads/1`) }
    expect(await caught(statusOf(w, location))).toMatchObject({ code: 'unauthorized' })
    expect(thief.seen.map((one) => one.headers.authorization)).toEqual([undefined])
  })

  it('are not sent after a redirect to another port, even if it asks for them', async () => {
    await using thief = await scriptedServer((_request, response) =>
      reply(response, 401, { 'www-authenticate': 'Basic realm="yours, please"' }),
    )
    await using registry = await scriptedServer((request, response) => {
      if (request.headers.authorization === undefined)
        return reply(response, 401, { 'www-authenticate': 'Basic realm="x"' })
      reply(response, 307, { location: `${thief.origin}/blob` })
    })
    const stack = createFetch({ settings: new Map(), credentials: async () => ada, userAgent: 'dray/test' })
    const error = await caught(stack.fetch(requestOf(`${registry.origin}/v2/`), notedCall()))
    expect(error).toMatchObject({ code: 'unauthorized' })
    expect(thief.seen.map((one) => one.headers.authorization)).toEqual([undefined])
    await stack.close()
  })

  it('are sent as Basic from the second request on without another challenge', async () => {
    await using registry = await scriptedServer((request, response) => {
      if (request.headers.authorization === adasHeader) return reply(response, 200)
      reply(response, 401, { 'www-authenticate': ['Negotiate', 'Basic realm="x", charset="UTF-8"'] })
    })
    const stack = createFetch({ settings: new Map(), credentials: async () => ada, userAgent: 'dray/test' })
    for (let turn = 0; turn < 3; turn++) {
      const response = await stack.fetch(requestOf(`${registry.origin}/v2/`), notedCall())
      await response.discard()
      expect(response.status).toBe(200)
    }
    expect(registry.seen).toHaveLength(4)
    await stack.close()
  })

  it('that are missing are the reason in the error for a 401', async () => {
    await using registry = await scriptedServer((_request, response) =>
      reply(response, 401, { 'www-authenticate': 'Basic realm="x"' }),
    )
    const stack = createFetch({
      settings: new Map(),
      credentials: async () => undefined,
      userAgent: 'dray/test',
    })
    const error = await caught(stack.fetch(requestOf(`${registry.origin}/v2/`), notedCall()))
    expect(error).toMatchObject({
      code: 'unauthorized',
      why: `dray found no credentials for ${registry.host}`,
    })
    expect(registry.seen).toHaveLength(1)
    await stack.close()
  })
})
