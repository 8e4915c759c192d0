import { describe, expect, it } from 'vitest'
import { Copier } from '../../src/images/copy.ts'
import { image, index } from '../support/images.ts'
import { blobsIn, collect, embedded, newCall, openStores } from './client/world.ts'

describe('a repository over HTTP', () => {
  it('is the same object for the same name', () => {
    const stores = openStores()
    const name = { registry: '127.0.0.1:1', path: 'a' }
    expect(stores.source(name)).toBe(stores.target({ ...name }))
  })

  it('copies an index from one registry to another, byte for byte', async () => {
    const [from, to] = [await embedded(), await embedded({ profile: 'docker-registry-2.8' })]
    const content = index(['amd64', 'arm64'], { layers: 3, layerSize: 100_000 })
    const root = await from.push(content, 'team/api', '1.0')
    const stores = openStores()
    const source = stores.source({ registry: from.registry, path: 'team/api' })
    const target = stores.target({ registry: to.registry, path: 'prod/api' })
    const call = newCall()
    const copied = await new Copier().copy(source, target, root, { rootBy: 'digest' }, call)
    await target.putManifest(root, (await source.manifest(root, call)).bytes, ['1.0'], call)
    expect(copied.transferred).toMatchObject({ mounted: 0, uploaded: 8, present: 0 })
    expect(await to.oracle.differences('prod/api', content, '1.0')).toEqual([])
  })

  it('mounts blobs within one registry with one request each and no bytes', async () => {
    const one = await embedded()
    const content = image({ layers: 5 })
    const root = await one.push(content, 'staging/api', '1.0')
    const stores = openStores()
    const source = stores.source({ registry: one.registry, path: 'staging/api' })
    const target = stores.target({ registry: one.registry, path: 'prod/api' })
    await new Copier().copy(source, target, root, { rootBy: 'digest' }, newCall())
    expect(one.requests().filter((line) => line.includes('POST'))).toHaveLength(6)
    expect(one.log.length).toBe(6 + 2)
    expect(await one.oracle.complaints('prod/api', root.digest)).toEqual([])
  })

  it('reads a blob from any offset', async () => {
    const one = await embedded()
    const content = image({ layerSize: 50_000 })
    await one.push(content, 'a', 'x')
    const blob = blobsIn(content)[1]
    if (blob === undefined) throw new Error('no layer')
    const store = openStores().source({ registry: one.registry, path: 'a' })
    const whole = content.blobs.get(blob.digest)
    for (const offset of [0, 1, 40_000, blob.size]) {
      expect(await collect(await store.blob(blob, offset, newCall()))).toEqual(
        Buffer.from(whole ?? []).subarray(offset),
      )
    }
  })
})
