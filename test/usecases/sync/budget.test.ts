import { describe, expect, it } from 'vitest'
import type { AccessEntry } from '../../../src/embedded/access/access.ts'
import { emptyState } from '../../../src/usecases/sync/sync-state.ts'
import { type Content, image } from '../../support/images.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { bench, repository } from '../../support/promotion.ts'
import { type Syncing, sync } from '../../support/syncing.ts'
import { type WatchedRegistry, watchedRegistry } from '../../support/world.ts'

/** `HEAD manifest: 30`, the most frequent first. */
function kindsOf(requests: readonly AccessEntry[]): string {
  const kinds = Map.groupBy(requests, ({ method, kind }) => `${method} ${kind}`)
  return [...kinds]
    .map(([kind, all]) => `${kind}: ${all.length}`)
    .toSorted()
    .join('\n')
}

const shared = ['base', 'runtime', 'libraries']

/** An image of 6 layers, of which 3 are those of every other image. */
function application(i: number): Content {
  return image({ layers: [...shared, `own ${i} a`, `own ${i} b`, `own ${i} c`], label: `application ${i}` })
}

function syncings(
  source: WatchedRegistry,
  mirror: WatchedRegistry,
  count: number,
  more: Partial<Syncing> = {},
): readonly Syncing[] {
  return Array.from({ length: count }, (_, i) => ({
    from: repository(source, `library/app${i}`),
    to: [repository(mirror, `hub/app${i}`)],
    ...more,
  }))
}

describe('requests of a sync', () => {
  it('are 5 for each repository with one tag if all is up to date', async () => {
    await using source = await watchedRegistry()
    await using mirror = await watchedRegistry()
    await using run = await bench()
    const clock = manualClock()
    const searched = new Map<never, number>()
    for (let i = 0; i < 30; i++) {
      const one = image({ label: `${i}` })
      searched.set(one.root.digest as never, clock.now())
      await source.oracle.push(one, `library/app${i}`, '1.4.2')
      await mirror.oracle.push(one, `hub/app${i}`, '1.4.2')
    }
    source.forget()
    mirror.forget()
    const options = { clock }
    const done = await sync(
      run,
      ...syncings(source, mirror, 30, {
        options,
        states: [{ ...emptyState, childrenSearchedAt: searched }],
      }),
    )
    const requests = [...source.requests, ...mirror.requests]
    expect(requests.length, kindsOf(requests)).toBe(150)
    expect(done.placements).toEqual([])
  })

  it('are 620 at most to copy 30 images of 6 layers, 3 of them shared, to another registry', async () => {
    await using source = await watchedRegistry()
    await using mirror = await watchedRegistry()
    await using run = await bench()
    for (let i = 0; i < 30; i++) await source.oracle.push(application(i), `library/app${i}`, '1.4.2')
    source.forget()
    const done = await sync(run, ...syncings(source, mirror, 30, { options: { clock: manualClock() } }))
    const requests = [...source.requests, ...mirror.requests]
    expect(done.placements.map(({ status }) => status)).toEqual(Array(30).fill('synced'))
    expect(requests.length, kindsOf(requests)).toBeLessThanOrEqual(620)
  })

  it('are 1200 at most to copy 100 images of 6 layers within one registry', async () => {
    await using registry = await watchedRegistry()
    await using run = await bench()
    for (let i = 0; i < 100; i++) await registry.oracle.push(application(i), `library/app${i}`, '1.4.2')
    registry.forget()
    const done = await sync(run, ...syncings(registry, registry, 100, { options: { clock: manualClock() } }))
    const { requests } = registry
    expect(done.placements.map(({ status }) => status)).toEqual(Array(100).fill('synced'))
    expect(requests.length, kindsOf(requests)).toBeLessThanOrEqual(1200)
  })
})
