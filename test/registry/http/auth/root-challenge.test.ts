import type { ServerResponse } from 'node:http'
import { describe, expect, it } from 'vitest'
import { DrayError } from '../../../../src/lib/errors.ts'
import type { Credential } from '../../../../src/registry/credential.ts'
import type { RegistryRequest } from '../../../../src/registry/http/fetch.ts'
import { createFetch, type FetchStack } from '../../../../src/registry/http/stack.ts'
import { notedCall, requestOf } from '../../../support/http-world.ts'
import {
  reply,
  type ScriptedServer,
  scriptedServer,
  type SeenRequest,
} from '../../../support/scripted-server.ts'
import { testAuthority, testCertificate } from '../../../support/tls.ts'

const ada: Credential = { kind: 'basic', username: 'ada', password: 'canary-password' }
const adasHeader = `Basic ${Buffer.from('ada:canary-password').toString('base64')}`

type Answer = readonly [
  status: number,
  headers?: Readonly<Record<string, string | readonly string[]>>,
  body?: string,
]

interface Script {
  /** to `GET /v2/` without credentials */
  readonly root: Answer
  /** to other requests without credentials */
  readonly hidden: Answer
  /** to requests with credentials */
  readonly known?: Answer
  readonly credential?: Credential | undefined
  readonly tls?: boolean
}

interface World extends AsyncDisposable {
  readonly server: ScriptedServer
  readonly stack: FetchStack
  /** the requests without the token server's: `METHOD PATH`, with `+` if credentials were sent */
  readonly requests: () => readonly string[]
}

/** A registry that gives tokens under `/token` and accepts Basic and these tokens. */
async function world(script: Partial<Script>): Promise<World> {
  const { root, hidden, known = [200], credential = ada, tls = false } = script
  const isKnown = ({ headers }: SeenRequest): boolean =>
    headers.authorization === adasHeader || headers.authorization === 'Bearer t'
  const answer = (request: SeenRequest, response: ServerResponse): void => {
    if (request.path.startsWith('/token')) return reply(response, 200, {}, '{"token":"t"}')
    const [status, headers = {}, body = ''] =
      (isKnown(request) ? known : request.path === '/v2/' ? root : hidden) ?? known
    const filled = Object.entries(headers).map(([name, value]) => [
      name,
      [value].flat().map((one) => one.replaceAll('ORIGIN', server.origin)),
    ])
    reply(response, status, Object.fromEntries(filled) as Record<string, string[]>, body)
  }
  const server = await scriptedServer(answer, tls ? { tls: testCertificate } : {})
  const stack = createFetch({
    settings: new Map(tls ? [[server.host, { ca: testAuthority }]] : []),
    credentials: async () => credential,
    userAgent: 'dray/test',
    random: () => 0,
    maxAttempts: 2,
  })
  return {
    server,
    stack,
    requests: () =>
      server.seen
        .filter(({ path }) => !path.startsWith('/token'))
        .map(
          ({ method, path, headers }) =>
            `${method} ${path}${headers.authorization === undefined ? '' : ' +'}`,
        ),
    [Symbol.asyncDispose]: async () => {
      await stack.close()
      await server[Symbol.asyncDispose]()
    },
  }
}

function requestFor({ server }: World, path: string, over: Partial<RegistryRequest> = {}): RegistryRequest {
  const scopes = [{ repository: { registry: server.host, path: 'app' }, actions: ['pull'] }] as const
  return requestOf(`${server.origin}/v2/${path}`, { scopes, ...over })
}

async function answerTo(w: World, path: string, over: Partial<RegistryRequest> = {}): Promise<string> {
  const response = await w.stack.fetch(requestFor(w, path, over), notedCall())
  return `${response.status} ${Buffer.from(await response.bytes(1000)).toString()}`.trim()
}

async function errorOf(w: World, path: string): Promise<DrayError> {
  const error: unknown = await answerTo(w, path).then(
    (answer) => answer,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof DrayError)) throw new Error(`there was no error but ${String(error)}`)
  return error
}

const basic: Answer = [401, { 'www-authenticate': 'Basic realm="x"' }]
const bearer: Answer = [401, { 'www-authenticate': 'Bearer realm="ORIGIN/token",service="s"' }]
const noChallenge: Answer = [401]

