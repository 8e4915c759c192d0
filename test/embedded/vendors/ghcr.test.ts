import { describe, expect, it } from 'vitest'
import type { GitHubPackage, GitHubVersion } from '../../../src/embedded/vendors/ghcr/answers.ts'
import { ghcr } from '../../../src/embedded/vendors/ghcr/ghcr.ts'
import type { ServerOptions } from '../../../src/embedded/server.ts'
import { folderStorage } from '../../../src/embedded/storage/folder-storage.ts'
import type { VendorOptions } from '../../../src/embedded/vendors/vendor.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { tempFolder } from '../../support/temp.ts'
import { type Client, indexOf, started } from '../http.ts'

const versionsPath = '/orgs/acme/packages/container/api/versions'
const day = 24 * 3_600_000

/** The imitation with a clock that a test sets. */
async function imitation(
  vendorOptions: VendorOptions = {},
  secrets?: Readonly<Record<string, string>>,
  options: ServerOptions = {},
) {
  const clock = manualClock()
  const client = await started({
    ...options,
    vendor: ghcr,
    vendorOptions,
    clock,
    ...(secrets !== undefined && { auth: { scheme: 'basic', users: secrets } }),
  })
  const get = async (path: string, headers: Readonly<Record<string, string>> = {}) => {
    const reply = await client.call('GET', path, { headers })
    return { ...reply, path: linkPaths(String(reply.headers['link'] ?? '')) }
  }
  const versions = async (path = versionsPath): Promise<readonly GitHubVersion[]> =>
    (await client.call('GET', path)).json() as GitHubVersion[]
  const wait = (ms: number): Promise<void> => clock.advance(ms)
  return { ...client, clock, get, versions, wait }
}

/** The path and query of each link by its relation. */
function linkPaths(value: string): Readonly<Record<string, string>> {
  const links = [...value.matchAll(/<http:\/\/[^/]+([^>]+)>; rel="(\w+)"/g)]
  return Object.fromEntries(links.map(([, path, relation]) => [relation, path]))
}

async function idOf(client: Awaited<ReturnType<typeof imitation>>, digest: string): Promise<number> {
  return (await client.versions()).find(({ name }) => name === digest)?.id ?? 0
}

/** An index with four children, an attached artifact of it, and an attestation as a child. */
async function pushIndex({ image, manifest }: Client) {
  const children = []
  for (const platform of ['amd64', 'arm64', 's390x', 'attestation'])
    children.push((await image('acme/api', platform)).descriptor)
  const index = await manifest('acme/api', indexOf(children), '1.0.0')
  const attached = await image('acme/api', 'signature', undefined, { subject: index.descriptor })
  return { children: children.map(({ digest }) => digest), index: index.digest, attached: attached.digest }
}

describe('the list of versions', () => {
  it('has each manifest once, and only the index has a tag (case 1)', async () => {
    const client = await imitation()
    const { children, index, attached } = await pushIndex(client)
    const versions = await client.versions()
    expect(versions.map(({ name }) => name).toSorted()).toEqual([...children, index, attached].toSorted())
    const tagged = versions.filter(({ metadata }) => metadata.container.tags.length > 0)
    expect(tagged.map(({ name }) => name)).toEqual([index])
  })

  it('is newest first, with the time of the push in seconds', async () => {
    const client = await imitation()
    const first = await client.image('acme/api', 'a', '1')
    await client.wait(1500)
    const second = await client.image('acme/api', 'b', '2')
    const versions = await client.versions()
    expect(versions.map(({ name }) => name)).toEqual([second.digest, first.digest])
    expect(versions.map(({ created_at }) => created_at)).toEqual([
      '2026-11-23T00:00:01Z',
      '2026-11-23T00:00:00Z',
    ])
  })

  it('has at most 100 entries on a page, and links with the number of the account', async () => {
    const client = await imitation()
    for (let i = 0; i < 101; i++) await client.image('acme/api', `layer ${i}`, `${i}`)
    const first = await client.get(`${versionsPath}?per_page=500`)
    expect((first.json() as unknown[]).length).toBe(100)
    expect(first.path['last']).toBe('/organizations/1/packages/container/api/versions?per_page=500&page=2')
    const last = await client.get(first.path['next'] ?? '')
    expect((last.json() as unknown[]).length).toBe(1)
    expect(Object.keys(last.path)).toEqual(['prev', 'first'])
    expect(((await client.get(versionsPath)).json() as unknown[]).length).toBe(30)
    expect((await client.get(`${versionsPath}?page=9`)).json()).toEqual([])
  })

  it('shows pushes and deletes late if the options say so', async () => {
    const client = await imitation({ lagMs: 10_000 })
    await client.image('acme/api', 'a', '1')
    await client.image('acme/api', 'b', '2')
    expect(await client.versions()).toEqual([])
    await client.wait(10_000)
    const [version] = await client.versions()
    expect((await client.call('DELETE', `${versionsPath}/${version?.id}`)).status).toBe(204)
    expect((await client.call('DELETE', `${versionsPath}/${version?.id}`)).status).toBe(404)
    expect(await client.versions()).toHaveLength(2)
    await client.wait(10_000)
    expect(await client.versions()).toHaveLength(1)
  })

  it('answers 304 to a client that has it, which counts for no limit', async () => {
    const client = await imitation({ requestsPerHour: 2 })
    await client.image('acme/api', 'a', '1')
    const { etag = '' } = (await client.get(versionsPath)).headers
    for (let i = 0; i < 3; i++)
      expect((await client.get(versionsPath, { 'if-none-match': etag })).status).toBe(304)
    expect((await client.get(versionsPath)).headers['x-ratelimit-remaining']).toBe('0')
  })
})

