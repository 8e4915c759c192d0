import type { WatchSourceKind } from '../../../../src/config/watch/watch-source-kinds.ts'
import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { deliver } from '../../../../src/audit/webhook/webhook-delivery.ts'
import type { EventFormat } from '../../../../src/audit/export/export.ts'
import type { EventRequest, EventSecret } from '../../../../src/usecases/watch/registry-event.ts'
import { eventSources } from '../../../../src/usecases/watch/sources/event-sources.ts'
import { digestOf } from '../../../../src/oci/digest.ts'
import { recordOf } from '../../../support/log-lines.ts'
import { type ManualClock, manualClock } from '../../../support/manual-clock.ts'
import {
  pushRequests,
  requestOf,
  samplePush,
  withHeaders,
  withSecret,
} from '../../../support/watch/event-samples.ts'

const now = Date.UTC(2026, 10, 28, 10, 0, 0)
const key = 'k'.repeat(32)
const hmac: EventSecret = { kind: 'hmac', key }
const header: EventSecret = { kind: 'header', name: 'Authorization', value: 'Bearer abc' }
const path: EventSecret = { kind: 'path' }
const all = { header, hmac, path }

const accepted: Readonly<Record<WatchSourceKind, readonly EventSecret[]>> = {
  distribution: [header],
  gitlab: [header],
  harbor: [header],
  ghcr: [hmac],
  acr: [header],
  ecr: [header],
  quay: [path],
  dockerhub: [path],
  cloudevents: [hmac, header],
}
const names = Object.keys(accepted) as WatchSourceKind[]
const pairs = names.flatMap((name) => accepted[name].map((secret) => [name, secret.kind, secret] as const))
const wrongPairs = names.flatMap((name) =>
  Object.values(all)
    .filter((secret) => !accepted[name].includes(secret))
    .map((secret) => [name, secret.kind, secret] as const),
)

function isAuthentic(name: WatchSourceKind, request: EventRequest, secret: EventSecret, at = now): boolean {
  return eventSources[name].isAuthentic(request, secret, at)
}

function signed(name: WatchSourceKind, at = now): EventRequest {
  return withSecret(pushRequests[name](samplePush), hmac, at)
}

describe('authentication of events', () => {
  it.each(pairs)('of %s by %s accepts the secret', (name, _kind, secret) => {
    expect(isAuthentic(name, withSecret(pushRequests[name](samplePush), secret, now), secret)).toBe(true)
    expect(eventSources[name].secrets).toContain(secret.kind)
  })

  it.each(pairs.filter(([, kind]) => kind !== 'path'))(
    'of %s by %s refuses a request without it',
    (name, _kind, secret) => {
      expect(isAuthentic(name, pushRequests[name](samplePush), secret)).toBe(false)
    },
  )

  it.each(wrongPairs)('of %s by %s is an error of the configuration', (name, _kind, secret) => {
    expect(() => isAuthentic(name, pushRequests[name](samplePush), secret)).toThrow(
      expect.objectContaining({ code: 'config' }),
    )
  })

  it.each([
    ['distribution', { ...header, value: '' }],
    ['ghcr', { ...hmac, key: '' }],
  ] as const)('of %s with an empty secret is an error of the configuration', (name, secret) => {
    const request = withSecret(pushRequests[name](samplePush), secret, now)
    expect(() => isAuthentic(name, request, secret)).toThrow(expect.objectContaining({ code: 'config' }))
  })

  it.each(['', 'Bearer ab', 'Bearer abcd', 'bearer abc', 'Bearer abd', 'Basic abc'])(
    'by a header refuses the value "%s"',
    (value) => {
      const request = withHeaders(pushRequests.harbor(samplePush), { authorization: value })
      expect(isAuthentic('harbor', request, header)).toBe(false)
    },
  )

  it('by a header accepts any header name in any case', () => {
    const secret: EventSecret = { kind: 'header', name: 'X-Api-Key', value: 'grüße' }
    const bytes = Buffer.from('grüße').toString('latin1')
    const request = withHeaders(pushRequests.acr(samplePush), { 'x-api-key': bytes })
    expect(isAuthentic('acr', request, secret)).toBe(true)
  })
})