describe('404 or 403 to a request without credentials', () => {
  it.each([
    { method: 'GET', path: 'app/manifests/1', status: 404, root: basic },
    { method: 'HEAD', path: 'app/manifests/1', status: 404, root: bearer },
    { method: 'HEAD', path: 'app/blobs/sha256:00', status: 403, root: bearer },
    { method: 'GET', path: 'app/tags/list', status: 403, root: basic },
    { method: 'GET', path: 'app/referrers/sha256:00', status: 404, root: bearer },
    { method: 'GET', path: 'app/blobs/sha256:00', status: 404, root: basic, lane: 'download' },
    { method: 'POST', path: 'app/blobs/uploads/', status: 404, root: bearer },
    { method: 'DELETE', path: 'app/manifests/sha256:00', status: 404, root: basic },
  ] as const)(
    'makes dray follow the challenge of /v2/: $method $path $status',
    async ({ status, root, ...one }) => {
      await using w = await world({ hidden: [status, {}, 'hidden'], root })
      expect(await answerTo(w, one.path, one)).toBe('200')
      const asked = `${one.method} /v2/${one.path}`
      expect(w.requests()).toEqual([asked, 'GET /v2/', `${asked} +`])
    },
  )

  it('makes dray follow the challenge for the list of repositories', async () => {
    await using w = await world({ hidden: [404], root: bearer })
    expect(await answerTo(w, '_catalog', { scopes: [{ catalog: '*' }] })).toBe('200')
  })

  it('is accepted after one request to /v2/ if /v2/ asks for no credentials', async () => {
    await using w = await world({ hidden: [404, {}, 'not there'], root: [200] })
    const all = Array.from({ length: 20 }, (_, index) => answerTo(w, `app/manifests/${index}`))
    expect(new Set(await Promise.all(all))).toEqual(new Set(['404 not there']))
    expect(await answerTo(w, 'app/manifests/21')).toBe('404 not there')
    expect(w.requests().filter((one) => one === 'GET /v2/')).toHaveLength(1)
    expect(w.requests().filter((one) => one.endsWith('+'))).toEqual([])
  })

  it.each([404, 403, 400, 405])('is accepted if /v2/ answers %i', async (status) => {
    await using w = await world({ hidden: [404, {}, 'not there'], root: [status] })
    expect(await answerTo(w, 'app/manifests/1')).toBe('404 not there')
  })

  it('is not accepted if /v2/ fails', async () => {
    await using w = await world({ hidden: [404], root: [503, { 'retry-after': '0' }] })
    expect(await errorOf(w, 'app/manifests/1')).toMatchObject({ code: 'unavailable', status: 503 })
  })

  it('is accepted with the credentials that the registry accepted', async () => {
    await using w = await world({ hidden: [404], root: basic, known: [404, {}, 'not there'] })
    expect(await answerTo(w, 'app/manifests/1')).toBe('404 not there')
    expect(await answerTo(w, 'app/manifests/2')).toBe('404 not there')
    expect(w.requests()).toEqual([
      'GET /v2/app/manifests/1',
      'GET /v2/',
      'GET /v2/app/manifests/1 +',
      'GET /v2/app/manifests/2 +',
    ])
  })

  it('costs no request if there are no credentials', async () => {
    await using w = await world({ hidden: [404], root: basic })
    const stack = createFetch({
      settings: new Map(),
      credentials: async () => undefined,
      userAgent: 'dray/test',
    })
    const response = await stack.fetch(requestFor(w, 'app/manifests/1'), notedCall())
    await response.discard()
    expect(response.status).toBe(404)
    expect(w.requests()).toEqual(['GET /v2/app/manifests/1'])
    await stack.close()
  })

  it('of a storage to which the registry redirects is no answer of the registry', async () => {
    await using storage = await scriptedServer((_request, response) => reply(response, 403))
    await using w = await world({ hidden: [307, { location: `${storage.origin}/blob` }], root: basic })
    expect(await answerTo(w, 'app/blobs/sha256:00')).toBe('403')
    expect(w.requests()).toEqual(['GET /v2/app/blobs/sha256:00'])
  })
})

