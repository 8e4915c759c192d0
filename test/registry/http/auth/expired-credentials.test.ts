import { describe, expect, it, onTestFinished } from 'vitest'
import type { Credential } from '../../../../src/registry/credential.ts'
import type { RegistryRequest } from '../../../../src/registry/http/fetch.ts'
import { createFetch } from '../../../../src/registry/http/stack.ts'
import { notedCall, requestOf } from '../../../support/http-world.ts'
import { manualClock } from '../../../support/manual-clock.ts'
import { reply, scriptedServer, type SeenRequest } from '../../../support/scripted-server.ts'

type Scheme = 'basic' | 'bearer'

/** A registry that accepts one password, and a helper that gives one. Both can change. */
async function expiringWorld(scheme: Scheme, of: (password: string) => Credential = ada) {
  const state = { valid: 'first', given: 'first', searches: [] as boolean[], isForbidden: false }
  const isValid = ({ headers }: SeenRequest): boolean => {
    const [, encoded = ''] = /^Basic (.*)$/.exec(headers.authorization ?? '') ?? []
    return Buffer.from(encoded, 'base64').toString().endsWith(`:${state.valid}`)
  }
  const registry = await scriptedServer((request, response) => {
    if (request.path.startsWith('/token'))
      return isValid(request)
        ? reply(response, 200, {}, JSON.stringify({ token: `token-of-${state.valid}` }))
        : reply(response, 401)
    const isToken = request.headers.authorization === `Bearer token-of-${state.valid}`
    if (!state.isForbidden && (scheme === 'basic' ? isValid(request) : isToken)) return reply(response, 200)
    const challenge = scheme === 'basic' ? 'Basic realm="x"' : `Bearer realm="${registry.origin}/token"`
    return reply(response, 401, { 'www-authenticate': challenge })
  })
  const stack = createFetch({
    settings: new Map(),
    credentials: async (_, __, ___, isAgain = false) => {
      state.searches.push(isAgain)
      return of(state.given)
    },
    userAgent: 'dray/test',
    clock: manualClock(),
    random: () => 0,
  })
  onTestFinished(async () => {
    await stack.close()
    await registry[Symbol.asyncDispose]()
  })
  const send = async (path: string, more: Partial<RegistryRequest> = {}): Promise<number | string> => {
    const scopes = [{ repository: { registry: registry.host, path }, actions: ['pull', 'push'] as const }]
    const request = requestOf(`${registry.origin}/v2/${path}/manifests/1`, { scopes, ...more })
    return await stack.fetch(request, notedCall()).then(
      async (response) => {
        await response.discard()
        return response.status
      },
      (error: { code: string }) => error.code,
    )
  }
  return { state, send, registry }
}

function ada(password: string): Credential {
  return { kind: 'basic', username: 'ada', password }
}

describe.each(['basic', 'bearer'] as const)('a %s credential that expires in mid-run', (scheme) => {
  it('is replaced by the one that its helper gives then, once for all requests', async () => {
    const { state, send } = await expiringWorld(scheme)
    expect(await send('a')).toBe(200)
    Object.assign(state, { valid: 'second', given: 'second' })
    expect(await Promise.all(Array.from({ length: 10 }, () => send('a')))).toEqual(Array(10).fill(200))
    expect(state.searches.filter(Boolean)).toHaveLength(1)
    expect(await send('b')).toBe(200)
    expect(state.searches.filter(Boolean)).toHaveLength(1)
  })

  it('is replaced as often as it expires', async () => {
    const { state, send } = await expiringWorld(scheme)
    for (const password of ['first', 'second', 'third']) {
      Object.assign(state, { valid: password, given: password })
      expect(await send('a')).toBe(200)
    }
    expect(state.searches.filter(Boolean)).toHaveLength(2)
  })

  it('sends the whole body of an upload again', async () => {
    const { state, send, registry } = await expiringWorld(scheme)
    expect(await send('a')).toBe(200)
    Object.assign(state, { valid: 'second', given: 'second' })
    const body = { kind: 'bytes', bytes: Buffer.from('content') } as const
    expect(await send('a', { method: 'PUT', body, replay: 'never' })).toBe(200)
    expect(registry.seen.at(-1)).toMatchObject({ method: 'PUT', body: Buffer.from('content') })
  })

  it('is an error if the helper has no other one, and it is asked once', async () => {
    const { state, send } = await expiringWorld(scheme)
    expect(await send('a')).toBe(200)
    state.valid = 'second'
    expect(await send('a')).toBe('unauthorized')
    expect(await send('a')).toBe('unauthorized')
    expect(state.searches.filter(Boolean)).toHaveLength(1)
  })

  it('is not replaced by the credential of another user', async () => {
    const { state, send } = await expiringWorld(scheme, (password) => ({
      kind: 'basic',
      username: password === 'first' ? 'ada' : 'bob',
      password,
    }))
    expect(await send('a')).toBe(200)
    Object.assign(state, { valid: 'second', given: 'second' })
    expect(await send('a')).toBe('unauthorized')
  })

  it('is not searched again if it was never accepted', async () => {
    const { state, send } = await expiringWorld(scheme)
    Object.assign(state, { valid: 'second' })
    expect(await send('a')).toBe('unauthorized')
    expect(state.searches).toEqual([false])
  })
})

it('a token without a permission does not run the helper again', async () => {
  const { state, send } = await expiringWorld('bearer')
  expect(await send('a')).toBe(200)
  state.isForbidden = true
  expect(await send('a')).toBe('unauthorized')
  expect(state.searches.filter(Boolean)).toEqual([])
})
