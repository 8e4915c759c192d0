import { describe, expect, it } from 'vitest'
import { digestOf } from '../../../src/oci/digest.ts'
import { maxManifestSize } from '../../../src/oci/manifest.ts'
import { mediaTypes } from '../../../src/oci/media-types.ts'
import { imageOf, indexOf, started } from '../http.ts'
import { storages } from '../storage/storages.ts'

const otherType = 'application/vnd.example.other+json'

describe.each(storages)('manifests in %s', (_name, storage) => {
  it('are served by tag and by digest, byte for byte', async () => {
    const { call, image } = await started({ storage: await storage() })
    const { digest, body, reply } = await image('team/api', 'layer', '1.4.2')
    expect(reply.headers).toMatchObject({
      location: `/v2/team/api/manifests/${digest}`,
      'docker-content-digest': digest,
    })
    for (const at of ['1.4.2', digest, digest.replace(':', '%3a')]) {
      const got = await call('GET', `/v2/team/api/manifests/${at}`)
      expect([got.status, got.text]).toEqual([200, body])
      expect(got.headers).toMatchObject({
        'content-type': mediaTypes.manifest,
        'docker-content-digest': digest,
      })
      const head = await call('HEAD', `/v2/team/api/manifests/${at}`)
      expect([head.status, head.headers['content-length'], head.text]).toEqual([200, String(body.length), ''])
    }
  })

  it('keep unusual white space: the digest stays the same', async () => {
    const { call, blob } = await started({ storage: await storage() })
    const layer = await blob('a', 'x')
    const body = `${JSON.stringify(imageOf(await blob('a', '{}'), layer, 1), null, 3)}\n\n`
    const reply = await call('PUT', '/v2/a/manifests/1', {
      headers: { 'content-type': mediaTypes.manifest },
      body,
    })
    expect(reply.headers['docker-content-digest']).toBe(digestOf(body))
    expect((await call('GET', '/v2/a/manifests/1')).text).toBe(body)
  })

  it('move a tag', async () => {
    const client = await started({ storage: await storage() })
    await client.image('a', 'one', 'latest')
    const { digest } = await client.image('a', 'two', 'latest')
    const reply = await client.call('HEAD', '/v2/a/manifests/latest')
    expect(reply.headers['docker-content-digest']).toBe(digest)
  })

  it('accept several tags in one request by digest, and none by tag', async () => {
    const client = await started({ storage: await storage() })
    const { digest, body } = await client.image('a', 'x')
    const sent = { headers: { 'content-type': mediaTypes.manifest }, body }
    const reply = await client.call('PUT', `/v2/a/manifests/${digest}?tag=1.2.3&tag=1.2&tag=1`, sent)
    expect([reply.status, reply.headers['oci-tag']]).toEqual([201, '1.2.3, 1.2, 1'])
    expect((await client.call('GET', '/v2/a/manifests/1.2')).headers['docker-content-digest']).toBe(digest)
    const byTag = await client.call('PUT', '/v2/a/manifests/x?tag=y', sent)
    expect([byTag.status, byTag.headers['oci-tag']]).toEqual([201, undefined])
    expect((await client.call('GET', '/v2/a/manifests/y')).status).toBe(404)
    const wrong = await client.call('PUT', `/v2/a/manifests/${digest}?tag=ok&tag=.not`, sent)
    expect([wrong.status, wrong.codes]).toEqual([400, ['MANIFEST_INVALID']])
    expect((await client.call('GET', '/v2/a/manifests/ok')).status).toBe(404)
    const many = Array.from({ length: 101 }, (_, i) => `tag=t${i}`).join('&')
    expect((await client.call('PUT', `/v2/a/manifests/${digest}?${many}`, sent)).status).toBe(414)
  })

  it('are stored by their sha512 digest', async () => {
    const client = await started({ storage: await storage() })
    const { body } = await client.image('a', 'x')
    const digest = digestOf(body, 'sha512')
    const reply = await client.call('PUT', `/v2/a/manifests/${digest}?tag=s`, {
      headers: { 'content-type': mediaTypes.manifest },
      body,
    })
    expect([reply.status, reply.headers['docker-content-digest']]).toEqual([201, digest])
    expect((await client.call('HEAD', '/v2/a/manifests/s')).headers['docker-content-digest']).toBe(digest)
  })

  it('are refused if their content is missing', async () => {
    const client = await started({ storage: await storage() })
    const config = await client.blob('a', '{}')
    const elsewhere = await client.blob('b', 'x')
    const child = { mediaType: mediaTypes.manifest, digest: digestOf('y'), size: 1 }
    for (const manifest of [
      imageOf(config, digestOf('x'), 1),
      imageOf(digestOf('{ }'), config, 2),
      imageOf(config, elsewhere, 1),
      indexOf([child]),
      indexOf([{ ...child, mediaType: otherType }]),
    ]) {
      const reply = await client.call('PUT', '/v2/a/manifests/1', {
        headers: { 'content-type': manifest.mediaType },
        body: JSON.stringify(manifest),
      })
      expect([reply.status, reply.codes]).toEqual([400, ['MANIFEST_BLOB_UNKNOWN']])
    }
    expect((await client.call('GET', '/v2/a/manifests/1')).status).toBe(404)
  })

  it('are accepted without layers that have URLs', async () => {
    const client = await started({ storage: await storage() })
    const config = await client.blob('a', '{}')
    const image = imageOf(config, digestOf('x'), 1)
    const layers = image.layers.map((layer) => ({ ...layer, urls: ['https://example.com/x'] }))
    const foreign = { ...image, layers }
    expect((await client.manifest('a', foreign, '1')).reply.status).toBe(201)
  })

  it('are accepted before their subject exists', async () => {
    const client = await started({ storage: await storage() })
    const subject = { mediaType: mediaTypes.manifest, digest: digestOf('later'), size: 5 }
    const { reply } = await client.image('a', 'x', undefined, { subject })
    expect(reply.headers['oci-subject']).toBe(subject.digest)
  })

  it('are refused if a size is wrong', async () => {
    const client = await started({ storage: await storage() })
    const layer = await client.blob('a', 'x')
    const body = JSON.stringify(imageOf(await client.blob('a', '{}'), layer, 2))
    const reply = await client.call('PUT', '/v2/a/manifests/1', {
      headers: { 'content-type': mediaTypes.manifest },
      body,
    })
    expect([reply.status, reply.codes]).toEqual([400, ['MANIFEST_INVALID']])
  })

  it('are refused by a wrong digest', async () => {
    const client = await started({ storage: await storage() })
    const { body } = await client.image('a', 'x')
    const wrong = digestOf('other')
    const reply = await client.call('PUT', `/v2/a/manifests/${wrong}`, {
      headers: { 'content-type': mediaTypes.manifest },
      body,
    })
    expect([reply.status, reply.codes]).toEqual([400, ['DIGEST_INVALID']])
    expect((await client.call('GET', `/v2/a/manifests/${wrong}`)).status).toBe(404)
  })
})

