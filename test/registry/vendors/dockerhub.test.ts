import { describe, expect, it } from 'vitest'
import type { AccessEntry } from '../../../src/embedded/access/access.ts'
import { dockerhub } from '../../../src/embedded/vendors/dockerhub/dockerhub.ts'
import { DrayError, isDrayError } from '../../../src/lib/errors.ts'
import { mediaTypes } from '../../../src/oci/media-types.ts'
import { notedCall } from '../../support/http-world.ts'
import { reply, scriptedServer } from '../../support/scripted-server.ts'
import { imageManifest, vendorWorld, type VendorWorldOptions } from './vendor-world.ts'

const today = Date.UTC(2026, 10, 23)
const day = 24 * 3_600_000
const jane = { kind: 'basic', username: 'jane', password: 'dckr_pat_secret' } as const
const auth = { scheme: 'basic', users: { jane: jane.password } } as const
const zeros = `sha256:${'0'.repeat(64)}`

async function world(of: Omit<VendorWorldOptions, 'kind' | 'vendor'> = {}) {
  const opened = await vendorWorld({ kind: 'dockerhub', vendor: dockerhub, ...of })
  const logins = (): readonly AccessEntry[] => opened.log.filter(({ path }) => path === '/v2/auth/token')
  return { ...opened, logins }
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

/** The entries that an API gives that answers each list with these results. */
async function entriesOf(...results: readonly unknown[]) {
  const body = JSON.stringify({ count: results.length, next: null, previous: null, results })
  await using api = await scriptedServer((_, response) => reply(response, 200, {}, body))
  const { entries } = await world({ settings: { api: api.origin } })
  return await entries('acme/api')
}

describe('the list', () => {
  it('has the tags with their digests, push times and sizes', async () => {
    const { push, entries, clock } = await world()
    const child = await push('acme/api', imageManifest('amd64'))
    const manifests = [{ mediaType: mediaTypes.manifest, digest: child, size: 1 }]
    const index = await push('acme/api', { mediaType: mediaTypes.index, manifests }, '1.0.0')
    await clock.advance(day)
    await push('acme/api', { mediaType: mediaTypes.index, manifests }, 'latest')
    const common = { digest: index, mediaType: mediaTypes.index, pulledAt: 'never', bytes: 5 }
    expect(await entries('acme/api')).toEqual([
      {
        ...common,
        tags: [{ name: 'latest', pushedAt: today + day, pulledAt: 'never' }],
        pushedAt: today + day,
      },
      { ...common, tags: [{ name: '1.0.0', pushedAt: today, pulledAt: 'never' }], pushedAt: today },
    ])
  })

  it('takes one request for a page (case 37)', async () => {
    const { push, entries, log } = await world({ options: { pageLimit: 10 } })
    for (let i = 0; i < 200; i++) await push('acme/api', imageManifest(`${i}`), `${i}`)
    expect(await entries('acme/api')).toHaveLength(200)
    expect(log.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 200))
  })

  it('is complete if a tag is deleted while it is read', async () => {
    let remove: (() => void) | undefined
    const { push, entries, storage } = await world({
      options: { pageLimit: 10 },
      onRequest: () => {
        remove?.()
        remove = undefined
      },
    })
    for (let i = 0; i < 21; i++) await push('acme/api', imageManifest(`${i}`), `${i}`)
    // The third page has one tag, and does not exist after the delete.
    remove = () => void storage.deleteTag('acme/api', '0')
    const names = new Set((await entries('acme/api')).map(({ tags }) => tags[0]?.name))
    for (let i = 1; i < 21; i++) expect(names).toContain(`${i}`)
  })

  it('of an official image is in the namespace library', async () => {
    const { push, entries, log } = await world()
    await push('library/alpine', imageManifest('a'), '3.22')
    expect(await entries('library/alpine')).toHaveLength(1)
    expect(log.at(-1)?.path).toBe('/v2/namespaces/library/repositories/alpine/tags')
  })

  it('of an absent repository is not-found', async () => {
    const { entries } = await world()
    for (const path of ['acme/api', 'acme/team/api', 'acme'])
      expect((await failureOf(entries(path))).code).toBe('not-found')
  })

  it('has tags without a digest, resolved by HEAD (case 24)', async () => {
    const options = { traits: new Set(['old-without-digest']) }
    const { push, entries, records, log } = await world({ options })
    const old = await push('acme/api', imageManifest('old'), 'old')
    const recent = await push('acme/api', imageManifest('new'), 'new')
    records.set('acme/api', { tag: 'old' }, { pushedAt: today - 400 * day })
    const found = await entries('acme/api')
    expect(found.map(({ digest, tags }) => [digest, tags[0]?.name])).toEqual([
      [recent, 'new'],
      [old, 'old'],
    ])
    const resolved = log.filter(({ kind }) => kind === 'manifest')
    expect(resolved.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'HEAD /v2/acme/api/manifests/old',
    ])
  })

  it('does not have a tag that was deleted before it was resolved', async () => {
    expect(await entriesOf({ name: 'gone' }, { name: '1', digest: zeros })).toMatchObject([
      { tags: [{ name: '1' }] },
    ])
  })
})

