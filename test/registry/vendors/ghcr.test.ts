import { describe, expect, it } from 'vitest'
import { ghcr } from '../../../src/embedded/vendors/ghcr/ghcr.ts'
import type { Removal, RemovalOutcome } from '../../../src/images/inventory/inventory.ts'
import { DrayError, isDrayError } from '../../../src/lib/errors.ts'
import type { Digest } from '../../../src/oci/digest.ts'
import { mediaTypes } from '../../../src/oci/media-types.ts'
import type { Credential } from '../../../src/registry/credential.ts'
import { notedCall } from '../../support/http-world.ts'
import { reply, scriptedServer } from '../../support/scripted-server.ts'
import { imageManifest, vendorWorld, type VendorWorldOptions } from './vendor-world.ts'

async function world(of: Omit<VendorWorldOptions, 'kind' | 'vendor'> = {}) {
  const opened = await vendorWorld({ kind: 'ghcr', vendor: ghcr, ...of })
  /** Pushes images with a tag each, one a second. */
  const pushMany = async (count: number, repository = 'acme/api'): Promise<readonly Digest[]> => {
    const digests: Digest[] = []
    for (let i = 0; i < count; i++) {
      digests.push(await opened.push(repository, imageManifest(`${i}`), `${i}`))
      await opened.clock.advance(1000)
    }
    return digests
  }
  const remove = async (...batch: readonly Removal[]): Promise<readonly RemovalOutcome[]> => {
    const { inventory, repositoryOf } = opened
    return await Array.fromAsync(inventory.remove?.(repositoryOf('acme/api'), batch, notedCall()) ?? [])
  }
  const removalOf = async (digest: Digest): Promise<Removal> => {
    const handle = (await opened.entries('acme/api')).find((entry) => entry.digest === digest)?.handle
    return { kind: 'manifest', digest, ...(handle !== undefined && { handle }) }
  }
  /** The paths of the requests, with their query. */
  const paths = (): readonly string[] =>
    opened.log.map(({ method, path, query }) => `${method} ${path}?${query.toString()}`)
  return { ...opened, pushMany, remove, removalOf, paths }
}

function basic(username: string, password: string): Credential {
  return { kind: 'basic', username, password }
}

async function failureOf(work: Promise<unknown>): Promise<DrayError> {
  try {
    await work
  } catch (error) {
    if (isDrayError(error)) return error
    throw error
  }
  throw new DrayError('internal', 'it did not fail')
}

