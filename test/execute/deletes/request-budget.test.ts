import { describe, expect, it } from 'vitest'
import { planPrune, executePlan, pruneClient } from '../../support/retention/prune-client.ts'
import type { PolicyData } from '../../support/retention/policy-data.ts'
import { buildImage } from '../../support/retention/repository-builder.ts'
import { SimulatedRegistry } from '../../support/retention/simulated-registry.ts'

const sink = { path: 'memory', write: async (): Promise<void> => undefined }

interface Case {
  readonly deletes: number
  readonly kept: number
  readonly referrers: boolean
  /** the rule needs the time of an image, which only its config has */
  readonly isDated?: boolean
  /** the reading of the plan took longer than a check is valid */
  readonly isSlow?: boolean
  /** the plan is executed like one from a file */
  readonly isSaved?: boolean
  /** the registry counts a GET as a pull, so tags are read by HEAD */
  readonly byHead?: boolean
}

/** The requests of a prune by method and kind, while it plans and while it deletes. */
async function requestsOf({
  deletes,
  kept,
  referrers,
  isDated = false,
  isSlow = false,
  isSaved = false,
  byHead = false,
}: Case) {
  const registry = new SimulatedRegistry({ referrers })
  for (let i = 0; i < deletes + kept; i++) {
    const { root, blobs, manifests } = buildImage(`image ${i}`, 'absent', i < deletes ? 40 : 1)
    if (isDated) for (const [digest, bytes] of blobs) await registry.putBlob(digest, bytes)
    for (const manifest of manifests) await registry.putManifest(manifest)
    await registry.tag(i < deletes ? `pr-${i}` : `v1.0.${i}`, root.digest)
  }
  const counts: Record<string, number> = {}
  const client = pruneClient(
    registry.client({
      actor: 'prune',
      waitForTurn: async () => undefined,
      onRequest: async (method, kind) => {
        counts[`${method} ${kind}`] = (counts[`${method} ${kind}`] ?? 0) + 1
      },
      onResponse: async () => undefined,
    }),
    byHead ? { freeReads: 'no' } : {},
  )
  const policy: PolicyData = {
    rules: [{ name: 'old', tags: ['pr-*'], ...(isDated && { olderThan: '14d' }) }],
  }
  const made = await planPrune(client, policy)
  const planning = { ...counts }
  for (const name of Object.keys(counts)) counts[name] = 0
  const outcomes = await executePlan(client, made, { isImmediate: !isSlow && !isSaved, isSlow, sink })
  expect(outcomes.filter(({ result }) => result === 'done')).toHaveLength(deletes)
  return { planning, deleting: counts }
}

const sumOf = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((sum, count) => sum + count, 0)

/** The exponents of the growth from each size to the next. */
function growthOf(values: readonly number[], sizes: readonly number[]): readonly number[] {
  return values.slice(1).map((value, i) => {
    const [before = NaN, from = NaN, to = NaN] = [values[i], sizes[i], sizes[i + 1]]
    return Math.log(value / before) / Math.log(to / from)
  })
}

/** The largest has more tags than a page. */
const sizes = [70, 280, 1120] as const

describe('the requests of a prune', () => {
  it.each([
    { deletes: 1, kept: 20, many: 'deletes', referrers: true },
    { deletes: 1, kept: 20, many: 'deletes', referrers: false },
    { deletes: 20, kept: 1, many: 'kept tags', referrers: true },
    { deletes: 20, kept: 1, many: 'kept tags', referrers: false },
    { deletes: 1, kept: 1, many: 'deletes and kept tags', referrers: false },
  ])(
    'grow in proportion to $many (referrers API: $referrers), and stay within four for a delete and two for a kept tag',
    async ({ deletes, kept, many, referrers }) => {
      const totals: number[] = []
      for (const size of sizes) {
        const half = many === 'deletes and kept tags' ? size / 2 : size
        const those = {
          deletes: deletes === 1 ? half : deletes,
          kept: kept === 1 ? half : kept,
          referrers,
        }
        const { planning, deleting } = await requestsOf({ ...those, isSlow: true })
        // each kept tag is checked before the first delete
        expect(sumOf(deleting)).toBeLessThanOrEqual(3 * those.deletes + those.kept + 10)
        // A registry with the API is asked for the referrers of each manifest.
        const forReferrers = referrers ? those.deletes + those.kept : 0
        const total = sumOf(planning) + sumOf(deleting) - forReferrers
        expect(total).toBeLessThanOrEqual(4 * those.deletes + 2 * those.kept + 10)
        totals.push(sumOf(planning) + sumOf(deleting))
      }
      for (const exponent of growthOf(totals, sizes)) expect(exponent).toBeLessThanOrEqual(1.05)
    },
  )

  it('are a GET and a HEAD for each tag, a DELETE for each image, and half a request for rescans', async () => {
    const { planning, deleting } = await requestsOf({ deletes: 400, kept: 100, referrers: false })
    expect(planning).toEqual({ 'GET tags': 1, 'GET manifest': 500, 'GET referrers': 1 })
    expect(deleting['DELETE manifest']).toBe(400)
    // The first delete goes alone, then 16 at once, each time after a list; the last list reports.
    expect(deleting['GET tags']).toBe(1 + Math.ceil(399 / 16) + 1)
    expect(deleting['HEAD manifest']).toBeLessThanOrEqual(400 + 0.375 * 400)
    expect(deleting['HEAD manifest']).toBeGreaterThan(400 + 0.35 * 400)
  })

  it.each([
    ['just after the plan', {}, 1.1],
    ['after a long reading', { isSlow: true }, 2.1],
    ['from a file', { isSaved: true }, 2.1],
  ] as const)(
    'of one image among 20 tags are few lists, and, if executed %s, at most two HEAD requests for a tag',
    async (_, how, most) => {
      const size = { deletes: 50, kept: 950 }
      const { planning, deleting } = await requestsOf({ ...size, referrers: false, byHead: true, ...how })
      const heads = (planning['HEAD manifest'] ?? 0) + (deleting['HEAD manifest'] ?? 0)
      expect(heads).toBeLessThanOrEqual(most * (size.deletes + size.kept))
      // One page each: before the first delete, before each wave after it, and after the last one.
      expect(deleting['GET tags']).toBeLessThanOrEqual(2 + Math.ceil(size.deletes / 16) + 1)
    },
  )

  it('include the config of an image only if a rule needs its time', async () => {
    const { planning } = await requestsOf({ deletes: 20, kept: 10, referrers: true, isDated: true })
    expect(planning).toEqual({ 'GET tags': 1, 'GET manifest': 30, 'GET blob': 20, 'GET referrers': 30 })
  })
})
