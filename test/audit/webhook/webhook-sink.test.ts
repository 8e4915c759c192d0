import { spawn } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { array, assert, asyncProperty, constantFrom, integer } from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { AuditRecord } from '../../../src/audit/log/record.ts'
import type { AuditSink } from '../../../src/audit/log/sink.ts'
import type { EventFormat } from '../../../src/audit/export/export.ts'
import type { Post } from '../../../src/audit/webhook/webhook-delivery.ts'
import { WebhookSink, type WebhookSinkOptions } from '../../../src/audit/webhook/webhook-sink.ts'
import type { ProgressEvent } from '../../../src/lib/call.ts'
import { DrayError, toErrorInfo } from '../../../src/lib/errors.ts'
import { createPoster } from '../../../src/registry/http/post.ts'
import { entriesOf, openLog, outcome, record, refusal } from '../../support/audit-log.ts'
import { type NotedCall, notedCall } from '../../support/http-world.ts'
import { type ManualClock, manualClock } from '../../support/manual-clock.ts'
import {
  reply,
  type Script,
  type ScriptedServer,
  scriptedServer,
  type SeenRequest,
} from '../../support/scripted-server.ts'
import { untagStep } from '../../support/delete-steps.ts'
import { recordOf } from '../../support/log-lines.ts'
import { tempFolder } from '../../support/temp.ts'

const secret = 'hush-canary-hush'

interface World {
  readonly clock: ManualClock
  readonly sink: WebhookSink
  /** the records of the log */
  readonly logged: readonly AuditRecord[]
  /** the events of the sink */
  readonly events: readonly ProgressEvent[]
  /** for `flush` */
  readonly call: NotedCall
}

/**
 * A sink over a log in memory. Its clock advances over the waits between attempts, and over nothing
 * else.
 */
function worldOf(post: Post, over: Partial<WebhookSinkOptions> = {}, log?: AuditSink): World {
  const clock = manualClock()
  const logged: AuditRecord[] = []
  const inMemory: AuditSink = {
    path: 'audit.jsonl',
    write: async (records) => void logged.push(...records),
  }
  const events: ProgressEvent[] = []
  let turned = Promise.resolve()
  const notify = (event: ProgressEvent): void => {
    events.push(event)
    if (event.kind === 'retry') turned = turned.then(() => clock.advance(event.waitMs))
  }
  const url = new URL('https://hooks.example/in')
  const options = { url, format: 'cloudevents', post, clock, required: false, notify, ...over } as const
  const sink = new WebhookSink(log ?? inMemory, options)
  onTestFinished(() => sink.close())
  return { clock, sink, logged, events, call: notedCall() }
}

/** A sink with a receiver on a port of this machine. */
async function received(
  script: Script,
  over: Partial<WebhookSinkOptions> = {},
  log?: AuditSink,
): Promise<World & { readonly server: ScriptedServer }> {
  const server = await scriptedServer(script)
  const url = new URL(`/path-canary?query=canary#canary`, server.origin)
  const world = worldOf((...args) => poster.post(...args), { url, ...over }, log)
  const poster = createPoster({ userAgent: 'dray/test', clock: world.clock })
  onTestFinished(async () => {
    await poster.close()
    await server[Symbol.asyncDispose]()
  })
  return { ...world, server }
}

const taken: Script = (_request, response) => reply(response, 204)
const idsOf = (seen: readonly SeenRequest[]): unknown[] => seen.map((one) => one.headers['x-dray-delivery'])
const eventOf = (seen: SeenRequest | undefined): unknown => JSON.parse(seen?.body.toString() ?? '')
const warningsOf = (call: NotedCall): string[] =>
  call.events.flatMap((event) => (event.kind === 'warning' ? [event.text] : []))
const waitsOf = (events: readonly ProgressEvent[]): number[] =>
  events.flatMap((event) => (event.kind === 'retry' ? [event.waitMs] : []))
const caught = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  )

/** Verifies like a receiver, by the page about webhooks and without dray's code. */
function isSigned({ headers, body }: SeenRequest, key: string): boolean {
  const timestamp = String(headers['x-dray-timestamp'])
  const mac = createHmac('sha256', key).update(Buffer.concat([Buffer.from(`${timestamp}.`), body]))
  return headers['x-dray-signature'] === `sha256=${mac.digest('hex')}`
}

