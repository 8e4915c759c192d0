import { describe, expect, it } from 'vitest'
import { digestOf } from '../../../src/oci/digest.ts'
import { mediaTypes } from '../../../src/oci/media-types.ts'
import { type Client, indexOf, type Reply, started } from '../http.ts'
import { storages } from '../storage/storages.ts'

/** Puts an empty index under each tag. */
async function tagged(client: Client, repository: string, tags: readonly string[]): Promise<void> {
  for (const tag of tags) await client.manifest(repository, indexOf([]), tag)
}

function tagsOf(reply: Reply): readonly string[] {
  return (reply.json() as { tags: string[] }).tags
}

function nextOf(reply: Reply): string | undefined {
  return /^<([^>]+)>; rel="next"$/.exec(String(reply.headers['link'] ?? ''))?.[1]
}

describe.each(storages)('the tags in %s', (_name, storage) => {
  it('are in ASCII order', async () => {
    const client = await started({ storage: await storage() })
    await tagged(client, 'a/b', ['b', 'a', '_', 'B', '10', '9'])
    const reply = await client.call('GET', '/v2/a/b/tags/list')
    expect(reply.headers['content-type']).toBe('application/json')
    expect(reply.json()).toEqual({ name: 'a/b', tags: ['10', '9', 'B', '_', 'a', 'b'] })
  })

  it('come in pages whose links lead to all of them', async () => {
    const client = await started({ storage: await storage() })
    const all = ['a', 'b', 'c', 'd', 'e']
    await tagged(client, 'a', all)
    const pages: (readonly string[])[] = []
    for (let path: string | undefined = '/v2/a/tags/list?n=2'; path !== undefined;) {
      const reply: Reply = await client.call('GET', path)
      pages.push(tagsOf(reply))
      path = nextOf(reply)
    }
    expect(pages).toEqual([['a', 'b'], ['c', 'd'], ['e']])
  })

  it.each([
    ['n=0', [], false],
    ['n=5', ['a', 'b', 'c'], false],
    ['n=3', ['a', 'b', 'c'], false],
    ['last=a', ['b', 'c'], false],
    ['n=1&last=a', ['b'], true],
    ['last=bb', ['c'], false],
    ['last=z&n=2', [], false],
  ])('for %s are %j', async (query, expected, more) => {
    const client = await started({ storage: await storage() })
    await tagged(client, 'a', ['a', 'b', 'c'])
    const reply = await client.call('GET', `/v2/a/tags/list?${query}`)
    expect(tagsOf(reply)).toEqual(expected)
    expect(nextOf(reply) !== undefined).toBe(more)
  })

  it('are an empty list for a repository without tags, and 404 without a repository', async () => {
    const client = await started({ storage: await storage() })
    await client.image('a', 'x')
    expect((await client.call('GET', '/v2/a/tags/list')).json()).toEqual({ name: 'a', tags: [] })
    const reply = await client.call('GET', '/v2/b/tags/list')
    expect([reply.status, reply.codes]).toEqual([404, ['NAME_UNKNOWN']])
  })
})

