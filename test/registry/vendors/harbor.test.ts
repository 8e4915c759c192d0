import { describe, expect, it } from 'vitest'
import type { Credential } from '../../../src/registry/credential.ts'
import { cosignSignature, image, index, referrer } from '../../support/images.ts'
import { shownEntries, vendorWorld } from '../../support/vendors/vendor-world.ts'

const day = 86_400_000
const robot = 'robot$team+dray'
const users = { [robot]: 'canary-robot-secret' }
const robotCredential: Credential = { kind: 'basic', username: robot, password: users[robot] ?? '' }
const short = (digest: string): string => digest.slice(7, 19)

describe('the inventory of Harbor', () => {
  it('has children of indexes, accessories with their subject, and all tags', async () => {
    const world = await vendorWorld('harbor')
    const platforms = index(['amd64', 'arm64'])
    const untagged = image({ label: 'old' })
    const sbom = referrer(platforms)
    const signature = cosignSignature(platforms)
    const root = await world.put(platforms, '1.4.2', 'latest')
    const old = await world.put(untagged)
    const digests = [await world.put(sbom), await world.put(signature)]
    const snapshot = await world.read()
    const children = platforms.manifests.slice(0, 2).map(({ descriptor }) => short(descriptor.digest))
    expect(shownEntries(snapshot)).toEqual(
      [
        ...children,
        `${short(root)} 1.4.2,latest children 2`,
        short(old),
        ...digests.map((digest) => `${short(digest)} of ${short(root)}`),
      ].toSorted(),
    )
    expect(snapshot.tags).toEqual(
      new Map([
        ['1.4.2', root],
        ['latest', root],
      ]),
    )
    expect(world.requests.map(({ query }) => query.get('q'))).toEqual(['base=*'])
  })

  it('has attestations of BuildKit as children, also if they are accessories of a platform', async () => {
    const traits = new Set(['attestation-accessories'])
    for (const vendorOptions of [{}, { traits }]) {
      const world = await vendorWorld('harbor', { vendorOptions })
      const platform = image()
      const annotations = {
        'vnd.docker.reference.type': 'attestation-manifest',
        'vnd.docker.reference.digest': platform.root.digest,
      }
      const attestation = image({ label: 'attestation' })
      const root = { ...attestation.root, annotations }
      const digest = await world.put(index([platform, { ...attestation, root }]), '1.4.2')
      await world.put(cosignSignature(platform))
      const { entries } = await world.read()
      expect(entries.get(digest)?.children).toEqual([platform.root.digest, root.digest])
      expect(entries.size).toBe(4)
    }
  })

  it('reads "0001-01-01" as never pulled, and times of pulls and pushes in milliseconds', async () => {
    const world = await vendorWorld('harbor')
    const digest = await world.put(image(), '1.4.2', 'latest')
    const { path } = world.repository
    const pushedAt = world.clock.now() - 9 * day
    world.records.set(path, { digest }, { pushedAt, pulledAt: pushedAt + day })
    world.records.set(path, { tag: 'latest' }, { pushedAt, pulledAt: pushedAt + day })
    const other = await world.put(image({ label: 'other' }))
    const { entries } = await world.read()
    expect(entries.get(other)).toMatchObject({ pushedAt: world.clock.now(), pulledAt: 'never' })
    expect(entries.get(digest)).toMatchObject({
      pushedAt,
      pulledAt: pushedAt + day,
      tags: [
        { name: '1.4.2', pulledAt: 'never' },
        { name: 'latest', pushedAt, pulledAt: pushedAt + day },
      ],
    })
  })

  it('counts a pull of a platform for its index', async () => {
    const world = await vendorWorld('harbor')
    const platforms = index(['amd64'])
    const root = await world.put(platforms, '1.4.2')
    const [child] = (await world.read()).entries.get(root)?.children ?? []
    const at = world.clock.now() - 5
    if (child !== undefined) world.records.pulled(world.repository.path, child, undefined, at)
    expect((await world.read()).entries.get(root)?.pulledAt).toBe(at)
  })

  it('encodes a repository with slashes twice', async () => {
    const world = await vendorWorld('harbor', { path: 'team/group/sub/api' })
    await world.put(image(), '1.4.2')
    expect((await world.read()).tags.size).toBe(1)
    expect(world.requests[0]?.path).toBe(
      '/api/v2.0/projects/team/repositories/group%252Fsub%252Fapi/artifacts',
    )
  })

  it.each([
    [100, undefined, 3],
    [50, 50, 5],
  ])('reads 250 artifacts in pages of %i', async (_, pageLimit, requests) => {
    const world = await vendorWorld('harbor', {
      vendorOptions: { ...(pageLimit !== undefined && { pageLimit }) },
    })
    for (let i = 0; i < 250; i++) await world.put(image({ label: `app ${i}`, layers: 0 }), `1.0.${i}`)
    expect((await world.read()).tags.size).toBe(250)
    expect(world.requests).toHaveLength(requests)
  })

  it('reads the list again if a push changes its total', async () => {
    const world = await vendorWorld('harbor', { vendorOptions: { pageLimit: 2 } })
    for (let i = 0; i < 5; i++) await world.put(image({ label: `app ${i}`, layers: 0 }), `1.0.${i}`)
    world.after(
      ({ method }) => method === 'GET',
      () => void world.put(image({ label: 'new' }), 'new'),
    )
    const { tags } = await world.read()
    expect([...tags.keys()].toSorted()).toEqual(['1.0.0', '1.0.1', '1.0.2', '1.0.3', '1.0.4', 'new'])
  })

  it('shows an immutable tag with the rule', async () => {
    const world = await vendorWorld('harbor', { vendorOptions: { lockedTags: ['1.4.2'] } })
    const digest = await world.put(image(), '1.4.2', 'latest')
    expect((await world.read()).entries.get(digest)).toMatchObject({
      locked: { of: 'delete', text: 'immutable tag 1.4.2' },
      tags: [{ name: '1.4.2', locked: { of: 'write', text: 'immutable tag rule' } }, { name: 'latest' }],
    })
  })

  it('sends no cookie, and changes no pull time', async () => {
    const world = await vendorWorld('harbor')
    const digest = await world.put(image(), '1.4.2')
    await world.read()
    // Harbor has set a cookie. It refuses a change with the cookie and without a token of its page.
    expect(await world.remove({ kind: 'tag', tag: '1.4.2', digest })).toEqual(['removed'])
    expect((await world.read()).entries.get(digest)?.pulledAt).toBe('never')
  })

  it('lists the repositories that begin with a prefix', async () => {
    const world = await vendorWorld('harbor')
    for (const path of ['team/api', 'team/web', 'teams/api', 'other/api'])
      await world.storage.putManifest(
        path,
        { mediaType: 'x/y', digest: await world.put(image()), bytes: new Uint8Array() },
        [],
      )
    const list = async (prefix: string): Promise<readonly string[]> =>
      (await Array.fromAsync(world.inventory.repositories?.(prefix, world.call) ?? [])).toSorted()
    expect(await list('team/')).toEqual(['team/api', 'team/web'])
    expect(await list('team')).toEqual(['team/api', 'team/web', 'teams/api'])
  })

  it('is empty for a repository that does not exist', async () => {
    const world = await vendorWorld('harbor')
    expect((await world.read()).entries.size).toBe(0)
  })
})

