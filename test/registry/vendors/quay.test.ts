import { describe, expect, it } from 'vitest'
import type { Digest } from '../../../src/oci/digest.ts'
import type { Credential } from '../../../src/registry/credential.ts'
import { cosignSignature, image, index } from '../../support/images.ts'
import { vendorWorld } from '../../support/vendors/vendor-world.ts'
import { scripted } from '../client/world.ts'
import { entriesOf, errorOf, inventoryAt } from './ecr-world.ts'

const day = 86_400_000
const token = 'canary-oauth-application-token'
const users = { ci: token, 'acme+robot': 'canary-robot-password' }
const robot: Credential = { kind: 'basic', username: 'acme+robot', password: users['acme+robot'] }
const settings = { tokenEnv: 'QUAY_TOKEN' }
const env = { QUAY_TOKEN: token }
const tagOf = (tag: string, digest: Digest) => ({ kind: 'tag', tag, digest }) as const

describe('the inventory of Quay', () => {
  it('has the active tags with their start as the time of the push', async () => {
    const world = await vendorWorld('quay')
    const content = image({ label: 'a' })
    const digest = await world.put(content, '1.4.2', 'latest')
    const signature = cosignSignature(content)
    const signed = await world.put(signature)
    const pushedAt = world.clock.now() - 9 * day
    world.records.set(world.repository.path, { tag: '1.4.2' }, { pushedAt })
    const { entries, tags, knows } = await world.read()
    expect(knows).toMatchObject({ untagged: false, pulledAt: 'no' })
    expect(entries.get(digest)?.tags.toSorted((a, b) => a.name.localeCompare(b.name))).toEqual([
      { name: '1.4.2', pushedAt },
      { name: 'latest', pushedAt: world.clock.now() },
    ])
    // The later time counts, because the image may have been pushed again.
    expect(entries.get(digest)?.pushedAt).toBe(world.clock.now())
    expect(tags.get(`sha256-${digest.slice(7)}.sig`)).toBe(signed)
  })

  it('has no size of an index, and names one without all of its manifests', async () => {
    const world = await vendorWorld('quay')
    const digest = await world.put(index(['amd64', 'arm64']), '1')
    expect((await world.read()).entries.get(digest)).not.toHaveProperty('status')
    const [child] = await world.remaining()
    const first = child === digest ? (await world.remaining())[1] : child
    if (first === undefined) throw new Error('no child')
    await world.storage.deleteManifest(world.repository.path, first)
    const entry = (await world.read()).entries.get(digest)
    expect(entry).toMatchObject({ status: 'sparse' })
    expect(entry).not.toHaveProperty('bytes')
  })

  it('omits tags that expired, also if the API lists them', async () => {
    const world = await vendorWorld('quay', { vendorOptions: { traits: new Set(['whole history']) } })
    const old = await world.put(image({ label: 'old' }), 'moved', 'gone')
    await world.remove(tagOf('gone', old), tagOf('moved', old))
    const digest = await world.put(image({ label: 'new' }), 'moved')
    const { tags, entries } = await world.read()
    expect([tags, [...entries.keys()]]).toEqual([new Map([['moved', digest]]), [digest]])
  })

  it('costs one request for 100 tags', async () => {
    const world = await vendorWorld('quay')
    const content = image()
    await world.put(content, ...Array.from({ length: 250 }, (_, i) => `v${i}`))
    expect((await world.read()).tags.size).toBe(250)
    expect(world.requests.map(({ query }) => query.get('page'))).toEqual(['1', '2', '3'])
  })

  it('waits as Retry-After says, and continues', async () => {
    const world = await vendorWorld('quay', { vendorOptions: { requestsPerHour: 1 } })
    await world.put(image(), ...Array.from({ length: 101 }, (_, i) => `v${i}`))
    await expect(world.read()).rejects.toMatchObject({ code: 'unavailable' })
    expect(world.requests.map(({ status }) => status)).toEqual([200, 429])
  })

  it('of an unknown repository is not-found', async () => {
    const world = await vendorWorld('quay')
    await expect(world.read()).rejects.toMatchObject({ code: 'not-found' })
  })

  it('that repeats a page is an error', async () => {
    const tag = { name: 'x', start_ts: 1, manifest_digest: `sha256:${'0'.repeat(64)}` }
    const api = await scripted(() => ({
      status: 200,
      body: JSON.stringify({ tags: [tag], has_additional: true }),
    }))
    const inventory = await inventoryAt(api.registry, { kind: 'quay', api: `http://${api.registry}` })
    const error = await errorOf(entriesOf(inventory, { registry: api.registry, path: 'acme/api' }))
    expect(error.code).toBe('protocol')
  })
})

