import { describe, expect, it } from 'vitest'
import { type Descriptor, parseDescriptor } from '../../../../src/oci/descriptor.ts'
import { digestOf } from '../../../../src/oci/digest.ts'
import { image, manifestOf, referrer, types } from '../../../support/images.ts'
import {
  embedded,
  type ReceivedRequest,
  newCall,
  openStores,
  type ScriptedAnswer,
  scripted,
  storeAt,
} from '../world.ts'

const content = image()
const bytes = Buffer.from(content.manifests[0]?.bytes ?? [])
const d: Descriptor = { mediaType: types.manifest, digest: digestOf(bytes), size: bytes.length }
const created: ScriptedAnswer = { status: 201, headers: { 'docker-content-digest': d.digest } }
const lost: ScriptedAnswer = { status: 0, raw: (response) => void response.destroy() }
const errors = (status: number, code: string): ScriptedAnswer => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ errors: [{ code, message: 'no' }] }),
})

/** Answers each PUT with the next of `puts`, then always the last one, and HEAD with `head`. */
async function putting(
  puts: readonly ((request: ReceivedRequest) => ScriptedAnswer)[],
  head: ScriptedAnswer = { status: 404 },
) {
  let count = 0
  const server = await scripted((request) => {
    if (request.method !== 'PUT') return head
    return (puts[Math.min(count++, puts.length - 1)] as (request: ReceivedRequest) => ScriptedAnswer)(request)
  })
  return {
    ...server,
    put: (...tags: string[]) => storeAt(server.registry).putManifest(d, bytes, tags, newCall()),
  }
}

function putsOf({ requests }: { readonly requests: () => readonly string[] }): number {
  return requests().filter((line) => line.startsWith('PUT')).length
}

const standing: ScriptedAnswer = {
  status: 200,
  headers: {
    'docker-content-digest': d.digest,
    'content-type': types.manifest,
    'content-length': String(d.size),
  },
  body: bytes,
}

