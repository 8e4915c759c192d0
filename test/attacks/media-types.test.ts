import { readdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { digestOf } from '../../src/oci/digest.ts'
import { mediaTypes as types } from '../../src/oci/media-types.ts'
import { Copier } from '../../src/images/copy.ts'
import { EvidenceSearch } from '../../src/images/evidence/evidence.ts'
import { walkGraph } from '../../src/images/graph/graph.ts'
import { embedded, newCall, openStores, scripted } from '../registry/client/world.ts'
import { warmDray } from '../support/program.ts'
import { tempFolder } from '../support/temp.ts'

interface Served {
  readonly bytes: Buffer
  /** of the GET; none if undefined */
  readonly contentType: string | undefined
  /** of the HEAD, if it differs */
  readonly headType?: string
}

const config = Buffer.from('{}')
const blobs = new Map<string, Buffer>([[digestOf(config), config]])

function descriptorOf(bytes: Buffer, mediaType: string, more: object = {}): object {
  return { mediaType, digest: digestOf(bytes), size: bytes.byteLength, ...more }
}

function manifestOf(mediaType: string | undefined, more: object = {}): Buffer {
  const content = { config: descriptorOf(config, types.config), layers: [] }
  return Buffer.from(
    JSON.stringify({ schemaVersion: 2, ...(mediaType !== undefined && { mediaType }), ...content, ...more }),
  )
}

function indexOf(...manifests: readonly object[]): Buffer {
  return Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: types.index, manifests }))
}

/** A registry with these manifests, and a tag `1` on the first. */
async function serving(all: readonly Served[], referrers: readonly object[] = []) {
  const byName = new Map<string, Served>(all.map((one) => [digestOf(one.bytes), one]))
  const [first] = all
  if (first !== undefined) byName.set('1', first)
  return await scripted(({ method, path }) => {
    const name = path.split('/').at(-1) ?? ''
    if (path.includes('/referrers/')) {
      const headers = { 'content-type': types.index }
      const isRoot = first !== undefined && name === digestOf(first.bytes)
      return { status: 200, headers, body: indexOf(...(isRoot ? referrers : [])) }
    }
    if (path.includes('/blobs/')) {
      const blob = blobs.get(name)
      return blob === undefined ? { status: 404 } : { status: 200, body: blob }
    }
    const found = byName.get(name)
    if (found === undefined) return { status: 404 }
    const type = method === 'HEAD' ? (found.headType ?? found.contentType) : found.contentType
    const headers = {
      'content-type': type,
      'content-length': String(found.bytes.byteLength),
      'docker-content-digest': digestOf(found.bytes),
    }
    return { status: 200, headers, body: found.bytes }
  })
}

/** Copies to an empty registry; returns the error, if any, and the written manifests. */
async function copyOf(root: Served, ...children: readonly Served[]) {
  const { registry } = await serving([root, ...children])
  const to = await embedded()
  const stores = openStores()
  const source = stores.source({ registry, path: 'team/api' })
  const target = stores.target({ registry: to.registry, path: 'team/api' })
  const { descriptor } = await source.manifest({ tag: '1' }, newCall())
  const copied = new Copier().copy(source, target, descriptor, { rootBy: 'digest' }, newCall())
  const error = await copied.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  const put = to.log.filter(
    ({ method, kind, status }) => method === 'PUT' && kind === 'manifest' && status < 300,
  )
  return { error, put: put.length }
}

const root = (...children: readonly object[]): Served => ({
  bytes: indexOf(...children),
  contentType: types.index,
})

