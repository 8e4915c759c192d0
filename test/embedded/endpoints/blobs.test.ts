import { describe, expect, it } from 'vitest'
import { digestOf } from '../../../src/oci/digest.ts'
import { started } from '../http.ts'
import { storages } from '../storage/storages.ts'

describe.each(storages)('blobs in %s', (_name, storage) => {
  it('are served whole, with size, digest and Accept-Ranges', async () => {
    const { call, blob } = await started({ storage: await storage() })
    const digest = await blob('team/api', 'hello world')
    const head = await call('HEAD', `/v2/team/api/blobs/${digest}`)
    expect(head.status).toBe(200)
    expect(head.headers).toMatchObject({
      'content-length': '11',
      'docker-content-digest': digest,
      'accept-ranges': 'bytes',
    })
    expect(head.body).toHaveLength(0)
    expect((await call('GET', `/v2/team/api/blobs/${digest}`)).text).toBe('hello world')
  })

  it.each([
    ['bytes=0-4', 'hello', 'bytes 0-4/11'],
    ['bytes=6-', 'world', 'bytes 6-10/11'],
    ['bytes=6-99', 'world', 'bytes 6-10/11'],
    ['bytes=-5', 'world', 'bytes 6-10/11'],
    ['bytes=-99', 'hello world', 'bytes 0-10/11'],
    ['bytes=4-4', 'o', 'bytes 4-4/11'],
  ])('are served in part for %s', async (range, text, contentRange) => {
    const { call, blob } = await started({ storage: await storage() })
    const digest = await blob('a', 'hello world')
    const reply = await call('GET', `/v2/a/blobs/${digest}`, { headers: { range } })
    expect([reply.status, reply.text, reply.headers['content-range']]).toEqual([206, text, contentRange])
    expect(reply.headers['content-length']).toBe(String(text.length))
  })

  it.each(['bytes=11-', 'bytes=99-100', 'bytes=-0'])('have no bytes at %s: 416', async (range) => {
    const { call, blob } = await started({ storage: await storage() })
    const digest = await blob('a', 'hello world')
    const reply = await call('GET', `/v2/a/blobs/${digest}`, { headers: { range } })
    expect([reply.status, reply.headers['content-range']]).toEqual([416, 'bytes */11'])
  })

  it.each(['bytes=5-2', 'bytes=-', 'bytes=0-1,3-4', 'lines=1-2', 'bytes=x'])(
    'are served whole for %s, which is an unusable range',
    async (range) => {
      const { call, blob } = await started({ storage: await storage() })
      const digest = await blob('a', 'hello world')
      const reply = await call('GET', `/v2/a/blobs/${digest}`, { headers: { range } })
      expect([reply.status, reply.text]).toEqual([200, 'hello world'])
    },
  )

  it('can be empty', async () => {
    const { call, blob } = await started({ storage: await storage() })
    const digest = await blob('a', '')
    const reply = await call('GET', `/v2/a/blobs/${digest}`)
    expect([reply.status, reply.headers['content-length'], reply.text]).toEqual([200, '0', ''])
  })

  it('are not in another repository', async () => {
    const { call, blob } = await started({ storage: await storage() })
    const digest = await blob('a', 'x')
    await blob('b', 'y')
    const reply = await call('GET', `/v2/b/blobs/${digest}`)
    expect([reply.status, reply.codes]).toEqual([404, ['BLOB_UNKNOWN']])
  })

  it('are in another repository after a mount, and stay if the first deletes them', async () => {
    const { call, blob } = await started({ storage: await storage() })
    const digest = await blob('a', 'x')
    const mounted = await call('POST', `/v2/b/c/blobs/uploads/?mount=${digest}&from=a`)
    expect(mounted.status).toBe(201)
    expect(mounted.headers).toMatchObject({
      location: `/v2/b/c/blobs/${digest}`,
      'docker-content-digest': digest,
    })
    expect((await call('DELETE', `/v2/a/blobs/${digest}`)).status).toBe(202)
    expect((await call('GET', `/v2/a/blobs/${digest}`)).status).toBe(404)
    expect((await call('GET', `/v2/b/c/blobs/${digest}`)).text).toBe('x')
  })

  it('are opened as an upload session if a mount finds none', async () => {
    const { call } = await started({ storage: await storage() })
    for (const from of ['&from=a', '&from=../a', '&from=%0d%0aa', '']) {
      const reply = await call('POST', `/v2/b/blobs/uploads/?mount=${digestOf('x')}${from}`)
      expect(reply.status).toBe(202)
      expect(reply.headers['location']).toMatch(/^\/v2\/b\/blobs\/uploads\/[0-9a-f-]{36}$/)
    }
  })

  it('that do not exist cannot be deleted', async () => {
    const { call } = await started({ storage: await storage() })
    const reply = await call('DELETE', `/v2/a/blobs/${digestOf('x')}`)
    expect([reply.status, reply.codes]).toEqual([404, ['BLOB_UNKNOWN']])
  })

  it.each(['sha256:zz', 'sha256:..%2f..%2fx', 'md5:d41d8cd98f00b204e9800998ecf8427e', 'latest'])(
    'have no such digest: %s',
    async (text) => {
      const { call } = await started({ storage: await storage() })
      const reply = await call('GET', `/v2/a/blobs/${text}`)
      expect([reply.status, reply.codes]).toEqual([400, ['DIGEST_INVALID']])
    },
  )

  it('are found by a digest with its colon encoded', async () => {
    const { call, blob } = await started({ storage: await storage() })
    const digest = await blob('a', 'x')
    expect((await call('GET', `/v2/a/blobs/${digest.replace(':', '%3A')}`)).status).toBe(200)
  })
})
