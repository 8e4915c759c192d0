import { describe, expect, it } from 'vitest'
import { Copier } from '../../src/images/copy.ts'
import { image, index } from '../support/images.ts'
import { DrayError } from '../../src/lib/errors.ts'
import { Secrets } from '../../src/registry/http/secrets.ts'
import { openRepositories } from '../../src/registry/open-repositories.ts'
import { blobsIn, collect, embedded, newCall, openStack, openStores } from './client/world.ts'

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

describe("a vendor's deleter", () => {
  const vendor = (hosts: RegExp, failure?: DrayError) => {
    const deleted: string[] = []
    const create = () => ({
      deleteManifest: async (digest: string) => {
        deleted.push(digest)
        return 'deleted' as const
      },
      deleteTag: async (tag: string) => {
        if (failure !== undefined) throw failure
        deleted.push(tag)
        return 'deleted' as const
      },
    })
    return { deleted, row: { hosts, create } }
  }

  it('replaces the deletes of its hosts and no other port', async () => {
    const one = await embedded()
    const root = await one.push(image(), 'team/api', '1.0')
    const { deleted, row } = vendor(/^127\.0\.0\.1:/)
    const target = openRepositories(openStack(), [row]).target({ registry: one.registry, path: 'team/api' })
    expect(await target.deleteTag('1.0', newCall())).toBe('deleted')
    expect(await target.deleteManifest(root.digest, newCall())).toBe('deleted')
    expect(deleted).toEqual(['1.0', root.digest])
    expect(one.log).toEqual([])
    expect(await target.resolve({ tag: '1.0' }, newCall())).toMatchObject({ digest: root.digest })
    expect(await Array.fromAsync(target.tags(newCall()))).toEqual(['1.0'])
    await target.putManifest(root, (await target.manifest(root, newCall())).bytes, ['2.0'], newCall())
    expect(await one.oracle.tags('team/api')).toEqual(['1.0', '2.0'])
  })

  it('is not used for other hosts', async () => {
    const one = await embedded()
    await one.push(image(), 'team/api', '1.0', '2.0')
    const { deleted, row } = vendor(/^registry\.example\.com$/)
    const target = openRepositories(openStack(), [row]).target({ registry: one.registry, path: 'team/api' })
    expect(await target.deleteTag('1.0', newCall())).toBe('deleted')
    expect(deleted).toEqual([])
    expect(await one.oracle.tags('team/api')).toEqual(['2.0'])
  })

  it('shows no secret in its errors', async () => {
    const secrets = new Secrets()
    secrets.add('canary-71')
    const { row } = vendor(/./, new DrayError('forbidden', 'denied', { why: 'canary-71 may not delete' }))
    const repositories = openRepositories({ ...openStack(), secrets }, [row])
    const target = repositories.target({ registry: '127.0.0.1:1', path: 'team/api' })
    await expect(target.deleteTag('1.0', newCall())).rejects.toMatchObject({ why: '… may not delete' })
  })
})