describe('the list', () => {
  it('has each manifest of an index and its attached artifacts, and the tags (case 1)', async () => {
    const { push, entries } = await world()
    const children: Digest[] = []
    for (const platform of ['amd64', 'arm64', 's390x', 'attestation'])
      children.push(await push('acme/api', imageManifest(platform)))
    const manifests = children.map((digest) => ({ mediaType: mediaTypes.manifest, digest, size: 1 }))
    const index = await push('acme/api', { mediaType: mediaTypes.index, manifests }, '1.0.0', 'latest')
    const subject = { mediaType: mediaTypes.index, digest: index, size: 1 }
    const attached = await push('acme/api', imageManifest('signature', { subject }))
    const found = await entries('acme/api')
    expect(new Set(found.map(({ digest }) => digest))).toEqual(new Set([...children, index, attached]))
    expect(found.filter(({ tags }) => tags.length > 0)).toEqual([
      {
        digest: index,
        tags: [{ name: '1.0.0' }, { name: 'latest' }],
        pushedAt: Date.UTC(2026, 10, 23),
        handle: expect.stringMatching(/^\d+$/) as string,
      },
    ])
  })

  it('takes one request for a page, and 2 that do not grow (case 37)', async () => {
    const { push, entries, log } = await world({ options: { pageLimit: 10 } })
    for (let i = 0; i < 1000; i++) await push('acme/api', imageManifest(`${i}`), `${i}`)
    expect(await entries('acme/api')).toHaveLength(1000)
    const statuses = log.map(({ path, status }) => [path.split('/').at(-1), status].join(' '))
    expect(statuses.filter((text) => text === 'versions 200')).toHaveLength(100)
    expect(statuses.filter((text) => text !== 'versions 200').toSorted()).toEqual([
      'acme 200',
      'versions 304',
    ])
  })

  it('is complete if a page has fewer versions than were asked for', async () => {
    const { pushMany, entries } = await world({ options: { pageLimit: 30 } })
    await pushMany(100)
    expect(new Set((await entries('acme/api')).map(({ digest }) => digest)).size).toBe(100)
  })

  it.each([
    ['1 after page 1', 95, '1'],
    ['1 after page 3', 95, '3'],
    ['2 after page 3', 85, '3'],
    ['9 after page 3', 15, '3'],
    ['10 after page 10', 0, '10'],
  ])('is complete if a version is deleted from page %s was read', async (_, deleted, after) => {
    const victims: Digest[] = []
    const { storage, pushMany, entries } = await world({
      options: { pageLimit: 10 },
      onRequest: ({ query }) => {
        // The pages 1 and 10 are read first, and those from 7 on after page 3.
        if (query.get('page') !== after) return
        for (const digest of victims.splice(0)) void storage.deleteManifest('acme/api', digest)
      },
    })
    const digests = await pushMany(100)
    victims.push(...digests.slice(deleted, deleted + 1))
    const found = new Set((await entries('acme/api')).map(({ digest }) => digest))
    expect(digests.filter((digest, i) => !found.has(digest) && i !== deleted)).toEqual([])
  })

  it('is read again if a version was pushed meanwhile', async () => {
    let pushOne: (() => void) | undefined
    const { push, pushMany, entries } = await world({
      onRequest: ({ query }) => {
        if (query.get('page') === '3') pushOne?.()
        if (query.get('page') === '3') pushOne = undefined
      },
    })
    const digests = await pushMany(250)
    pushOne = () => void push('acme/api', imageManifest('new'), 'new')
    const found = (await entries('acme/api')).map(({ digest }) => digest)
    expect(new Set(found).size).toBe(251)
    expect(digests.filter((digest) => !found.includes(digest))).toEqual([])
  })

  it('that changes again and again is an error', async () => {
    let pushed = 0
    const { push, pushMany, entries } = await world({
      onRequest: ({ query }) => {
        if (query.get('page') === '2') void push('acme/api', imageManifest(`new ${++pushed}`))
      },
    })
    await pushMany(150)
    const error = await failureOf(entries('acme/api'))
    expect([error.code, error.message]).toEqual([
      'unavailable',
      expect.stringContaining('the list changed while dray read it'),
    ])
    expect(pushed).toBe(3)
  })

  it('of an absent package or owner is not-found', async () => {
    const { entries, push } = await world()
    await push('acme/api', imageManifest('a'), '1')
    for (const path of ['acme/other', 'acme/api/sub', 'acme']) {
      const error = await failureOf(entries(path))
      expect([error.code, error.subject]).toEqual(['not-found', expect.stringContaining(path)])
    }
  })
})