describe('a manifest', () => {
  it.each([
    ['no JSON', mediaTypes.manifest, '{'],
    ['nothing', mediaTypes.manifest, ''],
    ['a key twice', mediaTypes.index, '{"manifests":[],"manifests":[]}'],
    ['no UTF-8', mediaTypes.index, Buffer.from([0x22, 0xff, 0x22])],
    ['a list', mediaTypes.index, '[]'],
    ['an image and an index', mediaTypes.index, '{"manifests":[],"layers":[]}'],
    ['an index by its name only', mediaTypes.index, '{"config":{},"layers":[]}'],
    ['of a type that is none', otherType, '{"manifests":[]}'],
    ['schema 1', 'application/vnd.docker.distribution.manifest.v1+json', '{"schemaVersion":1}'],
    [
      'called another in itself',
      mediaTypes.index,
      `{"mediaType":"${mediaTypes.dockerIndex}","manifests":[]}`,
    ],
    ['called nothing that fits', 'application/json', `{"mediaType":"${mediaTypes.index}","manifests":[]}`],
  ])('that is %s is refused', async (_what, type, body) => {
    const { call } = await started()
    const reply = await call('PUT', '/v2/a/manifests/1', { headers: { 'content-type': type }, body })
    expect([reply.status, reply.codes]).toEqual([400, ['MANIFEST_INVALID']])
  })

  it('can have parameters after its type, or no type', async () => {
    const { call } = await started()
    const body = JSON.stringify(indexOf([]))
    for (const headers of [{ 'content-type': `${mediaTypes.index}; charset=utf-8` }, {}]) {
      expect((await call('PUT', '/v2/a/manifests/1', { headers, body })).status).toBe(201)
      expect((await call('GET', '/v2/a/manifests/1')).headers['content-type']).toBe(mediaTypes.index)
    }
  })

  it.each([
    ['a declared length', {}],
    ['a stream', { 'transfer-encoding': 'chunked' }],
  ])('over the limit is refused, with %s', async (_how, headers) => {
    const { call } = await started()
    const body = Buffer.alloc(maxManifestSize + 1, ' ')
    const reply = await call('PUT', '/v2/a/manifests/1', {
      headers: { 'content-type': mediaTypes.index, ...headers },
      body,
    })
    expect([reply.status, reply.codes]).toEqual([413, ['SIZE_INVALID']])
  })

  it('of exactly the limit is accepted', async () => {
    const { call } = await started()
    const text = JSON.stringify(indexOf([]))
    const body = text + ' '.repeat(maxManifestSize - text.length)
    const headers = { 'content-type': mediaTypes.index }
    expect((await call('PUT', '/v2/a/manifests/1', { headers, body })).status).toBe(201)
    expect((await call('GET', '/v2/a/manifests/1')).body).toHaveLength(maxManifestSize)
  })

  it.each([
    [undefined, 200],
    ['*/*', 200],
    ['application/*;q=0.5', 200],
    [`${mediaTypes.dockerManifest}, ${mediaTypes.manifest};q=0.1`, 200],
    [mediaTypes.index, 404],
  ])('requested with Accept %s is answered %i', async (accept, status) => {
    const client = await started()
    await client.image('a', 'x', '1')
    const headers: Record<string, string> = accept === undefined ? {} : { accept }
    expect((await client.call('GET', '/v2/a/manifests/1', { headers })).status).toBe(status)
  })

  it('that the client already has is not sent again', async () => {
    const client = await started()
    const { digest } = await client.image('a', 'x', '1')
    const headers = { 'if-none-match': `"${digest}"` }
    const reply = await client.call('GET', '/v2/a/manifests/1', { headers })
    expect([reply.status, reply.text]).toEqual([304, ''])
  })

  it.each([
    ['1', 404, 'MANIFEST_UNKNOWN'],
    ['.not-a-tag', 404, 'MANIFEST_UNKNOWN'],
    [digestOf('x'), 404, 'MANIFEST_UNKNOWN'],
    ['sha256:x', 400, 'DIGEST_INVALID'],
  ])('%s that does not exist is %i', async (at, status, code) => {
    const client = await started()
    await client.image('a', 'x', 'there')
    const reply = await client.call('GET', `/v2/a/manifests/${at}`)
    expect([reply.status, reply.codes]).toEqual([status, [code]])
  })

  it('cannot have an invalid tag', async () => {
    const { call } = await started()
    const reply = await call('PUT', `/v2/a/manifests/${'x'.repeat(129)}`, { body: '{"manifests":[]}' })
    expect([reply.status, reply.codes]).toEqual([400, ['MANIFEST_INVALID']])
  })
})

