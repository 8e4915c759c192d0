import { describe, expect, it } from 'vitest'
import type { Fetch, RegistryRequest, RequestBody } from '../../../src/registry/http/fetch.ts'
import { IncomingBody } from '../../../src/registry/http/bodies/incoming-body.ts'
import { redirect } from '../../../src/registry/http/redirect.ts'
import { createResponse } from '../../../src/registry/http/response.ts'
import { notedCall, requestOf } from '../../support/http-world.ts'

/** Some URLs redirect and all others answer 200; records the requests with their credentials. */
function network(
  redirects: Readonly<Record<string, string>>,
  status = 307,
): {
  fetch: Fetch
  requests: [string, string | undefined][]
  sent: RegistryRequest[]
} {
  const requests: [string, string | undefined][] = []
  const sent: RegistryRequest[] = []
  const answer: Fetch = async (request) => {
    requests.push([request.url.href, request.headers['authorization']])
    sent.push(request)
    const location = redirects[request.url.href]
    const body = new IncomingBody({
      pause: () => undefined,
      resume: () => undefined,
      cancel: () => undefined,
    })
    body.end()
    const headers = new Map(location === undefined ? [] : [['location', location]])
    const answered = location === undefined ? 200 : status
    return createResponse({ status: answered, headers, url: request.url, body })
  }
  return { fetch: redirect(answer), requests, sent }
}

const withCredentials = (url: string, over: Partial<RegistryRequest> = {}): RegistryRequest =>
  requestOf(url, { headers: { authorization: 'Bearer canary' }, ...over })

describe('a redirect', () => {
  it('keeps credentials on the same origin', async () => {
    const { fetch, requests } = network({ 'https://r.test/a': '/b' })
    const response = await fetch(withCredentials('https://r.test/a'), notedCall())
    expect(response.url.href).toBe('https://r.test/b')
    expect(requests[1]).toEqual(['https://r.test/b', 'Bearer canary'])
  })

  it.each([
    ['another host', 'https://cdn.test/b'],
    ['another port', 'https://r.test:8443/b'],
    ['a host that begins alike', 'https://r.test.evil.test/b'],
  ])('to %s drops credentials', async (_name, location) => {
    const { fetch, requests } = network({ 'https://r.test/a': location })
    await fetch(withCredentials('https://r.test/a'), notedCall())
    expect(requests[1]).toEqual([location, undefined])
  })

  it('to another origin drops the headers in which AWS has secrets', async () => {
    const { fetch, sent } = network({ 'https://r.test/a': 'https://cdn.test/b' })
    const headers = { 'x-amz-security-token': 'canary', 'x-amz-sso_bearer_token': 'canary', accept: '*/*' }
    await fetch(withCredentials('https://r.test/a', { headers }), notedCall())
    expect(sent[1]?.headers).toEqual({ accept: '*/*' })
  })

  it('from http to https is another origin', async () => {
    const { fetch, requests } = network({ 'http://r.test/a': 'https://r.test/a' })
    await fetch(withCredentials('http://r.test/a'), notedCall())
    expect(requests[1]).toEqual(['https://r.test/a', undefined])
  })

  it('to http at the host of the registry keeps https and credentials', async () => {
    const { fetch, requests } = network({ 'https://r.test/a': 'http://r.test/a/' })
    await fetch(withCredentials('https://r.test/a'), notedCall())
    expect(requests[1]).toEqual(['https://r.test/a/', 'Bearer canary'])
  })

  it('does not send credentials again after a redirect back', async () => {
    const { fetch, requests } = network({
      'https://r.test/a': 'https://cdn.test/b',
      'https://cdn.test/b': 'https://r.test/c',
    })
    await fetch(withCredentials('https://r.test/a'), notedCall())
    expect(requests.map(([, authorization]) => authorization)).toEqual([
      'Bearer canary',
      undefined,
      undefined,
    ])
  })

  it('does not use a user and password in its URL', async () => {
    const { fetch, requests } = network({ 'https://r.test/a': 'https://u:p@cdn.test/b' })
    await fetch(withCredentials('https://r.test/a'), notedCall())
    expect(requests[1]?.[0]).toBe('https://cdn.test/b')
  })

  it.each(['http://cdn.test/b', 'http://r.test:8080/b', 'ftp://r.test/b', 'http://'])(
    'from https to %s is refused',
    async (location) => {
      const { fetch, requests } = network({ 'https://r.test/a?X-Signature=canary': location })
      const sending = fetch(withCredentials('https://r.test/a?X-Signature=canary'), notedCall())
      await expect(sending).rejects.toMatchObject({
        code: 'protocol',
        subject: expect.not.stringContaining('canary'),
      })
      expect(requests).toHaveLength(1)
    },
  )

  it('is followed at most five times', async () => {
    const { fetch, requests } = network({ 'https://r.test/a': '/a' })
    await expect(fetch(withCredentials('https://r.test/a'), notedCall())).rejects.toMatchObject({
      code: 'protocol',
    })
    expect(requests).toHaveLength(6)
  })

  it.each([301, 302, 303, 307, 308])('of a GET is followed (%i)', async (status) => {
    const { fetch, requests } = network({ 'https://r.test/a': '/b' }, status)
    expect((await fetch(withCredentials('https://r.test/a'), notedCall())).status).toBe(200)
    expect(requests).toHaveLength(2)
  })

  describe.each(['POST', 'PUT', 'PATCH', 'DELETE'] as const)('of a %s', (method) => {
    const body: RequestBody = { kind: 'bytes', bytes: new Uint8Array([1]) }

    it.each([307, 308])('keeps its method, body, headers and credentials (%i)', async (status) => {
      const { fetch, sent } = network({ 'https://r.test/a': '/b?_state=x' }, status)
      const request = requestOf('https://r.test/a', {
        method,
        body,
        headers: { authorization: 'Bearer canary', 'content-range': '0-0' },
      })
      expect((await fetch(request, notedCall())).status).toBe(200)
      expect(sent[1]).toEqual({ ...request, url: new URL('https://r.test/b?_state=x') })
    })

    it.each([301, 302, 303])('is not followed by a GET (%i)', async (status) => {
      const { fetch, requests } = network({ 'https://r.test/a': '/b' }, status)
      const response = await fetch(withCredentials('https://r.test/a', { method, body }), notedCall())
      expect(response.status).toBe(status)
      expect(requests).toHaveLength(1)
    })

    it.each(['https://cdn.test/b', 'https://r.test:8443/b'])(
      'to %s is refused, unless it has the bytes of a blob',
      async (location) => {
        const small = network({ 'https://r.test/a': location })
        const refused = small.fetch(withCredentials('https://r.test/a', { method, body }), notedCall())
        await expect(refused).rejects.toMatchObject({
          code: 'protocol',
          why: `it redirected a ${method} to another origin, ${new URL(location).origin}`,
        })
        expect(small.requests).toHaveLength(1)

        const { fetch, requests, sent } = network({ 'https://r.test/a': location })
        await fetch(withCredentials('https://r.test/a', { method, body, lane: 'upload' }), notedCall())
        expect(requests[1]).toEqual([location, undefined])
        expect(sent[1]).toMatchObject({ method, body })
      },
    )

    it('from https to http of another host is refused', async () => {
      const { fetch, requests } = network({ 'https://r.test/a': 'http://storage.test/a' })
      const request = withCredentials('https://r.test/a', { method, body, lane: 'upload' })
      await expect(fetch(request, notedCall())).rejects.toMatchObject({ code: 'protocol' })
      expect(requests).toHaveLength(1)
    })
  })
})
