import { describe, expect, it, onTestFinished } from 'vitest'
import { DrayError } from '../../../src/lib/errors.ts'
import { repeatStaleCheck } from '../../../src/lib/freshness.ts'
import { createFetch } from '../../../src/registry/http/stack.ts'
import { notedCall, requestOf } from '../../support/http-world.ts'
import { leapingClock } from '../../support/manual-clock.ts'
import { type Script, scriptedServer } from '../../support/scripted-server.ts'

/** Takes the steps one after another, then answers 201. */
function inOrder(...steps: readonly Script[]): Script {
  let count = 0
  return (request, response, raw) => {
    const step = steps[count++]
    return step === undefined ? void response.writeHead(201).end() : step(request, response, raw)
  }
}

const status =
  (code: number, headers: Record<string, string> = {}): Script =>
  (_, response) =>
    void response.writeHead(code, headers).end()

/** A PUT with a check at its begin, and a clock without real waits. */
async function checkedPut(script: Script, { concurrency }: { readonly concurrency?: number } = {}) {
  const clock = leapingClock()
  const server = await scriptedServer(script)
  const settings = new Map(concurrency === undefined ? [] : [[server.host, { concurrency }]])
  const stack = createFetch({
    settings,
    credentials: async () => ({ kind: 'basic', username: 'tester', password: 'secret' }),
    userAgent: 'test',
    clock,
    random: () => 1,
  })
  onTestFinished(async () => {
    await stack.close()
    await server[Symbol.asyncDispose]()
  })
  const putsBeforeCheck: number[] = []
  const puts = (): number => server.seen.filter(({ method }) => method === 'PUT').length
  const send = (check: () => Promise<void> = async () => undefined) =>
    stack.fetch(
      requestOf(`${server.origin}/v2/api/manifests/stable`, {
        method: 'PUT',
        body: { kind: 'bytes', bytes: Buffer.from('{}') },
        beforeAttempt: repeatStaleCheck(clock.now(), clock, async () => {
          putsBeforeCheck.push(puts())
          await check()
        }),
      }),
      notedCall(),
    )
  return { clock, server, stack, send, puts, putsBeforeCheck }
}

describe('a request with a check', () => {
  it.each<[string, readonly Script[], readonly number[]]>([
    ['after a 429 with Retry-After', [status(429, { 'retry-after': '5' })], [1]],
    ['after a 503 with Retry-After', [status(503, { 'retry-after': '5' })], [1]],
    [
      'after a backoff of more than two seconds',
      [status(500), status(500), status(500), status(500), status(500)],
      [4, 5],
    ],
    [
      'after a connection that broke, if the backoff was long',
      Array.from({ length: 4 }, (): Script => (_, __, raw) => void raw.socket.destroy()),
      [4],
    ],
  ])('repeats the check %s', async (_, steps, expected) => {
    const { send, putsBeforeCheck } = await checkedPut(inOrder(...steps))
    expect((await send()).status).toBe(201)
    expect(putsBeforeCheck).toEqual(expected)
  })

  it('is not checked again if all attempts are within two seconds', async () => {
    const { send, puts, putsBeforeCheck } = await checkedPut(inOrder(status(503), status(503)))
    expect((await send()).status).toBe(201)
    expect(puts()).toBe(3)
    expect(putsBeforeCheck).toEqual([])
  })

  it('repeats the check after a new token that took long', async () => {
    let tokens = 0
    const world = await checkedPut(({ path, headers }, response) => {
      if (path.startsWith('/token')) {
        if (tokens++ === 0) return void response.writeHead(429, { 'retry-after': '5' }).end()
        return void response.end(JSON.stringify({ token: 'new' }))
      }
      if (headers.authorization === 'Bearer new') return void response.writeHead(201).end()
      const challenge = `Bearer realm="${world.server.origin}/token",service="s"`
      return void response.writeHead(401, { 'www-authenticate': challenge }).end()
    })
    expect((await world.send()).status).toBe(201)
    expect(world.putsBeforeCheck).toEqual([1])
  })

  it('repeats the check after a long wait for a slot, and needs no slot for it', async () => {
    const world = await checkedPut(
      async ({ path }, response) => {
        if (path !== '/v2/api/tags/list') return void response.writeHead(201).end()
        await world.clock.sleep(3_000, new AbortController().signal)
        response.end('{}')
      },
      { concurrency: 1 },
    )
    const { origin } = world.server
    // The challenge is known, so the request waits only for the slot.
    await (await world.stack.fetch(requestOf(`${origin}/v2/`), notedCall())).discard()
    const slow = world.stack.fetch(requestOf(`${origin}/v2/api/tags/list`), notedCall())
    const put = world.send(async () => {
      await (await world.stack.fetch(requestOf(`${origin}/v2/check`), notedCall())).discard()
    })
    await (await slow).discard()
    expect((await put).status).toBe(201)
    expect(world.putsBeforeCheck).toEqual([0])
  })

  it('gets the next slot after its check, however many requests wait', async () => {
    const queued: Promise<unknown>[] = []
    const world = await checkedPut(
      async ({ path }, response) => {
        if (path === '/v2/api/tags/list') await world.clock.sleep(3_000, new AbortController().signal)
        if (path === '/v2/check') queued.push(get('/v2/first'), get('/v2/second'), get('/v2/third'))
        response.writeHead(path === '/v2/api/manifests/stable' ? 201 : 200).end('{}')
      },
      { concurrency: 1 },
    )
    const get = async (path: string): Promise<void> =>
      await (await world.stack.fetch(requestOf(`${world.server.origin}${path}`), notedCall())).discard()
    await get('/v2/')
    const slow = get('/v2/api/tags/list')
    expect((await world.send(() => get('/v2/check'))).status).toBe(201)
    await Promise.all([slow, ...queued])
    expect(world.server.seen.map(({ path }) => path).slice(-5)).toEqual([
      '/v2/check',
      '/v2/first',
      '/v2/api/manifests/stable',
      '/v2/second',
      '/v2/third',
    ])
  })

  it('is not sent again if the check fails, and the failure is not retried', async () => {
    const { send, puts, putsBeforeCheck } = await checkedPut(inOrder(status(429, { 'retry-after': '5' })))
    const conflict = new DrayError('conflict', 'the tag was moved')
    await expect(send(() => Promise.reject(conflict))).rejects.toMatchObject({ code: 'conflict' })
    expect([puts(), putsBeforeCheck]).toEqual([1, [1]])
  })

  it('is not sent at all if each check is too old when a slot is free', async () => {
    const { stack, server, clock, puts } = await checkedPut(inOrder())
    let checks = 0
    const put = stack.fetch(
      requestOf(`${server.origin}/v2/api/manifests/stable`, {
        method: 'PUT',
        body: { kind: 'bytes', bytes: Buffer.from('{}') },
        beforeAttempt: async () => {
          checks++
          await clock.sleep(3_000, new AbortController().signal)
        },
      }),
      notedCall(),
    )
    await expect(put).rejects.toMatchObject({ code: 'timeout' })
    expect(puts()).toBe(0)
    expect(checks).toBeGreaterThan(3)
  })
})
