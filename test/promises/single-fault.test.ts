import { createHash } from 'node:crypto'
import * as fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import type { Injury } from '../support/faulty-proxy.ts'
import { canBeTwice, faultKinds, twice } from '../support/faults/fault-kinds.ts'
import {
  type FaultRunResult,
  applies,
  describeKey,
  promoteWithFaults,
  type RequestKey,
} from '../support/faults/fault-run.ts'
import { closeSources, type SetUp, setUps } from '../support/faults/set-ups.ts'

/** `DRAY_TEST_SEED=7` selects another sample. `npm run test:sweep` tests all faults. */
const seed = Number(process.env['DRAY_TEST_SEED'] ?? 20_261_125)
const sampleSize = 9

afterAll(closeSources)

interface Case {
  readonly fault: string
  readonly at: string
  readonly run: () => Promise<FaultRunResult>
}

/** A random sample of all faults at all requests of a set-up. */
async function sampleCases(setUp: SetUp): Promise<readonly (Case & { readonly mayFail: boolean })[]> {
  const { keys } = await promoteWithFaults(setUp, undefined)
  const kinds = [...faultKinds, ...faultKinds.filter(canBeTwice).map(twice)]
  const all = kinds.flatMap((kind) =>
    keys
      .filter((key) => applies(kind, key, setUp))
      .map((at) => ({
        fault: kind.name,
        at: describeKey(at),
        mayFail: kind.is !== 'transient',
        run: () => promoteWithFaults(setUp, { at, kind }),
      })),
  )
  return fc
    .sample(fc.shuffledSubarray(all, { minLength: sampleSize, maxLength: sampleSize }), { seed, numRuns: 1 })
    .flat()
}

describe.each(setUps)('a promotion $name', (setUp) => {
  it(`completes despite any transient fault, and reports any other fault clearly (seed ${seed})`, async () => {
    const failures: string[] = []
    for (const { fault, at, mayFail, run } of await sampleCases(setUp)) {
      const { verdict, complaints, failure } = await run()
      const isExpected = verdict === 'survived' || (verdict === 'clean error' && mayFail)
      if (!isExpected) failures.push(`${fault} at ${at}: ${complaints.join('; ')} ${failure}`)
    }
    expect(failures).toEqual([])
  })
})

/**
 * Whether a request is answered with 503. It depends on the request and not on the order of
 * requests, so that a seed always has the same result.
 */
function isUnavailable(from: number, key: RequestKey, share: number): boolean {
  const hash = createHash('sha256')
    .update(`${from} ${describeKey(key)}`)
    .digest()
  return hash.readUInt32BE() / 2 ** 32 < share
}

describe.each([
  [0.1, 1.3],
  [0.3, 1.8],
])('if a share of %d of all responses is 503', (share, most) => {
  it.each(['index with evidence', 'within one registry'])(
    `a promotion (%s) needs less than ${most} times the requests`,
    async (name) => {
      const setUp = setUps.find((one) => one.name === name)
      if (setUp === undefined) throw new Error(`no set-up ${name}`)
      const clean = await promoteWithFaults(setUp, undefined)
      const factors: number[] = []
      for (const from of [seed, seed + 1, seed + 2, seed + 3, seed + 4]) {
        const each = (key: RequestKey): Injury | undefined =>
          isUnavailable(from, key, share) ? { kind: 'answer', status: 503 } : undefined
        const { verdict, complaints, failure, requests } = await promoteWithFaults(setUp, { each })
        expect({ verdict, complaints, failure }).toEqual({ verdict: 'survived', complaints: [], failure: '' })
        factors.push(requests / clean.requests)
      }
      const mean = factors.reduce((sum, one) => sum + one, 0) / factors.length
      expect(mean).toBeLessThan(most)
    },
  )
})
