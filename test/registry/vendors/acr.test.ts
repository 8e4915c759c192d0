import { describe, expect, it } from 'vitest'
import type { AccessOptions } from '../../../src/embedded/access/permissions.ts'
import type { Inventory, Removal, RemovalOutcome } from '../../../src/images/inventory/inventory.ts'
import { DrayError, toErrorInfo } from '../../../src/lib/errors.ts'
import type { RepositoryName } from '../../../src/oci/reference.ts'
import { leapingClock } from '../../support/manual-clock.ts'
import { newCall, scripted } from '../client/world.ts'
import { imageManifest, imitatedVendor, indexManifest, openInventory } from './imitated-vendor.ts'

const day = 86_400_000

async function remove(
  inventory: Inventory,
  repository: RepositoryName,
  removal: Removal,
): Promise<RemovalOutcome | undefined> {
  const outcomes = await Array.fromAsync(inventory.remove?.(repository, [removal], newCall()) ?? [])
  expect(outcomes).toHaveLength(1)
  return outcomes[0]
}

describe('the inventory of Azure Container Registry', () => {
  it('lists untagged manifests and children with times, sizes and media types', async () => {
    const acr = await imitatedVendor('acr')
    const children = [imageManifest('amd64'), imageManifest('arm64')]
    const index = indexManifest(...children)
    for (const child of children) await acr.store('team/api', child)
    await acr.store('team/api', index, '1.0', 'latest')
    const now = acr.clock.now()
    acr.records.set('team/api', { digest: index.digest }, { pushedAt: now - 60 * day })
    acr.records.set('team/api', { tag: 'latest' }, { pushedAt: now - day })
    const { entries, tags, kind } = await acr.read('team/api')
    expect(kind).toBe('acr')
    expect(Object.fromEntries(tags)).toEqual({ '1.0': index.digest, latest: index.digest })
    expect(entries.get(index.digest)).toEqual({
      digest: index.digest,
      mediaType: index.mediaType,
      pushedAt: now,
      tags: [
        { name: '1.0', pushedAt: now },
        { name: 'latest', pushedAt: now - day },
      ],
    })
    const [child] = children
    if (child === undefined) throw new Error('no child')
    expect(entries.get(child.digest)).toEqual({
      digest: child.digest,
      mediaType: child.mediaType,
      pushedAt: now,
      bytes: child.bytes.byteLength + 1100,
      tags: [],
    })
    expect(entries.size).toBe(3)
  })

  it('counts the later one of createdTime and lastUpdateTime as the push', async () => {
    const acr = await imitatedVendor('acr')
    const image = imageManifest('a')
    await acr.store('a', image, 'v1')
    const now = acr.clock.now()
    acr.records.set('a', { digest: image.digest }, { pushedAt: now - 60 * day })
    acr.records.set('a', { tag: 'v1' }, { pushedAt: now - 2 * day })
    expect((await acr.read('a')).entries.get(image.digest)?.pushedAt).toBe(now - 2 * day)
  })

  it('reads 10,000 tags with 21 requests, and follows relative links', async () => {
    const acr = await imitatedVendor('acr')
    for (let i = 0; i < 10_000; i++) await acr.store('a', imageManifest(String(i)), `v${i}`)
    const { entries, tags } = await acr.read('a')
    expect([entries.size, tags.size]).toEqual([10_000, 10_000])
    expect(acr.log).toHaveLength(21)
    const paths = [...new Set(acr.log.map(({ path }) => path))]
    expect(paths).toEqual(['/acr/v1/a', '/acr/v1/a/_manifests', '/acr/v1/a/_tags'])
  })

  it('has all tags of a manifest that has more than ten', async () => {
    const acr = await imitatedVendor('acr')
    const names = Array.from({ length: 25 }, (_, i) => `v${i}`)
    const digest = await acr.store('a', imageManifest('a'), ...names)
    const { entries } = await acr.read('a')
    expect(
      entries
        .get(digest)
        ?.tags.map(({ name }) => name)
        .toSorted(),
    ).toEqual(names.toSorted())
  })

  it('shows a lock of a tag on a manifest that is free, and locks of manifests', async () => {
    const traits = new Set<string>()
    const acr = await imitatedVendor('acr', { vendorOptions: { lockedTags: ['keep'], traits } })
    const tagged = await acr.store('a', imageManifest('tagged'), 'keep', 'other')
    const locked = await acr.store('a', imageManifest('locked'))
    traits.add(`locked ${locked}`)
    const { entries } = await acr.read('a')
    const lock = { of: 'delete', text: 'deleteEnabled: false' }
    expect(entries.get(tagged)?.locked).toBeUndefined()
    expect(entries.get(tagged)?.tags).toEqual([
      expect.objectContaining({ name: 'keep', locked: lock }),
      expect.not.objectContaining({ locked: lock }),
    ])
    expect(entries.get(locked)?.locked).toEqual(lock)
  })

  it('shows a lock of the repository on all manifests', async () => {
    const traits = new Set(['locked repository'])
    const acr = await imitatedVendor('acr', { vendorOptions: { traits } })
    await acr.store('a', imageManifest('1'))
    await acr.store('a', imageManifest('2'), 'v2')
    const { entries } = await acr.read('a')
    const locks = [...entries.values()].map(({ locked }) => locked?.text)
    expect(locks).toEqual(Array(2).fill('deleteEnabled: false of the repository'))
  })

  it('is not found for a repository that does not exist', async () => {
    const acr = await imitatedVendor('acr')
    await expect(acr.read('a')).rejects.toMatchObject({ code: 'not-found' })
  })

  it('refuses the answer of another program, which would look like an empty list', async () => {
    const other = await scripted(() => ({ status: 200, body: '{}' }))
    const inventory = await openInventory(other.registry, 'acr')
    const entries = Array.fromAsync(inventory.entries({ registry: other.registry, path: 'a' }, newCall()))
    await expect(entries).rejects.toMatchObject({
      code: 'protocol',
      why: '"imageName" is not the name of the repository',
    })
  })

  it('lists the repositories that begin with a prefix', async () => {
    const acr = await imitatedVendor('acr', { vendorOptions: { pageLimit: 2 } })
    for (const path of ['a', 'team/api', 'team/web', 'teams'])
      await acr.store(path, imageManifest(path), 'v1')
    const found = await Array.fromAsync(acr.inventory.repositories?.('team/', newCall()) ?? [])
    expect(found).toEqual(['team/api', 'team/web'])
  })

  it('waits as long as the registry asks for after too many requests', async () => {
    const clock = leapingClock(Date.UTC(2026, 10, 23, 0, 59))
    const acr = await imitatedVendor('acr', { clock, vendorOptions: { requestsPerHour: 2 } })
    await acr.store('a', imageManifest('1'), 'v1')
    const began = acr.clock.now()
    expect((await acr.read('a')).tags.size).toBe(1)
    expect(acr.clock.now() - began).toBe(60_000)
  })
})