describe('putting a manifest', () => {
  it('sends the identical bytes under their media type, by digest if there is no tag', async () => {
    const one = await putting([() => created])
    expect(await one.put()).toEqual({ tagged: [], subjectListed: false })
    expect(one.requests()).toEqual([`PUT /v2/team/api/manifests/${d.digest}`])
    expect(one.heard[0]?.body).toEqual(bytes)
    expect(one.heard[0]?.headers['content-type']).toBe(types.manifest)
  })

  it('sends one request for each tag unless the registry is known to accept several', async () => {
    const one = await putting([() => created])
    expect(await one.put('1.0', '1')).toEqual({ tagged: ['1.0', '1'], subjectListed: false })
    expect(one.requests().sort()).toEqual(['PUT /v2/team/api/manifests/1', 'PUT /v2/team/api/manifests/1.0'])
  })

  it('sends several tags at once to a registry that is known to accept them', async () => {
    const one = await embedded({ profile: 'zot-2.1' })
    await one.push(content, 'team/api')
    const stores = openStores({ known: (_, name) => (name === 'manyTags' ? 'yes' : 'unknown') })
    const store = stores.target({ registry: one.registry, path: 'team/api' })
    expect((await store.putManifest(d, bytes, ['1.0', '1', 'latest'], newCall())).tagged).toHaveLength(3)
    expect(one.requests()).toEqual(['PUT manifest 201'])
    expect(await one.oracle.tags('team/api')).toEqual(['1', '1.0', 'latest'])
  })

  it('sends tags one by one that the registry skipped', async () => {
    const { registry, requests } = await scripted(({ path }) =>
      path.includes('?') ? { ...created, headers: { ...created.headers, 'oci-tag': 'a, b' } } : created,
    )
    const store = storeAt(registry, { known: () => 'yes' })
    await store.putManifest(d, bytes, ['a', 'b', 'c'], newCall())
    expect(requests()).toEqual([
      `PUT /v2/team/api/manifests/${d.digest}?tag=a&tag=b&tag=c`,
      'PUT /v2/team/api/manifests/c',
    ])
  })

  it('tags a sha512 manifest together with its digest, or reports that this is impossible', async () => {
    const sha512 = { ...d, digest: digestOf(bytes, 'sha512') }
    const can = await embedded()
    await can.oracle.push(content, 'team/api')
    expect((await storeAt(can.registry).putManifest(sha512, bytes, ['x'], newCall())).tagged).toEqual(['x'])
    const { registry } = await scripted(() => ({
      status: 201,
      headers: { 'docker-content-digest': sha512.digest },
    }))
    await expect(storeAt(registry).putManifest(sha512, bytes, ['x'], newCall())).rejects.toMatchObject({
      code: 'unsupported',
    })
  })

  it('reads the digest if the response has none', async () => {
    const one = await putting([() => ({ status: 201 })], standing)
    await one.put('1')
    expect(one.requests()).toEqual(['PUT /v2/team/api/manifests/1', 'HEAD /v2/team/api/manifests/1'])
  })

  describe('with layers that have URLs', () => {
    const layer = {
      mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
      digest: d.digest,
      size: 1,
      urls: ['https://mcr.example.com/layer'],
    }
    const config = { mediaType: 'application/vnd.oci.empty.v1+json', digest: d.digest, size: 2 }
    const foreign = manifestOf(types.manifest, { config, layers: [layer] })

    it.each([400, 500])('fails after one PUT that is answered %i, with the likely cause', async (status) => {
      const one = await putting([() => errors(status, 'UNKNOWN')])
      const descriptor = parseDescriptor(foreign.descriptor, 'it')
      const put = storeAt(one.registry).putManifest(descriptor, foreign.bytes, ['1'], newCall())
      await expect(put).rejects.toMatchObject({
        code: 'refused',
        status,
        why: expect.stringMatching(/no; the manifest has .*: 1\. .*validation\.manifests\.urls .*likely/),
        hint: expect.stringContaining('validation.manifests.urls.allow'),
      })
      expect(putsOf(one)).toBe(1)
    })

    it('is put again after 503, which has another cause', async () => {
      const one = await putting([() => ({ status: 503 }), () => ({ status: 201 })], {
        ...standing,
        headers: { ...standing.headers, 'docker-content-digest': foreign.descriptor.digest },
      })
      const descriptor = parseDescriptor(foreign.descriptor, 'it')
      await storeAt(one.registry).putManifest(descriptor, foreign.bytes, ['1'], newCall())
      expect(putsOf(one)).toBe(2)
    })
  })

  it('reads by GET what it put if HEAD answers 404 and the response had no digest', async () => {
    const { registry, requests } = await scripted(({ method }) =>
      method === 'PUT' ? { status: 201 } : method === 'HEAD' ? { status: 404 } : standing,
    )
    const put = await storeAt(registry).putManifest(d, bytes, ['1'], newCall())
    expect(put.tagged).toEqual(['1'])
    const path = '/v2/team/api/manifests/1'
    expect(requests()).toEqual([`PUT ${path}`, `HEAD ${path}`, `GET ${path}`])
  })

  it('repeats the PUT if a byte was flipped, so that the tag is repaired', async () => {
    const other: ScriptedAnswer = { status: 201, headers: { 'docker-content-digest': digestOf('flipped') } }
    const mended = await putting([() => other, () => created])
    await mended.put('1')
    expect(mended.requests().filter((line) => line.startsWith('PUT'))).toHaveLength(2)
    const never = await putting([() => other])
    await expect(never.put('1')).rejects.toMatchObject({
      code: 'corrupt',
      subject: `${never.registry}/team/api:1`,
    })
  })

  it('passes what the registry stored by mistake to the check before the next attempt', async () => {
    const other: ScriptedAnswer = { status: 201, headers: { 'docker-content-digest': digestOf('flipped') } }
    const { registry } = await putting([() => other, () => created])
    const stored: (string | undefined)[] = []
    const note = (digest?: string): undefined => void stored.push(digest)
    await storeAt(registry).putManifest(d, bytes, ['1'], newCall(), note)
    expect(stored).toEqual([undefined, digestOf('flipped')])
  })

  it('passes no digest that it read back from the tag, which may be of another writer', async () => {
    const theirs = {
      ...standing,
      headers: { ...standing.headers, 'docker-content-digest': digestOf('theirs') },
    }
    const { registry } = await scripted(({ method, path }) => {
      if (method === 'PUT') return { status: 201 }
      return path.endsWith(d.digest) ? { status: 404 } : theirs
    })
    const stored: (string | undefined)[] = []
    const note = (digest?: string): undefined => void stored.push(digest)
    const put = storeAt(registry).putManifest(d, bytes, ['1'], newCall(), note)
    await expect(put).rejects.toMatchObject({ code: 'corrupt' })
    expect(new Set(stored)).toEqual(new Set([undefined]))
  })

  it('leaves a tag alone that somebody moved after the PUT, if the response has no digest', async () => {
    const theirs = {
      ...standing,
      headers: { ...standing.headers, 'docker-content-digest': digestOf('theirs') },
    }
    const { registry, requests } = await scripted(({ method, path }) => {
      if (method === 'PUT') return { status: 201 }
      return path.endsWith(d.digest) ? standing : theirs
    })
    await storeAt(registry).putManifest(d, bytes, ['1'], newCall())
    expect(putsOf({ requests })).toBe(1)
  })

  it('gives up if the registry stores other bytes three times', async () => {
    const other: ScriptedAnswer = { status: 201, headers: { 'docker-content-digest': digestOf('flipped') } }
    const mended = await putting([() => other, () => other, () => created])
    await mended.put('1')
    const wrong = await putting([() => errors(400, 'MANIFEST_INVALID'), () => other, () => created])
    await wrong.put('1')
    const never = await putting([() => other])
    await expect(never.put('1')).rejects.toMatchObject({ code: 'corrupt' })
    expect([mended, wrong, never].map(putsOf)).toEqual([3, 3, 3])
  })

  it('repeats the PUT if the registry rejects the bytes', async () => {
    const one = await putting([() => errors(400, 'MANIFEST_BLOB_UNKNOWN'), () => created])
    expect(await one.put('1.0')).toMatchObject({ tagged: ['1.0'] })
    const wrong = await putting([() => errors(400, 'MANIFEST_INVALID')])
    await expect(wrong.put()).rejects.toMatchObject({ status: 400 })
    expect(putsOf(wrong)).toBe(3)
  })

  it('succeeds if the response was lost and the manifest is there', async () => {
    const one = await putting([() => lost], standing)
    expect((await one.put('1')).tagged).toEqual(['1'])
  })

  it('reads back more than once before it reports a missing tag', async () => {
    let heads = 0
    const { registry } = await scripted(({ method }) => {
      if (method === 'PUT') return { status: 201 }
      return ++heads < 3 ? { status: 404 } : standing
    })
    await storeAt(registry).putManifest(d, bytes, ['1'], newCall())
    expect(heads).toBe(3)
  })

  it.each([
    [400, 'TAG_INVALID'],
    [400, 'ImageTagAlreadyExistsException'],
    [409, 'TAG_IMMUTABLE'],
    [412, 'PRECONDITION'],
  ])('has a hint about an immutable tag (%i %s)', async (status, code) => {
    const one = await putting([() => errors(status, code)])
    await expect(one.put('1')).rejects.toMatchObject({
      code: 'refused',
      registryCode: code,
      hint: expect.stringContaining('Use another tag than 1, or allow the tag to be overwritten'),
    })
  })

  it('succeeds if an immutable tag has this digest already', async () => {
    const one = await putting([() => errors(400, 'TAG_INVALID')], standing)
    expect((await one.put('1')).tagged).toEqual(['1'])
  })

  it('has a hint to create the repository', async () => {
    const one = await putting([() => errors(404, 'NAME_UNKNOWN')])
    await expect(one.put('1')).rejects.toMatchObject({
      code: 'not-found',
      hint: expect.stringContaining('Create the repository team/api first'),
    })
  })
})

