import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ProfileName } from '../../../src/embedded/profiles.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import type { Plan } from '../../../src/plan/plan.ts'
import { defaultTagPolicy } from '../../../src/semver/tag-policy.ts'
import { parseVersion, plainReading } from '../../../src/semver/version.ts'
import { decide as decideRollback } from '../../../src/usecases/rollback/decide.ts'
import { gather as gatherRollback } from '../../../src/usecases/rollback/gather.ts'
import type { RollbackRequest } from '../../../src/usecases/rollback/request.ts'
import { faultyProxy } from '../../support/faulty-proxy.ts'
import { type Content, image, index, referrer } from '../../support/images.ts'
import { type Bench, bench, executePlan, planOf, repository } from '../../support/promotion.ts'
import { planTags } from '../../support/tagging.ts'
import { type WatchedRegistry, watchedRegistry } from '../../support/world.ts'

let run: Bench
let zot: WatchedRegistry
beforeEach(async () => {
  run = await bench()
  zot = await watchedRegistry('zot-2.1')
})
afterEach(async () => {
  await run[Symbol.asyncDispose]()
  await zot[Symbol.asyncDispose]()
})

const next = image({ label: 'next', layers: 1 })
const former = image({ label: 'former', layers: 1 })
const path = 'app'

/** Pushes images under their tags. */
async function push(registry: WatchedRegistry, content: Readonly<Record<string, Content>>): Promise<void> {
  for (const [tag, one] of Object.entries(content)) await registry.oracle.push(one, path, tag)
}

/** Plans `dray tag app:next --tags TAGS` with stores that know nothing. */
async function plan(registry: WatchedRegistry, ...tags: readonly string[]): Promise<Plan> {
  registry.forget()
  await using fresh = await bench()
  const as = { kind: 'plain', tags } as const
  return await planTags(fresh, { in: repository(registry, path), at: { tag: 'next' }, as })
}

const requestsOf = (registry: WatchedRegistry): readonly string[] =>
  registry.requests.map((one) => `${one.method} ${one.path.replace(/^\/v2\/app\//, '')}`).sort()

const whyOf = ({ refusals }: Plan): readonly (string | undefined)[] => refusals.map(({ error }) => error.why)

describe('the requests of a plan', () => {
  /** The requests to a registry of this kind with the same content. */
  async function requestsAt(profile: ProfileName, tag: string): Promise<readonly string[]> {
    await using registry = await watchedRegistry(profile)
    await push(registry, { next, '1.0.0': former, latest: former, same: next })
    await plan(registry, tag)
    return requestsOf(registry)
  }

  it.each(['new', 'same'])(
    'are the same at zot as elsewhere for a tag that does not move (%s)',
    async (tag) => {
      expect(await requestsAt('zot-2.1', tag)).toEqual(await requestsAt('oci-1.1', tag))
    },
  )

  it('are two for a tag that moves elsewhere: the image and the tag', async () => {
    expect(await requestsAt('oci-1.1', 'latest')).toEqual(['GET manifests/next', 'HEAD manifests/latest'])
  })

  it('at zot end with the highest version that the former image has too', async () => {
    const versions = Array.from({ length: 40 }, (_, i) => `1.${i}.0`)
    await push(zot, Object.fromEntries(versions.map((tag) => [tag, image({ label: tag, layers: 1 })])))
    await push(zot, { next, '1.39.1': former, latest: former })
    await plan(zot, 'latest')
    const heads = requestsOf(zot).filter((request) => request.startsWith('HEAD'))
    expect(heads).toContain('HEAD manifests/1.39.1')
    expect(requestsOf(zot).filter((request) => !request.startsWith('HEAD'))).toEqual([
      'GET manifests/next',
      'GET tags/list',
    ])
    expect(heads.length).toBeLessThanOrEqual(1 + 16)
  })

  it('at zot read only indexes, the former image and its referrers if no other tag is on it', async () => {
    const multi = index(['linux/amd64', 'linux/arm64'], { label: 'multi' })
    await push(zot, { next, multi, other: image({ label: 'other', layers: 1 }), latest: former })
    const { placements } = await plan(zot, 'latest')
    expect(placements[0]?.tags).toMatchObject([{ tag: 'latest', change: 'move', deletesBefore: true }])
    const { digest } = former.root
    const expected = [
      'GET manifests/next',
      'GET tags/list',
      ...['latest', 'latest', 'multi', 'next', 'other'].map((tag) => `HEAD manifests/${tag}`),
      `GET manifests/${digest}`,
      `GET referrers/${digest}`,
      `GET manifests/${multi.root.digest}`,
    ]
    expect(requestsOf(zot)).toEqual(expected.sort())
  })
})