describe.each(storages)('referrers in %s', (_name, storage) => {
  it('are listed with type and annotations, before and after the subject exists', async () => {
    const client = await started({ storage: await storage() })
    const { descriptor: subject } = await client.image('a', 'x', '1')
    const annotations = { 'org.example.by': 'ci' }
    const plain = await client.image('a', 'sig', undefined, { subject, annotations })
    const typed = await client.image('a', 'sbom', undefined, { subject, artifactType: 'text/spdx' })
    const index = await client.manifest('a', indexOf([], { subject }))
    const reply = await client.call('GET', `/v2/a/referrers/${subject.digest}`)
    expect([reply.status, reply.headers['content-type']]).toEqual([200, mediaTypes.index])
    const body = reply.json() as { schemaVersion: number; mediaType: string; manifests: object[] }
    expect([body.schemaVersion, body.mediaType]).toEqual([2, mediaTypes.index])
    expect(body.manifests).toHaveLength(3)
    expect(body.manifests).toContainEqual({
      ...plain.descriptor,
      artifactType: mediaTypes.config,
      annotations,
    })
    expect(body.manifests).toContainEqual({ ...typed.descriptor, artifactType: 'text/spdx' })
    expect(body.manifests).toContainEqual(index.descriptor)
    expect(index.reply.headers['oci-subject']).toBe(subject.digest)
  })

  it('are filtered by type', async () => {
    const client = await started({ storage: await storage() })
    const { descriptor: subject } = await client.image('a', 'x', '1')
    await client.image('a', 'sig', undefined, { subject, artifactType: 'a/sig' })
    const { digest } = await client.image('a', 'sbom', undefined, { subject, artifactType: 'a/sbom' })
    const reply = await client.call('GET', `/v2/a/referrers/${subject.digest}?artifactType=a%2Fsbom`)
    expect(reply.headers['oci-filters-applied']).toBe('artifactType')
    expect(reply.json()).toMatchObject({ manifests: [{ digest }] })
  })

  it('are an empty index without referrers or subject', async () => {
    const client = await started({ storage: await storage() })
    const reply = await client.call('GET', `/v2/nowhere/referrers/${digestOf('x')}`)
    expect([reply.status, reply.json()]).toEqual([200, indexOf([])])
    const wrong = await client.call('GET', '/v2/a/referrers/latest')
    expect([wrong.status, wrong.codes]).toEqual([400, ['DIGEST_INVALID']])
  })

  it('are deleted with their manifest, and belong to one repository', async () => {
    const client = await started({ storage: await storage() })
    const { descriptor: subject } = await client.image('a', 'x', '1')
    const { digest } = await client.image('a', 'sig', undefined, { subject })
    const path = `/referrers/${subject.digest}`
    expect((await client.call('GET', `/v2/b${path}`)).json()).toEqual(indexOf([]))
    await client.call('DELETE', `/v2/a/manifests/${digest}`)
    expect((await client.call('GET', `/v2/a${path}`)).json()).toEqual(indexOf([]))
  })

  it('come in pages if there is a limit', async () => {
    const client = await started({ storage: await storage(), abilities: { pageLimit: 2 } })
    const { descriptor: subject } = await client.image('a', 'x', '1')
    const pushed = new Set<string>()
    for (const name of ['1', '2', '3', '4', '5']) {
      pushed.add((await client.image('a', name, undefined, { subject })).digest)
    }
    const seen: string[] = []
    for (let path: string | undefined = `/v2/a/referrers/${subject.digest}`; path !== undefined;) {
      const reply: Reply = await client.call('GET', path)
      const { manifests } = reply.json() as { manifests: { digest: string }[] }
      expect(manifests.length).toBeLessThanOrEqual(2)
      seen.push(...manifests.map(({ digest }) => digest))
      path = nextOf(reply)
    }
    expect(seen).toHaveLength(5)
    expect(new Set(seen)).toEqual(pushed)
  })
})

describe.each(storages)('the catalog in %s', (_name, storage) => {
  it('has all repositories, in pages', async () => {
    const client = await started({ storage: await storage() })
    for (const name of ['b', 'a/c', 'a', 'a/b/c']) await client.image(name, 'x')
    const whole = await client.call('GET', '/v2/_catalog')
    expect(whole.json()).toEqual({ repositories: ['a', 'a/b/c', 'a/c', 'b'] })
    const page = await client.call('GET', '/v2/_catalog?n=3&last=a')
    expect(page.json()).toEqual({ repositories: ['a/b/c', 'a/c', 'b'] })
    expect(nextOf(page)).toBeUndefined()
  })
})

describe('a list', () => {
  it.each(['x', '-1', '1e3', ''])('of n=%s entries is refused', async (n) => {
    const client = await started()
    await tagged(client, 'a', ['a'])
    expect((await client.call('GET', `/v2/a/tags/list?n=${n}`)).status).toBe(400)
  })
})
