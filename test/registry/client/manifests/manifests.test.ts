import { describe, expect, it } from 'vitest'
import { digestOf } from '../../../../src/oci/digest.ts'
import { mediaTypes } from '../../../../src/oci/media-types.ts'
import { image } from '../../../support/images.ts'
import { byTag, embedded, newCall, type ScriptedAnswer, scripted, storeAt } from '../world.ts'

const body = Buffer.from(image().manifests[0]?.bytes ?? [])
const digest = digestOf(body)
const right = { 'content-type': mediaTypes.manifest, 'docker-content-digest': digest }

type Store = ReturnType<typeof storeAt>

const answers = (answer: ScriptedAnswer) => scripted(() => answer)

describe('resolving', () => {
  it('sends one HEAD if the answer is complete', async () => {
    const { registry, requests } = await scripted(() => ({
      status: 200,
      headers: { ...right, 'content-length': String(body.length) },
    }))
    const found = await storeAt(registry).resolve(byTag('1'), newCall())
    expect(found).toEqual({ mediaType: mediaTypes.manifest, digest, size: body.length })
    expect(requests()).toEqual(['HEAD /v2/team/api/manifests/1'])
  })

  it.each(['docker-content-digest', 'content-type', 'content-length'])(
    'reads the manifest if HEAD has no %s',
    async (name) => {
      const { registry, heard } = await scripted(({ method }) => {
        const headers: Record<string, string | undefined> = {
          ...right,
          'content-length': String(body.length),
        }
        if (method === 'HEAD') headers[name] = undefined
        return { status: 200, headers, body }
      })
      const found = await storeAt(registry).resolve(byTag('1'), newCall())
      expect(found).toEqual({ mediaType: mediaTypes.manifest, digest, size: body.length })
      expect(heard.map(({ method }) => method)).toEqual(['HEAD', 'GET'])
    },
  )

  it.each([400, 403, 405, 406, 410, 415, 500, 501])(
    'reads manifests if HEAD is answered %i, and remembers it',
    async (status) => {
      const { registry, heard } = await scripted(({ method }) =>
        method === 'HEAD' ? { status } : { status: 200, headers: right, body },
      )
      const store = storeAt(registry)
      for (const at of [byTag('1'), { digest }])
        expect((await store.resolve(at, newCall()))?.digest).toBe(digest)
      expect(heard.map(({ method }) => method)).toEqual(['HEAD', 'GET', 'GET'])
    },
  )

  it('reads a manifest if HEAD alone is answered 401 in a repository that can be read', async () => {
    const { registry, heard } = await scripted(({ method }) =>
      method === 'HEAD' ? { status: 401 } : { status: 200, headers: right, body },
    )
    const store = storeAt(registry)
    const resolve = () => store.resolve(byTag('1'), newCall())
    await expect(resolve()).rejects.toMatchObject({ code: 'unauthorized' })
    await store.findManifest({ digest }, newCall())
    for (let times = 0; times < 2; times++) expect((await resolve())?.digest).toBe(digest)
    expect(heard.map(({ method }) => method)).toEqual(['HEAD', 'GET', 'GET', 'HEAD', 'GET', 'GET'])
  })

  it('asks the registry each time if it does not support HEAD', async () => {
    let isGone = false
    const { registry } = await scripted(({ method }) =>
      method === 'HEAD' ? { status: 405 } : isGone ? { status: 404 } : { status: 200, headers: right, body },
    )
    const store = storeAt(registry)
    await store.resolve({ digest }, newCall())
    isGone = true
    expect(await store.resolve({ digest }, newCall())).toBeUndefined()
  })

  it('sends HEAD again after a failure if an earlier one was answered', async () => {
    let isFailing = false
    const { registry, heard } = await scripted(({ method }) =>
      method === 'HEAD' && isFailing
        ? { status: 500 }
        : { status: 200, headers: { ...right, 'content-length': String(body.length) }, body },
    )
    const store = storeAt(registry)
    for (const fails of [false, true, false]) {
      isFailing = fails
      expect((await store.resolve(byTag('1'), newCall()))?.digest).toBe(digest)
    }
    expect(heard.map(({ method }) => method)).toEqual(['HEAD', 'HEAD', 'GET', 'HEAD'])
  })

  it.each([
    ['that was read', async (store: Store) => void (await store.findManifest(byTag('1'), newCall()))],
    ['that was listed', async (store: Store) => void (await Array.fromAsync(store.tags(newCall())))],
  ])('confirms by GET a 404 for a tag %s, and remembers it', async (_, see) => {
    const { registry, heard } = await scripted(({ method, path }) => {
      if (path.includes('/tags/list')) return { status: 200, body: '{"name":"team/api","tags":["1"]}' }
      return method === 'HEAD' ? { status: 404 } : { status: 200, headers: right, body }
    })
    const store = storeAt(registry)
    await see(store)
    heard.length = 0
    for (const tag of ['1', '2']) expect((await store.resolve(byTag(tag), newCall()))?.digest).toBe(digest)
    expect(heard.map(({ method }) => method)).toEqual(['HEAD', 'GET', 'GET'])
  })

  it('accepts a 404 if HEAD found another manifest of the registry', async () => {
    const { registry, heard } = await scripted(({ method, path }) => {
      if (method === 'HEAD' && path.endsWith('/1')) return { status: 404 }
      return { status: 200, headers: { ...right, 'content-length': String(body.length) }, body }
    })
    const store = storeAt(registry)
    await store.findManifest(byTag('1'), newCall())
    await store.resolve(byTag('2'), newCall())
    heard.length = 0
    expect(await store.resolve(byTag('1'), newCall())).toBeUndefined()
    expect(heard.map(({ method }) => method)).toEqual(['HEAD'])
  })

  it('is undefined only for 404', async () => {
    const store = storeAt((await answers({ status: 404 })).registry)
    expect(await store.resolve(byTag('1'), newCall())).toBeUndefined()
    expect(await store.findManifest(byTag('1'), newCall())).toBeUndefined()
    await expect(store.manifest(byTag('1'), newCall())).rejects.toMatchObject({ code: 'not-found' })
  })

  it.each([
    [401, 'unauthorized'],
    [403, 'forbidden'],
    [500, 'unavailable'],
    [429, 'unavailable'],
  ])('throws for %i', async (status, code) => {
    const { registry } = await answers({ status })
    await expect(storeAt(registry).resolve(byTag('1'), newCall())).rejects.toMatchObject({
      code,
      subject: `${registry}/team/api:1`,
    })
  })

  it('refuses another digest than the requested one', async () => {
    const other = digestOf('other')
    const { registry } = await answers({
      status: 200,
      headers: { ...right, 'docker-content-digest': other, 'content-length': '9' },
    })
    await expect(storeAt(registry).resolve({ digest }, newCall())).rejects.toMatchObject({ code: 'corrupt' })
  })
})