describe('the webhook sink', () => {
  it('sends each outcome and refusal, in the order of the log, and no intent', async () => {
    const { sink, logged, server, call } = await received(taken)
    const records = [refusal(), record(), outcome(), record(), record(), outcome(), refusal(), outcome()]
    await sink.write(records.slice(0, 3))
    await sink.write(records.slice(3))
    await sink.flush(call)
    expect(logged).toEqual(records)
    expect(idsOf(server.seen)).toEqual(records.filter((one) => one.phase !== 'intent').map(({ id }) => id))
    expect(call.events).toEqual([])
  })

  it('sends one at a time, to keep the order', async () => {
    let atOnce = 0
    let most = 0
    const { sink, call } = await received(async (_request, response) => {
      most = Math.max(most, ++atOnce)
      await new Promise((resolve) => setImmediate(resolve))
      atOnce--
      reply(response, 200)
    })
    await Promise.all(Array.from({ length: 20 }, () => sink.write([outcome()])))
    await sink.flush(call)
    expect(most).toBe(1)
  })

  it('keeps the order of a log on disk with many writers', async () => {
    const path = `${await tempFolder()}/audit.jsonl`
    const log = openLog(path)
    onTestFinished(() => log.close())
    const { sink, server, call } = await received(taken, {}, log)
    await Promise.all(
      Array.from({ length: 20 }, async () => {
        await sink.write([record()])
        await sink.write([outcome()])
      }),
    )
    await sink.flush(call)
    const outcomes = entriesOf(path).filter(({ phase }) => phase === 'outcome')
    expect(outcomes).toHaveLength(20)
    expect(idsOf(server.seen)).toEqual(outcomes.map(({ id }) => id))
    expect(sink.path).toBe(path)
  })

  it('sends nothing that the log refused', async () => {
    const log: AuditSink = {
      path: 'full',
      write: () => Promise.reject(new DrayError('audit', 'the disk is full')),
    }
    const { sink, server, call } = await received(taken, { required: true }, log)
    await expect(sink.write([outcome()])).rejects.toMatchObject({
      code: 'audit',
      message: 'the disk is full',
    })
    await sink.flush(call)
    expect(server.seen).toEqual([])
  })

  it('does not delay writes while the receiver handles the first event', async () => {
    const order: string[] = []
    const gate = Promise.withResolvers<void>()
    const { sink, call } = await received(async (_request, response) => {
      await gate.promise
      order.push('answered')
      reply(response, 200)
    })
    for (let i = 0; i < 3; i++) await sink.write([outcome()])
    order.push('written')
    gate.resolve()
    await sink.flush(call)
    expect(order).toEqual(['written', 'answered', 'answered', 'answered'])
  })

  it('continues after a flush', async () => {
    const { sink, server, call } = await received(taken)
    await sink.flush(call)
    for (let i = 0; i < 2; i++) {
      await sink.write([outcome()])
      await sink.flush(call)
    }
    expect(server.seen).toHaveLength(2)
  })
})

