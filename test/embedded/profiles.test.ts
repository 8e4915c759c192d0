import { connect } from 'node:net'
import { describe, expect, it } from 'vitest'
import { withoutDeletes } from '../../src/embedded/profiles.ts'
import { digestOf } from '../../src/oci/digest.ts'
import { mediaTypes } from '../../src/oci/media-types.ts'
import { indexOf, started } from './http.ts'

describe('docker-registry 2.8', () => {
  const profile = 'docker-registry-2.8'

  it('has no referrers', async () => {
    const client = await started({ profile })
    const { digest, descriptor: subject } = await pushed(client)
    const path = await client.call('GET', `/v2/a/referrers/${digest}`)
    expect([path.status, path.text]).toEqual([404, '404 page not found\n'])
    const { reply } = await client.manifest('a', indexOf([], { subject }))
    expect([reply.status, reply.headers['oci-subject']]).toEqual([201, undefined])
  })

  it('refuses to delete a tag, and drops all tags with the manifest', async () => {
    const client = await started({ profile })
    const { digest } = await pushed(client)
    const tag = await client.call('DELETE', '/v2/a/manifests/1')
    expect([tag.status, tag.codes]).toEqual([400, ['DIGEST_INVALID']])
    expect((await client.call('DELETE', `/v2/a/manifests/${digest}`)).status).toBe(202)
    expect((await client.call('GET', '/v2/a/tags/list')).json()).toEqual({ name: 'a', tags: [] })
  })

  it('knows no pages of tags, no order and no ?tag=', async () => {
    const client = await started({ profile })
    for (const tag of ['b', 'a']) await client.manifest('a', indexOf([]), tag)
    const body = JSON.stringify(indexOf([]))
    const sent = { headers: { 'content-type': mediaTypes.index }, body }
    const put = await client.call('PUT', `/v2/a/manifests/${digestOf(body)}?tag=c`, sent)
    expect([put.status, put.headers['oci-tag']]).toEqual([201, undefined])
    const reply = await client.call('GET', '/v2/a/tags/list?n=1&last=b')
    expect(reply.json()).toEqual({ name: 'a', tags: ['b', 'a'] })
    expect(reply.headers['link']).toBeUndefined()
  })

  it('appends a chunk whatever its range, and forgets an upload under an older location', async () => {
    const client = await started({ profile })
    const opened = await client.call('POST', `/v2/a/blobs/uploads/?digest=${digestOf('x')}`, { body: 'x' })
    expect(opened.status).toBe(202)
    const first = opened.headers['location'] ?? ''
    const origin = `http://${client.registry}`
    expect(first).toMatch(new RegExp(`^${origin}/v2/a/blobs/uploads/[^?]+\\?_state=0$`))
    const patched = await client.call('PATCH', first.slice(origin.length), {
      headers: { 'content-range': '7-11' },
      body: 'hello',
    })
    expect([patched.status, patched.headers['range']]).toEqual([202, '0-4'])
    const stale = await client.call('GET', first.slice(origin.length))
    expect([stale.status, stale.codes]).toEqual([404, ['BLOB_UPLOAD_INVALID']])
    const next = (patched.headers['location'] ?? '').slice(origin.length)
    expect((await client.call('PUT', `${next}&digest=${digestOf('hello')}`)).status).toBe(201)
  })

  it('has no manifest by its sha512 digest', async () => {
    const client = await started({ profile })
    const body = JSON.stringify(indexOf([]))
    const sent = { headers: { 'content-type': mediaTypes.index }, body }
    const reply = await client.call('PUT', `/v2/a/manifests/${digestOf(body, 'sha512')}`, sent)
    expect([reply.status, reply.codes]).toEqual([400, ['DIGEST_INVALID']])
  })

  it('names itself as the client did', async () => {
    const client = await started({ profile })
    for (const [host, origin] of [
      ['registry.example.com:5000', 'http://registry.example.com:5000'],
      ['bad"host', `http://${client.registry}`],
    ] as const) {
      const reply = await client.call('POST', '/v2/a/blobs/uploads/', { headers: { host } })
      expect(reply.headers['location']?.startsWith(`${origin}/v2/a/`)).toBe(true)
    }
  })
})

describe('zot 2.1', () => {
  const profile = 'zot-2.1'

  it('has no page behind a tag that is not there', async () => {
    const client = await started({ profile })
    await pushed(client)
    expect((await client.call('GET', '/v2/a/tags/list?last=0')).status).toBe(404)
    expect((await client.call('GET', '/v2/a/tags/list?last=1')).status).toBe(200)
  })

  it('keeps a manifest that is in an index, until the index is gone', async () => {
    const client = await started({ profile })
    const { digest, descriptor } = await pushed(client)
    const index = await client.manifest('a', indexOf([descriptor]), 'i')
    expect((await client.call('DELETE', `/v2/a/manifests/${digest}`)).status).toBe(405)
    expect((await client.call('DELETE', '/v2/a/manifests/1')).status).toBe(202)
    expect((await client.call('GET', `/v2/a/manifests/${digest}`)).status).toBe(200)
    expect((await client.call('DELETE', `/v2/a/manifests/${index.digest}`)).status).toBe(202)
    expect((await client.call('DELETE', `/v2/a/manifests/${digest}`)).status).toBe(202)
  })

  it('drops an upload that broke off', async () => {
    const told = Promise.withResolvers<void>()
    const client = await started({
      profile,
      onRequest: (entry) => {
        if (entry.aborted) told.resolve()
      },
    })
    const at = (await client.call('POST', '/v2/a/blobs/uploads/')).headers['location'] ?? ''
    const socket = connect(client.port, '127.0.0.1')
    socket.write(`PATCH ${at} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhello`)
    while ((await client.call('GET', at)).headers['range'] !== '0-4');
    socket.destroy()
    await told.promise
    expect((await client.call('GET', at)).status).toBe(404)
  })
})

describe('abilities', () => {
  it('can be taken away one by one: no mount', async () => {
    const client = await started({ abilities: { mount: false } })
    const digest = await client.blob('a', 'x')
    const reply = await client.call('POST', `/v2/b/blobs/uploads/?mount=${digest}&from=a`)
    expect(reply.status).toBe(202)
    expect((await client.call('GET', `/v2/b/blobs/${digest}`)).status).toBe(404)
  })

  it('can be taken away together: no deletes', async () => {
    const client = await started({ profile: 'docker-registry-2.8', abilities: withoutDeletes })
    const { digest } = await pushed(client)
    for (const path of ['manifests/1', `manifests/${digest}`, `blobs/${digestOf('x')}`]) {
      const reply = await client.call('DELETE', `/v2/a/${path}`)
      expect([reply.status, reply.codes]).toEqual([405, ['UNSUPPORTED']])
    }
  })

  it('say how large a chunk should be', async () => {
    const client = await started({ abilities: { chunkMinLength: 1024 } })
    const reply = await client.call('POST', '/v2/a/blobs/uploads/')
    expect(reply.headers['oci-chunk-min-length']).toBe('1024')
  })
})

function pushed(client: Awaited<ReturnType<typeof started>>) {
  return client.manifest('a', indexOf([]), '1')
}