describe('the credentials for Harbor', () => {
  const auth = { scheme: 'bearer', users } as const

  it('are those of the registry, also of a robot, as Basic', async () => {
    const world = await vendorWorld('harbor', { auth, credentials: async () => robotCredential })
    await world.put(image(), '1.4.2')
    expect((await world.read()).tags.size).toBe(1)
    expect(world.requests.map(({ user }) => user)).toEqual([robot])
  })

  it('can be USER:PASSWORD in the variable of tokenEnv, which comes first', async () => {
    const world = await vendorWorld('harbor', {
      auth,
      credentials: async () => ({ kind: 'basic', username: 'ada', password: 'wrong' }),
      settings: { tokenEnv: 'HARBOR_ROBOT' },
      env: { HARBOR_ROBOT: `${robot}:${users[robot]}` },
    })
    expect((await world.read()).entries.size).toBe(0)
  })

  it('are missing with the form of the variable if it is not set', async () => {
    const world = await vendorWorld('harbor', { settings: { tokenEnv: 'HARBOR_ROBOT' } })
    await expect(world.read()).rejects.toMatchObject({
      code: 'config',
      hint: expect.stringContaining("export HARBOR_ROBOT='USER:SECRET'"),
    })
  })

  it('are missing in one error for all repositories', async () => {
    const world = await vendorWorld('harbor', { auth })
    const failures = await Promise.all(
      ['team/api', 'team/web'].map(async (path) =>
        Array.fromAsync(world.inventory.entries({ ...world.repository, path }, world.call)).catch(
          (error: unknown) => error,
        ),
      ),
    )
    expect(failures[0]).toBe(failures[1])
    expect(failures[0]).toMatchObject({ code: 'unauthorized', subject: world.registry.registry })
  })

  it('without the permission to delete are an outcome', async () => {
    const mayDo = (_user: string | undefined, _repository: string, action: string): boolean =>
      action === 'pull'
    const world = await vendorWorld('harbor', {
      auth: { ...auth, mayDo },
      credentials: async () => robotCredential,
    })
    const digest = await world.put(image())
    const outcomes = await Array.fromAsync(
      world.inventory.remove?.(world.repository, [{ kind: 'manifest', digest }], world.call) ?? [],
    )
    expect(outcomes).toMatchObject([{ result: 'failed', error: { code: 'forbidden', why: 'forbidden' } }])
    expect(await world.remaining()).toEqual([digest])
  })
})