describe('an event', () => {
  it('is a CloudEvent in structured mode, with the id of the record', async () => {
    const { sink, server, call } = await received(taken)
    const one = outcome({ reason: 'größe "1"\n' })
    await sink.write([one])
    await sink.flush(call)
    expect(server.seen[0]?.method).toBe('POST')
    expect(server.seen[0]?.headers['content-type']).toMatch(/^application\/cloudevents\+json(?:;|$)/)
    expect(server.seen[0]?.headers['x-dray-delivery']).toBe(one.id)
    expect(eventOf(server.seen[0])).toMatchObject({
      specversion: '1.0',
      id: one.id,
      type: 'dev.dray.promote.done',
      data: one,
    })
  })

  it('is an event of OCSF if that is configured', async () => {
    const { sink, server, call } = await received(taken, { format: 'ocsf', secret })
    const one = refusal()
    await sink.write([one])
    await sink.flush(call)
    expect(server.seen[0]?.headers['content-type']).toBe('application/json')
    expect(eventOf(server.seen[0])).toMatchObject({ class_uid: 6003, metadata: { uid: one.id } })
    expect(server.seen.map((seen) => isSigned(seen, secret))).toEqual([true])
  })

  it('is an event of CDEvents if that is configured, and only of tags and deletions', async () => {
    const { sink, logged, server, call } = await received(taken, {
      format: 'cdevents',
      secret,
      required: true,
    })
    const written = recordOf()
    const unchanged = recordOf({ id: 'record-2', result: 'unchanged' })
    const deleted = recordOf({ id: 'record-3', operation: 'prune', step: untagStep(), after: null })
    await sink.write([record(), refusal(), written, unchanged, deleted])
    await sink.flush(call)
    expect(logged).toHaveLength(5)
    expect(idsOf(server.seen)).toEqual([written.id, deleted.id])
    expect(server.seen.map(({ headers }) => headers['content-type'])).toEqual(
      Array<string>(2).fill('application/cloudevents+json; charset=UTF-8'),
    )
    expect(server.seen.map((seen) => eventOf(seen))).toMatchObject([
      { type: 'dev.cdevents.artifact.published.0.3.0', data: { customData: written } },
      { type: 'dev.cdevents.artifact.deleted.0.2.0', data: { customData: deleted } },
    ])
    expect(server.seen.map((seen) => isSigned(seen, secret))).toEqual([true, true])
  })

  it.each(['cloudevents', 'ocsf'] satisfies EventFormat[])(
    'of %s is signed over its time and exact bytes, as a receiver can check',
    async (format) => {
      const { sink, server, call, clock } = await received(taken, { secret, format })
      await sink.write([outcome({ reason: 'größe' }), refusal()])
      await sink.flush(call)
      const [seen] = server.seen
      expect(server.seen.map((one) => isSigned(one, secret))).toEqual([true, true])
      expect(seen?.headers['x-dray-timestamp']).toBe(String(clock.now() / 1000))
      if (seen === undefined) throw new Error('nothing came')
      expect(isSigned(seen, 'another')).toBe(false)
      const later = { ...seen.headers, 'x-dray-timestamp': String(clock.now() / 1000 + 1) }
      expect(isSigned({ ...seen, headers: later }, secret)).toBe(false)
      expect(isSigned({ ...seen, body: Buffer.concat([seen.body, Buffer.from(' ')]) }, secret)).toBe(false)
    },
  )

  it('is not signed without a secret, and an empty one is refused', async () => {
    const { sink, server, call } = await received(taken)
    await sink.write([outcome()])
    await sink.flush(call)
    expect(Object.keys(server.seen[0]?.headers ?? {})).not.toContain('x-dray-signature')
    expect(() => worldOf(async () => ({ status: 204 }), { secret: '' })).toThrow('empty')
  })
})

