import { describe, expect, it } from 'vitest'
import type { ProfileName } from '../../../src/embedded/profiles.ts'
import { dayMs } from '../../../src/lib/day.ts'
import type { Digest } from '../../../src/oci/digest.ts'
import { emptyState } from '../../../src/usecases/sync/sync-state.ts'
import { type Content, cosignSignature, image, index, referrer, together } from '../../support/images.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { bench, repository } from '../../support/promotion.ts'
import { driftTexts, sync, syncOf } from '../../support/syncing.ts'
import { watchedRegistry } from '../../support/world.ts'

/** Both sides have the image, and the source also has `more`. */
async function scene(profile: ProfileName, api: Content, more: Content, atMirror: Content = api) {
  const stack = new AsyncDisposableStack()
  const source = stack.use(await watchedRegistry(profile))
  const mirror = stack.use(await watchedRegistry(profile))
  await source.oracle.push(together(api, more), 'library/api', '1.4.2')
  await mirror.oracle.push(atMirror, 'hub/api', '1.4.2')
  const run = stack.use(await bench())
  source.forget()
  mirror.forget()
  return {
    source,
    mirror,
    run,
    from: repository(source, 'library/api'),
    to: [repository(mirror, 'hub/api')],
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

const profiles = ['oci-1.1', 'docker-registry-2.8'] as const

describe.each(profiles)('attached artifacts that arrive after their image (%s)', (profile) => {
  const api = image({})

  it.each([
    ['a referrer', referrer(api)],
    ['a cosign signature', cosignSignature(api)],
    ['both', together(referrer(api), cosignSignature(api))],
  ])('are copied by the next run: %s', async (_name, more) => {
    await using world = await scene(profile, api, more)
    const done = await sync(world.run, world)
    expect(done.decisions.flatMap((one) => driftTexts(one))).toEqual(['1.4.2: evidenceMissing'])
    expect(done.steps.map(({ result }) => result)).not.toContain('failed')
    expect(await world.mirror.oracle.differences('hub/api', together(api, more), '1.4.2')).toEqual([])
    const next = await syncOf(world.run, world)
    expect(driftTexts(next.decision)).toEqual([])
  })

  it('are no drift if only the destination has them', async () => {
    await using world = await scene(profile, api, api, together(api, referrer(api), cosignSignature(api)))
    const { decision } = await syncOf(world.run, world)
    expect(driftTexts(decision)).toEqual([])
    expect(decision.images).toEqual([])
  })

  it('are no drift if the signatures at the destination include those of the source', async () => {
    const one = cosignSignature(api, { payloads: ['one'] })
    const both = cosignSignature(api, { payloads: ['one', 'two'] })
    await using world = await scene(profile, api, one, together(api, both))
    expect(driftTexts((await syncOf(world.run, world)).decision)).toEqual([])
  })
})

describe('attached artifacts of children', () => {
  const api = index(['linux/amd64', 'linux/arm64'])
  const [child] = api.manifests
  const ofChild = child === undefined ? api : referrer(child.descriptor)
  const clock = manualClock()
  const root = api.root.digest as Digest
  const searchedAt = (time: number) => [{ ...emptyState, childrenSearchedAt: new Map([[root, time]]) }]

  it.each([
    ['after a day', dayMs, false, ['1.4.2: evidenceMissing']],
    ['at once with --full', 1000, true, ['1.4.2: evidenceMissing']],
    ['not before', dayMs - 1, false, []],
    ['if the clock was set back', -1, false, ['1.4.2: evidenceMissing']],
  ])('are searched %s', async (_name, age, full, drift) => {
    await using world = await scene('oci-1.1', api, ofChild)
    const states = searchedAt(clock.now() - age)
    const { decision } = await syncOf(world.run, { ...world, states, options: { clock, full } })
    expect(driftTexts(decision)).toEqual(drift)
    const isSearched = drift.length > 0
    const [state] = decision.states
    expect(state?.childrenSearchedAt.get(root)).toBe(isSearched ? clock.now() : clock.now() - age)
  })

  it('are searched without a GET of a manifest at the source', async () => {
    await using world = await scene('oci-1.1', api, ofChild)
    await syncOf(world.run, { ...world, options: { clock } })
    const reads = world.source.requests.filter(({ method, kind }) => method === 'GET' && kind === 'manifest')
    expect(reads).toEqual([])
  })

  it('include the signature of an SBOM', async () => {
    const sbom = referrer(api, { payload: 'sbom' })
    const signed = together(sbom, referrer(sbom, { artifactType: 'application/vnd.example.signature' }))
    await using world = await scene('oci-1.1', api, signed, together(api, sbom))
    const done = await sync(world.run, { ...world, options: { clock } })
    expect(done.decisions.flatMap((one) => driftTexts(one))).toEqual(['1.4.2: evidenceMissing'])
    expect(await world.mirror.oracle.differences('hub/api', together(api, signed), '1.4.2')).toEqual([])
  })
})

it('the destination is asked for referrers only if the source has some', async () => {
  const api = image({})
  await using world = await scene('oci-1.1', api, api)
  await syncOf(world.run, world)
  const searches = (requests: typeof world.source.requests) =>
    requests.filter(({ kind }) => kind === 'referrers')
  expect(searches(world.source.requests)).toHaveLength(1)
  expect(searches(world.mirror.requests)).toEqual([])
})
