import { describe, expect, it } from 'vitest'
import { dockerhub } from '../../../src/embedded/vendors/dockerhub/dockerhub.ts'
import type { DockerHubTag, DockerHubTagPage } from '../../../src/embedded/vendors/dockerhub/tags.ts'
import type { VendorOptions } from '../../../src/embedded/vendors/vendor.ts'
import { parseDigest } from '../../../src/oci/digest.ts'
import { mediaTypes } from '../../../src/oci/media-types.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { indexOf, started } from '../http.ts'

const tagsPath = '/v2/namespaces/acme/repositories/api/tags'
const year = 366 * 24 * 3_600_000

async function imitation(vendorOptions: VendorOptions = {}, users?: Readonly<Record<string, string>>) {
  const clock = manualClock()
  const client = await started({
    vendor: dockerhub,
    vendorOptions,
    clock,
    ...(users !== undefined && { auth: { scheme: 'basic', users } }),
  })
  const page = async (query = ''): Promise<DockerHubTagPage> =>
    (await client.call('GET', `${tagsPath}${query}`)).json() as DockerHubTagPage
  const login = async (identifier: string, secret: string) =>
    await client.call('POST', '/v2/auth/token', { body: JSON.stringify({ identifier, secret }) })
  return { ...client, clock, page, login }
}

describe('the list of tags', () => {
  it('has the digest and the media type of an index, and the images below it', async () => {
    const { image, manifest, page } = await imitation()
    const amd64 = {
      ...(await image('acme/api', 'a')).descriptor,
      platform: { architecture: 'amd64', os: 'linux' },
    }
    const { digest } = await manifest('acme/api', indexOf([amd64]), '1.0.0')
    const { count, next, results } = await page()
    expect([count, next]).toEqual([1, null])
    expect(results).toMatchObject([
      {
        name: '1.0.0',
        digest,
        media_type: mediaTypes.index,
        tag_last_pulled: null,
        tag_last_pushed: '2026-11-23T00:00:00.000000Z',
        images: [{ digest: amd64.digest, architecture: 'amd64', size: 3 }],
      },
    ])
  })

  it('has the media type of the configuration for a single image', async () => {
    const { image, page } = await imitation()
    const { digest } = await image('acme/api', 'a', '1')
    expect((await page()).results).toMatchObject([{ digest, media_type: mediaTypes.config }])
  })

  it('has ten entries on a page, at most 100, and the URL of the next one', async () => {
    const { image, call, page } = await imitation()
    for (let i = 0; i < 101; i++) await image('acme/api', 'a', `${i}`)
    expect((await page()).results).toHaveLength(10)
    const first = await page('?page_size=500')
    expect([first.count, first.results.length]).toEqual([101, 100])
    const { pathname, search } = new URL(first.next ?? '')
    const last = (await call('GET', pathname + search)).json() as DockerHubTagPage
    expect([last.results.length, last.next]).toEqual([1, null])
    expect((await call('GET', `${tagsPath}?page=3&page_size=100`)).status).toBe(404)
  })

  it('shows a pull by tag and by digest, but no HEAD', async () => {
    const { image, call, page, clock } = await imitation()
    const { digest } = await image('acme/api', 'a', '1')
    await clock.advance(1000)
    await call('HEAD', '/v2/acme/api/manifests/1')
    expect((await page()).results[0]?.tag_last_pulled).toBe(null)
    await call('GET', `/v2/acme/api/manifests/${digest}`)
    expect((await page()).results[0]).toMatchObject({
      tag_last_pulled: '2026-11-23T00:00:01.000000Z',
      images: [{ last_pulled: '2026-11-23T00:00:01.000000Z' }],
    })
  })

  it('shows pushes late if the options say so', async () => {
    const { image, page, clock } = await imitation({ lagMs: 10_000 })
    await image('acme/api', 'a', '1')
    expect((await page()).count).toBe(0)
    await clock.advance(10_000)
    expect((await page()).count).toBe(1)
  })

  it('has old tags without a digest (case 24)', async () => {
    const { image, page, records, clock } = await imitation({ traits: new Set(['old-without-digest']) })
    const { digest } = await image('acme/api', 'a', 'old')
    await image('acme/api', 'b', 'new')
    const pushedAt = clock.now() - year
    records?.set('acme/api', { digest: parseDigest(digest) }, { pushedAt })
    records?.set('acme/api', { tag: 'old' }, { pushedAt })
    const tags = (await page()).results
    expect(tags.map(({ name, digest: known }) => [name, known !== undefined])).toEqual([
      ['new', true],
      ['old', false],
    ])
  })

  it('has each tag at a path of its own', async () => {
    const { image, call } = await imitation()
    const { digest } = await image('acme/api', 'a', '1')
    expect((await call('GET', `${tagsPath}/1`)).json() as DockerHubTag).toMatchObject({ name: '1', digest })
    expect((await call('GET', `${tagsPath}/2`)).status).toBe(404)
    expect((await call('DELETE', `${tagsPath}/1`)).status).toBe(405)
  })
})

describe('a token', () => {
  const users = { jane: 'secret' }

  async function privateTag(options: VendorOptions = {}) {
    const client = await imitation(options, users)
    const basic = `Basic ${Buffer.from('jane:secret').toString('base64')}`
    const headers = { authorization: basic, 'content-type': mediaTypes.index }
    const body = JSON.stringify(indexOf([]))
    expect((await client.call('PUT', '/v2/acme/api/manifests/1', { headers, body })).status).toBe(201)
    const list = async (authorization?: string) =>
      (
        await client.call('GET', tagsPath, {
          headers: { ...(authorization !== undefined && { authorization }) },
        })
      ).status
    return { ...client, list }
  }

  it('is valid for ten minutes', async () => {
    const { login, list, clock } = await privateTag()
    const { access_token: token } = (await login('jane', 'secret')).json() as { access_token: string }
    expect([await list(), await list(`Bearer ${token}`)]).toEqual([404, 200])
    await clock.advance(10 * 60_000)
    expect(await list(`Bearer ${token}`)).toBe(401)
  })

  it('is refused for a wrong secret, and as a secret itself', async () => {
    const { login, list } = await privateTag()
    expect((await login('jane', 'other')).status).toBe(401)
    expect(await list('Bearer secret')).toBe(401)
  })

  it('is not needed for a public repository', async () => {
    const { list } = await privateTag({ traits: new Set(['public']) })
    expect(await list()).toBe(200)
  })
})

it('a limit is answered with 429 and a time in seconds since 1970 (case 23)', async () => {
  const { call, clock } = await imitation({ requestsPerHour: 1 })
  expect((await call('GET', tagsPath)).headers['x-ratelimit-remaining']).toBe('0')
  const refused = await call('GET', tagsPath)
  expect(refused.status).toBe(429)
  expect(Number(refused.headers['x-retry-after']) * 1000 - clock.now()).toBe(3_600_000)
  await clock.advance(3_600_000)
  expect((await call('GET', tagsPath)).status).toBe(404)
})