describe('a manifest with a subject', () => {
  const evidence = referrer(content).manifests[0]
  const sent = Buffer.from(evidence?.bytes ?? [])
  const e = parseDescriptor(evidence?.descriptor, 'the evidence')

  it.each([
    ['oci-1.1', true, 'yes'],
    ['zot-2.1', true, 'yes'],
    ['docker-registry-2.8', false, 'unknown'],
  ] as const)('is listed by %s: %s', async (profile, listed, known) => {
    const one = await embedded({ profile })
    await one.push(content, 'team/api')
    for (const [digest, blob] of referrer(content).blobs) await one.oracle.pushBlob('team/api', digest, blob)
    const store = storeAt(one.registry)
    expect(await store.putManifest(e, sent, [], newCall())).toEqual({ tagged: [], subjectListed: listed })
    expect(store.capability('referrers')).toBe(known)
  })

  const claimed: ScriptedAnswer = {
    status: 201,
    headers: { 'docker-content-digest': e.digest, 'oci-subject': content.root.digest },
  }
  const listing = (entries: readonly Descriptor[]): ScriptedAnswer => ({
    status: 200,
    headers: { 'content-type': types.index },
    body: JSON.stringify({ schemaVersion: 2, mediaType: types.index, manifests: entries }),
  })
  const claiming = (list: ScriptedAnswer) => scripted(({ method }) => (method === 'PUT' ? claimed : list))
  const listsOf = ({ requests }: { readonly requests: () => readonly string[] }): number =>
    requests().filter((line) => line.includes('/referrers/')).length

  it.each([
    ['no API (404)', { status: 404 }, false],
    ['no API (405)', { status: 405 }, false],
    ['an empty list', listing([]), false],
    ['a list with it', listing([e]), true],
  ])('is listed by OCI-Subject only if the API lists it: %s', async (_, list, listed) => {
    const server = await claiming(list)
    const store = storeAt(server.registry)
    for (let n = 0; n < 3; n++)
      expect((await store.putManifest(e, sent, [], newCall())).subjectListed).toBe(listed)
    expect(listsOf(server)).toBe(1)
  })

  it('is listed by OCI-Subject without a request if the API has listed something', async () => {
    const server = await claiming(listing([d]))
    const store = storeAt(server.registry)
    await store.referrers(digestOf('another'), newCall())
    expect((await store.putManifest(e, sent, [], newCall())).subjectListed).toBe(true)
    expect(listsOf(server)).toBe(1)
  })

  it('is not listed by OCI-Subject in a repository without the API', async () => {
    const server = await claiming({ status: 406 })
    const store = storeAt(server.registry)
    await store.referrers(digestOf('another'), newCall())
    expect((await store.putManifest(e, sent, [], newCall())).subjectListed).toBe(false)
    expect(listsOf(server)).toBe(1)
  })

  it('is not listed by what another repository of the registry lists', async () => {
    const server = await scripted(({ method, path }) =>
      method === 'PUT' ? claimed : path.startsWith('/v2/other/') ? listing([e]) : { status: 404 },
    )
    const stores = openStores()
    const { registry } = server
    await stores.source({ registry, path: 'other' }).referrers(digestOf('another'), newCall())
    const put = stores.target({ registry, path: 'team/api' }).putManifest(e, sent, [], newCall())
    expect((await put).subjectListed).toBe(false)
  })

  it('is searched in the list of referrers if the response was lost', async () => {
    const list = { schemaVersion: 2, mediaType: types.index, manifests: [e] }
    const { registry } = await scripted(({ method, path }) => {
      if (method === 'PUT') return lost
      if (path.includes('/referrers/'))
        return { status: 200, headers: { 'content-type': types.index }, body: JSON.stringify(list) }
      return {
        status: 200,
        headers: {
          'docker-content-digest': e.digest,
          'content-type': e.mediaType,
          'content-length': String(e.size),
        },
      }
    })
    expect((await storeAt(registry).putManifest(e, sent, [], newCall())).subjectListed).toBe(true)
  })
})