describe('names', () => {
  it('have %2F for a slash, once encoded (case 7)', async () => {
    const client = await imitation()
    await client.image('acme/team/api', 'a', '1')
    const statuses = await Promise.all(
      ['team%2Fapi', 'team/api', 'team%252Fapi', 'TEAM'].map(
        async (name) => (await client.get(`/orgs/acme/packages/container/${name}/versions`)).status,
      ),
    )
    expect(statuses).toEqual([200, 404, 404, 404])
  })

  it('of an account tell a user from an organization (case 7)', async () => {
    const client = await imitation({ traits: new Set(['public']) }, { Jane: 'secret' })
    const authorization = 'Bearer secret'
    const typeOf = async (name: string) =>
      ((await client.get(`/users/${name}`, { authorization })).json() as { type: string }).type
    expect([await typeOf('jane'), await typeOf('acme')]).toEqual(['User', 'Organization'])
    expect((await client.get('/orgs/jane', { authorization })).status).toBe(404)
    expect((await client.get('/user', { authorization })).json()).toMatchObject({ login: 'Jane' })
  })
})

describe('a private package of a user', () => {
  const secrets = { jane: 'classic', 'jane-workflow': 'ghs_workflow' }
  const basic = `Basic ${Buffer.from('jane:classic').toString('base64')}`

  async function privateImage() {
    const client = await imitation({}, secrets)
    const body = JSON.stringify(indexOf([]))
    const headers = { authorization: basic, 'content-type': 'application/vnd.oci.image.index.v1+json' }
    expect((await client.call('PUT', '/v2/jane/api/manifests/1', { headers, body })).status).toBe(201)
    return client
  }

  it.each([
    ['/user', 'Bearer classic', 200],
    ['/users/jane', 'Bearer classic', 404],
    ['/users/jane', 'Bearer ghs_workflow', 200],
    ['/user', 'Bearer ghs_workflow', 403],
    ['/user', 'token classic', 200],
    ['/user', 'Bearer other', 401],
  ])('below %s with %s is answered with %i', async (owner, authorization, status) => {
    const client = await privateImage()
    const path = `${owner}/packages/container/api/versions`
    expect((await client.get(path, { authorization })).status).toBe(status)
  })

  it('is in the list of its owner, which a workflow may not read', async () => {
    const client = await privateImage()
    const list = async (owner: string, authorization: string) =>
      await client.get(`${owner}/packages?package_type=container`, { authorization })
    const own = (await list('/user', 'Bearer classic')).json() as GitHubPackage[]
    expect(own).toMatchObject([{ name: 'api', visibility: 'private', version_count: 1 }])
    expect((await list('/users/jane', 'Bearer ghs_workflow')).status).toBe(400)
  })
})