describe('credentials for the API of Quay', () => {
  const auth = { scheme: 'bearer', users } as const

  it('are the token of an OAuth application, from a variable or as docker sends it', async () => {
    const fromVariable = await vendorWorld('quay', { auth, settings, env })
    await fromVariable.put(image(), '1')
    expect((await fromVariable.read()).tags.size).toBe(1)
    const credential: Credential = { kind: 'basic', username: '$oauthtoken', password: token }
    const fromDocker = await vendorWorld('quay', { auth, credentials: async () => credential })
    await fromDocker.put(image(), '1')
    expect((await fromDocker.read()).tags.size).toBe(1)
  })

  it('of a robot are not sent, and the error names the token once for all repositories', async () => {
    const world = await vendorWorld('quay', { auth, credentials: async () => robot })
    await world.put(image(), '1')
    const error = await errorOf(world.read())
    expect(await errorOf(world.read())).toBe(error)
    expect(error.code).toBe('unauthorized')
    expect(error.why).toBe('the API does not accept the password of a user or robot')
    expect(error.hint).toContain('an OAuth application token with repo:read, and repo:write to delete')
    expect(error.hint).toContain('tokenEnv: VARIABLE')
    expect(JSON.stringify([error, error.stack])).not.toContain('canary')
  })

  it('are not needed to list a public repository', async () => {
    const mayDo = (_: string | undefined, _path: string, action: string) => action === 'pull'
    const world = await vendorWorld('quay', { auth: { ...auth, mayDo }, credentials: async () => robot })
    await world.put(image(), '1')
    expect((await world.read()).tags.size).toBe(1)
  })

  it('without the permission to delete fail each delete', async () => {
    const mayDo = (_: string | undefined, _path: string, action: string) => action === 'pull'
    const world = await vendorWorld('quay', { auth: { ...auth, mayDo }, settings, env })
    const digest = await world.put(image(), '1')
    expect(await world.remove(tagOf('1', digest))).toEqual(['failed'])
  })
})

describe('deletes at Quay', () => {
  it('of a tag can be restored until the time machine ends', async () => {
    const world = await vendorWorld('quay')
    const digest = await world.put(image(), '1', '2')
    expect(await world.remove(tagOf('1', digest), tagOf('gone', digest))).toEqual(['removed', 'absent'])
    expect(world.inventory.deletes).toMatchObject({
      restorable: true,
      restorableBy: expect.stringContaining('time machine'),
    })
    expect((await world.read()).tags).toEqual(new Map([['2', digest]]))
  })

  it('of an immutable tag are protected, and its lock is known before', async () => {
    const world = await vendorWorld('quay', { vendorOptions: { lockedTags: ['1'] } })
    const digest = await world.put(image(), '1', '2')
    expect((await world.read()).entries.get(digest)).toMatchObject({
      locked: { of: 'delete', text: 'immutable tag 1' },
    })
    expect(await world.remove(tagOf('1', digest), tagOf('2', digest))).toEqual([
      `protected: Cannot delete immutable tag '1'`,
      'removed',
    ])
  })

  it.each([
    ['read only', 'READ_ONLY'],
    ['mirror', 'MIRROR'],
  ])('are protected in a repository whose state is %s, with one request', async (trait, state) => {
    const world = await vendorWorld('quay', { vendorOptions: { traits: new Set([trait]) } })
    const digest = await world.put(image(), '1')
    expect(await world.remove(tagOf('1', digest))).toEqual([
      `protected: Repository is in read only or mirror mode: RepositoryState.${state}`,
    ])
    expect(world.requests).toHaveLength(1)
  })

  it('fail if a proxy answers 503', async () => {
    const api = await scripted(() => ({ status: 503, body: '<html>' }))
    const inventory = await inventoryAt(api.registry, { kind: 'quay', api: `http://${api.registry}` })
    const repository = { registry: api.registry, path: 'acme/api' }
    const digest = `sha256:${'0'.repeat(64)}` as Digest
    const call = { signal: new AbortController().signal, notify: () => undefined }
    const outcomes = await Array.fromAsync(inventory.remove?.(repository, [tagOf('1', digest)], call) ?? [])
    expect(outcomes).toMatchObject([{ result: 'failed', error: { code: 'unavailable' } }])
  })
})
