import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type FaultyProxy, faultyProxy, type Injury, injuringProxy } from '../support/faulty-proxy.ts'
import { image } from '../support/images.ts'
import { driftOf, mirror } from '../support/mirror.ts'
import { workplace } from '../support/workplace.ts'
import { type WatchedRegistry, watchedRegistry } from '../support/world.ts'

const exclusive = { delete: { exclusive: true } }

/** A rule from a repository behind a proxy, and one from the registry itself. */
function rules(limited: string, { host }: WatchedRegistry): object {
  return {
    sync: [
      { name: 'hub', from: `${limited}/hub`, repositories: ['app'], to: `${host}/mirror/hub/{repository}` },
      {
        name: 'other',
        from: `${host}/other`,
        repositories: ['app'],
        to: `${host}/mirror/other/{repository}`,
      },
    ],
  }
}

async function pushSources({ oracle }: WatchedRegistry, tags: readonly string[]): Promise<void> {
  for (const tag of tags) {
    await oracle.push(image({ label: `hub ${tag}` }), 'hub/app', tag)
    await oracle.push(image({ label: `other ${tag}` }), 'other/app', tag)
  }
}

describe('a source with a quota', () => {
  /** A proxy with a quota as Docker Hub has it: each GET of a manifest is a pull. */
  async function quota(host: string, remaining: number): Promise<FaultyProxy & { left: () => number }> {
    let left = remaining
    const proxy = await injuringProxy(host, {
      choose: ({ method, path }): Injury | undefined => {
        if (!path.includes('/manifests/')) return undefined
        if (method === 'GET') left--
        const set = { 'ratelimit-limit': '100;w=21600', 'ratelimit-remaining': `${left};w=21600` }
        return { kind: 'headers', set }
      },
    })
    return Object.assign(proxy, { left: () => left })
  }

  it.each([
    ['before the run', 40],
    ['during the run', 42],
  ])('is read until reservePulls %s, and the other sources continue (case 14)', async (_, remaining) => {
    await using registry = await watchedRegistry()
    const tags = ['1', '2', '3', '4']
    await pushSources(registry, tags)
    await using proxy = await quota(registry.host, remaining)
    const registries = { [proxy.host]: { reservePulls: 40 } }
    const place = await mirror(registry, {}, { registries, ...rules(proxy.host, registry) })
    const ended = await place.run('sync', '--yes', '--json')
    expect(ended.code).toBe(4)
    expect(proxy.left()).toBe(40)
    expect(ended.stdout).toContain('reservePulls')
    expect(await registry.oracle.tags('mirror/other/app')).toEqual(tags)
    expect((await registry.oracle.tags('mirror/hub/app')).length).toBeLessThan(tags.length)
  })

  it('that accepts no requests until a date is named with it, and the others continue (case 15)', async () => {
    await using registry = await watchedRegistry()
    await pushSources(registry, ['1'])
    const until = new Date(Date.now() + 3_600_000).toUTCString()
    await using proxy = await faultyProxy(registry.host, {
      at: { path: /\/manifests\/|\/tags\// },
      times: Infinity,
      injury: { kind: 'answer', status: 429, headers: { 'retry-after': until } },
    })
    const place = await mirror(registry, {}, rules(proxy.host, registry))
    const ended = await place.run('sync', '--yes')
    expect(ended.code).toBe(4)
    expect(ended.stderr + ended.stdout).toContain('accepts no requests until')
    expect(await registry.oracle.tags('mirror/other/app')).toEqual(['1'])
  })
})

describe('one of three destinations', () => {
  it('that is down fails alone, and gets its images in the next run (case 16)', async () => {
    await using registry = await watchedRegistry()
    let isDown = true
    await using proxy = await injuringProxy(registry.host, {
      choose: () => (isDown ? { kind: 'refuse' } : undefined),
    })
    const { host } = registry
    const to = [`${host}/a/{repository}`, `${proxy.host}/b/{repository}`, `${host}/c/{repository}`]
    const { oracle, from, ...place } = await mirror(registry, { to })
    const name = from.slice('up/'.length)
    await oracle.push(image({ label: from }), from, '1')
    const ended = await place.run('sync', '--yes', '--json')
    expect(ended.code).toBe(4)
    expect(driftOf(ended.stdout).drift.map(({ error }) => error?.code)).toEqual([
      undefined,
      'network',
      undefined,
    ])
    expect(await oracle.tags(`a/${name}`)).toEqual(['1'])
    expect(await oracle.tags(`b/${name}`)).toEqual([])
    expect(await oracle.tags(`c/${name}`)).toEqual(['1'])
    isDown = false
    await proxy.accept()
    expect((await place.run('sync', '--yes')).code).toBe(0)
    expect(await oracle.tags(`b/${name}`)).toEqual(['1'])
  })
})

describe('two syncs, a promotion and a prune at once', () => {
  it('leave the images that each of them wants in the repository (case 18)', async () => {
    await using registry = await watchedRegistry()
    const { host, oracle } = registry
    const place = await workplace(
      JSON.stringify({
        version: 1,
        environments: {
          staging: { registry: host, path: 'staging/{image}' },
          prod: { registry: host, path: 'prod/{image}' },
        },
        sync: [
          {
            name: 'hub',
            from: `${host}/up`,
            repositories: ['app'],
            to: '@prod',
            include: [{ tags: ['up-*'] }],
          },
        ],
        retention: {
          rules: [{ name: 'old', tags: ['old-*'], repositories: [`${host}/prod/app`] }],
        },
      }),
    )
    const contents = ['a', 'b', 'c'].map((label) => image({ label }))
    for (const [i, content] of contents.entries()) await oracle.push(content, 'up/app', `up-${i}`)
    await oracle.push(image({ label: 'release' }), 'staging/app', '1.0.0')
    // the prune deletes the tag of an image that the sync copies
    await oracle.push(contents[0] as (typeof contents)[number], 'prod/app', 'old-0')
    await oracle.push(image({ label: 'old' }), 'prod/app', 'old-1')
    const runs = await Promise.all([
      place.run('sync', '--yes'),
      place.run('sync', '--yes'),
      place.run('promote', 'app:1.0.0', '--from', 'staging', '--to', 'prod', '--yes'),
      place.run('prune', '--apply', '--yes'),
    ])
    for (const { code, stderr } of runs.slice(0, 3)) expect(code === 0 ? '' : stderr).toBe('')
    expect((await place.run('prune', '--apply', '--yes')).code).toBe(0)
    expect((await place.run('sync', '--yes')).code).toBe(0)
    const wanted = ['1.0.0', 'up-0', 'up-1', 'up-2']
    expect(await oracle.tags('prod/app')).toEqual(wanted)
    for (const tag of wanted) expect(await oracle.complaints('prod/app', tag)).toEqual([])
    expect((await place.run('audit', 'verify')).code).toBe(0)
  })
})

describe('dray sync --delete', () => {
  const list = /^\/v2\/up\/[^/]+\/tags\/list/
  const half = { link: '</v2/up/app/tags/list?last=kept&n=1>; rel="next"' }

  it.each([
    ['does not exist', [{ kind: 'answer', status: 404, body: { errors: [{ code: 'NAME_UNKNOWN' }] } }]],
    ['is empty', [{ kind: 'answer', status: 200, body: { name: 'up/app', tags: [] } }]],
    ['is forbidden', [{ kind: 'answer', status: 403, body: { errors: [{ code: 'DENIED' }] } }]],
    ['fails', [{ kind: 'answer', status: 500, headers: { 'retry-after': '0' } }]],
    [
      'lists only a part of its tags',
      [
        { kind: 'answer', status: 200, headers: half, body: { name: 'up/app', tags: ['kept'] } },
        { kind: 'answer', status: 403, body: { errors: [{ code: 'DENIED' }] } },
      ],
    ],
  ] satisfies [string, Injury[]][])('deletes nothing if the source %s (case 4)', async (_, injuries) => {
    await using registry = await watchedRegistry()
    let isFaulty = false
    let lists = 0
    await using proxy = await injuringProxy(registry.host, {
      choose: ({ path }) =>
        isFaulty && list.test(path) ? injuries[Math.min(lists++, injuries.length - 1)] : undefined,
    })
    const { oracle, from, to, ...place } = await mirror(registry, {
      ...exclusive,
      from: `${proxy.host}/up`,
      optional: true,
    })
    for (const tag of ['gone', 'kept']) await oracle.push(image({ label: `${tag} ${from}` }), from, tag)
    expect((await place.run('sync', '--yes')).code).toBe(0)
    await oracle.delete(from, 'gone')
    isFaulty = true
    await place.run('sync', '--yes', '--delete')
    expect(lists).toBeGreaterThan(0)
    expect(await oracle.tags(to)).toEqual(['gone', 'kept'])
    isFaulty = false
    expect((await place.run('sync', '--yes', '--delete')).code).toBe(0)
    expect(await oracle.tags(to)).toEqual(['kept'])
  })

  it('starts the grace period again if the state of earlier runs is lost (case 5)', async () => {
    await using registry = await watchedRegistry()
    const { oracle, from, to, ...place } = await mirror(registry, {
      delete: { exclusive: true, gracePeriod: '7d' },
    })
    for (const tag of ['gone', 'kept']) await oracle.push(image({ label: `${tag} ${from}` }), from, tag)
    expect((await place.run('sync', '--yes')).code).toBe(0)
    await oracle.delete(from, 'gone')
    expect((await place.run('sync', '--yes', '--delete')).code).toBe(0)
    const states = join(place.folder, '.local/state/dray/sync')
    await rm(states, { recursive: true })
    const before = Date.now()
    expect((await place.run('sync', '--yes', '--delete')).code).toBe(0)
    expect(await oracle.tags(to)).toEqual(['gone', 'kept'])
    const { stdout } = await place.run('sync', '--dry-run', '--json')
    const [extra] = driftOf(stdout).drift.flatMap(({ tags }) => tags)
    expect(Date.parse(extra?.reason?.split(' ').at(-1) ?? '')).toBeGreaterThanOrEqual(before)
  })
})