describe('a delete in Harbor', () => {
  it('deletes children and accessories, which are absent afterwards', async () => {
    const world = await vendorWorld('harbor')
    const platforms = index(['amd64', 'arm64'])
    const digest = await world.put(platforms)
    const sbom = await world.put(referrer(platforms))
    const [child] = (await world.read()).entries.get(digest)?.children ?? []
    expect(
      await world.remove(
        { kind: 'manifest', digest },
        { kind: 'manifest', digest: child ?? digest },
        { kind: 'manifest', digest: sbom },
      ),
    ).toEqual(['removed', 'absent', 'absent'])
    expect(await world.remaining()).toEqual([])
  })

  it('keeps children that have a tag or another index', async () => {
    const world = await vendorWorld('harbor')
    const [tagged, shared, own] = ['tagged', 'shared', 'own'].map((label) => image({ label }))
    if (tagged === undefined || shared === undefined || own === undefined) throw new Error('no image')
    const first = await world.put(index([tagged, shared, own]))
    const second = await world.put(index([shared]))
    const kept = [await world.put(tagged, 'kept'), shared.root.digest, second].toSorted()
    expect(await world.remove({ kind: 'manifest', digest: first })).toEqual(['removed'])
    expect(await world.remaining()).toEqual(kept)
  })

  it('of a child of an index is refused with the reason', async () => {
    const world = await vendorWorld('harbor')
    const root = await world.put(index(['amd64']))
    const [child = root] = (await world.read()).entries.get(root)?.children ?? []
    expect(await world.remove({ kind: 'manifest', digest: child })).toEqual([
      'protected: the deleting artifact is referenced by others',
    ])
  })

  it('of an immutable tag or its artifact is refused with the reason', async () => {
    const world = await vendorWorld('harbor', { vendorOptions: { lockedTags: ['1.4.2'] } })
    const digest = await world.put(image(), '1.4.2', 'latest')
    const refusal = 'protected: the tag 1.4.2 configured as immutable, cannot be deleted'
    expect(
      await world.remove(
        { kind: 'tag', tag: '1.4.2', digest },
        { kind: 'manifest', digest },
        { kind: 'tag', tag: 'latest', digest },
      ),
    ).toEqual([refusal, refusal, 'removed'])
    expect(await world.storage.tags(world.repository.path)).toEqual(['1.4.2'])
  })

  it('of a tag that moved to another digest is absent', async () => {
    const world = await vendorWorld('harbor')
    const before = await world.put(image({ label: 'before' }), 'latest')
    const now = await world.put(image({ label: 'now' }), 'latest')
    expect(await world.remove({ kind: 'tag', tag: 'latest', digest: before })).toEqual(['absent'])
    expect(await world.storage.tag(world.repository.path, 'latest')).toBe(now)
  })
})