describe('the owner', () => {
  const auth = { scheme: 'basic', users: { Jane: 'classic', bob: 'other', robot: 'ghs_workflow' } } as const

  it.each([
    ['an organization', 'acme/api', basic('bob', 'other'), '/orgs/acme/'],
    ['the user of the token', 'jane/api', basic('jane', 'classic'), '/user/'],
    ['a user, for a workflow', 'jane/api', basic('robot', 'ghs_workflow'), '/users/jane/'],
  ])('is %s (case 7)', async (_, path, credential, expected) => {
    const { push, entries, paths } = await world({ auth, credential })
    const digest = await push(path, imageManifest('a'), '1')
    expect(await entries(path)).toMatchObject([{ digest }])
    expect(paths().at(-1)).toContain(`GET ${expected}packages/container/api/versions`)
  })

  it('is another user with public packages (case 7)', async () => {
    const options = { traits: new Set(['public']) }
    const { push, entries, paths } = await world({ auth, options, credential: basic('bob', 'other') })
    await push('jane/api', imageManifest('a'), '1')
    expect(await entries('jane/api')).toHaveLength(1)
    expect(paths().at(-1)).toContain('GET /users/jane/packages/container/api/versions')
  })

  it('is looked up once in a run', async () => {
    const { push, entries, paths } = await world()
    for (const path of ['acme/a', 'acme/b']) await push(path, imageManifest('a'), '1')
    for (const path of ['acme/a', 'acme/b', 'acme/a']) await entries(path)
    expect(paths().filter((path) => path.startsWith('GET /users/'))).toHaveLength(1)
  })

  it('has names with a slash, which is encoded once (case 7)', async () => {
    const { push, entries, paths } = await world()
    const digest = await push('acme/team/api', imageManifest('a'), '1')
    await push('acme/team', imageManifest('b'), '1')
    expect(await entries('acme/team/api')).toMatchObject([{ digest }])
    expect(paths().at(-1)).toContain('/packages/container/team%2Fapi/versions')
  })

  it('is at GitHub Enterprise Server below the path of its API', async () => {
    const started = await world()
    const { registry } = started
    await started.push('acme/api', imageManifest('a'), '1')
    const api = `http://${registry}/api/v3`
    const enterprise = await world({ settings: { api, tokenEnv: 'TOKEN' }, env: { TOKEN: 'x' } })
    await expect(enterprise.entries('acme/api')).resolves.toHaveLength(1)
    expect(started.paths().at(-1)).toContain('GET /api/v3/orgs/acme/packages/container/api/versions')
  })
})

describe('the packages of an owner', () => {
  const auth = { scheme: 'basic', users: { jane: 'classic', robot: 'ghs_workflow' } } as const
  const list = async (of: Awaited<ReturnType<typeof world>>, prefix: string) =>
    await Array.fromAsync(of.inventory.repositories?.(prefix, notedCall()) ?? [])

  it('are those with the prefix', async () => {
    const opened = await world()
    for (const path of ['acme/api', 'acme/team/web', 'acme/team/api', 'other/team/api'])
      await opened.push(path, imageManifest('a'), '1')
    expect(await list(opened, 'acme/')).toEqual(['acme/api', 'acme/team/api', 'acme/team/web'])
    expect(await list(opened, 'acme/team')).toEqual(['acme/team/api', 'acme/team/web'])
  })

  it.each([
    ['ac', basic('jane', 'classic'), 'GitHub lists the packages of one owner only'],
    ['acme/', basic('robot', 'ghs_workflow'), 'GitHub lists no packages for the token of a workflow'],
  ])('with the prefix %s are unsupported for %o', async (prefix, credential, why) => {
    const error = await failureOf(list(await world({ auth, credential }), prefix))
    expect([error.code, error.why]).toEqual(['unsupported', expect.stringContaining(why)])
  })
})

