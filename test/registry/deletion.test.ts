import { describe, expect, it } from 'vitest'
import { digestOf } from '../../src/oci/digest.ts'
import { image, index } from '../support/images.ts'
import { embedded, newCall, type Said, scripted, storeAt } from './world.ts'

const error = (status: number, code: string): Said => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ errors: [{ code, message: 'no' }] }),
})

describe('a delete', () => {
  it('takes a tag alone, or a manifest with every tag on it', async () => {
    const one = await embedded()
    const root = await one.push(image(), 'team/api', 'a', 'b', 'c')
    const store = storeAt(one.registry)
    expect(await store.deleteTag('a', newCall())).toBe('deleted')
    expect(await one.oracle.tags('team/api')).toEqual(['b', 'c'])
    expect(await store.deleteManifest(root.digest, newCall())).toBe('deleted')
    expect(await one.oracle.tags('team/api')).toEqual([])
    expect(await store.deleteManifest(root.digest, newCall())).toBe('absent')
    expect(store.capability('deleteTag')).toBe('yes')
  })

  it('that a registry cannot do is asked for once', async () => {
    const one = await embedded({ profile: 'docker-registry-2.8' })
    await one.push(image(), 'team/api', 'a', 'b')
    const store = storeAt(one.registry)
    await expect(store.deleteTag('a', newCall())).rejects.toMatchObject({
      code: 'unsupported',
      subject: `${one.registry}/team/api:a`,
    })
    await expect(store.deleteTag('b', newCall())).rejects.toMatchObject({ code: 'unsupported' })
    expect(one.log).toHaveLength(1)
    expect(store.capability('deleteTag')).toBe('no')
    expect(await one.oracle.tags('team/api')).toEqual(['a', 'b'])
  })

  it('that is refused for one manifest says nothing of the next', async () => {
    const one = await embedded({ profile: 'zot-2.1' })
    const content = index(['amd64'])
    const root = await one.push(content, 'team/api', 'a')
    const store = storeAt(one.registry)
    const child = content.manifests.find(({ descriptor }) => descriptor.digest !== root.digest)?.descriptor
      .digest
    await expect(store.deleteManifest(child as typeof root.digest, newCall())).rejects.toMatchObject({
      code: 'unsupported',
    })
    expect(await store.deleteManifest(root.digest, newCall())).toBe('deleted')
  })

  it('answered 404 of something that is there is not "absent"', async () => {
    const digest = digestOf('x')
    const { registry } = await scripted(({ method }) =>
      method === 'DELETE'
        ? error(404, 'MANIFEST_UNKNOWN')
        : {
            status: 200,
            headers: {
              'content-type': 'application/vnd.oci.image.index.v1+json',
              'content-length': '9',
              'docker-content-digest': digest,
            },
          },
    )
    await expect(storeAt(registry).deleteManifest(digest, newCall())).rejects.toMatchObject({
      code: 'unsupported',
    })
  })

  it.each([
    [401, 'unauthorized'],
    [403, 'forbidden'],
    [500, 'unavailable'],
  ])('answered %i fails', async (status, code) => {
    const { registry } = await scripted(() => ({ status }))
    await expect(storeAt(registry).deleteTag('a', newCall())).rejects.toMatchObject({ code })
  })
})
