import { describe, expect, it } from 'vitest'
import type { SourceRepository } from '../../../src/images/ports.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { newCall, openStores, type ScriptedAnswer, scripted, storeAt } from './world.ts'

const noon = Date.UTC(2026, 10, 23, 12)
const none = (headers: ScriptedAnswer['headers']): ScriptedAnswer => ({
  status: 404,
  ...(headers !== undefined && { headers }),
})

/** A registry that sends the next headers with each answer, and a clock that stands at noon. */
async function storeAfter(
  answers: readonly ScriptedAnswer['headers'][],
  requests = 1,
): Promise<SourceRepository> {
  const { registry } = await scripted((_request, count) => none(answers[count - 1]))
  const store = storeAt(registry, { clock: manualClock(noon) })
  for (let i = 0; i < requests; i++) await store.resolve({ tag: 'x' }, newCall())
  return store
}

describe("the difference to a registry's clock", () => {
  it('is unknown before the first answer', async () => {
    const { registry } = await scripted(() => none({}))
    expect(storeAt(registry).clockDifference()).toBeUndefined()
  })

  it.each([
    ['Mon, 23 Nov 2026 12:00:00 GMT', 500],
    ['Mon, 23 Nov 2026 11:59:59 GMT', -500],
    ['Mon, 23 Nov 2026 14:00:00 GMT', 7_200_500],
    ['Thu, 01 Jan 1970 00:00:00 GMT', 500 - noon],
    ['Monday, 23-Nov-26 11:00:00 GMT', -3_599_500],
  ])('by %s at noon is %i ms: the middle of the second', async (date, difference) => {
    expect((await storeAfter([{ date }])).clockDifference()).toBe(difference)
  })

  it.each(['tomorrow', '', '2026-11-23T12:00:00Z', 'Mon, 23 Nov 2026 25:00:00 GMT'])(
    'is unknown after the date %j',
    async (date) => {
      expect((await storeAfter([{ date }])).clockDifference()).toBeUndefined()
    },
  )

  it('is that of the last answer with a Date', async () => {
    const [early, late] = ['Mon, 23 Nov 2026 12:00:00 GMT', 'Mon, 23 Nov 2026 12:00:05 GMT']
    const fromCache = { date: 'Mon, 23 Nov 2026 10:00:00 GMT', age: '7200' }
    expect((await storeAfter([{ date: early }, { date: late }], 2)).clockDifference()).toBe(5500)
    expect((await storeAfter([{ date: early }, { date: 'x' }], 2)).clockDifference()).toBe(500)
    expect((await storeAfter([{ date: early }, fromCache], 2)).clockDifference()).toBe(500)
  })

  it('is the same for all repositories of a registry', async () => {
    const { registry } = await scripted(() => none({ date: 'Mon, 23 Nov 2026 12:01:00 GMT' }))
    const stores = openStores({ clock: manualClock(noon) })
    await stores.source({ registry, path: 'a' }).resolve({ tag: 'x' }, newCall())
    expect(stores.source({ registry, path: 'b' }).clockDifference()).toBe(60_500)
    expect(stores.source({ registry: 'elsewhere.example', path: 'b' }).clockDifference()).toBeUndefined()
  })

  it('is learned from a refusal too, and never from the target of a redirect', async () => {
    const date = 'Mon, 23 Nov 2026 13:00:00 GMT'
    const { registry } = await scripted(() => ({ status: 403, headers: { date } }))
    const refused = storeAt(registry, { clock: manualClock(noon) })
    await refused.resolve({ tag: 'x' }, newCall()).catch(() => undefined)
    expect(refused.clockDifference()).toBe(3_600_500)

    const storage = await scripted(() => ({ status: 200, headers: { date }, body: 'x' }))
    const sender = await scripted(() => ({
      status: 307,
      headers: { location: `http://${storage.registry}/x`, date: 'Mon, 23 Nov 2026 12:00:00 GMT' },
    }))
    const store = storeAt(sender.registry, { clock: manualClock(noon) })
    await store.findManifest({ tag: 'x' }, newCall()).catch(() => undefined)
    expect(storage.heard.length).toBeGreaterThan(0)
    expect(store.clockDifference()).toBeUndefined()
  })
})