describe('a manifest', () => {
  it('is requested in every supported media type, and never compressed', async () => {
    const { registry, heard } = await answers({ status: 200, headers: right, body })
    await storeAt(registry).manifest(byTag('1'), newCall())
    expect(heard[0]?.headers['accept']?.split(', ').sort()).toEqual(
      [
        mediaTypes.index,
        mediaTypes.manifest,
        mediaTypes.artifact,
        mediaTypes.orasArtifact,
        mediaTypes.dockerIndex,
        mediaTypes.dockerManifest,
      ].sort(),
    )
    expect(heard[0]?.headers['accept-encoding']).toBe('identity')
  })

  it('is read by tag once, then by digest from the cache of its repository', async () => {
    const one = await embedded()
    const root = await one.push(image(), 'team/api', '1')
    const store = storeAt(one.registry)
    const read = await store.manifest(byTag('1'), newCall())
    expect(await store.manifest(root, newCall())).toBe(read)
    expect(await store.findManifest({ digest: root.digest }, newCall())).toBe(read)
    expect(one.requests()).toEqual(['GET manifest 200'])
  })

  it('is read again after it was written or deleted', async () => {
    const one = await embedded()
    const root = await one.push(image(), 'team/api', '1')
    const store = storeAt(one.registry)
    const { bytes } = await store.manifest(root, newCall())
    await store.putManifest(root, bytes, ['2'], newCall())
    await store.manifest(root, newCall())
    await store.deleteManifest(root.digest, newCall())
    expect(await store.findManifest(root, newCall())).toBeUndefined()
  })

  it.each([
    ['a flipped byte', { status: 200, headers: right, body: flipped(body) }],
    ['another digest', { status: 200, headers: { ...right, 'docker-content-digest': digestOf('x') }, body }],
  ])('by tag with %s is corrupt after three attempts', async (_, answer) => {
    const { registry, heard } = await answers(answer)
    await expect(storeAt(registry).manifest(byTag('1'), newCall())).rejects.toMatchObject({
      code: 'corrupt',
      subject: `${registry}/team/api:1`,
    })
    expect(heard).toHaveLength(3)
  })

  it('with other bytes than its digest is corrupt, whatever digest the registry reports', async () => {
    const { registry } = await answers({ status: 200, headers: right, body: flipped(body) })
    await expect(storeAt(registry).manifest({ digest }, newCall())).rejects.toMatchObject({
      code: 'corrupt',
      subject: `${registry}/team/api@${digest}`,
      why: expect.stringContaining(digest),
    })
  })

  it('with another size than in its descriptor is corrupt', async () => {
    const { registry } = await answers({ status: 200, headers: right, body })
    const d = { mediaType: mediaTypes.manifest, digest, size: body.length + 1 }
    await expect(storeAt(registry).manifest(d, newCall())).rejects.toMatchObject({ code: 'corrupt' })
  })

  it('with a flipped byte is fetched again', async () => {
    const { registry } = await scripted((_, count) => ({
      status: 200,
      headers: right,
      body: count === 1 ? flipped(body) : body,
    }))
    expect((await storeAt(registry).manifest(byTag('1'), newCall())).descriptor.digest).toBe(digest)
  })

  it('that is truncated is fetched again', async () => {
    const { registry } = await scripted((_, count) => ({
      status: 200,
      headers: right,
      body,
      ...(count === 1 && {
        raw: (response) => {
          response.writeHead(200, { ...right, 'content-length': String(body.length) })
          response.write(body.subarray(0, 10), () => response.destroy())
        },
      }),
    }))
    expect((await storeAt(registry).manifest(byTag('1'), newCall())).descriptor.digest).toBe(digest)
  })

  it.each([
    [
      'docker schema 1',
      'unsupported',
      'application/vnd.docker.distribution.manifest.v1+prettyjws',
      '{"schemaVersion":1}',
    ],
    ['served as another type than its own', 'malformed', mediaTypes.index, body.toString()],
    [
      'manifest and index at once',
      'malformed',
      mediaTypes.index,
      JSON.stringify({ manifests: [], layers: [], config: {} }),
    ],
    ['with a key twice', 'malformed', mediaTypes.index, '{"manifests":[],"manifests":[]}'],
    ["a proxy's page", 'protocol', 'text/html', '<html>'],
  ])('that is %s is refused', async (_, code, type, text) => {
    const { registry } = await answers({ status: 200, headers: { 'content-type': type }, body: text })
    await expect(storeAt(registry).manifest(byTag('1'), newCall())).rejects.toMatchObject({ code })
  })

  it('larger than 8 MiB is not read', async () => {
    const { registry, heard } = await answers({
      status: 200,
      headers: right,
      body: Buffer.alloc(8 * 1024 ** 2 + 1),
    })
    const d = { mediaType: mediaTypes.manifest, digest, size: 8 * 1024 ** 2 + 1 }
    await expect(storeAt(registry).manifest(d, newCall())).rejects.toMatchObject({ code: 'malformed' })
    await expect(storeAt(registry).manifest(byTag('1'), newCall())).rejects.toMatchObject({
      code: 'protocol',
    })
    expect(heard).toHaveLength(1)
  })
})

describe('a warning of the registry', () => {
  it('is reported once', async () => {
    const { registry } = await answers({
      status: 200,
      headers: { ...right, warning: '299 - "going \\"away\\"", 299 - "soon"' },
      body,
    })
    const store = storeAt(registry)
    const call = newCall()
    await store.manifest(byTag('1'), call)
    await store.manifest(byTag('2'), call)
    expect(call.events.filter((event) => event.kind === 'warning')).toEqual([
      { kind: 'warning', text: 'going "away"', from: registry },
      { kind: 'warning', text: 'soon', from: registry },
    ])
  })
})

function flipped(bytes: Uint8Array): Buffer {
  const copy = Buffer.from(bytes)
  // A letter of a digest is changed, so that the bytes are still JSON.
  const at = copy.indexOf('sha256:') + 8
  copy[at] = copy[at] === 0x61 ? 0x62 : 0x61
  return copy
}