describe.each(['ghcr', 'cloudevents'] as const)('a signature of %s', (name) => {
  it('with another key is refused', () => {
    const other = withSecret(pushRequests[name](samplePush), { kind: 'hmac', key: 'other' }, now)
    expect(isAuthentic(name, other, hmac)).toBe(false)
  })

  it('of the re-encoded body is refused', () => {
    const request = signed(name)
    const body = Buffer.from(JSON.stringify(JSON.parse(Buffer.from(request.body).toString()), null, 1))
    expect(isAuthentic(name, { ...request, body }, hmac)).toBe(false)
  })

  it.each(['', 'sha256=', 'sha256=é', 'sha1=0', '0'.repeat(64)])('"%s" is refused', (value) => {
    const headers = { 'x-hub-signature-256': value, 'x-dray-signature': value }
    expect(isAuthentic(name, withHeaders(signed(name), headers), hmac)).toBe(false)
  })

  it('is not accepted without its prefix or in upper case', () => {
    const request = signed(name)
    const field = name === 'ghcr' ? 'x-hub-signature-256' : 'x-dray-signature'
    const value = request.headers.get(field) ?? ''
    const bare = withHeaders(request, { [field]: value.slice('sha256='.length) })
    const upper = withHeaders(request, { [field]: value.toUpperCase() })
    expect([bare, upper].map((one) => isAuthentic(name, one, hmac))).toEqual([false, false])
  })
})

it('a signature of a CloudEvent in binary mode is refused, because its headers are not signed', () => {
  const { body } = pushRequests.cloudevents(samplePush)
  for (const contentType of ['application/json', '', 'text/plain']) {
    const request = withSecret(requestOf(body, contentType), hmac, now)
    expect(isAuthentic('cloudevents', request, hmac)).toBe(false)
  }
  const batch = withSecret(requestOf([], 'application/cloudevents-batch+json'), hmac, now)
  expect(isAuthentic('cloudevents', batch, hmac)).toBe(true)
})

describe('the time of a signature of dray', () => {
  it.each([
    ['5 minutes ago', -300_000, true],
    ['more than 5 minutes ago', -301_000, false],
    ['5 minutes ahead', 300_000, true],
    ['more than 5 minutes ahead', 301_000, false],
  ])('%s', (_name, offset, expected) => {
    expect(isAuthentic('cloudevents', signed('cloudevents', now + offset), hmac)).toBe(expected)
  })

  it('is part of the signature', () => {
    const old = signed('cloudevents', now - 3_600_000)
    const renewed = withHeaders(old, { 'x-dray-timestamp': String(now / 1000) })
    expect(isAuthentic('cloudevents', renewed, hmac)).toBe(false)
  })

  it.each(['', 'NaN', '1e9', '-1', ' 1', '0x1', '1.5', '9'.repeat(40)])('"%s" is refused', (timestamp) => {
    const request = pushRequests.cloudevents(samplePush)
    const mac = createHmac('sha256', key).update(`${timestamp}.`).update(request.body).digest('hex')
    const headers = { 'x-dray-timestamp': timestamp, 'x-dray-signature': `sha256=${mac}` }
    // Also at the time that a lenient parser would read.
    for (const at of [now, Number(timestamp) * 1000, 0])
      expect(isAuthentic('cloudevents', withHeaders(request, headers), hmac, at)).toBe(false)
  })
})

async function sent(format: EventFormat, clock: ManualClock): Promise<EventRequest> {
  const requests: EventRequest[] = []
  const why = await deliver(
    recordOf(),
    {
      url: new URL('https://hooks.test/'),
      format,
      secret: key,
      clock,
      post: async (_url, headers, body) => {
        requests.push({ method: 'POST', headers: new Map(Object.entries(headers)), body })
        return { status: 202 }
      },
    },
    { signal: new AbortController().signal, notify: () => undefined },
  )
  const [request] = requests
  if (why !== undefined || request === undefined) throw new Error(`nothing was sent: ${why}`)
  return request
}

describe("dray's own webhook", () => {
  it.each(['cloudevents', 'cdevents'] as const)(
    'of the format %s is authentic for the source cloudevents and gives its tag',
    async (format) => {
      const clock = manualClock()
      const request = await sent(format, clock)
      expect(isAuthentic('cloudevents', request, hmac, clock.now())).toBe(true)
      expect(eventSources.cloudevents.parse(request)).toEqual([
        {
          source: 'cloudevents',
          kind: 'push',
          registry: 'registry.example.com',
          path: 'prod/api',
          tag: '1.4.2',
          digest: digestOf('image'),
          id: 'record-1',
        },
      ])
    },
  )

  it('of the format ocsf is malformed', async () => {
    const request = await sent('ocsf', manualClock())
    expect(() => eventSources.cloudevents.parse(request)).toThrow(
      expect.objectContaining({ code: 'malformed' }),
    )
  })
})