describe('a child of an index', () => {
  const own = manifestOf(types.manifest)
  const unnamed = manifestOf(undefined)
  const nested = indexOf()

  it.each([
    ['is served as docker', own, types.manifest, types.dockerManifest],
    ['is served as an index', own, types.manifest, types.index],
    ['is served as another kind of content', own, types.manifest, 'application/vnd.example.v1+json'],
    ['is served as a web page', own, types.manifest, 'text/html; charset=utf-8'],
    [
      'has the OCI type in its own field, and the docker type in the index',
      own,
      types.dockerManifest,
      types.dockerManifest,
    ],
    [
      'has the OCI type in its own field, and the docker type only in the index',
      own,
      types.dockerManifest,
      undefined,
    ],
    ['has no own type and is served as docker', unnamed, types.manifest, types.dockerManifest],
    [
      'has no own type and is served as OCI, and has the docker type in the index',
      unnamed,
      types.dockerManifest,
      types.manifest,
    ],
    ['is an index, and is an image in the index', nested, types.manifest, types.index],
    ['is an image, and is an index in the index', own, types.index, types.manifest],
    ['is an image without a type, and is an index in the index', unnamed, types.index, undefined],
    ['is served as schema 1', own, types.manifest, 'application/vnd.docker.distribution.manifest.v1+json'],
  ])('that %s is not copied', async (_, bytes, listedType, contentType) => {
    const { error, put } = await copyOf(root(descriptorOf(bytes, listedType)), { bytes, contentType })
    expect(error).toMatchObject({ code: expect.stringMatching(/^(malformed|unsupported|protocol)$/) })
    expect(put).toBe(0)
  })

  it('of another type is refused with both types', async () => {
    const child = { bytes: own, contentType: types.dockerManifest }
    const { error } = await copyOf(root(descriptorOf(own, types.manifest)), child)
    expect(error).toMatchObject({
      code: 'malformed',
      why: `the descriptor has ${types.manifest}, the registry returned ${types.dockerManifest}`,
    })
  })

  it.each([
    [
      'with parameters and in capitals',
      own,
      types.manifest,
      `${types.manifest.toUpperCase()}; charset=utf-8`,
    ],
    ['without a Content-Type', own, types.manifest, undefined],
    ['as JSON', own, types.manifest, 'application/json'],
    ['as bytes', own, types.manifest, 'application/octet-stream'],
    ['as text', own, types.manifest, 'text/plain; charset=utf-8'],
    ['and names no type', unnamed, types.manifest, types.manifest],
    ['without a Content-Type and names no type', unnamed, types.dockerManifest, undefined],
  ])('that is served %s is copied', async (_, bytes, listedType, contentType) => {
    const { error, put } = await copyOf(root(descriptorOf(bytes, listedType)), { bytes, contentType })
    expect(error).toBeUndefined()
    expect(put).toBe(2)
  })

  it.each([
    ['type', { mediaType: types.dockerManifest }],
    ['type that is no manifest', { mediaType: 'application/vnd.example' }],
    ['size', { size: 1 }],
  ])('that is listed twice, once with another %s, is not copied', async (_, other) => {
    const child = { bytes: unnamed, contentType: undefined }
    const first = descriptorOf(unnamed, types.manifest)
    for (const entries of [
      [first, { ...first, ...other }],
      [{ ...first, ...other }, first],
    ]) {
      const { error, put } = await copyOf(root(...entries), child)
      expect(error).toMatchObject({ code: 'malformed', why: expect.stringContaining('another') as string })
      expect(put).toBe(0)
    }
  })

  it('that two indexes describe differently is not copied', async () => {
    const child = { bytes: unnamed, contentType: undefined }
    const inner = indexOf(descriptorOf(unnamed, types.dockerManifest))
    const outer = root(descriptorOf(unnamed, types.manifest), descriptorOf(inner, types.index))
    const { error, put } = await copyOf(outer, { bytes: inner, contentType: types.index }, child)
    expect(error).toMatchObject({ code: 'malformed' })
    expect(put).toBe(0)
  })
})

describe('a manifest that was read before', () => {
  it('is compared with a later descriptor too', async () => {
    const bytes = manifestOf(types.manifest)
    const { registry } = await serving([{ bytes, contentType: types.manifest }])
    const store = openStores().source({ registry, path: 'team/api' })
    const { descriptor } = await store.manifest({ tag: '1' }, newCall())
    const other = { ...descriptor, mediaType: types.dockerManifest }
    await expect(store.manifest(other, newCall())).rejects.toMatchObject({ code: 'malformed' })
    await expect(store.manifest(descriptor, newCall())).resolves.toMatchObject({ descriptor })
  })

  it('is compared with the type in the answer to HEAD', async () => {
    const bytes = manifestOf(types.manifest)
    const served = { bytes, contentType: types.manifest, headType: types.dockerManifest }
    const { registry } = await serving([served])
    const store = openStores().source({ registry, path: 'team/api' })
    const found = await store.resolve({ tag: '1' }, newCall())
    expect(found?.mediaType).toBe(types.dockerManifest)
    if (found === undefined) throw new Error('the tag does not resolve')
    const read = walkGraph(store, found, newCall())
    await expect(read).rejects.toMatchObject({ code: 'malformed' })
  })
})

describe('a referrer', () => {
  const image = manifestOf(types.manifest)
  const subject = { mediaType: types.manifest, digest: digestOf(image), size: image.byteLength }
  const referrer = manifestOf(undefined, { subject })

  const countReferrers = async (entry: object, contentType: string | undefined): Promise<number> => {
    const all = [
      { bytes: image, contentType: types.manifest },
      { bytes: referrer, contentType },
    ]
    const { registry } = await serving(all, [entry])
    const store = openStores().source({ registry, path: 'team/api' })
    const search = new EvidenceSearch(store, { dangling: 'fail' })
    await search.find([digestOf(image)], newCall())
    return search.found.length
  }

  it.each([
    ['is served as another type than in the list', types.manifest, types.dockerManifest],
    ['is listed as another type than it is served as', types.dockerManifest, types.manifest],
    ['is listed as an index', types.index, undefined],
    ['is listed as something that is no manifest', 'application/vnd.example', types.manifest],
  ])('that %s is refused', async (_, listed, served) => {
    await expect(countReferrers(descriptorOf(referrer, listed), served)).rejects.toMatchObject({
      code: 'malformed',
    })
  })

  it('with the listed type is found, whatever its artifactType in the list is', async () => {
    const entry = descriptorOf(referrer, types.manifest, { artifactType: 'application/vnd.other' })
    expect(await countReferrers(entry, types.manifest)).toBe(1)
  })
})

it('dray copy writes nothing of an image with such a child', async () => {
  const child = manifestOf(types.manifest)
  const all = [root(descriptorOf(child, types.manifest)), { bytes: child, contentType: types.dockerManifest }]
  const { registry } = await serving(all)
  const cwd = await tempFolder()
  const ended = await warmDray(['copy', `${registry}/team/api:1`, 'oci:out:1', '--yes'], {
    cwd,
    env: { HOME: cwd },
  })
  expect(ended.code).not.toBe(0)
  expect(ended.stderr).toContain(types.dockerManifest)
  expect(readdirSync(cwd).filter((name) => name === 'out')).toEqual([])
})
