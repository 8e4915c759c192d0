import { connect } from 'node:net'
import { describe, expect, it } from 'vitest'
import { type Abilities, type ProfileName } from '../../src/embedded/profiles.ts'
import { withoutDeletes } from '../support/without-deletes.ts'
import { digestOf } from '../../src/oci/digest.ts'
import { mediaTypes } from '../../src/oci/media-types.ts'
import { manualClock } from '../support/manual-clock.ts'
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

  it('refuses to delete a tag, and deletes all tags with the manifest', async () => {
    const client = await started({ profile })
    const { digest } = await pushed(client)
    const tag = await client.call('DELETE', '/v2/a/manifests/1')
    expect([tag.status, tag.codes]).toEqual([400, ['DIGEST_INVALID']])
    expect((await client.call('DELETE', `/v2/a/manifests/${digest}`)).status).toBe(202)
    expect((await client.call('GET', '/v2/a/tags/list')).json()).toEqual({ name: 'a', tags: [] })
  })

  it('has no pages of tags, no order and no ?tag=', async () => {
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

  it('appends a chunk whatever its range, and rejects an old location of an upload', async () => {
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

  it('uses the host of the request in its URLs', async () => {
    const client = await started({ profile, allowedHosts: 'any' })
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

  it('has no page after a tag that does not exist', async () => {
    const client = await started({ profile })
    await pushed(client)
    const reply = await client.call('GET', '/v2/a/tags/list?last=0')
    expect([reply.status, reply.text]).toEqual([404, ''])
    expect((await client.call('GET', '/v2/a/tags/list?last=1')).status).toBe(200)
  })

  it('answers with a manifest that the request does not accept', async () => {
    const client = await started({ profile })
    await pushed(client)
    for (const method of ['HEAD', 'GET']) {
      const headers = { accept: mediaTypes.dockerManifest }
      const reply = await client.call(method, '/v2/a/manifests/1', { headers })
      expect([reply.status, reply.headers['content-type']]).toEqual([200, mediaTypes.index])
    }
  })

  it('finds a manifest invalid if its digest is another one or if its content is missing', async () => {
    const client = await started({ profile })
    const headers = { 'content-type': mediaTypes.index }
    const body = JSON.stringify(indexOf([]))
    const wrong = await client.call('PUT', `/v2/a/manifests/${digestOf('x')}`, { headers, body })
    expect([wrong.status, wrong.codes]).toEqual([400, ['MANIFEST_INVALID']])
    const child = { mediaType: mediaTypes.manifest, digest: digestOf('x'), size: 1 }
    const missing = { headers, body: JSON.stringify(indexOf([child])) }
    const reply = await client.call('PUT', '/v2/a/manifests/1', missing)
    expect([reply.status, reply.codes]).toEqual([400, ['MANIFEST_INVALID']])
  })

  it.each(['', '&from=c'])('mounts a blob of any repository (mount=…%s)', async (from) => {
    const client = await started({ profile })
    const digest = await client.blob('a', 'x')
    const reply = await client.call('POST', `/v2/b/blobs/uploads/?mount=${digest}${from}`)
    expect(reply.status).toBe(201)
    expect((await client.call('GET', `/v2/b/blobs/${digest}`)).text).toBe('x')
    const none = await client.call('POST', `/v2/b/blobs/uploads/?mount=${digestOf('none')}${from}`)
    expect(none.status).toBe(202)
  })

  it('keeps a manifest until its index is deleted', async () => {
    const client = await started({ profile })
    const { digest, descriptor } = await pushed(client)
    const index = await client.manifest('a', indexOf([descriptor]), 'i')
    expect((await client.call('DELETE', `/v2/a/manifests/${digest}`)).status).toBe(405)
    expect((await client.call('DELETE', '/v2/a/manifests/1')).status).toBe(202)
    expect((await client.call('GET', `/v2/a/manifests/${digest}`)).status).toBe(200)
    expect((await client.call('DELETE', `/v2/a/manifests/${index.digest}`)).status).toBe(202)
    expect((await client.call('DELETE', `/v2/a/manifests/${digest}`)).status).toBe(202)
  })

  it('deletes a manifest whose last tag moves, even one in an index', async () => {
    const client = await started({ profile })
    const { digest, descriptor } = await pushed(client)
    await client.manifest('a', indexOf([descriptor]), 'i')
    await client.manifest('a', indexOf([], { annotations: { other: 'yes' } }), '1')
    expect((await client.call('GET', `/v2/a/manifests/${digest}`)).status).toBe(404)
    expect((await client.call('GET', '/v2/a/manifests/i')).status).toBe(200)
  })

  it('keeps a manifest that another tag is on, and one that is put again under its tag', async () => {
    const client = await started({ profile })
    const { digest } = await pushed(client)
    await pushed(client)
    const body = (await client.call('GET', '/v2/a/manifests/1')).text
    const sent = { headers: { 'content-type': mediaTypes.index }, body }
    await client.call('PUT', '/v2/a/manifests/2', sent)
    await client.manifest('a', indexOf([], { annotations: { other: 'yes' } }), '1')
    expect((await client.call('GET', `/v2/a/manifests/${digest}`)).status).toBe(200)
  })

  it('deletes the children of a replaced index, except those with a tag or another index', async () => {
    const client = await started({ profile })
    const [lone, shared, tagged] = await Promise.all(
      ['lone', 'shared', 'tagged'].map((name) => client.image('a', name)),
    )
    if (lone === undefined || shared === undefined || tagged === undefined) throw new Error('no manifest')
    const all = [lone, shared, tagged].map(({ descriptor }) => descriptor)
    const former = await client.manifest('a', indexOf(all), 'i')
    await client.image('a', 'tagged', 't')
    await client.manifest('a', indexOf([shared.descriptor]), 'i')
    const status = async (one: string) => (await client.call('GET', `/v2/a/manifests/${one}`)).status
    expect(await Promise.all([former, lone, shared, tagged].map(({ digest: one }) => status(one)))).toEqual([
      404, 404, 200, 200,
    ])
  })

  it('names the header of its web page in answers to HEAD and in lists, also if nothing is there', async () => {
    const client = await started({ profile })
    await pushed(client)
    for (const [method, path, isNamed] of [
      ['HEAD', 'manifests/1', true],
      ['HEAD', 'manifests/none', true],
      ['GET', 'tags/list', true],
      ['GET', 'manifests/1', false],
    ] as const) {
      const { headers } = await client.call(method, `/v2/a/${path}`)
      expect([path, headers['access-control-allow-headers']?.includes('X-ZOT-API-CLIENT') ?? false]).toEqual([
        path,
        isNamed,
      ])
    }
  })

  it('drops an interrupted upload', async () => {
    const reported = Promise.withResolvers<void>()
    const client = await started({
      profile,
      onRequest: (entry) => {
        if (entry.aborted) reported.resolve()
      },
    })
    const at = (await client.call('POST', '/v2/a/blobs/uploads/')).headers['location'] ?? ''
    const socket = connect(client.port, '127.0.0.1')
    socket.write(`PATCH ${at} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nhello`)
    while ((await client.call('GET', at)).headers['range'] !== '0-4');
    socket.destroy()
    await reported.promise
    expect((await client.call('GET', at)).status).toBe(404)
  })
})

describe('distribution 3', () => {
  const profile = 'distribution-3'

  it('keeps an interrupted upload, whose old location is good for reading only', async () => {
    const aborted = Promise.withResolvers<void>()
    const client = await started({
      profile,
      onRequest: (entry) => {
        if (entry.aborted) aborted.resolve()
      },
    })
    const path = (reply: { headers: Record<string, string | string[] | undefined> }) =>
      String(reply.headers['location']).replace(`http://${client.registry}`, '')
    const opened = path(await client.call('POST', '/v2/a/blobs/uploads/'))
    const socket = connect(client.port, '127.0.0.1')
    socket.write(`PATCH ${opened} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nhello`)
    while ((await client.call('GET', opened)).headers['range'] !== '0-4');
    socket.destroy()
    await aborted.promise
    for (const method of ['PATCH', 'PUT', 'DELETE']) {
      const stale = await client.call(method, `${opened}&digest=${digestOf('hello')}`)
      expect([stale.status, stale.codes]).toEqual([416, ['RANGE_INVALID']])
    }
    const status = await client.call('GET', opened)
    expect([status.status, status.headers['range']]).toEqual([204, '0-4'])
    const ended = await client.call('PUT', `${path(status)}&digest=${digestOf('hello')}`)
    expect(ended.status).toBe(201)
  })
})

describe('olareg 0.2', () => {
  const profile = 'olareg-0.2'

  it('has an empty list of tags for a repository that does not exist, and no catalog', async () => {
    const client = await started({ profile })
    expect((await client.call('GET', '/v2/none/tags/list')).json()).toEqual({ name: 'none', tags: [] })
    expect((await client.call('GET', '/v2/none/tags/list?n=0')).status).toBe(200)
    expect((await client.call('GET', '/v2/_catalog')).status).toBe(404)
  })

  it('breaks the connection for an empty page of tags', async () => {
    const client = await started({ profile })
    await pushed(client)
    await expect(client.call('GET', '/v2/a/tags/list?n=0')).rejects.toThrow('socket hang up')
    await expect(client.call('GET', '/v2/a/tags/list?n=1')).resolves.toMatchObject({ status: 200 })
  })
})

describe('abilities', () => {
  it('can be disabled one by one: no mount', async () => {
    const client = await started({ abilities: { mount: false } })
    const digest = await client.blob('a', 'x')
    const reply = await client.call('POST', `/v2/b/blobs/uploads/?mount=${digest}&from=a`)
    expect(reply.status).toBe(202)
    expect((await client.call('GET', `/v2/b/blobs/${digest}`)).status).toBe(404)
  })

  it('can be disabled together: no deletes', async () => {
    const client = await started({ profile: 'docker-registry-2.8', abilities: withoutDeletes })
    const { digest } = await pushed(client)
    for (const path of ['manifests/1', `manifests/${digest}`, `blobs/${digestOf('x')}`]) {
      const reply = await client.call('DELETE', `/v2/a/${path}`)
      expect([reply.status, reply.codes]).toEqual([405, ['UNSUPPORTED']])
    }
  })

  it('announce the minimal size of a chunk', async () => {
    const client = await started({ abilities: { chunkMinLength: 1024 } })
    const reply = await client.call('POST', '/v2/a/blobs/uploads/')
    expect(reply.headers['oci-chunk-min-length']).toBe('1024')
  })
})

describe('deletes, by profile', () => {
  /** A tagged index with a child and a referrer. */
  async function family(profile: ProfileName, abilities: Partial<Abilities> = {}) {
    const client = await started({ profile, abilities: { singlePost: true, ...abilities } })
    const child = await client.image('a', 'child')
    const index = await client.manifest('a', indexOf([child.descriptor]), 'i')
    const referrer = await client.image('a', 'signature', undefined, { subject: index.descriptor })
    const remove = async (at: string) => {
      const { status, codes } = await client.call('DELETE', `/v2/a/manifests/${at}`)
      return [status, ...codes]
    }
    const isThere = async (at: string) => (await client.call('GET', `/v2/a/manifests/${at}`)).status === 200
    return { client, child: child.digest, index: index.digest, referrer: referrer.digest, remove, isThere }
  }

  it.each([
    ['oci-1.1', [202]],
    ['distribution-3', [202]],
    ['olareg-0.2', [202]],
    ['quay', [202]],
    ['gitlab', [202]],
    ['docker-hub', [202]],
    ['gar', [202]],
    ['zot-2.1', [202]],
    ['harbor', [400, 'UNSUPPORTED']],
    ['docker-registry-2.8', [400, 'DIGEST_INVALID']],
    ['ghcr', [405, 'UNSUPPORTED']],
    ['ecr', [405, 'UNSUPPORTED']],
    ['acr', [405, 'UNSUPPORTED']],
  ] as const)('%s answers the delete of a tag with %j, and keeps its manifest', async (profile, expected) => {
    const { index, remove, isThere } = await family(profile)
    expect(await remove('i')).toEqual(expected)
    expect(await isThere(index)).toBe(true)
    expect(await isThere('i')).toBe(expected[0] !== 202)
  })

  it.each([
    ['oci-1.1', [202]],
    ['distribution-3', [202]],
    ['olareg-0.2', [202]],
    ['harbor', [202]],
    ['quay', [202]],
    ['gitlab', [202]],
    ['ecr', [202]],
    ['acr', [202]],
    ['docker-hub', [403, 'DENIED']],
    ['gar', [400, 'GOOGLE_MANIFEST_DANGLING_TAG']],
    ['ghcr', [405, 'UNSUPPORTED']],
  ] as const)('%s answers the delete of a tagged manifest with %j', async (profile, expected) => {
    const { index, remove, isThere } = await family(profile)
    expect(await remove(index)).toEqual(expected)
    expect(await isThere('i')).toBe(expected[0] !== 202)
  })

  it.each([
    ['oci-1.1', [202]],
    ['distribution-3', [202]],
    ['harbor', [202]],
    ['quay', [404, 'MANIFEST_UNKNOWN']],
    ['gitlab', [409, 'MANIFEST_REFERENCED_IN_LIST']],
    ['zot-2.1', [405, 'DENIED']],
    ['docker-hub', [403, 'DENIED']],
    ['gar', [400, 'GOOGLE_MANIFEST_DANGLING_PARENT_IMAGE']],
  ] as const)('%s answers the delete of a manifest in an index with %j', async (profile, expected) => {
    const { child, remove, isThere } = await family(profile)
    expect(await remove(child)).toEqual(expected)
    expect(await isThere(child)).toBe(expected[0] !== 202)
  })

  it('harbor deletes referrers with their manifest', async () => {
    const { client, index, referrer, remove, isThere } = await family('harbor')
    const { descriptor } = await client.manifest(
      'a',
      indexOf([], { subject: { mediaType: mediaTypes.manifest, digest: referrer, size: 1 } }),
    )
    expect(await remove(index)).toEqual([202])
    for (const gone of [index, referrer, descriptor.digest]) expect(await isThere(gone)).toBe(false)
  })

  it('gar deletes a manifest only after its tags and referrers', async () => {
    const { index, referrer, child, remove } = await family('gar')
    expect(await remove('i')).toEqual([202])
    expect(await remove(index)).toEqual([400, 'GOOGLE_MANIFEST_REFERRING_MANIFEST'])
    for (const at of [referrer, index, child]) expect(await remove(at)).toEqual([202])
  })

  it('docker-hub answers 500 and deletes', async () => {
    const { index, remove, isThere } = await family('docker-hub')
    await remove('i')
    expect(await remove(index)).toEqual([500, 'UNKNOWN'])
    expect(await isThere(index)).toBe(false)
    expect(await remove(index)).toEqual([404, 'MANIFEST_UNKNOWN'])
  })

  it('quay does not delete a manifest without a tag, nor read it in some versions', async () => {
    const late = await family('quay')
    expect(await late.remove(late.index)).toEqual([202])
    expect(await late.isThere(late.child)).toBe(true)
    expect(await late.remove(late.child)).toEqual([404, 'MANIFEST_UNKNOWN'])

    const { client, child, index, referrer, remove, isThere } = await family('quay', { untagged: 'hidden' })
    for (const at of [child, index, referrer]) expect(await isThere(at)).toBe(true)
    expect(await remove('i')).toEqual([202])
    for (const at of [child, index, referrer]) expect(await isThere(at)).toBe(false)
    const { digest } = await client.image('a', 'pushed by digest')
    expect(await isThere(digest)).toBe(false)
  })

  it('acr keeps locked content', async () => {
    const { index, child, remove } = await family('acr', { deleteTag: 'yes', lockedTags: ['i'] })
    expect(await remove('i')).toEqual([405, 'REGISTRY_DISALLOWED_OPERATION'])
    expect(await remove(index)).toEqual([405, 'REGISTRY_DISALLOWED_OPERATION'])
    expect(await remove(child)).toEqual([202])
  })

  it('can delete the manifest with a tag', async () => {
    const { client, index, child, remove, isThere } = await family('oci-1.1', {
      deleteTag: 'with its manifest',
    })
    const body = (await client.call('GET', '/v2/a/manifests/i')).body
    await client.call('PUT', '/v2/a/manifests/j', { headers: { 'content-type': mediaTypes.index }, body })
    expect(await remove('i')).toEqual([202])
    for (const at of [index, 'i', 'j']) expect(await isThere(at)).toBe(false)
    expect(await isThere(child)).toBe(true)
    expect(await remove('i')).toEqual([404, 'MANIFEST_UNKNOWN'])
  })

  it.each([200, 204] as const)('can be answered %i', async (deleteAnswer) => {
    const { index, remove } = await family('oci-1.1', { deleteAnswer })
    expect(await remove(index)).toEqual([deleteAnswer])
  })
})

describe('reads, by profile', () => {
  it('gitlab answers the fallback tag with its subject, and does not list it', async () => {
    const client = await started({ profile: 'gitlab' })
    const { digest } = await pushed(client)
    const tag = digest.replace(':', '-')
    const reply = await client.call('GET', `/v2/a/manifests/${tag}`)
    expect([reply.status, reply.headers['docker-content-digest']]).toEqual([200, digest])
    expect((await client.call('GET', '/v2/a/tags/list')).json()).toEqual({ name: 'a', tags: ['1'] })
    expect((await client.call('GET', `/v2/a/manifests/${tag}.sig`)).status).toBe(404)
    expect((await client.call('GET', `/v2/a/manifests/sha256-${'0'.repeat(64)}`)).status).toBe(404)
    const index = await client.manifest('a', indexOf([], { annotations: { a: 'b' } }), tag)
    const real = await client.call('GET', `/v2/a/manifests/${tag}`)
    expect(real.headers['docker-content-digest']).toBe(index.digest)
  })

  it.each(['ghcr', 'docker-hub', 'gar', 'ecr'] as const)('%s has no catalog', async (profile) => {
    const client = await started({ profile })
    expect((await client.call('GET', '/v2/_catalog')).status).toBe(404)
  })

  it.each(['relative', 'absolute'] as const)('ghcr continues with n=0 (%s)', async (locations) => {
    const client = await started({ profile: 'ghcr', abilities: { pageLimit: 2, locations } })
    for (const tag of ['a', 'b', 'c', 'd', 'e']) await client.manifest('a', indexOf([]), tag)
    const start = locations === 'absolute' ? `http://${client.registry}` : ''
    const first = await client.call('GET', '/v2/a/tags/list?n=1000')
    expect(first.headers['link']).toBe(`<${start}/v2/a/tags/list?n=0&last=b>; rel="next"`)
    const second = await client.call('GET', '/v2/a/tags/list?n=0&last=b')
    expect(second.json()).toEqual({ name: 'a', tags: ['c', 'd'] })
  })

  it('Date has the time of its clock, with the given difference', async () => {
    const clock = manualClock(Date.UTC(2026, 10, 23, 12))
    for (const [clockAhead, date] of [
      [0, 'Mon, 23 Nov 2026 12:00:00 GMT'],
      [7_200_000, 'Mon, 23 Nov 2026 14:00:00 GMT'],
      [-86_400_000, 'Sun, 22 Nov 2026 12:00:00 GMT'],
    ] as const) {
      const client = await started({ clock, abilities: { clockAhead } })
      expect((await client.call('GET', '/v2/')).headers['date']).toBe(date)
    }
  })
})

function pushed(client: Awaited<ReturnType<typeof started>>) {
  return client.manifest('a', indexOf([]), '1')
}
