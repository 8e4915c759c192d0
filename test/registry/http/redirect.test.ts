import { describe, expect, it } from 'vitest'
import type { Fetch, RegistryRequest } from '../../../src/registry/http/fetch.ts'
import { IncomingBody } from '../../../src/registry/http/transport/incoming-body.ts'
import { redirect } from '../../../src/registry/http/redirect.ts'
import { createResponse } from '../../../src/registry/http/response.ts'
import { notedCall, requestOf } from '../../support/http-world.ts'

/** Some URLs redirect and all others answer 200; records the requests with their credentials. */
function network(redirects: Readonly<Record<string, string>>): {
  fetch: Fetch
  requests: [string, string | undefined][]
} {
  const requests: [string, string | undefined][] = []
  const answer: Fetch = async (request) => {
    requests.push([request.url.href, request.headers['authorization']])
    const location = redirects[request.url.href]
    const body = new IncomingBody({
      pause: () => undefined,
      resume: () => undefined,
      cancel: () => undefined,
    })
    body.end()
    const headers = new Map(location === undefined ? [] : [['location', location]])
    return createResponse({ status: location === undefined ? 200 : 307, headers, url: request.url, body })
  }
  return { fetch: redirect(answer), requests }
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

  it('from http to https is another origin', async () => {
    const { fetch, requests } = network({ 'http://r.test/a': 'https://r.test/a' })
    await fetch(withCredentials('http://r.test/a'), notedCall())
    expect(requests[1]).toEqual(['https://r.test/a', undefined])
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

  it.each(['http://r.test/b', 'ftp://r.test/b', 'http://'])(
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

  it.each(['POST', 'PUT', 'PATCH', 'DELETE'] as const)('of %s is not followed', async (method) => {
    const { fetch, requests } = network({ 'https://r.test/a': '/b' })
    const response = await fetch(withCredentials('https://r.test/a', { method }), notedCall())
    expect(response.status).toBe(307)
    expect(requests).toHaveLength(1)
  })
})
