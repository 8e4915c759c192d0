import { describe, expect, it, onTestFinished } from 'vitest'
import { createFetch } from '../../../../src/registry/http/stack.ts'
import { openRepositories } from '../../../../src/registry/open-repositories.ts'
import { systemClock } from '../../../../src/lib/clock.ts'
import type { Credential } from '../../../../src/registry/credential.ts'
import { image } from '../../../support/images.ts'
import { embedded, newCall, openStores, type ScriptedAnswer, scripted } from '../world.ts'

const page = (repositories: unknown, link?: string): ScriptedAnswer => ({
  status: 200,
  headers: { 'content-type': 'application/json', link },
  body: JSON.stringify({ repositories }),
})

async function list(registry: string, stores = openStores()): Promise<string[]> {
  const paths: string[] = []
  for await (const path of stores.repositories(registry, newCall())) paths.push(path)
  return paths
}

describe('the catalog', () => {
  it.each(['oci-1.1', 'docker-registry-2.8', 'zot-2.1'] as const)(
    'is complete over short pages (%s)',
    async (profile) => {
      const one = await embedded({ profile, abilities: { pageLimit: 3 } })
      const paths = Array.from({ length: 8 }, (_, i) => `team-${i}/api`)
      for (const path of paths) await one.push(image(), path, '1')
      expect(await list(one.registry)).toEqual(paths)
      expect(one.requests()).toEqual(Array(3).fill('GET catalog 200'))
    },
  )

  it('requests large pages, follows Link unchanged, and lists duplicates once', async () => {
    const { registry, requests } = await scripted(({ path, headers }) => {
      if (path.endsWith('n=1000')) return page(['a', 'b/c'], '</v2/_catalog?last=b%2Fc&n=0>; rel="next"')
      if (path.includes('last='))
        return page(['b/c', 'd'], `<http://${headers.host}/v2/_catalog?page=3>; rel="next"`)
      return page(['a', 'e'])
    })
    expect(await list(registry)).toEqual(['a', 'b/c', 'd', 'e'])
    expect(requests()).toEqual([
      'GET /v2/_catalog?n=1000',
      'GET /v2/_catalog?last=b%2Fc&n=0',
      'GET /v2/_catalog?page=3',
    ])
  })

  it('may be an empty list or null', async () => {
    for (const nothing of [[], null]) {
      const { registry } = await scripted(() => page(nothing))
      expect(await list(registry)).toEqual([])
    }
  })

  it.each(['a\u001b[31m', '../../secrets', 'Team/api', '', 1, null])(
    'skips an entry that is no path: %j',
    async (entry) => {
      const { registry } = await scripted(() => page(['a', entry, 'b/c']))
      expect(await list(registry)).toEqual(['a', 'b/c'])
    },
  )

  it.each([
    ['does not exist', { status: 404 }, 'unsupported'],
    [
      'does not exist, with an error of the registry',
      { status: 404, body: '{"errors":[{"code":"NAME_UNKNOWN"}]}' },
      'unsupported',
    ],
    ['is not allowed', { status: 405 }, 'unsupported'],
    ['is unsupported', { status: 400, body: '{"errors":[{"code":"UNSUPPORTED"}]}' }, 'unsupported'],
    ['is for others', { status: 401 }, 'forbidden'],
    ['is forbidden', { status: 403 }, 'forbidden'],
  ] as const)('that %s is an error with a hint', async (_, answer, code) => {
    const { registry } = await scripted(() => answer)
    await expect(list(registry)).rejects.toMatchObject({
      code,
      subject: registry,
      message: expect.stringContaining(registry),
      hint: expect.stringMatching(/Name the repositories.*dray\.yaml/),
    })
  })

  it.each([
    ['has no names', page(undefined), 'protocol'],
    ['is no JSON', { status: 200, body: 'x' }, 'protocol'],
    ['is a web page', { status: 200, headers: { 'content-type': 'text/html' }, body: '<html>' }, 'protocol'],
    ['leads to another host', page(['a'], '<http://127.0.0.2:9/v2/x>; rel="next"'), 'protocol'],
    ['leads in a circle', page(['a'], '</v2/_catalog?n=1000>; rel="next"'), 'protocol'],
    ['fails', { status: 500 }, 'unavailable'],
  ] as const)('that %s is an error, not a shorter list', async (_, answer, code) => {
    const { registry } = await scripted(() => answer)
    await expect(list(registry)).rejects.toMatchObject({ code, subject: registry })
  })

  it('that is truncated is an error', async () => {
    for (const [status, code] of [
      [404, 'protocol'],
      [500, 'unavailable'],
    ] as const) {
      const { registry } = await scripted((_request, count) =>
        count === 1 ? page(['a'], '</v2/_catalog?p=2>; rel="next"') : { status },
      )
      await expect(list(registry)).rejects.toMatchObject({ code })
    }
  })

  it('can be stopped early', async () => {
    const { registry, heard } = await scripted(() => page(['a', 'b'], '</v2/_catalog?p=2>; rel="next"'))
    for await (const path of openStores().repositories(registry, newCall())) {
      expect(path).toBe('a')
      break
    }
    expect(heard).toHaveLength(1)
  })
})

describe('the permission to read the catalog', () => {
  const users = { ada: 'secret' }
  const ada: Credential = { kind: 'basic', username: 'ada', password: 'secret' }

  function storesOf(credential: Credential | undefined) {
    const stack = createFetch({
      settings: new Map(),
      credentials: async () => credential,
      userAgent: 'test',
    })
    onTestFinished(() => stack.close())
    return openRepositories({
      fetch: stack.fetch,
      origin: (registry) => stack.origin(registry),
      clock: systemClock,
      random: () => 0,
    })
  }

  it.each(['bearer', 'basic'] as const)('is requested as registry:catalog:* (%s)', async (scheme) => {
    const one = await embedded({ auth: { scheme, users } })
    expect(await list(one.registry, storesOf(ada))).toEqual([])
    const scopes = one.log.filter(({ kind }) => kind === 'token').map(({ query }) => query.getAll('scope'))
    expect(scopes).toEqual(scheme === 'bearer' ? [['registry:catalog:*']] : [])
  })

  it('is named in the error if it is missing', async () => {
    const one = await embedded({ auth: { scheme: 'bearer', users } })
    await expect(list(one.registry, storesOf(undefined))).rejects.toMatchObject({
      code: 'forbidden',
      message: `${one.registry} does not allow dray to list its repositories`,
      hint: expect.stringMatching(/^Name the repositories.* Log in: dray login /),
    })
  })
})