describe('pull times', () => {
  it('are those of the tag and of its images (case 25)', async () => {
    const { push, entries, records } = await world()
    const pulledAt = today - 3 * day
    for (let i = 0; i < 3; i++) {
      const digest = await push('acme/api', imageManifest(`${i}`), `${i}`)
      records.set('acme/api', { tag: `${i}` }, { pushedAt: today - 100 * day, pulledAt })
      records.set('acme/api', { digest }, { pushedAt: today, ...(i === 0 && { pulledAt: pulledAt + day }) })
    }
    const found = await entries('acme/api')
    expect(found.map((entry) => entry.pulledAt)).toEqual([pulledAt + day, pulledAt, pulledAt])
  })

  it.each([
    ['null is never', null, [null], 'never'],
    ['null without images is never', null, [], 'never'],
    ['no field is unknown', undefined, [null], undefined],
    ['a field without a time is unknown', 'yesterday', [null], undefined],
    ['the zero time is unknown', '0001-01-01T00:00:00Z', [null], undefined],
    [
      'an image that was pulled wins over null',
      null,
      ['2026-11-01T00:00:00.5Z'],
      Date.UTC(2026, 10, 1) + 500,
    ],
    ['an unknown image wins over never', null, [undefined], undefined],
    ['the latest wins', '2026-11-02T00:00:00Z', ['2026-11-01T00:00:00Z'], Date.UTC(2026, 10, 2)],
  ])('%s', async (_, tagPull, imagePulls, expected) => {
    const images = imagePulls.map((pull) => ({ digest: zeros, size: 1, last_pulled: pull }))
    const [entry] = await entriesOf({ name: '1', digest: zeros, images, tag_last_pulled: tagPull })
    expect(entry?.pulledAt).toBe(expected)
  })
})

describe('facts that are missing or wrong', () => {
  it('are unknown', async () => {
    const mediaType = 'application/vnd.docker.container.image.v1+json'
    const images = [{ digest: zeros, size: -1 }]
    const entries = await entriesOf({ name: '1', digest: zeros, media_type: mediaType, images })
    expect(entries).toEqual([{ digest: zeros, tags: [{ name: '1' }] }])
  })

  it('of images that are listed twice count once', async () => {
    const image = { digest: zeros, size: 7 }
    const [entry] = await entriesOf({ name: '1', digest: zeros, images: [image, image, { size: 1 }] })
    expect(entry?.bytes).toBe(8)
  })

  it.each([
    ['no results', '{"count":1}'],
    ['no count', '{"results":[]}'],
    ['a result without a name', '{"count":1,"results":[{}]}'],
    ['a name that is no tag (case 39)', `{"count":1,"results":[{"name":"\\u001b[2J","digest":"${zeros}"}]}`],
    ['a digest that is none', '{"count":1,"results":[{"name":"1","digest":"latest"}]}'],
  ])('are an error: %s', async (_, body) => {
    await using api = await scriptedServer((_request, response) => reply(response, 200, {}, body))
    const { entries } = await world({ settings: { api: api.origin } })
    expect((await failureOf(entries('acme/api'))).code).toBe('protocol')
  })
})