describe('a delivery that fails', () => {
  it.each([408, 425, 429, 500, 502, 503, 504])(
    'with %i is retried, with the same id and body and a new time',
    async (status) => {
      let tries = 0
      const { sink, server, events, call } = await received(
        (_request, response) => reply(response, ++tries < 3 ? status : 204),
        { secret },
      )
      const [one, next] = [outcome(), outcome()]
      await sink.write([one, next])
      await sink.flush(call)
      expect(idsOf(server.seen)).toEqual([one.id, one.id, one.id, next.id])
      expect(new Set(server.seen.slice(0, 3).map(({ body }) => body.toString())).size).toBe(1)
      const times = server.seen.map(({ headers }) => Number(headers['x-dray-timestamp']))
      expect(times.map((time) => time - (times[0] ?? 0))).toEqual([0, 1, 3, 3])
      expect(server.seen.every((seen) => isSigned(seen, secret))).toBe(true)
      expect(waitsOf(events)).toEqual([1_000, 2_000])
      expect(warningsOf(call)).toEqual([])
    },
  )

  it('because the connection broke is retried', async () => {
    let tries = 0
    const { sink, server, call } = await received((_request, response) => {
      if (++tries === 1) response.destroy()
      else reply(response, 200)
    })
    await sink.write([outcome()])
    await sink.flush(call)
    expect(server.seen).toHaveLength(2)
    expect(warningsOf(call)).toEqual([])
  })

  it.each([301, 307, 400, 401, 403, 404, 410, 413, 415, 422])(
    'with %i is not retried; the next event is sent',
    async (status) => {
      let tries = 0
      const { sink, server, call } = await received((_request, response) =>
        reply(response, ++tries === 1 ? status : 200, { location: '/elsewhere', 'retry-after': '1' }),
      )
      const [one, next] = [outcome(), outcome()]
      await sink.write([one, next])
      await sink.flush(call)
      expect(idsOf(server.seen)).toEqual([one.id, next.id])
      expect(warningsOf(call)).toEqual([
        `1 event was not delivered to the webhook ${server.origin}: it answered with status ${status}; the audit log has them: audit.jsonl`,
      ])
    },
  )

  it('is retried after the Retry-After of the response', async () => {
    let tries = 0
    const { sink, server, events, call } = await received((_request, response) =>
      reply(response, ++tries === 1 ? 429 : 200, { 'retry-after': '7' }),
    )
    await sink.write([outcome()])
    await sink.flush(call)
    expect(server.seen).toHaveLength(2)
    expect(waitsOf(events)).toEqual([7_000])
  })

  it('is given up if the response asks for more time than one event has', async () => {
    const { sink, server, events, call } = await received((_request, response) =>
      reply(response, 503, { 'retry-after': '3600' }),
    )
    await sink.write([outcome()])
    await sink.flush(call)
    expect(server.seen).toHaveLength(1)
    expect(waitsOf(events)).toEqual([])
    expect(warningsOf(call)[0]).toContain('it answered with status 503; ')
  })

  it('five times is given up with a warning, and never an error', async () => {
    const { sink, server, events, call } = await received((_request, response) => reply(response, 500))
    const [one, next] = [outcome(), outcome()]
    await sink.write([one, next])
    while (server.seen.length < 10) await new Promise((resolve) => setImmediate(resolve))
    await sink.flush(call)
    expect(idsOf(server.seen)).toEqual([...Array(5).fill(one.id), ...Array(5).fill(next.id)])
    expect(waitsOf(events)).toEqual([1_000, 2_000, 4_000, 8_000, 1_000, 2_000, 4_000, 8_000])
    expect(call.events).toEqual([
      {
        kind: 'warning',
        text: `2 events were not delivered to the webhook ${server.origin}: it answered with status 500 (5 attempts); the audit log has them: audit.jsonl`,
      },
    ])
    await sink.flush(call)
    expect(warningsOf(call)).toHaveLength(1)
  })

  it('is an error after the run if delivery is required, although the changes are recorded', async () => {
    const { sink, logged, server, call } = await received((_request, response) => reply(response, 403), {
      required: true,
    })
    await sink.write([outcome()])
    expect(logged).toHaveLength(1)
    const error = await caught(sink.flush(call))
    expect(toErrorInfo(error)).toEqual({
      code: 'audit',
      message: `the run ended and its changes are recorded, but 1 event was not delivered to the webhook ${server.origin}`,
      subject: server.origin,
      why: 'it answered with status 403',
      hint: 'Export the events again with dray audit export. The audit log audit.jsonl has them with the same ids.',
    })
    expect(call.events).toEqual([])
  })

  it('at a closed port is given up like any other', async () => {
    const { sink, server, events, call } = await received(taken)
    await server[Symbol.asyncDispose]()
    await sink.write([outcome()])
    await sink.flush(call)
    expect(waitsOf(events)).toEqual([1_000, 2_000, 4_000, 8_000])
    expect(warningsOf(call)[0]).toContain(`cannot connect to ${server.host} (5 attempts)`)
  })

  it('for a permanent reason is not retried', async () => {
    const { sink, events, call } = worldOf(() => Promise.reject(new DrayError('config', 'plain http')))
    await sink.write([outcome()])
    await sink.flush(call)
    expect(events).toEqual([])
    expect(warningsOf(call)[0]).toContain('plain http; ')
  })

  it('never changes the order, sends an accepted event again, or hides a lost one', async () => {
    const answers = constantFrom(200, 204, 302, 400, 408, 429, 500, 503, 'broken')
    const batches = array(integer({ min: 0, max: 4 }), { maxLength: 6 })
    await assert(
      asyncProperty(array(answers, { maxLength: 40 }), batches, async (script, sizes) => {
        const left = [...script]
        const tries: { readonly id: string; readonly isTaken: boolean }[] = []
        const { sink, call, logged } = worldOf(async (_url, headers) => {
          const answer = left.shift() ?? 204
          tries.push({ id: headers['x-dray-delivery'] ?? '', isTaken: answer === 200 || answer === 204 })
          if (typeof answer === 'string') throw new DrayError('network', 'the connection broke')
          return { status: answer }
        })
        for (const size of sizes) await sink.write(Array.from({ length: size }, () => outcome()))
        await sink.flush(call)
        const ids = logged.map(({ id }) => id)
        const inTurn = tries.map(({ id }) => id).filter((id, i, all) => id !== all[i - 1])
        // Events that wait when the receiver stalls are given up.
        expect(inTurn).toEqual(ids.slice(0, inTurn.length))
        const delivered = tries.filter(({ isTaken }) => isTaken).map(({ id }) => id)
        expect(new Set(delivered).size).toBe(delivered.length)
        const lost = ids.length - delivered.length
        expect(warningsOf(call).map((text) => Number.parseInt(text, 10))).toEqual(lost === 0 ? [] : [lost])
      }),
      { numRuns: 60 },
    )
  })
})

