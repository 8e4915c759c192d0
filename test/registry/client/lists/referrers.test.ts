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

const error = (code: string) => ({
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ errors: [{ code }] }),
})
const imageAnswer: ScriptedAnswer = {
  status: 200,
  headers: { 'content-type': types.manifest },
  body: JSON.stringify({ schemaVersion: 2, config: entry('c'), layers: [] }),
}

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
    [408, 'unavailable'],
    [429, 'unavailable'],
    [500, 'unavailable'],
    [503, 'unavailable'],
  ])('that answers %i is an error, not an empty list', async (status, code) => {
    const { registry } = await scripted(() => ({ status }))
    const store = storeAt(registry)
    await expect(store.referrers(subject, newCall())).rejects.toMatchObject({ code })
    expect(store.capability('referrers')).toBe('unknown')
  })

  it.each<[string, ScriptedAnswer]>([
    ['400', { status: 400, ...error('UNSUPPORTED') }],
    ['405', { status: 405, ...error('UNSUPPORTED') }],
    ['406', { status: 406 }],
    ['410', { status: 410 }],
    ['415', { status: 415 }],
    ['422', { status: 422 }],
    ['204', { status: 204 }],
    ['501', { status: 501 }],
    ['404 with a web page', { status: 404, headers: { 'content-type': 'text/html' }, body: '<html>' }],
    ['a web page', { status: 200, headers: { 'content-type': 'text/html' }, body: '<html>' }],
    ['a web page without a type', { status: 200, body: '<!DOCTYPE html>' }],
    ['an empty body', { status: 200 }],
    ['an empty index type', { status: 200, headers: { 'content-type': types.index } }],
    ['{}', { status: 200, headers: { 'content-type': 'application/json' }, body: '{}' }],
    ['{} as an index', { status: 200, headers: { 'content-type': types.index }, body: '{ }\n' }],
    ['null', { status: 200, headers: { 'content-type': 'application/json' }, body: 'null' }],
    ['the list of another API', { status: 200, body: '{"references":[]}' }],
    ['an error with the status 200', { status: 200, ...error('NOT_FOUND') }],
    ['an image', imageAnswer],
  ])('that answers %s is missing, which is remembered', async (_, answer) => {
    const { registry, heard } = await scripted(() => answer)
    const store = storeAt(registry)
    expect(await store.referrers(subject, newCall())).toBeUndefined()
    expect(await store.referrers(digestOf('another'), newCall())).toBeUndefined()
    expect(store.capability('referrers')).toBe('no')
    expect(heard).toHaveLength(1)
  })

  it('that answers 400 for a subject that the registry does not have is not missing', async () => {
    const { registry } = await scripted((_, n) =>
      n === 1 ? { status: 400, ...error('MANIFEST_INVALID') } : list(['a']),
    )
    const store = storeAt(registry)
    expect(await store.referrers(subject, newCall())).toBeUndefined()
    expect(await store.referrers(digestOf('another'), newCall())).toEqual([entry('a')])
  })

  it.each([
    ['a broken index', '{"schemaVersion":2,"mani'],
    ['an index without its list', JSON.stringify({ schemaVersion: 2, mediaType: types.index })],
    [
      'an index with another key',
      JSON.stringify({ schemaVersion: 2, mediaType: types.index, manifestr: [] }),
    ],
  ])('that answers with %s is requested once more, and then is an error', async (_, body) => {
    const broken = { status: 200, headers: { 'content-type': types.index }, body }
    const once = await scripted((_request, n) => (n === 1 ? broken : list(['a'])))
    expect(await storeAt(once.registry).referrers(subject, newCall())).toEqual([entry('a')])
    const { registry, heard } = await scripted(() => broken)
    await expect(storeAt(registry).referrers(subject, newCall())).rejects.toMatchObject({
      code: expect.stringMatching(/^(malformed|protocol)$/),
    })
    expect(heard).toHaveLength(2)
  })
})

describe('a redirect of the referrers API to another host', () => {
  const from = (location: string) =>
    scripted((request) =>
      request.path.includes('/referrers/') ? { status: 303, headers: { location } } : { status: 404 },
    )

  it.each([400, 401, 403, 404, 406, 429, 500, 503])(
    'that answers %i there means that the API is missing, after one request',
    async (status) => {
      const other = await scripted(() => ({
        status,
        headers: { 'retry-after': '600', 'www-authenticate': 'Basic' },
      }))
      const { registry, heard } = await from(`http://${other.registry}/-/packages`)
      const store = storeAt(registry)
      expect(await store.referrers(subject, newCall())).toBeUndefined()
      expect(store.capability('referrers')).toBe('no')
      expect(await store.findManifest({ tag: 'a' }, newCall())).toBeUndefined()
      expect([other.heard.length, heard.length]).toEqual([1, 2])
    },
  )

  it.each(['http://127.0.0.1:1/-/packages', 'https://127.0.0.1:1/-/packages'])(
    'that cannot be reached (%s) means that the API is missing, after one request',
    async (location) => {
      const { registry, heard } = await from(location)
      const store = storeAt(registry)
      expect(await store.referrers(subject, newCall())).toBeUndefined()
      expect(store.capability('referrers')).toBe('no')
      expect(heard).toHaveLength(1)
    },
  )

  it('that answers with a web page means that the API is missing', async () => {
    const other = await scripted(() => ({
      status: 200,
      headers: { 'content-type': 'text/html' },
      body: '<p>',
    }))
    const { registry } = await from(`http://${other.registry}/login`)
    expect(await storeAt(registry).referrers(subject, newCall())).toBeUndefined()
  })

  it.each(['ftp://example.com/', 'http://'])(
    'that cannot be followed (%s) means the same',
    async (location) => {
      const { registry } = await from(location)
      expect(await storeAt(registry).referrers(subject, newCall())).toBeUndefined()
    },
  )

  it('that answers with an index there is the list, without credentials', async () => {
    const other = await scripted(() => list(['a']))
    const { registry } = await from(`http://${other.registry}/list`)
    expect(await storeAt(registry).referrers(subject, newCall())).toEqual([entry('a')])
    expect(other.heard[0]?.headers.authorization).toBeUndefined()
  })

  it('is followed within the registry, whose answers count', async () => {
    const { registry } = await scripted(({ path }) =>
      path === '/elsewhere' ? { status: 403 } : { status: 307, headers: { location: '/elsewhere' } },
    )
    await expect(storeAt(registry).referrers(subject, newCall())).rejects.toMatchObject({ code: 'forbidden' })
  })
})