describe.each(storages)('deleting in %s', (_name, storage) => {
  it('a tag keeps the manifest and its other tags', async () => {
    const client = await started({ storage: await storage() })
    const { digest } = await client.image('a', 'x', '1')
    await client.image('a', 'x', '2')
    expect((await client.call('DELETE', '/v2/a/manifests/1')).status).toBe(202)
    expect((await client.call('GET', '/v2/a/manifests/1')).status).toBe(404)
    expect((await client.call('GET', '/v2/a/manifests/2')).status).toBe(200)
    expect((await client.call('GET', `/v2/a/manifests/${digest}`)).status).toBe(200)
    const again = await client.call('DELETE', '/v2/a/manifests/1')
    expect([again.status, again.codes]).toEqual([404, ['MANIFEST_UNKNOWN']])
  })

  it('a manifest deletes all its tags and no other', async () => {
    const client = await started({ storage: await storage() })
    const { digest } = await client.image('a', 'x', '1')
    await client.image('a', 'x', '2')
    await client.image('a', 'y', '3')
    expect((await client.call('DELETE', `/v2/a/manifests/${digest}`)).status).toBe(202)
    expect((await client.call('GET', '/v2/a/tags/list')).json()).toEqual({ name: 'a', tags: ['3'] })
    expect((await client.call('GET', `/v2/a/manifests/${digest}`)).status).toBe(404)
    const again = await client.call('DELETE', `/v2/a/manifests/${digest}`)
    expect([again.status, again.codes]).toEqual([404, ['MANIFEST_UNKNOWN']])
  })

  it('a manifest never deletes a tag that moves at the same time', async () => {
    const client = await started({ storage: await storage() })
    const kept = await client.image('a', 'kept')
    for (let round = 0; round < 10; round++) {
      const { digest } = await client.image('a', `old ${round}`, 'latest')
      const [put, deleted] = await Promise.all([
        client.call('PUT', '/v2/a/manifests/latest', {
          headers: { 'content-type': mediaTypes.manifest },
          body: kept.body,
        }),
        client.call('DELETE', `/v2/a/manifests/${digest}`),
      ])
      expect([put.status, deleted.status]).toEqual([201, 202])
      const reply = await client.call('HEAD', '/v2/a/manifests/latest')
      expect(reply.headers['docker-content-digest']).toBe(kept.digest)
    }
  })

  it('in a missing repository is 404', async () => {
    const client = await started({ storage: await storage() })
    const reply = await client.call('DELETE', `/v2/a/manifests/${digestOf('x')}`)
    expect([reply.status, reply.codes]).toEqual([404, ['NAME_UNKNOWN']])
  })
})