describe("the tokens for Azure's API", () => {
  const password = 'canary-of-ada'
  const credential = { kind: 'basic', username: 'ada', password } as const
  const auth = (over: Partial<AccessOptions> = {}): AccessOptions => ({
    scheme: 'bearer',
    users: { ada: password },
    ...over,
  })

  it('have a scope that names the repository, because ABAC ignores wildcards', async () => {
    const acr = await imitatedVendor('acr', { auth: auth(), credential })
    await acr.store('team/api', imageManifest('1'), 'v1')
    const removal = { kind: 'tag', tag: 'v1', digest: imageManifest('1').digest } as const
    await acr.read('team/api')
    await remove(acr.inventory, acr.name('team/api'), removal)
    const scopes = acr.log.flatMap(({ path, query }) => (path === '/token' ? query.getAll('scope') : []))
    expect(scopes[0]).toBe('repository:team/api:metadata_read')
    expect(scopes.filter((scope) => scope.includes('*'))).toEqual([])
    expect(scopes.some((scope) => /^repository:team\/api:.*delete/.test(scope))).toBe(true)
  })

  it('are refused without the permission metadata_read', async () => {
    const mayDo: AccessOptions['mayDo'] = (_user, _path, action) => action !== 'metadata_read'
    const acr = await imitatedVendor('acr', { auth: auth({ mayDo }), credential })
    await acr.store('a', imageManifest('1'), 'v1')
    const error = await acr.read('a').catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'unauthorized' })
    expect(JSON.stringify([toErrorInfo(error), String(error)])).not.toContain(password)
  })

  it('do not follow a redirect to another host', async () => {
    const other = await scripted(() => ({ status: 200, body: '{"imageName":"a"}' }))
    const acr = await scripted(() => ({
      status: 307,
      headers: { location: `http://${other.registry}/acr/v1/a` },
    }))
    const inventory = await openInventory(acr.registry, 'acr', { credential })
    const entries = Array.fromAsync(inventory.entries({ registry: acr.registry, path: 'a' }, newCall()))
    const error = await entries.catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'protocol' })
    expect(other.heard.filter(({ headers }) => headers.authorization !== undefined)).toEqual([])
    expect(JSON.stringify([toErrorInfo(error), String(error)])).not.toContain(password)
  })
})