describe('a receiver that does not answer', () => {
  it('gets three attempts of 10 s, because one event has 30 s', async () => {
    const arrivals: PromiseWithResolvers<void>[] = [0, 1, 2, 3].map(() => Promise.withResolvers<void>())
    const { sink, server, clock, call } = await received(() => arrivals[server.seen.length - 1]?.resolve())
    await sink.write([outcome()])
    const begin = clock.now()
    const flushed = Promise.withResolvers<void>()
    for (let tries = 0; tries < 2; tries++) {
      await arrivals[tries]?.promise
      await clock.advance(10_000)
    }
    await arrivals[2]?.promise
    const flushing = sink.flush(call).then(() => flushed.resolve())
    await clock.advance(begin + 30_000 - clock.now())
    await flushing
    expect(server.seen).toHaveLength(3)
    expect(warningsOf(call)[0]).toContain('it did not answer within 30 s; ')
  })

  it('is waited for at the end for half a minute; waiting events are then given up', async () => {
    const arrived = Promise.withResolvers<void>()
    const { sink, clock, call } = worldOf((_url, _headers, _body, { signal }) => {
      arrived.resolve()
      return new Promise((_resolve, reject) => {
        // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- the caller's reason
        signal.addEventListener('abort', () => reject(signal.reason), { once: true })
      })
    })
    await sink.write(Array.from({ length: 7 }, () => outcome()))
    await arrived.promise
    await clock.advance(20_000)
    const flushing = sink.flush(call)
    await clock.advance(29_999)
    expect(call.events).toEqual([])
    await clock.advance(1)
    await flushing
    expect(warningsOf(call)[0]).toMatch(/^7 events were not delivered/)
  })

  it('is waited for no longer than the signal of the flush allows', async () => {
    const arrived = Promise.withResolvers<void>()
    const { sink, call, server } = await received(() => arrived.resolve())
    await sink.write([outcome(), outcome()])
    await arrived.promise
    const flushing = sink.flush(call)
    call.abort(new DrayError('timeout', 'the time limit of 5 s was reached'))
    await flushing
    expect(server.seen).toHaveLength(1)
    expect(warningsOf(call)[0]).toMatch(/^2 events were not delivered .*: the time limit of 5 s was reached;/)
  })
})

