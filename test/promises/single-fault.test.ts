import { createHash } from 'node:crypto'
import * as fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import type { Injury } from '../support/faulty-proxy.ts'
import { canBeTwice, faultKinds, twice } from '../support/faults/kinds.ts'
import { type Account, applies, describeKey, play, type RequestKey } from '../support/faults/play.ts'
import { closeSources, type SetUp, setUps } from '../support/faults/set-ups.ts'

/** Another choice of the same size: `DRAY_TEST_SEED=7`. All of them: `npm run test:sweep`. */
const seed = Number(process.env['DRAY_TEST_SEED'] ?? 20_261_125)
const runsEach = 9

afterAll(closeSources)

interface Choice {
  readonly fault: string
  readonly at: string
  readonly run: () => Promise<Account>
}

/** Some of all faults at all requests of a set-up. */
async function choices(setUp: SetUp): Promise<readonly (Choice & { readonly isWord: boolean })[]> {
  const { keys } = await play(setUp, undefined)
  const kinds = [...faultKinds, ...faultKinds.filter(canBeTwice).map(twice)]
  const all = kinds.flatMap((kind) =>
    keys
      .filter((key) => applies(kind, key, setUp))
      .map((at) => ({
        fault: kind.name,
        at: describeKey(at),
        isWord: kind.is !== 'transient',
        run: () => play(setUp, { at, kind }),
      })),
  )
  return fc
    .sample(fc.shuffledSubarray(all, { minLength: runsEach, maxLength: runsEach }), { seed, numRuns: 1 })
    .flat()
}

describe.each(setUps)('a promotion $name', (setUp) => {
  it(`survives what passes, and says clearly what does not (seed ${seed})`, async () => {
    const told: string[] = []
    for (const { fault, at, isWord, run } of await choices(setUp)) {
      const { verdict, complaints, said } = await run()
      const isFine = verdict === 'survived' || (verdict === 'clean error' && isWord)
      if (!isFine) told.push(`${fault} at ${at}: ${complaints.join('; ')} ${said}`)
    }
    expect(told).toEqual([])
  })
})

/** Whether a request is answered 503: so many of all, by what they are and not by when they come, so that the same number has always the same outcome. */
function isHit(from: number, key: RequestKey, share: number): boolean {
  const hash = createHash('sha256')
    .update(`${from} ${describeKey(key)}`)
    .digest()
  return hash.readUInt32BE() / 2 ** 32 < share
}

describe.each([
  [0.1, 1.3],
  [0.3, 1.8],
])('where a share of %d of all answers is 503', (share, most) => {
  it.each(['index with evidence', 'within one registry'])(
    `a promotion (%s) completes with less than ${most} times the requests`,
    async (name) => {
      const setUp = setUps.find((one) => one.name === name)
      if (setUp === undefined) throw new Error(`no set-up ${name}`)
      const clean = await play(setUp, undefined)
      const factors: number[] = []
      for (const from of [seed, seed + 1, seed + 2, seed + 3, seed + 4]) {
        const each = (key: RequestKey): Injury | undefined =>
          isHit(from, key, share) ? { kind: 'answer', status: 503 } : undefined
        const { verdict, complaints, said, requests } = await play(setUp, { each })
        expect({ verdict, complaints, said }).toEqual({ verdict: 'survived', complaints: [], said: '' })
        factors.push(requests / clean.requests)
      }
      const mean = factors.reduce((sum, one) => sum + one, 0) / factors.length
      expect(mean).toBeLessThan(most)
    },
  )
})
