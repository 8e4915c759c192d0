import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseDescriptor } from '../../../src/oci/descriptor.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import { Copier } from '../../../src/images/copy.ts'
import { type DockerRegistry, dockerRegistry, startDockerRegistry } from '../../support/docker-registry.ts'
import { image, index, referrer, together } from '../../support/images.ts'
import { Oracle } from '../../support/oracle.ts'
import { blobOf, bytesSource, collect, newCall, openStores } from './world.ts'

describe.skipIf(!dockerRegistry.available)(`docker-registry 2.8${dockerRegistry.note}`, () => {
  let registry: DockerRegistry
  let oracle: Oracle
  beforeAll(async () => {
    registry = await startDockerRegistry()
    oracle = new Oracle(registry.url)
  })
  afterAll(() => registry.stop())

  const open = (path: string) => openStores().target({ registry: registry.host, path })

  it('mounts blobs of another repository, with one request each', async () => {
    const content = index(['amd64', 'arm64'], { layers: 3 })
    const root = parseDescriptor(await oracle.push(content, 'staging/api', '1.0'), 'root')
    const stores = openStores()
    const [from, to] = ['staging/api', 'prod/api'].map((path) =>
      stores.target({ registry: registry.host, path }),
    )
    if (from === undefined || to === undefined) throw new Error('no stores')
    await registry.clearLog()
    const copied = await new Copier().copy(from, to, root, { rootBy: 'digest' }, newCall())
    expect(copied.transferred).toMatchObject({ mounted: 8, uploaded: 0, present: 0 })
    const log = await registry.log()
    expect(log.map(({ method }) => method).sort()).toEqual([
      ...Array.from({ length: 3 }, () => 'GET'),
      ...Array.from({ length: 8 }, () => 'POST'),
      ...Array.from({ length: 3 }, () => 'PUT'),
    ])
    await to.putManifest(root, (await from.manifest(root, newCall())).bytes, ['1.0', '1'], newCall())
    expect(await oracle.differences('prod/api', content, '1.0')).toEqual([])
    expect(await oracle.tags('prod/api')).toEqual(['1', '1.0'])
  })

  it('accepts blobs in one request and in chunks, and returns them from an offset', async () => {
    const bytes = Buffer.from(Array.from({ length: 200_000 }, (_, i) => i % 253))
    const d = blobOf(bytes)
    const uploads = { wholeUpTo: 1000, chunk: 64_000 }
    const chunked = openStores({ uploads }).target({ registry: registry.host, path: 'chunks' })
    for (const store of [open('whole'), chunked]) {
      expect(await store.putBlob(d, bytesSource(bytes), newCall())).toBe('uploaded')
      expect(await store.putBlob(d, bytesSource(bytes), newCall())).toBe('present')
      expect(await store.hasBlob(d, newCall())).toBe(true)
      expect(await collect(await store.blob(d, 0, newCall()))).toEqual(bytes)
      expect(await collect(await store.blob(d, 150_000, newCall()))).toEqual(bytes.subarray(150_000))
    }
  })

  it('keeps no open session of a mount that it refused', async () => {
    const bytes = Buffer.from('not in the other repository')
    const source = { ...bytesSource(bytes), repository: { registry: registry.host, path: 'nowhere' } }
    expect(await open('refused').putBlob(blobOf(bytes), source, newCall())).toBe('uploaded')
  })

  it('refuses bytes that do not have the digest, and stores nothing', async () => {
    const d = { ...blobOf('other bytes'), digest: digestOf('what was sent') }
    const store = open('lies')
    await expect(store.putBlob(d, bytesSource(Buffer.from('other bytes')), newCall())).rejects.toMatchObject({
      code: 'corrupt',
      registryCode: 'DIGEST_INVALID',
    })
    expect(await store.hasBlob(d, newCall())).toBe(false)
  })

  it('has no referrers API, so evidence is listed under the fallback tag', async () => {
    const content = image({ label: 'signed' })
    const evidence = referrer(content)
    const all = together(content, evidence)
    await oracle.push(
      { ...all, manifests: all.manifests.map(({ descriptor, bytes }) => ({ descriptor, bytes })) },
      'signed',
    )
    const store = open('signed')
    const subject = parseDescriptor(content.root, 'root').digest
    const entry = parseDescriptor({ ...evidence.root, artifactType: 'a/b' }, 'entry')
    expect(await store.referrers(subject, newCall())).toBeUndefined()
    expect(await store.addToFallbackTag(subject, [entry], newCall())).toMatchObject({ result: 'added' })
    expect(await oracle.referrersByTag('signed', subject)).toEqual([entry.digest])
    expect(await store.removeFromFallbackTag(subject, entry.digest, newCall())).toBe('removed')
    expect(await oracle.referrersByTag('signed', subject)).toEqual([])
  })

  it('lists tags, deletes by digest, and reports that it cannot delete tags', async () => {
    const tags = Array.from({ length: 5 }, (_, i) => `v${i}`)
    const root = parseDescriptor(await oracle.push(image({ label: 'tags' }), 'tags', ...tags), 'root')
    const store = open('tags')
    const listed: string[] = []
    for await (const tag of store.tags(newCall())) listed.push(tag)
    expect(listed.sort()).toEqual(tags)
    await expect(store.deleteTag('v0', newCall())).rejects.toMatchObject({ code: 'unsupported' })
    expect(store.capability('deleteTag')).toBe('no')
    expect(await store.deleteManifest(root.digest, newCall())).toBe('deleted')
    expect(await store.resolve({ tag: 'v0' }, newCall())).toBeUndefined()
    expect(await store.deleteManifest(root.digest, newCall())).toBe('absent')
  })

  it('reports a missing repository', async () => {
    const store = open('nothing/here')
    expect(await store.resolve({ tag: 'x' }, newCall())).toBeUndefined()
    await expect(store.tags(newCall())[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      code: 'not-found',
      registryCode: 'NAME_UNKNOWN',
    })
  })
})