describe('a tag at zot that is the last one of its image', () => {
  const multi = index([former, 'linux/arm64'], { label: 'multi' })

  it('does not move while an index of the repository needs the image', async () => {
    await push(zot, { next, '1.0.0': multi, latest: former })
    const planned = await plan(zot, 'latest')
    expect(planned.steps).toEqual([])
    expect(whyOf(planned)).toEqual([expect.stringContaining('the index 1.0.0')])
    await executePlan(run, planned)
    expect(await zot.oracle.differences(path, multi, '1.0.0')).toEqual([])
  })

  it('does not move while an index in an index needs the image', async () => {
    await push(zot, { next, '1.0.0': index([multi], { label: 'outer' }), latest: former })
    expect(whyOf(await plan(zot, 'latest'))).toEqual([expect.stringContaining('the index 1.0.0')])
  })

  it('does not move to an index that contains the image', async () => {
    await push(zot, { latest: former, next: multi })
    await zot.oracle.push(multi, 'staging/app', '2.0.0')
    const from = repository(zot, 'staging/app')
    const to = [repository(zot, path)]
    const planned = await planOf(run, { from, at: { tag: '2.0.0' }, to, tags: ['latest'] })
    expect(whyOf(planned)).toEqual([expect.stringContaining(`the new image ${multi.root.digest}`)])
  })

  it('does not move while the image is attached to a kept image', async () => {
    await push(zot, { next, '1.0.0': image({ label: 'stays' }), latest: referrer(image({ label: 'stays' })) })
    expect(whyOf(await plan(zot, 'latest'))).toEqual([expect.stringContaining('it is attached to')])
  })

  it('does not move while an artifact with a tag is attached to the image or its child', async () => {
    await push(zot, { next, latest: former, sbom: referrer(former) })
    expect(whyOf(await plan(zot, 'latest'))).toEqual([expect.stringContaining('the artifact sbom')])
    await push(zot, { latest: index([former, 'linux/s390x'], { label: 'two' }) })
    expect(whyOf(await plan(zot, 'latest'))).toEqual([expect.stringContaining('the artifact sbom')])
  })

  it('moves once another tag is on the image', async () => {
    await push(zot, { next, '1.0.0': multi, latest: former, keep: former })
    const planned = await plan(zot, 'latest')
    expect(planned.placements[0]?.tags).toEqual([
      { tag: 'latest', before: former.root.digest, change: 'move' },
    ])
    await executePlan(run, planned)
    expect(await zot.oracle.digest(path, 'latest')).toBe(next.root.digest)
    expect(await zot.oracle.differences(path, multi, '1.0.0')).toEqual([])
  })

  it('moves by a rollback, and the plan shows the loss', async () => {
    const releases = { '1.3.0': image({ label: '1.3.0' }), '1.4.0': image({ label: '1.4.0' }) }
    await push(zot, { ...releases, '1.4': releases['1.4.0'], latest: former })
    const to = parseVersion('1.3.0', plainReading)
    const request: RollbackRequest = {
      image: path,
      targets: [repository(zot, path)],
      to,
      currentTag: 'latest',
      policy: defaultTagPolicy,
      immutable: [],
      partial: false,
    }
    const snapshot = await gatherRollback(request, run.stores, { clock: systemClock }, run.call)
    const policy = { moveTags: false, partial: false, hash: '', tool: '0' }
    const planned = decideRollback(snapshot, policy, new Date())
    expect(planned.placements[0]?.tags).toMatchObject([
      { tag: 'latest', before: former.root.digest, change: 'move', deletesBefore: true },
    ])
  })

  it('follows a version, and only the floating tags that move count', async () => {
    const old = image({ label: 'old' })
    await push(zot, { next, '1.4.0': old, '1.4': old, '1': former, latest: former, '2.0.0': image() })
    const planned = await planTags(run, { in: repository(zot, path), at: { tag: 'next' }, as: '1.4.1' })
    const losses = planned.placements.flatMap(({ tags }) => tags.map((one) => [one.tag, one.deletesBefore]))
    // `latest` stays on the image of 1, because 2.0.0 is higher
    expect(losses).toEqual([
      ['1.4.1', undefined],
      ['1.4', undefined],
      ['1', undefined],
    ])
  })

  it('is judged together with the other images of the run', async () => {
    await push(zot, { a: former, b: former })
    for (const tag of ['a', 'b']) await zot.oracle.push(image({ label: tag }), 'staging/app', tag)
    const both = ['a', 'b'].map((tag) => ({
      from: repository(zot, 'staging/app'),
      at: { tag },
      to: [repository(zot, path)],
    }))
    const planned = await planOf(run, ...both)
    expect(planned.placements.map(({ tags }) => tags[0]?.deletesBefore)).toEqual([true, true])
  })

  it('does not move if the other tags cannot be read', async () => {
    await push(zot, { next, latest: former })
    const injury = { kind: 'answer', status: 403, body: { errors: [{ code: 'DENIED' }] } } as const
    await using proxy = await faultyProxy(zot.host, { at: { path: /tags\/list/ }, times: Infinity, injury })
    const as = { kind: 'plain', tags: ['latest'] } as const
    const planned = await planTags(run, { in: repository(proxy, path), at: { tag: 'next' }, as })
    expect(planned.steps).toEqual([])
    expect(planned.refusals).toMatchObject([{ error: { code: 'forbidden' } }])
  })
})