describe('a delete', () => {
  it('removes a version, and never a package', async () => {
    const { pushMany, remove, removalOf, entries, log } = await world()
    const [digest = '' as Digest] = await pushMany(3)
    expect(await remove(await removalOf(digest))).toMatchObject([{ result: 'removed' }])
    expect((await entries('acme/api')).map((entry) => entry.digest)).not.toContain(digest)
    const deletes = log.filter(({ method }) => method === 'DELETE').map(({ path }) => path)
    expect(deletes).toEqual([expect.stringMatching(/\/versions\/\d+$/)])
  })

  it('of a version that GitHub keeps is protected, and the others continue (case 6)', async () => {
    const { pushMany, remove, removalOf } = await world({ options: { lockedTags: ['0'] } })
    const digests = await pushMany(3)
    const removals = await Promise.all(digests.map(removalOf))
    const [kept, removed] = await remove(...removals)
    expect(kept).toMatchObject({
      result: 'protected',
      text: 'Versions of public packages with more than 5000 downloads cannot be deleted.',
    })
    expect(removed).toMatchObject({ result: 'removed' })
  })

  it('of the last tagged version is protected (case 6)', async () => {
    const { push, remove, removalOf } = await world()
    const digest = await push('acme/api', imageManifest('a'), '1')
    await push('acme/api', imageManifest('b'))
    expect(await remove(await removalOf(digest))).toMatchObject([
      { result: 'protected', text: expect.stringContaining('last tagged version') as string },
    ])
  })

  it('of a version that is listed and does not exist is absent (case 6)', async () => {
    const { pushMany, remove, removalOf, storage } = await world()
    const [digest = '' as Digest] = await pushMany(2)
    const removal = await removalOf(digest)
    await storage.deleteManifest('acme/api', digest)
    expect(await remove(removal)).toEqual([{ removal, result: 'absent' }])
  })

  it('that is answered with 500 and then with 404 is absent (case 6)', async () => {
    const { pushMany, remove, removalOf, log } = await world({
      options: { traits: new Set(['lost-answers']) },
    })
    const [digest = '' as Digest] = await pushMany(2)
    const removal = await removalOf(digest)
    expect(await remove(removal)).toEqual([{ removal, result: 'absent' }])
    expect(log.filter(({ method }) => method === 'DELETE').map(({ status }) => status)).toEqual([500, 404])
  })

  it('that fails has its error, and the others continue', async () => {
    const auth = {
      scheme: 'basic',
      users: { jane: 'classic' },
      mayDo: (_user: unknown, _repository: string, action: string) => action !== 'delete',
    } as const
    const { pushMany, remove, removalOf } = await world({ auth, credential: basic('jane', 'classic') })
    const [digest = '' as Digest] = await pushMany(2)
    const outcomes = await remove({ kind: 'tag', tag: '0', digest }, await removalOf(digest), {
      kind: 'manifest',
      digest,
      handle: '../..',
    })
    const codes = outcomes.map((outcome) =>
      outcome.result === 'failed' ? codeOf(outcome.error) : outcome.result,
    )
    expect(codes).toEqual(['unsupported', 'forbidden', 'internal'])
  })

  it('is not sent if a check before it fails', async () => {
    const { pushMany, inventory, removalOf, repositoryOf, log } = await world()
    const [digest = '' as Digest] = await pushMany(2)
    const refused = new DrayError('conflict', 'a tag was pushed')
    const batch = [await removalOf(digest)]
    const before = (): Promise<void> => Promise.reject(refused)
    const removed = inventory.remove?.(repositoryOf('acme/api'), batch, notedCall(), before) ?? []
    const [outcome] = await Array.fromAsync(removed)
    expect(outcome).toMatchObject({ result: 'failed', error: { code: 'conflict' } })
    expect(log.filter(({ method }) => method === 'DELETE')).toEqual([])
  })
})

function codeOf(error: unknown): string {
  return isDrayError(error) ? error.code : String(error)
}

describe('limits', () => {
  it('of a minute are waited for, by the requests of the API alone (case 38)', async () => {
    const other = await world({ options: { traits: new Set(['secondary-limit']) } })
    const { inventory, repositoryOf, naps } = await world({
      settings: { api: `http://${other.registry}`, tokenEnv: 'TOKEN' },
      env: { TOKEN: 'secret' },
      clock: other.clock,
    })
    await other.push('acme/api', imageManifest('a'), '1')
    const digest = `sha256:${'0'.repeat(64)}` as Digest
    const removal: Removal = { kind: 'manifest', digest, handle: '999' }
    const call = notedCall()
    const batch = Array.from({ length: 181 }, () => removal)
    const outcomes = await Array.fromAsync(inventory.remove?.(repositoryOf('acme/api'), batch, call) ?? [])
    expect(new Set(outcomes.map(({ result }) => result))).toEqual(new Set(['absent']))
    expect(naps).toEqual([60_000])
    expect(call.events.filter(({ kind }) => kind === 'wait')).toEqual([
      { kind: 'wait', registry: other.registry, ms: 60_000 },
    ])
  })

  it('of an hour that are too long to wait for name the time', async () => {
    const { pushMany, entries } = await world({ options: { requestsPerHour: 2 } })
    await pushMany(150)
    const error = await failureOf(entries('acme/api'))
    expect([error.code, error.message]).toEqual([
      'unavailable',
      expect.stringMatching(/until 2026-11-23T01:/),
    ])
  })
})

