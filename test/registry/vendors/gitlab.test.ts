import { describe, expect, it } from 'vitest'
import type { DrayError } from '../../../src/lib/errors.ts'
import { leapingClock } from '../../support/manual-clock.ts'
import { newCall, openStores, scripted } from '../client/world.ts'
import { imageManifest, imitatedVendor, indexManifest, openInventory } from './imitated-vendor.ts'

const day = 86_400_000

describe('the inventory of GitLab', () => {
  it('lists the tags of each digest with push times, media types and sizes', async () => {
    const gitlab = await imitatedVendor('gitlab')
    const child = imageManifest('amd64')
    const index = indexManifest(child)
    await gitlab.store('acme/web/api', child)
    await gitlab.store('acme/web/api', index, '1.0', 'latest')
    const now = gitlab.clock.now()
    gitlab.records.set('acme/web/api', { digest: index.digest }, { pushedAt: now - 60 * day })
    gitlab.records.set('acme/web/api', { tag: '1.0' }, { pushedAt: now - 60 * day })
    gitlab.records.set('acme/web/api', { tag: 'latest' }, { pushedAt: now - day })
    const { entries, knows } = await gitlab.read('acme/web/api')
    expect(knows.untagged).toBe(false)
    expect([...entries.values()]).toEqual([
      {
        digest: index.digest,
        mediaType: index.mediaType,
        pushedAt: now - day,
        bytes: index.bytes.byteLength + child.bytes.byteLength + 1100,
        tags: [
          { name: '1.0', pushedAt: now - 60 * day },
          { name: 'latest', pushedAt: now - day },
        ],
      },
    ])
  })

  it('never takes created_at as the push time if there is a later one, and never asks /api/v4', async () => {
    const gitlab = await imitatedVendor('gitlab')
    const digest = await gitlab.store('a/b', imageManifest('1'), 'v1')
    const now = gitlab.clock.now()
    gitlab.records.set('a/b', { digest }, { pushedAt: now - 300 * day })
    expect((await gitlab.read('a/b')).entries.get(digest)?.pushedAt).toBe(now)
    expect(gitlab.requests()).toEqual(['GET /gitlab/v1/repositories/a/b/tags/list/?n=1000 200'])
  })

  it('takes the later one of both times if the version has no published_at', async () => {
    const { digest } = imageManifest('1')
    const tag = { name: 'v1', digest, media_type: 'x', size_bytes: 1, created_at: '2022-06-07T12:10:12.412Z' }
    const moved = { ...tag, name: 'v2', updated_at: '2023-06-07T12:10:12.412Z' }
    const gitlab = await scripted(() => ({ status: 200, body: JSON.stringify([tag, moved]) }))
    const inventory = await openInventory(gitlab.registry, 'gitlab')
    const repository = { registry: gitlab.registry, path: 'a/b' }
    const [entry] = await Array.fromAsync(inventory.entries(repository, newCall()))
    expect(entry?.tags.map(({ pushedAt }) => new Date(pushedAt ?? 0).getUTCFullYear())).toEqual([2022, 2023])
    expect(new Date(entry?.pushedAt ?? 0).getUTCFullYear()).toBe(2023)
  })

  it('reads 10,000 tags with 10 requests, and does not go back to previous pages', async () => {
    const gitlab = await imitatedVendor('gitlab')
    const image = imageManifest('1')
    for (let i = 0; i < 10_000; i++)
      await gitlab.store('a/b', i % 2 === 0 ? image : imageManifest('2'), `v${i}`)
    const { tags, entries } = await gitlab.read('a/b')
    expect([tags.size, entries.size]).toEqual([10_000, 2])
    expect(gitlab.log).toHaveLength(10)
    expect(gitlab.log.filter(({ query }) => query.has('before'))).toEqual([])
  })

  it('does not exist without the metadata database: one error for the whole run', async () => {
    const vendorOptions = { traits: new Set(['no metadata database']) }
    const gitlab = await imitatedVendor('gitlab', { vendorOptions })
    await gitlab.store('a/b', imageManifest('1'), 'v1')
    const [one, other] = (await Promise.all([
      gitlab.read('a/b').catch((error: unknown) => error),
      gitlab.read('a/c').catch((error: unknown) => error),
    ])) as [DrayError, DrayError]
    expect(one).toMatchObject({ code: 'unsupported', subject: gitlab.host })
    expect(other).toBe(one)
    expect(await gitlab.read('a/d').catch((error: unknown) => error)).toBe(one)
    expect(gitlab.log.filter(({ path }) => path === '/gitlab/v1/')).toHaveLength(1)
  })

  it('is not found for a repository that does not exist', async () => {
    const gitlab = await imitatedVendor('gitlab')
    await expect(gitlab.read('a/b')).rejects.toMatchObject({
      code: 'not-found',
      subject: `${gitlab.host}/a/b`,
    })
    await expect(gitlab.read('a/c')).rejects.toMatchObject({ code: 'not-found' })
    expect(gitlab.log.filter(({ path }) => path === '/gitlab/v1/')).toHaveLength(1)
  })

  it("uses the registry's own token with the scope pull", async () => {
    const auth = { scheme: 'bearer', users: { ada: 'canary' } } as const
    const credential = { kind: 'basic', username: 'ada', password: 'canary' } as const
    const gitlab = await imitatedVendor('gitlab', { auth, credential })
    await gitlab.store('a/b', imageManifest('1'), 'v1')
    expect((await gitlab.read('a/b')).tags.size).toBe(1)
    await expect(gitlab.read('a/c')).rejects.toMatchObject({ code: 'not-found' })
    const scopes = gitlab.log.flatMap(({ path, query }) => (path === '/token' ? query.getAll('scope') : []))
    expect(scopes.slice(0, 2)).toEqual(['repository:a/b:pull', 'repository:a/c:pull'])
  })

  it('lists the repositories of a project that have a tag', async () => {
    const gitlab = await imitatedVendor('gitlab', { vendorOptions: { pageLimit: 2 } })
    for (const path of ['acme/web', 'acme/web/api', 'acme/web/cache', 'acme/web/ui', 'acme/website'])
      await gitlab.store(path, imageManifest(path), 'v1')
    await gitlab.store('acme/web/untagged', imageManifest('untagged'))
    const list = (prefix: string): Promise<string[]> =>
      Array.fromAsync(gitlab.inventory.repositories?.(prefix, newCall()) ?? [])
    expect(await list('acme/web/')).toEqual(['acme/web/api', 'acme/web/cache', 'acme/web/ui'])
    expect(await list('acme/web/u')).toEqual(['acme/web/ui'])
    await expect(list('acme/')).rejects.toMatchObject({ code: 'unsupported' })
  })

  it('refuses an answer that is not a list, and one without a digest', async () => {
    const bodies = ['{}', '[{"name":"v1"}]', '[1]']
    const gitlab = await scripted((_, count) => ({ status: 200, body: bodies[count - 1] ?? '' }))
    const inventory = await openInventory(gitlab.registry, 'gitlab')
    const repository = { registry: gitlab.registry, path: 'a/b' }
    for (const _ of bodies) {
      const entries = Array.fromAsync(inventory.entries(repository, newCall()))
      await expect(entries).rejects.toMatchObject({ code: 'protocol' })
    }
  })

  it('waits as long as the registry asks for after too many requests', async () => {
    const clock = leapingClock(Date.UTC(2026, 10, 23, 0, 59))
    const gitlab = await imitatedVendor('gitlab', { clock, vendorOptions: { requestsPerHour: 1 } })
    await gitlab.store('a/b', imageManifest('1'), 'v1')
    await gitlab.read('a/b')
    const began = clock.now()
    expect((await gitlab.read('a/b')).tags.size).toBe(1)
    expect(clock.now() - began).toBe(60_000)
  })
})

describe('a delete at GitLab', () => {
  it('of a protected tag is refused by the OCI API, and the next one is sent', async () => {
    const gitlab = await imitatedVendor('gitlab', { vendorOptions: { lockedTags: ['v1'] } })
    await gitlab.store('a/b', imageManifest('1'), 'v1', 'v2')
    const target = openStores().target(gitlab.name('a/b'))
    await expect(target.deleteTag('v1', newCall())).rejects.toMatchObject({
      code: 'refused',
      why: 'the tag v1 is protected',
    })
    expect(await target.deleteTag('v2', newCall())).toBe('deleted')
  })
})
