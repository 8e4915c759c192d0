import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import type { Descriptor } from '../../../src/oci/descriptor.ts'
import { type Digest, parseDigest } from '../../../src/oci/digest.ts'
import { mediaTypes } from '../../../src/oci/media-types.ts'
import { Copier } from '../../../src/images/copy.ts'
import { exchange } from '../../support/wire.ts'
import { embedded, newCall, openStores, scripted } from './world.ts'

type Algorithm = 'sha256' | 'sha512'
const layerType = 'application/vnd.oci.image.layer.v1.tar'

function describeBytes(bytes: Uint8Array, mediaType: string, algorithm: Algorithm = 'sha256'): Descriptor {
  const hash = createHash(algorithm).update(bytes).digest('hex')
  return { mediaType, digest: parseDigest(`${algorithm}:${hash}`), size: bytes.byteLength }
}

function imageBytes(config: Descriptor, layers: readonly Descriptor[], padding = 0): Buffer {
  const text = (pad: number): string =>
    JSON.stringify({
      schemaVersion: 2,
      mediaType: mediaTypes.manifest,
      config,
      layers,
      annotations: { pad: ' '.repeat(pad) },
    })
  const least = Buffer.byteLength(text(0))
  return Buffer.from(text(Math.max(0, padding - least)))
}

/** Two registries, the source with these blobs in `a`. */
async function pair(...blobs: readonly (readonly [Descriptor, Uint8Array])[]) {
  const [from, to] = [await embedded(), await embedded()]
  for (const [{ digest }, bytes] of blobs) {
    const url = `http://${from.registry}/v2/a/blobs/uploads/?digest=${digest}`
    expect(await exchange('POST', url, { body: bytes })).toMatchObject({ status: 201 })
  }
  const put = async (bytes: Uint8Array, { digest, mediaType }: Descriptor): Promise<number> => {
    const url = `http://${from.registry}/v2/a/manifests/${digest}`
    return (await exchange('PUT', url, { body: bytes, headers: { 'content-type': mediaType } })).status
  }
  const copy = async (root: Descriptor) => {
    const stores = openStores()
    const source = stores.source({ registry: from.registry, path: 'a' })
    const target = stores.target({ registry: to.registry, path: 'b' })
    const { transferred } = await new Copier().copy(source, target, root, { rootBy: 'digest' }, newCall())
    return transferred
  }
  const copied = async (digest: Digest): Promise<Buffer> =>
    (await exchange('GET', `http://${to.registry}/v2/b/manifests/${digest}`)).body
  return { from, to, put, copy, copied }
}

const empty = Buffer.from('{}')
const config = describeBytes(empty, mediaTypes.empty)

describe('an image', () => {
  it('of exactly the largest size is copied byte by byte', async () => {
    const w = await pair([config, empty])
    const bytes = imageBytes(config, [], 8 * 1024 ** 2)
    const root = describeBytes(bytes, mediaTypes.manifest)
    expect(await w.put(bytes, root)).toBe(201)
    await w.copy(root)
    expect((await w.copied(root.digest)).equals(bytes)).toBe(true)
  })

  it('with an empty layer, a repeated layer and a layer that is its config copies each blob once', async () => {
    const none = describeBytes(Buffer.of(), layerType)
    const w = await pair([config, empty], [none, Buffer.of()])
    const bytes = imageBytes(config, [none, none, { ...config, mediaType: layerType }])
    const root = describeBytes(bytes, mediaTypes.manifest)
    expect(await w.put(bytes, root)).toBe(201)
    expect(await w.copy(root)).toMatchObject({ uploaded: 2 })
    expect((await w.copied(root.digest)).equals(bytes)).toBe(true)
  })

  it('with layers that platforms share copies each blob once', async () => {
    const layer = Buffer.from('layer')
    const shared = describeBytes(layer, layerType)
    const w = await pair([config, empty], [shared, layer])
    const children: Descriptor[] = []
    for (const size of [0, 500]) {
      const bytes = imageBytes(config, [shared], size)
      const child = describeBytes(bytes, mediaTypes.manifest)
      expect(await w.put(bytes, child)).toBe(201)
      children.push(child)
    }
    const bytes = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: mediaTypes.index,
        manifests: [...children, ...children],
      }),
    )
    const root = describeBytes(bytes, mediaTypes.index)
    expect(await w.put(bytes, root)).toBe(201)
    expect(await w.copy(root)).toMatchObject({ uploaded: 2 })
  })

  it('with sha512 digests is copied with the same digests', async () => {
    const layer = Buffer.from('layer')
    const [long, longConfig] = [
      describeBytes(layer, layerType, 'sha512'),
      describeBytes(empty, mediaTypes.empty, 'sha512'),
    ]
    const w = await pair([long, layer], [longConfig, empty])
    const bytes = imageBytes(longConfig, [long])
    const root = describeBytes(bytes, mediaTypes.manifest, 'sha512')
    expect(await w.put(bytes, root)).toBe(201)
    await w.copy(root)
    expect((await w.copied(root.digest)).equals(bytes)).toBe(true)
  })
})

describe('an image with wrong blobs', () => {
  const giant = describeBytes(Buffer.from('giant'), layerType)
  const sources: readonly (readonly [string, string, object])[] = [
    ['of a layer of a giant size', 'corrupt', { ...giant, size: Number.MAX_SAFE_INTEGER }],
    ['of a layer with a negative size', 'malformed', { ...config, size: -1 }],
    ['of a layer with a size beyond whole numbers', 'malformed', { ...config, size: 1e300 }],
    ['of a digest in capitals', 'malformed', { ...config, digest: config.digest.toUpperCase() }],
    ['of a digest of another algorithm', 'unsupported', { ...config, digest: `md5:${'a'.repeat(32)}` }],
    ['with a path as its digest', 'malformed', { ...config, digest: 'sha256:../../../etc/passwd' }],
  ]

  it.each(sources)('%s ends as `%s`, and nothing is written', async (_, code, layer) => {
    const bytes = Buffer.from(
      JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.manifest, config, layers: [layer] }),
    )
    const root = describeBytes(bytes, mediaTypes.manifest)
    const to = await embedded()
    const { registry } = await scripted(({ path }) =>
      path.endsWith(root.digest)
        ? { status: 200, headers: { 'content-type': root.mediaType }, body: bytes }
        : { status: 200, body: empty },
    )
    const stores = openStores()
    const source = stores.source({ registry, path: 'a' })
    const target = stores.target({ registry: to.registry, path: 'b' })
    const copy = new Copier().copy(source, target, root, { rootBy: 'digest' }, newCall())
    await expect(copy).rejects.toMatchObject({ code })
    expect(to.log.filter(({ method, kind }) => method === 'PUT' && kind === 'manifest')).toEqual([])
    const ended = (status: number): number =>
      to.log.filter((one) => one.kind === 'upload' && one.status === status).length
    expect(ended(202)).toBe(ended(201) + ended(204))
  })

  it('that is served compressed has an error about the compression', async () => {
    const zipped = gzipSync(Buffer.from('layer'))
    const headers = { 'content-encoding': 'gzip' }
    const { registry } = await scripted(() => ({ status: 200, headers, body: zipped }))
    const blob = describeBytes(Buffer.from('layer'), layerType)
    const chunks = openStores().source({ registry, path: 'a' }).blob(blob, 0, newCall())
    await expect(chunks).rejects.toMatchObject({ code: 'corrupt', why: expect.stringContaining('gzip') })
  })
})