describe('401 without a challenge that dray supports', () => {
  it.each([
    ['no header', noChallenge],
    ['an empty header', [401, { 'www-authenticate': '' }]],
    ['a value that is no challenge', [401, { 'www-authenticate': '"x"' }]],
    ['a value that does not end', [401, { 'www-authenticate': 'Bearer realm="https://x' }]],
    ['Bearer without a realm', [401, { 'www-authenticate': 'Bearer service="x"' }]],
  ] as const)('makes dray send the credentials as Basic over TLS alone: %s', async (_, answer) => {
    await using w = await world({ hidden: answer, root: answer, tls: true })
    expect(await answerTo(w, 'app/manifests/1')).toBe('200')
    expect(await answerTo(w, 'app/manifests/2')).toBe('200')
    expect(w.requests()).toEqual([
      'GET /v2/app/manifests/1',
      'GET /v2/',
      'GET /v2/app/manifests/1 +',
      'GET /v2/app/manifests/2 +',
    ])

    await using plain = await world({ hidden: answer, root: answer })
    const error = await errorOf(plain, 'app/manifests/1')
    expect(error).toMatchObject({ code: 'unauthorized', status: undefined })
    expect(error.why).toMatch(
      /over plain HTTP only if the registry asks for Basic\. dray sent no credentials$/,
    )
    expect(plain.requests()).toEqual(['GET /v2/app/manifests/1', 'GET /v2/'])
  })

  it('makes dray follow the challenge of /v2/', async () => {
    await using w = await world({ hidden: noChallenge, root: bearer })
    expect(await answerTo(w, 'app/manifests/1')).toBe('200')
    expect(w.server.seen.map(({ headers }) => headers.authorization)).toEqual([
      undefined,
      undefined,
      adasHeader,
      'Bearer t',
    ])
  })

  it('renews a token that has expired', async () => {
    let issued = 0
    await using server = await scriptedServer((request, response) => {
      if (request.path.startsWith('/token')) return reply(response, 200, {}, `{"token":"t${issued++}"}`)
      const { authorization } = request.headers
      if (authorization === undefined)
        return reply(response, 401, { 'www-authenticate': `Bearer realm="${server.origin}/token"` })
      reply(
        response,
        authorization === `Bearer t${issued - 1}` && !request.path.endsWith(`/${issued}`) ? 200 : 401,
      )
    })
    const stack = createFetch({ settings: new Map(), credentials: async () => ada, userAgent: 'dray/test' })
    for (const path of ['app/manifests/x', 'app/manifests/1']) {
      const scopes = [{ repository: { registry: server.host, path: 'app' }, actions: ['pull'] }] as const
      const response = await stack.fetch(requestOf(`${server.origin}/v2/${path}`, { scopes }), notedCall())
      await response.discard()
      expect(response.status).toBe(200)
    }
    expect(issued).toBe(2)
    await stack.close()
  })

  it.each([
    [
      'no header',
      noChallenge,
      /credentials without a usable challenge: its 401 has no WWW-Authenticate header/,
    ],
    [
      'Negotiate',
      [401, { 'www-authenticate': ['Negotiate', 'NTLM TlRM/TVN=='] }],
      /an authentication other than Basic and Bearer: its WWW-Authenticate is "Negotiate, NTLM TlRM\/TVN=="/,
    ],
    [
      'Bearer without a realm',
      [401, { 'www-authenticate': 'bearer service="x"' }],
      /its Bearer challenge has no realm: "bearer service=/,
    ],
    [
      'a malformed value',
      [401, { 'www-authenticate': 'Bearer realm="x' }],
      /cannot parse its WWW-Authenticate/,
    ],
  ] as const)('is an error that says what the registry sent: %s', async (_, answer, why) => {
    await using w = await world({
      hidden: answer,
      root: answer,
      credential: { kind: 'identity', token: 'canary' },
    })
    const error = await errorOf(w, 'app/manifests/1')
    expect(error).toMatchObject({ code: 'unauthorized', status: undefined })
    expect(error.why).toMatch(why)
    expect(error.why).toContain('dray sent no credentials')
    expect(w.requests().filter((one) => one.endsWith('+'))).toEqual([])
  })

  it('sends no password to a registry that names other schemes only', async () => {
    const negotiate: Answer = [401, { 'www-authenticate': 'Negotiate' }]
    await using w = await world({ hidden: negotiate, root: negotiate })
    const error = await errorOf(w, 'app/manifests/1')
    expect(error.why).toMatch(/^it requires an authentication other than Basic .* dray sent no credentials$/)
    expect(error.hint).not.toContain('dray login')
    expect(w.requests().filter((one) => one.endsWith('+'))).toEqual([])
  })

  it('is an error that says how credentials were sent if Basic does not help', async () => {
    await using w = await world({ hidden: noChallenge, root: noChallenge, known: noChallenge, tls: true })
    expect((await errorOf(w, 'app/manifests/1')).why).toMatch(
      /with Basic authentication, and .* answered 401 again$/,
    )
  })
})

describe('WWW-Authenticate', () => {
  it.each([
    ['several challenges in one header', 'Negotiate, Basic realm="x"'],
    ['several headers', ['NTLM TlRM/TVN==', 'Basic realm="x"']],
    ['names in lower case', 'basic realm="x"'],
    ['Basic without a realm', 'Basic'],
    ['Bearer without a realm before Basic', 'Bearer service="s", Basic realm="x"'],
    ['names in upper case', 'BEARER REALM="ORIGIN/token",SERVICE="s"'],
    ['values without quotes', 'Bearer realm=ORIGIN/token,service=s'],
    ['spaces around the equals sign', 'Bearer realm = "ORIGIN/token" , service = "s"'],
  ] as const)('is followed with %s', async (_, value) => {
    const answer: Answer = [401, { 'www-authenticate': [value].flat() }]
    await using w = await world({ hidden: answer, root: answer })
    expect(await answerTo(w, 'app/manifests/1')).toBe('200')
    expect(w.requests()).toEqual(['GET /v2/app/manifests/1', 'GET /v2/app/manifests/1 +'])
  })
})