describe('a delete', () => {
  it('removes the digest with all its tags, and can be undone for 30 days', async () => {
    const client = await imitation()
    const { digest } = await client.image('acme/api', 'a', '1')
    await client.manifest('acme/api', indexOf([]), 'other')
    const id = await idOf(client, digest)
    expect((await client.call('DELETE', `${versionsPath}/${id}`)).status).toBe(204)
    expect((await client.call('GET', '/v2/acme/api/manifests/1')).status).toBe(404)
    const deleted = await client.versions(`${versionsPath}?state=deleted`)
    expect(deleted).toMatchObject([{ id, name: digest, metadata: { container: { tags: ['1'] } } }])
    await client.wait(29 * day)
    expect((await client.call('POST', `${versionsPath}/${id}/restore`)).status).toBe(204)
    expect((await client.call('GET', '/v2/acme/api/manifests/1')).status).toBe(200)
    await client.call('DELETE', `${versionsPath}/${id}`)
    await client.wait(31 * day)
    expect((await client.call('POST', `${versionsPath}/${id}/restore`)).status).toBe(404)
  })

  it('of the last version or the last tagged one is refused with 400 (case 6)', async () => {
    const client = await imitation()
    const { digest } = await client.image('acme/api', 'a', '1')
    const remove = async () => await client.call('DELETE', `${versionsPath}/${await idOf(client, digest)}`)
    expect((await remove()).json()).toMatchObject({ status: '400', message: /last version/ })
    await client.image('acme/api', 'untagged')
    const { status, text } = await remove()
    expect([status, text]).toEqual([400, expect.stringContaining('last tagged version')])
  })

  it('of all tagged versions at once leaves one of them (case 6)', async () => {
    const storage = await folderStorage(await tempFolder())
    const client = await imitation({}, undefined, { storage })
    for (const tag of ['1', '2', '3', '4']) await client.image('acme/api', tag, tag)
    await client.image('acme/api', 'untagged')
    const tagged = (await client.versions()).filter(({ metadata }) => metadata.container.tags.length > 0)
    const deletes = tagged.map(async ({ id }) => await client.call('DELETE', `${versionsPath}/${id}`))
    const statuses = (await Promise.all(deletes)).map(({ status }) => status)
    expect(statuses.toSorted((a, b) => a - b)).toEqual([204, 204, 204, 400])
  })

  it('of a version with more than 5,000 downloads is refused with 400 (case 6)', async () => {
    const client = await imitation({ lockedTags: ['1'] })
    const { digest } = await client.image('acme/api', 'a', '1')
    await client.image('acme/api', 'b', '2')
    const { status, text } = await client.call('DELETE', `${versionsPath}/${await idOf(client, digest)}`)
    expect([status, text]).toEqual([400, expect.stringContaining('5000 downloads')])
  })

  it('is answered with 500 although it happened, and then with 404 (case 6)', async () => {
    const client = await imitation({ traits: new Set(['lost-answers']) })
    const { digest } = await client.image('acme/api', 'a')
    await client.image('acme/api', 'b')
    const path = `${versionsPath}/${await idOf(client, digest)}`
    expect((await client.call('DELETE', path)).status).toBe(500)
    expect((await client.call('DELETE', path)).status).toBe(404)
  })

  it('by the OCI API is refused with 405', async () => {
    const client = await imitation()
    const { digest } = await client.image('acme/api', 'a', '1')
    for (const reference of [digest, '1'])
      expect((await client.call('DELETE', `/v2/acme/api/manifests/${reference}`)).status).toBe(405)
  })
})

describe('limits', () => {
  it('of an hour are answered with 403 and the time of the reset', async () => {
    const client = await imitation({ requestsPerHour: 1 })
    expect((await client.get('/users/acme')).headers['x-ratelimit-remaining']).toBe('0')
    const refused = await client.get('/users/acme')
    expect(refused.status).toBe(403)
    expect(refused.headers['x-ratelimit-remaining']).toBe('0')
    const reset = Number(refused.headers['x-ratelimit-reset']) * 1000
    expect(reset - client.clock.now()).toBe(3_600_000)
    await client.wait(3_600_000)
    expect((await client.get('/users/acme')).status).toBe(200)
    expect((await client.call('GET', '/v2/')).status).toBe(200)
  })

  it('of a minute count a change as five requests, and are answered with Retry-After', async () => {
    const client = await imitation({ traits: new Set(['secondary-limit']) })
    await client.image('acme/api', 'a', '1')
    for (let i = 0; i < 180; i++)
      expect((await client.call('DELETE', `${versionsPath}/999`)).status).toBe(404)
    const refused = await client.get(versionsPath)
    expect([refused.status, refused.headers['retry-after']]).toEqual([403, '60'])
    await client.wait(60_000)
    expect((await client.get(versionsPath)).status).toBe(200)
  })
})

it('is also below the path of GitHub Enterprise Server', async () => {
  const client = await imitation()
  await client.image('acme/api', 'a', '1')
  const { status, text } = await client.get(`/api/v3${versionsPath}`)
  expect([status, text]).toEqual([200, expect.stringContaining('/api/v3/orgs/acme/packages/container/api')])
})