describe('credentials', () => {
  it('that are missing are one error with the scopes (case 34)', async () => {
    const auth = { scheme: 'basic', users: { jane: 'classic' } } as const
    const { push, entries } = await world({ auth })
    for (const path of ['acme/a', 'acme/b']) await push(path, imageManifest('a'), '1')
    const errors = [await failureOf(entries('acme/a')), await failureOf(entries('acme/b'))]
    expect(errors[0]).toBe(errors[1])
    expect(errors[0]?.hint).toContain('read:packages and delete:packages')
  })

  it('never reach another host or a message (case 35)', async () => {
    const secret = 'ghp_canary0123456789'
    await using other = await scriptedServer((_, response) => reply(response, 200, {}, '[]'))
    await using api = await scriptedServer(({ path, headers }, response) => {
      if (path === '/users/acme') reply(response, 200, {}, '{"login":"acme","type":"Organization"}')
      else if (path.endsWith('/versions/1'))
        reply(response, 400, {}, JSON.stringify({ message: `refused ${headers.authorization}` }))
      else reply(response, 307, { location: `${other.origin}${path}` })
    })
    const opened = await world({ settings: { api: api.origin, tokenEnv: 'TOKEN' }, env: { TOKEN: secret } })
    const error = await failureOf(opened.entries('acme/api'))
    const digest = `sha256:${'0'.repeat(64)}` as Digest
    const outcomes = await opened.remove({ kind: 'manifest', digest, handle: '1' })
    expect(api.seen.every(({ headers }) => headers.authorization === `Bearer ${secret}`)).toBe(true)
    expect(other.seen.flatMap(({ headers }) => headers.authorization ?? [])).toEqual([])
    expect(outcomes).toMatchObject([
      { result: 'protected', text: expect.stringContaining('refused') as string },
    ])
    expect(JSON.stringify([error, error.why, error.hint, outcomes])).not.toContain('canary')
  })
})

describe('an answer', () => {
  it.each([
    ['that is no list', '{}'],
    ['with a version without tags', '[{"id":1,"name":"sha256:00","created_at":"2026-01-01T00:00:00Z"}]'],
    ['with a number as a name', '[{"id":1,"name":1,"metadata":{"container":{"tags":[]}}}]'],
    [
      'with a tag that is no tag (case 39)',
      `[{"id":1,"name":"sha256:${'0'.repeat(64)}","metadata":{"container":{"tags":["<script>"]}}}]`,
    ],
    ['with a digest that is none', '[{"id":1,"name":"latest","metadata":{"container":{"tags":[]}}}]'],
  ])('%s is an error and not an empty list', async (_, body) => {
    await using api = await scriptedServer(({ path }, response) =>
      reply(response, 200, {}, path.startsWith('/users/') ? '{"login":"acme","type":"Organization"}' : body),
    )
    const { entries } = await world({ settings: { api: api.origin } })
    expect((await failureOf(entries('acme/api'))).code).toBe('protocol')
  })

  it('without a readable time has an unknown push time', async () => {
    const digest = `sha256:${'0'.repeat(64)}`
    const version = { id: 1, name: digest, created_at: 'yesterday', metadata: { container: { tags: [] } } }
    await using api = await scriptedServer(({ path }, response) =>
      reply(
        response,
        200,
        {},
        path.startsWith('/users/') ? '{"login":"acme","type":"Organization"}' : JSON.stringify([version]),
      ),
    )
    const { entries } = await world({ settings: { api: api.origin } })
    expect(await entries('acme/api')).toEqual([{ digest, tags: [], handle: '1' }])
  })
})