describe('a slow receiver', () => {
  /** Takes an event every 20 s. */
  function slowWorld(): World {
    const world = worldOf(async (_url, _headers, _body, { signal }) => {
      await world.clock.sleep(20_000, signal)
      return { status: 200 }
    })
    return world
  }

  it('that keeps accepting events is waited for at the end', async () => {
    const { sink, clock, call } = slowWorld()
    await sink.write(Array.from({ length: 12 }, () => outcome()))
    const flushing = sink.flush(call)
    await clock.advance(12 * 20_000)
    await flushing
    expect(call.events).toEqual([])
  })

  it('is waited for no longer than five minutes', async () => {
    const { sink, clock, call } = slowWorld()
    await sink.write(Array.from({ length: 100 }, () => outcome()))
    const flushing = sink.flush(call)
    await clock.advance(5 * 60_000 - 1)
    expect(call.events).toEqual([])
    await clock.advance(1)
    await flushing
    expect(warningsOf(call)[0]).toMatch(
      /^8[56] events were not delivered .*: the webhook did not accept the events in time/,
    )
  })

  it('has at most 10,000 waiting events', async () => {
    const gate = Promise.withResolvers<void>()
    let sent = 0
    const { sink, logged, call } = worldOf(async () => {
      sent++
      await gate.promise
      return { status: 200 }
    })
    const one = outcome()
    await sink.write(Array.from({ length: 10_004 }, () => one))
    gate.resolve()
    await sink.flush(call)
    expect(logged).toHaveLength(10_004)
    // One was being sent when the rest arrived.
    expect(sent).toBe(10_001)
    expect(warningsOf(call)[0]).toMatch(
      /^3 events were not delivered .*: the webhook accepts events too slowly;/,
    )
  })
})

describe('no secret', () => {
  it.each([
    ['an answer', ((_request, response) => reply(response, 401)) satisfies Script],
    [
      'an answer that repeats all of it',
      (({ path, headers, body }, response) => {
        response.setHeader('x-echo', path)
        response.statusCode = 500
        response.statusMessage = path
        response.end(`${path} ${String(headers['x-dray-signature'])} ${body.toString()}`)
      }) satisfies Script,
    ],
    ['a broken connection', ((_request, response) => void response.destroy()) satisfies Script],
  ])('is reported after %s: only the scheme and host of the webhook', async (_name, script: Script) => {
    for (const required of [false, true]) {
      const { sink, server, events, call } = await received(script, { secret, required })
      await sink.write([outcome()])
      const error = await caught(sink.flush(call))
      const printed = [events, call.events, inspect(sink, { depth: 9, showHidden: true })]
      const text = inspect([...printed, error, toErrorInfo(error)], { depth: 9 })
      expect(server.seen[0]?.path).toContain('canary')
      expect(text).toContain(server.origin)
      expect(text).not.toContain('canary')
    }
  })
})

describe('the process', () => {
  const source = (name: string): string => JSON.stringify(join(import.meta.dirname, '../../../src', name))
  const script = `
    const { createPoster } = await import(${source('registry/http/post.ts')})
    const { WebhookSink } = await import(${source('audit/webhook/webhook-sink.ts')})
    const { systemClock } = await import(${source('lib/clock.ts')})
    const [url, ending, one] = process.argv.slice(1)
    const poster = createPoster({ userAgent: 'dray/test' })
    const log = { path: 'nowhere', write: async () => undefined }
    const call = { signal: new AbortController().signal, notify: ({ kind, text }) => { if (kind === 'warning') console.log(text) } }
    const sink = new WebhookSink(log, { url: new URL(url), format: 'cloudevents', post: poster.post, clock: systemClock, required: false, notify: () => undefined })
    await sink.write([JSON.parse(one), JSON.parse(one)])
    for await (const _ of process.stdin) ;
    if (ending === 'flush') await sink.flush(call)
    await sink.close()
    await poster.close()`

  it.each([
    ['all is delivered', 'flush', taken],
    ['a receiver that never answers is left', 'close', () => undefined],
  ] as const)('ends by itself when %s', async (_name, ending, answer: Script) => {
    const arrived = Promise.withResolvers<void>()
    await using server = await scriptedServer((...args) => {
      arrived.resolve()
      return answer(...args)
    })
    const args = ['--input-type=module', '-e', script, server.origin, ending, JSON.stringify(outcome())]
    const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    onTestFinished(() => void child.kill('SIGKILL'))
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
    await arrived.promise
    child.stdin.end()
    const [code] = (await once(child, 'close')) as [number | null]
    expect({ code, output, seen: server.seen.length }).toEqual({
      code: 0,
      output: '',
      seen: ending === 'flush' ? 2 : 1,
    })
  })
})
