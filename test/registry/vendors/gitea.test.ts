import { describe, expect, it } from 'vitest'
import type { AccessEntry } from '../../../src/embedded/access/access.ts'
import { image, index } from '../../support/images.ts'
import { shownEntries, vendorWorld } from '../../support/vendors/vendor-world.ts'

const isApi = ({ path }: AccessEntry): boolean => path.startsWith('/api/')
const short = (digest: string): string => digest.slice(7, 19)
const users = { ada: 'canary-gitea-token' }

describe('the inventory of Gitea', () => {
  it('has tags with the digest of a HEAD, and digests that have no tag', async () => {
    const world = await vendorWorld('gitea')
    const platforms = index(['amd64', 'arm64'])
    const root = await world.put(platforms, '1.4.2', 'latest')
    const snapshot = await world.read()
    const children = platforms.manifests.slice(0, 2).map(({ descriptor }) => short(descriptor.digest))
    expect(shownEntries(snapshot)).toEqual([...children, `${short(root)} 1.4.2,latest`].toSorted())
    expect(snapshot.tags.get('latest')).toBe(root)
    const heads = world.requests.filter((entry) => !isApi(entry))
    expect(heads.map(({ method, reference }) => `${method} ${reference}`).toSorted()).toEqual([
      'HEAD 1.4.2',
      'HEAD latest',
    ])
    expect(world.requests.filter(isApi)).toHaveLength(1)
  })

  it('has the times of pushes, and of a tag that was moved', async () => {
    const world = await vendorWorld('gitea')
    const digest = await world.put(image(), '1.4.2', 'latest')
    const now = world.clock.now()
    world.records.set(world.repository.path, { tag: '1.4.2' }, { pushedAt: now - 90_000 })
    const { entries } = await world.read()
    expect(entries.get(digest)).toMatchObject({
      pushedAt: now,
      tags: expect.arrayContaining([
        { name: '1.4.2', pushedAt: now - 90_000 },
        { name: 'latest', pushedAt: now },
      ]),
    })
    expect(entries.get(digest)).not.toHaveProperty('pulledAt')
  })

  it('has no package whose name only contains the name', async () => {
    const world = await vendorWorld('gitea', { path: 'team/api' })
    const own = await world.put(image(), '1.4.2')
    const [other] = image({ label: 'other' }).manifests
    if (other === undefined) throw new Error('no manifest')
    const { mediaType, digest } = other.descriptor
    for (const path of ['team/api-web', 'team/old-api', 'team/group/api', 'teams/api'])
      await world.storage.putManifest(path, { mediaType, digest: digest as typeof own, bytes: other.bytes }, [
        '2.0.0',
      ])
    const snapshot = await world.read()
    expect([...snapshot.tags]).toEqual([['1.4.2', own]])
    expect(world.requests[0]?.query.get('q')).toBe('api')
  })

  it('reads pages of 50, four at once', async () => {
    const world = await vendorWorld('gitea', { path: 'team/group/api' })
    for (let i = 0; i < 120; i++) await world.put(image({ label: `app ${i}`, layers: 0 }), `1.0.${i}`)
    expect((await world.read()).tags.size).toBe(120)
    expect(world.requests.filter(isApi).map(({ query }) => query.get('page'))).toEqual(['1', '2', '3'])
  })

  it('omits a tag that was deleted after the list', async () => {
    const world = await vendorWorld('gitea')
    await world.put(image(), '1.4.2')
    await world.put(image({ label: 'other' }), 'gone')
    world.after(isApi, () => void world.storage.deleteTag(world.repository.path, 'gone'))
    expect([...(await world.read()).tags.keys()]).toEqual(['1.4.2'])
  })

  it('needs an owner', async () => {
    const world = await vendorWorld('gitea', { path: 'api' })
    await expect(world.read()).rejects.toMatchObject({ code: 'unsupported' })
  })
})

describe('the credentials for Gitea', () => {
  const auth = { scheme: 'bearer', users } as const

  it('are those of the registry as Basic', async () => {
    const credentials = async () => ({ kind: 'basic', username: 'ada', password: users.ada }) as const
    const world = await vendorWorld('gitea', { auth, credentials })
    await world.put(image(), '1.4.2')
    expect((await world.read()).tags.size).toBe(1)
  })

  it('are the token of tokenEnv', async () => {
    const options = { settings: { tokenEnv: 'GITEA_TOKEN' }, env: { GITEA_TOKEN: users.ada } }
    const world = await vendorWorld('gitea', { auth, ...options })
    expect((await world.read()).entries.size).toBe(0)
    expect(world.requests.map(({ user }) => user)).toEqual(['ada'])
  })

  it('are missing with the scopes that a token needs', async () => {
    const world = await vendorWorld('gitea', { auth })
    await expect(world.read()).rejects.toMatchObject({
      code: 'unauthorized',
      hint: expect.stringContaining('the scopes read:package, and write:package to delete'),
    })
  })
})

describe('a delete in Gitea', () => {
  it('deletes a tag, and the manifest with its last tag', async () => {
    const world = await vendorWorld('gitea', { path: 'team/group/api' })
    const digest = await world.put(image(), '1.4.2', 'latest')
    const kept = await world.put(image({ label: 'other' }), '2.0.0')
    expect(await world.remove({ kind: 'tag', tag: 'latest', digest })).toEqual(['removed'])
    expect(await world.remaining()).toEqual([digest, kept].toSorted())
    expect(await world.remove({ kind: 'tag', tag: '1.4.2', digest })).toEqual(['removed'])
    expect(await world.remove({ kind: 'tag', tag: '1.4.2', digest })).toEqual(['absent'])
    expect(await world.remaining()).toEqual([kept])
    expect(world.requests[0]?.path).toBe('/api/v1/packages/team/container/group%2Fapi/latest')
  })

  it('deletes no manifest, which can have several versions', async () => {
    const world = await vendorWorld('gitea')
    const digest = await world.put(image())
    expect(await world.remove({ kind: 'manifest', digest })).toEqual(['failed'])
    expect(await world.remaining()).toEqual([digest])
  })
})
