import { describe, expect, it } from 'vitest'
import { digestOf } from '../../../../src/oci/digest.ts'
import { image, referrer, together, types } from '../../../support/images.ts'
import { embedded, newCall, type ScriptedAnswer, scripted, storeAt } from '../world.ts'

const subject = digestOf('subject')
const entry = (name: string) => ({
  mediaType: types.manifest,
  digest: digestOf(name),
  size: 2,
  artifactType: 'a/b',
  annotations: { k: name },
})
const list = (names: readonly string[], link?: string): ScriptedAnswer => ({
  status: 200,
  headers: { 'content-type': types.index, link },
  body: JSON.stringify({ schemaVersion: 2, mediaType: types.index, manifests: names.map(entry) }),
})

describe('the referrers API', () => {
  it('returns all entries of all pages with artifactType and annotations', async () => {
    const { registry } = await scripted((_, n) =>
      n === 1 ? list(['a', 'b'], '<?page=2>; rel="next"') : list(['c']),
    )
    const store = storeAt(registry)
    expect(await store.referrers(subject, newCall())).toEqual(['a', 'b', 'c'].map(entry))
    expect(store.capability('referrers')).toBe('yes')
  })

  it.each([
    ['oci-1.1', 1],
    ['docker-registry-2.8', undefined],
    ['zot-2.1', 1],
  ] as const)('of the profile %s answers like its registry', async (profile, count) => {
    const one = await embedded({ profile, abilities: { pageLimit: 1 } })
    const content = image()
    const root = await one.push(together(content, referrer(content)), 'team/api', '1')
    expect((await storeAt(one.registry).referrers(root.digest, newCall()))?.length).toBe(count)
  })

  it('that is missing (404) gets one request', async () => {
    const { registry, heard } = await scripted(() => ({ status: 404 }))
    const store = storeAt(registry)
    expect(await store.referrers(subject, newCall())).toBeUndefined()
    expect(await store.referrers(digestOf('another'), newCall())).toBeUndefined()
    expect(store.capability('referrers')).toBe('no')
    expect(heard).toHaveLength(1)
  })

  it('that answers 404 for a missing repository gets further requests', async () => {
    const body = '{"errors":[{"code":"NAME_UNKNOWN"}]}'
    const { registry } = await scripted(() => ({
      status: 404,
      headers: { 'content-type': 'application/json' },
      body,
    }))
    const store = storeAt(registry)
    expect(await store.referrers(subject, newCall())).toBeUndefined()
    expect(store.capability('referrers')).toBe('unknown')
  })

  it.each([
    [401, 'unauthorized'],
    [403, 'forbidden'],
    [400, 'protocol'],
    [429, 'unavailable'],
    [500, 'unavailable'],
  ])('that answers %i is an error, not an empty list', async (status, code) => {
    const { registry } = await scripted(() => ({ status }))
    const store = storeAt(registry)
    await expect(store.referrers(subject, newCall())).rejects.toMatchObject({ code })
    expect(store.capability('referrers')).toBe('unknown')
  })

  it.each([
    [
      'an image',
      types.manifest,
      JSON.stringify({ schemaVersion: 2, config: entry('c'), layers: [] }),
      'protocol',
    ],
    ['a page of HTML', 'text/html', '<html>', 'protocol'],
  ])('that answers with %s is an error', async (_, type, body, code) => {
    const { registry } = await scripted(() => ({ status: 200, headers: { 'content-type': type }, body }))
    await expect(storeAt(registry).referrers(subject, newCall())).rejects.toMatchObject({ code })
  })
})