describe('a delete through the API of Azure Container Registry', () => {
  it('deletes a tag and keeps its manifest, also the last one', async () => {
    const acr = await imitatedVendor('acr')
    const digest = await acr.store('team/api', imageManifest('1'), 'v1')
    const removal = { kind: 'tag', tag: 'v1', digest } as const
    expect(await remove(acr.inventory, acr.name('team/api'), removal)).toEqual({ removal, result: 'removed' })
    expect(acr.requests()).toEqual(['DELETE /acr/v1/team/api/_tags/v1 202'])
    expect([...(await acr.read('team/api')).entries.keys()]).toEqual([digest])
    expect(await remove(acr.inventory, acr.name('team/api'), removal)).toEqual({ removal, result: 'absent' })
  })

  it("is protected by a lock, with the registry's message", async () => {
    const acr = await imitatedVendor('acr', { vendorOptions: { lockedTags: ['v1'] } })
    const digest = await acr.store('a', imageManifest('1'), 'v1')
    const removal = { kind: 'tag', tag: 'v1', digest } as const
    expect(await remove(acr.inventory, acr.name('a'), removal)).toMatchObject({
      result: 'protected',
      text: expect.stringContaining('v1 is locked') as string,
    })
    expect(await acr.storage.tag('a', 'v1')).toBe(digest)
  })

  it('fails if another program answers', async () => {
    const proxy = await scripted(() => ({ status: 200, body: '<html>Sign in</html>' }))
    const inventory = await openInventory(proxy.registry, 'acr')
    const removal = { kind: 'tag', tag: 'v1', digest: imageManifest('1').digest } as const
    const repository = { registry: proxy.registry, path: 'a' }
    expect(await remove(inventory, repository, removal)).toMatchObject({ result: 'failed' })
  })

  it('fails with the error of the API, and is not sent if the check before it throws', async () => {
    const acr = await scripted(() => ({ status: 403, body: '{"errors":[{"code":"DENIED","message":"no"}]}' }))
    const inventory = await openInventory(acr.registry, 'acr')
    const repository = { registry: acr.registry, path: 'a' }
    const removal = { kind: 'tag', tag: 'v1', digest: imageManifest('1').digest } as const
    expect(await remove(inventory, repository, removal)).toMatchObject({
      result: 'failed',
      error: { code: 'forbidden', status: 403 },
    })
    const sent = acr.heard.length
    const moved = new DrayError('conflict', 'the tag moved')
    const check = (): Promise<void> => Promise.reject(moved)
    const outcomes = inventory.remove?.(repository, [removal], newCall(), check) ?? []
    expect(await Array.fromAsync(outcomes)).toMatchObject([{ result: 'failed', error: { code: 'conflict' } }])
    expect(acr.heard).toHaveLength(sent)
  })
})
