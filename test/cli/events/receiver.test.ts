import { createHmac, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import type { ListeningServer } from '../../../src/cli/events/limited-server.ts'
import { type ReceiverOptions, startReceiver } from '../../../src/cli/events/receiver.ts'
import { DrayError } from '../../../src/lib/errors.ts'
import type { RegistryEvent } from '../../../src/usecases/watch/registry-event.ts'
import { eventSources } from '../../../src/usecases/watch/sources/event-sources.ts'

const now = Date.UTC(2026, 10, 29)
const digest = `sha256:${'a'.repeat(64)}`
const secretPath = randomBytes(32).toString('hex')

const sources: ReceiverOptions['sources'] = [
  {
    name: 'registry',
    source: eventSources.distribution,
    secret: { kind: 'header', name: 'authorization', value: 'Bearer secret' },
  },
  { name: 'github', source: eventSources.ghcr, secret: { kind: 'hmac', key: 'key' } },
  { name: 'hub', source: eventSources.dockerhub, secret: { kind: 'path' }, path: secretPath },
  { name: 'dray', source: eventSources.cloudevents, secret: { kind: 'hmac', key: 'key' } },
]

const pushed = JSON.stringify({
  events: [
    {
      id: 'e1',
      action: 'push',
      target: {
        mediaType: 'application/vnd.oci.image.manifest.v1+json',
        digest,
        repository: 'staging/api',
        tag: '1.4.2',
      },
      request: { host: 'registry.example.com' },
    },
  ],
})
const typed = { 'content-type': 'application/vnd.docker.distribution.events.v2+json' }
const authorized = { ...typed, authorization: 'Bearer secret' }

const running: ListeningServer[] = []

afterEach(async () => {
  for (const server of running.splice(0)) await server.stop()
})

interface Received {
  readonly url: string
  readonly port: number
  readonly events: RegistryEvent[]
  readonly results: string[]
}

async function receive(accept?: ReceiverOptions['accept']): Promise<Received> {
  const events: RegistryEvent[] = []
  const results: string[] = []
  const server = await startReceiver({
    host: '127.0.0.1',
    port: 0,
    sources,
    now: () => now,
    accept:
      accept ??
      (async (_, some) => {
        events.push(...some)
        return 'accepted'
      }),
    report: (source, result) => results.push(`${source ?? '-'} ${result}`),
  })
  running.push(server)
  const { port } = server.address
  return { url: `http://127.0.0.1:${port}`, port, events, results }
}

async function post(
  url: string,
  headers: Readonly<Record<string, string>>,
  body: string | Uint8Array<ArrayBuffer> = pushed,
): Promise<{ readonly status: number; readonly text: string; readonly headers: Headers }> {
  const response = await fetch(url, { method: 'POST', headers, body })
  return { status: response.status, text: await response.text(), headers: response.headers }
}

function hubSignature(body: string): string {
  return `sha256=${createHmac('sha256', 'key').update(body).digest('hex')}`
}

describe('the receiver', () => {
  it('answers 202 after its events were accepted', async () => {
    const { url, events, results } = await receive()
    expect(await post(`${url}/registry`, authorized)).toMatchObject({ status: 202, text: '' })
    expect(events).toMatchObject([{ path: 'staging/api', tag: '1.4.2', digest }])
    expect(results).toEqual(['registry received'])
  })

  it('answers 200 to a message without events', async () => {
    const { url, events } = await receive()
    expect((await post(`${url}/registry`, authorized, '{"events":[]}')).status).toBe(200)
    expect(events).toEqual([])
  })

  it('answers 401 in the same way for a wrong secret, an unknown source and a secret path', async () => {
    const { url, events, results } = await receive()
    const wrong = { ...typed, authorization: 'Bearer secre' }
    const answers = [
      await post(`${url}/registry`, typed),
      await post(`${url}/registry`, wrong),
      await post(`${url}/registry/`, authorized),
      await post(`${url}/unknown`, authorized),
      await post(`${url}/hub`, authorized),
      await post(`${url}/__proto__`, authorized),
      await post(`${url}/${'0'.repeat(64)}`, typed),
      await post(`${url}/`, authorized),
    ]
    const seen = answers.map(({ status, text, headers }) => ({
      status,
      text,
      headers: [...headers.keys()].filter((name) => name !== 'date'),
    }))
    expect(new Set(seen.map((one) => JSON.stringify(one))).size).toBe(1)
    expect(seen[0]).toMatchObject({ status: 401, text: '' })
    expect(events).toEqual([])
    expect(new Set(results)).toEqual(new Set(['- unauthorized']))
  })

  it('refuses a wrong signature, and the signature of the same content in another encoding', async () => {
    const { url, events } = await receive()
    const body = '{"action": "published"}'
    const headers = { 'content-type': 'application/json', 'x-github-event': 'ping' }
    const sign = (of: string): Readonly<Record<string, string>> => ({
      ...headers,
      'x-hub-signature-256': hubSignature(of),
    })
    expect((await post(`${url}/github`, sign(body), body)).status).toBe(200)
    expect((await post(`${url}/github`, sign(`${body} `), body)).status).toBe(401)
    expect((await post(`${url}/github`, sign(JSON.stringify(JSON.parse(body))), body)).status).toBe(401)
    expect((await post(`${url}/github`, headers, body)).status).toBe(401)
    expect(events).toEqual([])
  })

  it('refuses a signature that is older than five minutes', async () => {
    const { url } = await receive()
    const body = '[]'
    const status = async (at: number): Promise<number> => {
      const time = String(at / 1000)
      const mac = createHmac('sha256', 'key').update(`${time}.${body}`).digest('hex')
      const headers = { 'x-dray-timestamp': time, 'x-dray-signature': `sha256=${mac}` }
      return (await post(`${url}/dray`, { ...headers, 'content-type': 'application/cloudevents+json' }, body))
        .status
    }
    expect(await status(now - 301_000)).toBe(401)
    expect(await status(now + 301_000)).toBe(401)
    expect(await status(now - 299_000)).not.toBe(401)
  })

  it('accepts a source without a secret only on its secret path', async () => {
    const { url, events } = await receive()
    const body = JSON.stringify({
      push_data: { tag: '1.4.2', pushed_at: 1_700_000_000 },
      repository: { repo_name: 'acme/api', namespace: 'acme', name: 'api' },
      callback_url: 'https://attacker.example.com/',
    })
    const headers = { 'content-type': 'application/json' }
    expect((await post(`${url}/${secretPath}`, headers, body)).status).toBe(202)
    expect(events).toMatchObject([{ path: 'acme/api', tag: '1.4.2' }])
  })

  it('refuses a body of 2 MiB, also if its length is not given', async () => {
    const { url, events, results } = await receive()
    const large = new Uint8Array(2 * 1024 * 1024)
    expect((await post(`${url}/registry`, authorized, large)).status).toBe(413)
    const stream = new ReadableStream({
      start: (controller) => {
        controller.enqueue(large)
        controller.close()
      },
    })
    const chunked = await fetch(`${url}/registry`, {
      method: 'POST',
      headers: authorized,
      body: stream,
      duplex: 'half',
    }).then(
      ({ status }) => status,
      () => 413,
    )
    expect(chunked).toBe(413)
    expect(events).toEqual([])
    expect(results).toEqual(['- tooLarge', '- tooLarge'])
  })

  it('does not ask for a body that is too large', async () => {
    const { port } = await receive()
    const socket = connect(port, '127.0.0.1')
    socket.write(
      'POST /registry HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2097152\r\n\r\n',
    )
    const [answer] = (await once(socket, 'data')) as [Buffer]
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 413 /)
    socket.destroy()
  })

  it('answers 400 to a body that is no message of its source', async () => {
    const { url, results } = await receive()
    expect((await post(`${url}/registry`, authorized, 'not JSON')).status).toBe(400)
    expect((await post(`${url}/registry`, { authorization: 'Bearer secret' }, '{}')).status).toBe(400)
    expect(results).toEqual(['registry malformed', 'registry malformed'])
  })

  it('asks the sender to repeat a request that the queue or the disk cannot take', async () => {
    const full = await receive(async () => 'full')
    const answer = await post(`${full.url}/registry`, authorized)
    expect(answer.status).toBe(503)
    expect(answer.headers.get('retry-after')).toBe('10')
    const broken = await receive(async () => {
      throw new DrayError('io', 'the disk is full')
    })
    expect((await post(`${broken.url}/registry`, authorized)).status).toBe(503)
    expect(broken.results).toEqual(['registry unavailable'])
  })

  it('answers health checks, and refuses other methods', async () => {
    const { url } = await receive()
    expect(await (await fetch(`${url}/healthz`)).text()).toBe('ok\n')
    expect((await fetch(`${url}/registry`)).status).toBe(405)
    expect((await fetch(`${url}/registry`, { method: 'PUT', body: '{}' })).status).toBe(405)
  })

  it('answers the requests that it has begun before it stops', async () => {
    const begun = Promise.withResolvers<void>()
    const go = Promise.withResolvers<void>()
    const { url } = await receive(async () => {
      begun.resolve()
      await go.promise
      return 'accepted'
    })
    const answer = post(`${url}/registry`, authorized)
    await begun.promise
    const stopped = running.splice(0)[0]?.stop()
    go.resolve()
    expect((await answer).status).toBe(202)
    await stopped
    await expect(post(`${url}/registry`, authorized)).rejects.toThrow('fetch failed')
  })

  it('closes the connections above its limit', async () => {
    const { port } = await receive()
    const sockets = Array.from({ length: 70 }, () => connect(port, '127.0.0.1'))
    const closed = sockets.map(async (socket) => {
      socket.on('error', () => undefined)
      await once(socket, 'close')
      return 'closed'
    })
    // The last six are refused. The others stay open.
    const refused: string[] = []
    for (const one of closed) void one.then((text) => refused.push(text))
    while (refused.length < 6) await new Promise((resolve) => setImmediate(resolve))
    expect(sockets.filter((socket) => !socket.destroyed && !socket.readableEnded)).toHaveLength(64)
    for (const socket of sockets) socket.destroy()
  })

  it('is closed to a header that is given twice', async () => {
    const { port, events } = await receive()
    const socket = connect(port, '127.0.0.1')
    socket.write(
      [
        'POST /registry HTTP/1.1',
        'Host: a',
        'Authorization: Bearer wrong',
        'Authorization: Bearer secret',
        `Content-Type: ${typed['content-type']}`,
        `Content-Length: ${pushed.length}`,
        '',
        pushed,
      ].join('\r\n'),
    )
    const [answer] = (await once(socket, 'data')) as [Buffer]
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 401 /)
    expect(events).toEqual([])
    socket.destroy()
  })
})
