import { describe, expect, it } from 'vitest'
import { DrayError } from '../../../src/lib/errors.ts'
import type { Fetch } from '../../../src/registry/http/fetch.ts'
import { HostGates } from '../../../src/registry/http/host-gate.ts'
import { IncomingBody } from '../../../src/registry/http/bodies/incoming-body.ts'
import { createResponse } from '../../../src/registry/http/response.ts'
import { retry } from '../../../src/registry/http/retry.ts'
import { TransportFailure } from '../../../src/registry/http/transport/transport-failure.ts'
import { notedCall, requestOf } from '../../support/http-world.ts'
import { leapingClock, manualClock } from '../../support/manual-clock.ts'

type Answer = number | { readonly status: number; readonly retryAfter: string } | DrayError

/** Returns the answers one after another, then always the last one. */
function server(...answers: readonly Answer[]): { fetch: Fetch; count: () => number } {
  let count = 0
  return {
    count: () => count,
    fetch: async (request) => {
      const answer = answers[Math.min(count++, answers.length - 1)] ?? 200
      if (answer instanceof DrayError) throw answer
      const body = new IncomingBody({
        pause: () => undefined,
        resume: () => undefined,
        cancel: () => undefined,
      })
      body.end()
      const plain = typeof answer === 'number' ? { status: answer, retryAfter: undefined } : answer
      const headers = new Map(plain.retryAfter === undefined ? [] : [['retry-after', plain.retryAfter]])
      return createResponse({ status: plain.status, headers, url: request.url, body })
    },
  }
}

function broken(sent: boolean, code = sent ? 'ECONNRESET' : 'ECONNREFUSED'): DrayError {
  return new DrayError('network', 'it broke', { cause: new TransportFailure('it broke', code, sent) })
}

const url = 'https://r.test/v2/a'
const start = Date.UTC(2026, 10, 23)

function retrying(
  next: Fetch,
  options: { random?: () => number; maxWaitMs?: number } = {},
): { fetch: Fetch; naps: readonly number[] } {
  const clock = leapingClock(start)
  const gates = new HostGates(clock, options.maxWaitMs ?? 300_000)
  return { fetch: retry({ clock, random: options.random ?? (() => 1), gates })(next), naps: clock.naps }
}

