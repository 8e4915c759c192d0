import { describe, expect, it } from 'vitest'
import { manualClock } from '../../support/manual-clock.ts'
import { imitated } from './imitated.ts'

const list = '/gitlab/v1/repositories/a/b/tags/list/'

describe("the imitation of GitLab's registry API", () => {
  it('lists tags with their digests, sizes and times', async () => {
    const clock = manualClock(Date.UTC(2026, 0, 2))
    const gitlab = await imitated('gitlab', { clock })
    const { digest, descriptor, body } = await gitlab.image('a/b', 'layer', 'v1')
    await clock.advance(1000)
    await gitlab.manifest('a/b', JSON.parse(body), 'v2')
    const { config } = JSON.parse(body) as { config: { digest: string } }
    const shared = {
      digest,
      config_digest: config.digest,
      media_type: descriptor.mediaType,
      size_bytes: body.length + 2 + 5,
      created_at: '2026-01-02T00:00:00.000Z',
    }
    expect((await gitlab.get(list)).value).toEqual([
      { name: 'v1', ...shared, published_at: '2026-01-02T00:00:00.000Z' },
      {
        name: 'v2',
        ...shared,
        updated_at: '2026-01-02T00:00:01.000Z',
        published_at: '2026-01-02T00:00:01.000Z',
      },
    ])
  })

  it('redirects a path without its final slash', async () => {
    const gitlab = await imitated('gitlab')
    await gitlab.image('a/b', 'layer', 'v1')
    const { status, headers } = await gitlab.get(`${list.slice(0, -1)}?n=10`)
    expect([status, headers.location]).toEqual([301, `${list}?n=10`])
  })

  it('names the next and the previous page in absolute links', async () => {
    const gitlab = await imitated('gitlab')
    const { body } = await gitlab.image('a/b', 'layer', 'v0')
    for (let i = 1; i < 5; i++) await gitlab.manifest('a/b', JSON.parse(body), `v${i}`)
    const url = `http://${gitlab.registry}${list}`
    expect((await gitlab.get(`${list}?n=2`)).headers.link).toBe(`<${url}?n=2&last=v1>; rel="next"`)
    expect((await gitlab.get(`${list}?n=2&last=v1`)).headers.link).toBe(
      `<${url}?n=2&before=v2>; rel="previous", <${url}?n=2&last=v3>; rel="next"`,
    )
    expect((await gitlab.get(`${list}?n=2&last=v3`)).headers.link).toBeUndefined()
  })

  it.each(['0', '1001', 'x'])('refuses a page of %s entries', async (n) => {
    const gitlab = await imitated('gitlab')
    await gitlab.image('a/b', 'layer', 'v1')
    expect((await gitlab.get(`${list}?n=${n}`)).status).toBe(400)
  })

  it('answers 404 everywhere without the metadata database, and the OCI API still works', async () => {
    const vendorOptions = { traits: new Set(['no metadata database']) }
    const gitlab = await imitated('gitlab', { vendorOptions })
    await gitlab.image('a/b', 'layer', 'v1')
    expect((await gitlab.call('GET', '/gitlab/v1/')).status).toBe(404)
    expect((await gitlab.call('GET', list)).status).toBe(404)
    expect((await gitlab.get('/v2/a/b/tags/list')).value).toMatchObject({ tags: ['v1'] })
  })

  it('demands a token: with the scope pull for a repository, and any for its root', async () => {
    const gitlab = await imitated('gitlab', { auth: { scheme: 'bearer', users: { ada: 'secret' } } })
    const tags = await gitlab.call('GET', list)
    expect([tags.status, tags.headers['www-authenticate']]).toEqual([
      401,
      expect.stringContaining('scope="repository:a/b:pull"'),
    ])
    expect((await gitlab.call('GET', '/gitlab/v1/')).status).toBe(401)
  })

  it('protects tags and their manifests from deletes of the OCI API: 403', async () => {
    const gitlab = await imitated('gitlab', { vendorOptions: { lockedTags: ['v1'] } })
    const { digest } = await gitlab.image('a/b', 'layer', 'v1')
    for (const reference of ['v1', digest]) {
      const reply = await gitlab.call('DELETE', `/v2/a/b/manifests/${reference}`)
      expect([reply.status, reply.codes]).toEqual([403, ['DENIED']])
    }
  })
})
