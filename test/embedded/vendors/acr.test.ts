import { describe, expect, it } from 'vitest'
import { manualClock } from '../../support/manual-clock.ts'
import { indexOf } from '../http.ts'
import { imitated } from './imitated.ts'

describe("the imitation of Azure Container Registry's API", () => {
  it('lists manifests by digest with their attributes and at most ten tags', async () => {
    const acr = await imitated('acr', { clock: manualClock(Date.UTC(2026, 0, 2)) })
    const { digest, descriptor, body } = await acr.image('team/api', 'layer', 'v1')
    for (let i = 0; i < 14; i++) await acr.manifest('team/api', JSON.parse(body), `w${i}`)
    const { descriptor: index } = await acr.manifest('team/api', indexOf([descriptor]))
    const { value } = await acr.get('/acr/v1/team/api/_manifests')
    const shared = {
      createdTime: '2026-01-02T00:00:00.0000000Z',
      lastUpdateTime: '2026-01-02T00:00:00.0000000Z',
      changeableAttributes: {
        deleteEnabled: true,
        writeEnabled: true,
        readEnabled: true,
        listEnabled: true,
      },
    }
    const manifests = [
      {
        digest,
        imageSize: body.length + 2 + 5,
        mediaType: descriptor.mediaType,
        tags: ['v1', 'w0', 'w1', 'w10', 'w11', 'w12', 'w13', 'w2', 'w3', 'w4'],
        ...shared,
      },
      { digest: index.digest, imageSize: index.size, mediaType: index.mediaType, ...shared },
    ]
    expect(value).toEqual({
      registry: acr.registry,
      imageName: 'team/api',
      manifests: manifests.toSorted((a, b) => (a.digest < b.digest ? -1 : 1)),
    })
    const { value: one } = await acr.get(`/acr/v1/team/api/_manifests/${index.digest}`)
    expect(one).toMatchObject({ manifest: { references: [{ digest }] } })
  })

  it('sends pages with relative links, and cuts a large number to 1,000', async () => {
    const acr = await imitated('acr')
    const { body } = await acr.image('a', 'layer', 'v0')
    for (let i = 1; i < 5; i++) await acr.manifest('a', JSON.parse(body), `v${i}`)
    const first = await acr.get('/acr/v1/a/_tags?n=2')
    expect(first.headers.link).toBe('</acr/v1/a/_tags?n=2&last=v1>; rel="next"')
    const last = await acr.get('/acr/v1/a/_tags?n=2&last=v3')
    expect(last.headers.link).toBeUndefined()
    expect(last.value).toMatchObject({ tags: [{ name: 'v4' }] })
    expect((await acr.get('/acr/v1/a/_tags?n=100000')).value).toMatchObject({ tags: { length: 5 } })
    expect((await acr.get('/acr/v1/a/_tags?n=x')).status).toBe(400)
  })

  it('shows a lock at the tag only, and refuses deletes of the tag and its manifest', async () => {
    const acr = await imitated('acr', { vendorOptions: { lockedTags: ['v1'] } })
    const { digest } = await acr.image('a', 'layer', 'v1')
    const { value: tag } = await acr.get('/acr/v1/a/_tags/v1')
    expect(tag).toMatchObject({ tag: { digest, changeableAttributes: { deleteEnabled: false } } })
    const { value: manifest } = await acr.get(`/acr/v1/a/_manifests/${digest}`)
    expect(manifest).toMatchObject({ manifest: { changeableAttributes: { deleteEnabled: true } } })
    const refused = await acr.call('DELETE', '/acr/v1/a/_tags/v1')
    expect([refused.status, refused.codes]).toEqual([405, ['REGISTRY_DISALLOWED_OPERATION']])
    expect((await acr.call('DELETE', `/v2/a/manifests/${digest}`)).status).toBe(405)
  })

  it('refuses the deletes of a locked manifest and of a locked repository in the OCI API too', async () => {
    const traits = new Set<string>()
    const acr = await imitated('acr', { vendorOptions: { traits } })
    const { digest } = await acr.image('a', 'layer', 'v1')
    traits.add(`locked ${digest}`)
    expect((await acr.call('DELETE', `/v2/a/manifests/${digest}`)).status).toBe(405)
    traits.clear()
    traits.add('locked repository')
    expect((await acr.call('DELETE', '/acr/v1/a/_tags/v1')).status).toBe(405)
    expect((await acr.call('DELETE', `/v2/a/manifests/${digest}`)).status).toBe(405)
    expect((await acr.get('/acr/v1/a')).value).toMatchObject({
      manifestCount: 1,
      tagCount: 1,
      changeableAttributes: { deleteEnabled: false },
    })
    traits.clear()
    expect((await acr.call('DELETE', '/acr/v1/a/_tags/v1')).status).toBe(202)
    expect((await acr.call('DELETE', `/v2/a/manifests/${digest}`)).status).toBe(202)
  })

  it('demands a token with the scope metadata_read, and delete to delete', async () => {
    const acr = await imitated('acr', { auth: { scheme: 'bearer', users: { ada: 'secret' } } })
    const challenge = async (method: string, path: string): Promise<string | undefined> =>
      (await acr.call(method, path)).headers['www-authenticate']
    expect(await challenge('GET', '/acr/v1/team/api/_manifests')).toContain(
      'scope="repository:team/api:metadata_read"',
    )
    expect(await challenge('DELETE', '/acr/v1/team/api/_tags/v1')).toContain(
      'scope="repository:team/api:delete"',
    )
    expect(await challenge('GET', '/acr/v1/_catalog')).toContain('scope="registry:catalog:*"')
  })

  it('does not know other repositories, tags and manifests', async () => {
    const acr = await imitated('acr')
    await acr.image('a', 'layer', 'v1')
    for (const path of ['b/_tags', 'b', 'a/_tags/v2', `a/_manifests/sha256:${'0'.repeat(64)}`])
      expect((await acr.get(`/acr/v1/${path}`)).status).toBe(404)
    expect((await acr.call('DELETE', '/acr/v1/a/_tags/v2')).status).toBe(404)
    expect((await acr.call('DELETE', '/acr/v1/a')).status).toBe(405)
  })

  it('shows a push after the lag, and refuses more requests than an hour allows', async () => {
    const clock = manualClock(Date.UTC(2026, 0, 2, 0, 30))
    const acr = await imitated('acr', { clock, vendorOptions: { lagMs: 10_000, requestsPerHour: 2 } })
    await acr.image('a', 'layer', 'v1')
    expect((await acr.get('/acr/v1/a/_manifests')).value).toMatchObject({ manifests: [] })
    await clock.advance(10_000)
    expect((await acr.get('/acr/v1/a/_manifests')).value).toMatchObject({ manifests: { length: 1 } })
    const refused = await acr.get('/acr/v1/a/_manifests')
    expect([refused.status, refused.headers['retry-after']]).toEqual([429, '1790'])
    expect((await acr.get('/v2/a/tags/list')).status).toBe(200)
  })
})