describe('retry', () => {
  it.each([408, 429, 500, 502, 503, 504])('sends again after %i', async (status) => {
    const { fetch, count } = server(status, status, 200)
    const response = await retrying(fetch).fetch(requestOf(url), notedCall())
    expect(response.status).toBe(200)
    expect(count()).toBe(3)
  })

  it.each([400, 401, 403, 404, 405, 501])('does not send again after %i', async (status) => {
    const { fetch, count } = server(status)
    expect((await retrying(fetch).fetch(requestOf(url), notedCall())).status).toBe(status)
    expect(count()).toBe(1)
  })

  it('retries a 416 without a range three times, and returns one for a range', async () => {
    const whole = server(416)
    await retrying(whole.fetch).fetch(requestOf(url), notedCall())
    expect(whole.count()).toBe(3)
    const part = server(416)
    await retrying(part.fetch).fetch(requestOf(url, { headers: { range: 'bytes=5-' } }), notedCall())
    expect(part.count()).toBe(1)
  })

  it('makes eight attempts, waits twice as long each time, and returns the last response', async () => {
    const { fetch, count } = server(503)
    const world = retrying(fetch)
    expect((await world.fetch(requestOf(url), notedCall())).status).toBe(503)
    expect(count()).toBe(8)
    expect(world.naps).toEqual([250, 500, 1000, 2000, 4000, 8000, 16_000])
  })

  it('waits for a random part of that time', async () => {
    const world = retrying(server(503, 503, 200).fetch, { random: () => 0.5 })
    await world.fetch(requestOf(url), notedCall())
    expect(world.naps).toEqual([125, 250])
  })

  it('retries after a broken connection, and reports it', async () => {
    const call = notedCall()
    const response = await retrying(server(broken(true), broken(false), 200).fetch).fetch(
      requestOf(url),
      call,
    )
    expect(response.status).toBe(200)
    expect(call.events).toMatchObject([
      { kind: 'retry', method: 'GET', url, attempt: 1, waitMs: 250, why: 'it broke' },
      { kind: 'retry', attempt: 2 },
    ])
  })

  it('makes four attempts for a host that never answered', async () => {
    const { fetch, count } = server(broken(false))
    await expect(retrying(fetch).fetch(requestOf(url), notedCall())).rejects.toMatchObject({
      code: 'network',
      why: 'it broke (4 attempts)',
    })
    expect(count()).toBe(4)
  })

  it('does not retry if a certificate is not trusted', async () => {
    const { fetch, count } = server(broken(false, 'SELF_SIGNED_CERT_IN_CHAIN'))
    await expect(retrying(fetch).fetch(requestOf(url), notedCall())).rejects.toMatchObject({
      code: 'network',
    })
    expect(count()).toBe(1)
  })

  it('does not retry an error after its last retry', async () => {
    const { fetch, count } = server(broken(true))
    const inner = retrying(fetch)
    await expect(retrying(inner.fetch).fetch(requestOf(url), notedCall())).rejects.toMatchObject({
      code: 'network',
    })
    expect(count()).toBe(8)
  })

  it.each([
    ['503', 503, 1],
    ['a broken connection', broken(true), 1],
    ['429', 429, 2],
    ['no connection', broken(false), 2],
  ])('after %s repeats a request without replay only if it had no effect', async (_name, answer, sent) => {
    const { fetch, count } = server(answer, 201)
    await retrying(fetch)
      .fetch(requestOf(url, { method: 'PUT', replay: 'never' }), notedCall())
      .catch(() => undefined)
    expect(count()).toBe(sent)
  })

  it.each([
    ['seconds', '120', 120_000],
    ['a date', new Date(start + 90_000).toUTCString(), 90_000],
  ])('waits for the time of Retry-After in %s', async (_name, retryAfter, waited) => {
    const world = retrying(server({ status: 429, retryAfter }, 200).fetch)
    await world.fetch(requestOf(url), notedCall())
    expect(world.naps).toEqual([waited])
  })

  it('fails if Retry-After is longer than the maximum wait, and names the time', async () => {
    const world = retrying(server({ status: 429, retryAfter: '301' }).fetch)
    const sending = world.fetch(requestOf(url), notedCall())
    await expect(sending).rejects.toMatchObject({
      code: 'unavailable',
      hint: expect.stringContaining('2026-11-23T00:05:01.000Z'),
    })
    expect(world.naps).toEqual([])
  })

  it('makes other requests to the same registry wait, and none to another', async () => {
    const clock = manualClock(start)
    const gates = new HostGates(clock, 300_000)
    const { fetch, count } = server({ status: 429, retryAfter: '60' }, 200)
    const send = retry({ clock, random: () => 0, gates })(fetch)
    const call = notedCall()
    const first = send(requestOf(url), call)
    await clock.sleepers(1)
    const second = send(requestOf(url), call)
    await clock.sleepers(2)
    expect((await send(requestOf('https://other.test/'), notedCall())).status).toBe(200)
    expect(count()).toBe(2)
    await clock.advance(59_999)
    expect(count()).toBe(2)
    await clock.advance(1)
    expect(call.events.filter(({ kind }) => kind === 'wait')).toEqual([
      { kind: 'wait', registry: 'r.test', ms: 60_000 },
    ])
    expect([(await first).status, (await second).status]).toEqual([200, 200])
  })

  it('stops retrying if no request succeeds any more', async () => {
    const { fetch, count } = server(503)
    const world = retrying(fetch)
    await Promise.all(Array.from({ length: 100 }, () => world.fetch(requestOf(url), notedCall())))
    expect(count()).toBe(164)
  })

  it('continues as long as some requests succeed', async () => {
    const { fetch } = server(...Array.from({ length: 3000 }, (_, index) => (index % 3 === 0 ? 200 : 503)))
    const world = retrying(fetch)
    for (let index = 0; index < 500; index++)
      expect((await world.fetch(requestOf(url), notedCall())).status).toBe(200)
  })

  it('stops waiting when its call ends', async () => {
    const clock = manualClock(start)
    const send = retry({ clock, random: () => 1, gates: new HostGates(clock, 300_000) })(server(503).fetch)
    const call = notedCall()
    const pending = send(requestOf(url), call)
    await clock.sleepers(1)
    call.abort(new DrayError('interrupted', 'enough'))
    await expect(pending).rejects.toMatchObject({ code: 'interrupted' })
  })
})
