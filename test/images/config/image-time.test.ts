import { describe, expect, it } from 'vitest'
import { readImageTime } from '../../../src/images/config/image-time.ts'
import { artifact, type Content, image, index } from '../../support/images.ts'
import { byTag, embedded, newCall, openStores } from '../../registry/client/world.ts'

const now = new Date('2026-06-01T00:00:00Z')
const annotated = (time: string) => ({ annotations: { 'org.opencontainers.image.created': time } })

/** Returns the time of an image, and the requests after its manifest was read. */
async function createdIn(content: Content, children = false) {
  const { registry, push, requests, clear } = await embedded()
  await push(content, 'team/api', '1')
  const store = openStores().source({ registry, path: 'team/api' })
  const manifest = await store.manifest(byTag('1'), newCall())
  clear()
  const created = await readImageTime(store, manifest, { now, children }, newCall())
  return { created, requests: requests() }
}

describe('the time of an image', () => {
  it('is its annotation, without a request', async () => {
    expect(await createdIn(image(annotated('2025-03-04T05:06:07+01:00')))).toEqual({
      created: '2025-03-04T04:06:07.000Z',
      requests: [],
    })
  })

  it('is the time of its config if it has no annotation, with the nanoseconds of docker', async () => {
    const seen = await createdIn(image({ created: '2025-03-04T05:06:07.123456789Z' }))
    expect(seen).toEqual({ created: '2025-03-04T05:06:07.123Z', requests: ['GET blob 200'] })
  })

  it.each([
    ['before docker', '1980-01-01T00:00:01Z'],
    ['in the future', '2026-06-01T00:00:01Z'],
    ['no time', 'yesterday'],
    ['a date alone', '2025-03-04'],
    ['out of the calendar', '2025-13-04T05:06:07Z'],
  ])('is undefined if the text is %s', async (_, created) => {
    expect((await createdIn(image({ created }))).created).toBeUndefined()
    expect((await createdIn(image({ ...annotated(created), created }))).created).toBeUndefined()
  })

  it('of an index is its annotation, or the time of an image in it if that may be read', async () => {
    const created = '2025-03-04T05:06:07Z'
    expect(await createdIn(index(['amd64', 'arm64'], { created }))).toEqual({ requests: [] })
    expect(await createdIn(index(['amd64', 'arm64'], { created }), true)).toEqual({
      created: '2025-03-04T05:06:07.000Z',
      requests: ['GET manifest 200', 'GET blob 200'],
    })
    expect(await createdIn(index([image({ created })], annotated('2025-05-05T05:05:05Z')))).toEqual({
      created: '2025-05-05T05:05:05.000Z',
      requests: [],
    })
  })

  it('of an index is not the time of a build attestation', async () => {
    const attestation = image({ platform: 'unknown/unknown', created: '2025-01-01T00:00:00Z' })
    const made = index([attestation, image({ created: '2025-03-04T05:06:07Z' })])
    expect((await createdIn(made, true)).created).toBe('2025-03-04T05:06:07.000Z')
  })

  it('is undefined for an artifact that is no image', async () => {
    expect(await createdIn(artifact('helm'))).toEqual({ requests: [] })
  })
})