describe('the token', () => {
  it('is created once in a run, and again when it expires', async () => {
    const { push, entries, logins, clock } = await world({ auth, credential: jane })
    await push('acme/api', imageManifest('a'), '1')
    for (let i = 0; i < 3; i++) await entries('acme/api')
    expect(logins()).toHaveLength(1)
    await clock.advance(9 * 60_000)
    await entries('acme/api')
    expect(logins()).toHaveLength(2)
  })

  it('is created again if Docker Hub refuses it', async () => {
    let tokens = 0
    await using api = await scriptedServer(({ path, headers }, response) => {
      if (path === '/v2/auth/token') reply(response, 200, {}, `{"access_token":"token-${++tokens}"}`)
      else if (headers.authorization === 'Bearer token-2')
        reply(response, 200, {}, '{"count":0,"results":[]}')
      else reply(response, 401, {}, '{"message":"expired"}')
    })
    const { entries } = await world({
      settings: { api: api.origin, tokenEnv: 'HUB' },
      env: { HUB: 'jane:secret' },
    })
    expect(await entries('acme/api')).toEqual([])
    expect(tokens).toBe(2)
  })

  it('is not created for wrong credentials, and the error names the user', async () => {
    const { push, entries } = await world({ auth, credential: { ...jane, password: 'wrong-canary' } })
    await push('acme/api', imageManifest('a'), '1')
    const error = await failureOf(entries('acme/api'))
    expect([error.code, error.message]).toEqual(['unauthorized', expect.stringContaining('for jane')])
    expect(JSON.stringify([error, error.why, error.hint])).not.toContain('canary')
  })

  it('is not needed for public repositories', async () => {
    const options = { traits: new Set(['public']) }
    const { push, entries, logins } = await world({ auth, options })
    await push('acme/api', imageManifest('a'), '1')
    expect([(await entries('acme/api')).length, logins().length]).toEqual([1, 0])
  })

  it('of a variable has a user', async () => {
    const settings = { tokenEnv: 'HUB' }
    const { push, entries } = await world({ auth, settings, env: { HUB: `jane:${jane.password}` } })
    await push('acme/api', imageManifest('a'), '1')
    expect(await entries('acme/api')).toHaveLength(1)
    const without = await world({ auth, settings, env: { HUB: 'dckr_pat_canary' } })
    const error = await failureOf(without.entries('acme/api'))
    expect([error.code, error.hint]).toEqual(['config', expect.stringContaining('USER:TOKEN')])
    expect(JSON.stringify([error, error.hint])).not.toContain('canary')
  })

  it('and the credentials never reach another host or a message (case 35)', async () => {
    await using other = await scriptedServer((_, response) => reply(response, 200, {}, '{}'))
    await using api = await scriptedServer(({ path, headers }, response) => {
      if (path === '/v2/auth/token') reply(response, 200, {}, '{"access_token":"issued-canary"}')
      else if (path.includes('acme')) reply(response, 307, { location: `${other.origin}${path}` })
      else reply(response, 403, {}, JSON.stringify({ message: `refused ${headers.authorization}` }))
    })
    const settings = { api: api.origin, tokenEnv: 'HUB' }
    const { entries } = await world({ settings, env: { HUB: 'jane:dckr_pat_canary' } })
    const errors = [await failureOf(entries('acme/api')), await failureOf(entries('other/api'))]
    expect(errors.map(({ code }) => code)).toEqual(['protocol', 'forbidden'])
    expect(errors[1]?.why).toContain('refused')
    expect(JSON.stringify(errors.map((error) => [error, error.why, error.hint]))).not.toContain('canary')
    const sent = other.seen.map(({ headers, body }) => `${headers.authorization} ${body.toString()}`)
    expect(sent.join()).not.toContain('canary')
  })
})

describe('limits (case 23)', () => {
  /** A list that is refused once, with a time in seconds since 1970. */
  async function refusedOnce(retryAfter: (now: number) => string) {
    let requests = 0
    const opened = await world()
    await using api = await scriptedServer((_, response) => {
      const after = retryAfter(Math.floor(opened.clock.now() / 1000))
      const date = new Date(opened.clock.now()).toUTCString()
      if (requests++ === 0) reply(response, 429, { 'x-retry-after': after, date }, '{}')
      else reply(response, 200, {}, '{"count":0,"results":[]}')
    })
    const { entries, naps } = await world({ settings: { api: api.origin }, clock: opened.clock })
    const error = await entries('acme/api').then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    return { error: error as DrayError | undefined, naps }
  }

  it.each([
    ['soon is waited for', 30, [30_000]],
    ['that has passed is not waited for', -30, [0]],
  ])('with a time %s', async (_, seconds, expected) => {
    const { error, naps } = await refusedOnce((now) => String(now + seconds))
    expect([error, naps]).toEqual([undefined, expected])
  })

  it('with a time far away are an error that names it', async () => {
    const { error } = await refusedOnce((now) => String(now + 7200))
    expect([error?.code, error?.message]).toEqual([
      'unavailable',
      expect.stringContaining('until 2026-11-23T02:00:00'),
    ])
  })

  it('of the imitation are waited for', async () => {
    const { push, entries } = await world({ options: { requestsPerHour: 1 } })
    await push('acme/api', imageManifest('a'), '1')
    await entries('acme/api')
    expect((await failureOf(entries('acme/api'))).message).toContain('until 2026-11-23T01:00:00')
  })
})

describe('the repositories of a namespace', () => {
  const list = async (of: Awaited<ReturnType<typeof world>>, prefix: string) =>
    await Array.fromAsync(of.inventory.repositories?.(prefix, notedCall()) ?? [])

  it('are those with the prefix', async () => {
    const opened = await world({ options: { pageLimit: 2 } })
    for (const path of ['acme/api', 'acme/app', 'acme/web', 'acme2/api', 'abc/api'])
      await opened.push(path, imageManifest('a'), '1')
    expect(await list(opened, 'acme/')).toEqual(['acme/api', 'acme/app', 'acme/web'])
    expect(await list(opened, 'acme/ap')).toEqual(['acme/api', 'acme/app'])
  })

  it('cannot be listed for several namespaces', async () => {
    const error = await failureOf(list(await world(), 'ac'))
    expect([error.code, error.hint]).toEqual(['unsupported', expect.stringContaining('/NAMESPACE/*')])
  })
})

it('nothing is deleted through the API, and untagged manifests are not listed', async () => {
  const { inventory } = await world()
  expect('remove' in inventory).toBe(false)
  expect(inventory.deletes).toMatchObject({ manifests: 'no', tags: 'no' })
  expect(inventory.knows.untagged).toBe(false)
})
