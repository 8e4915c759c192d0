import { describe, expect, it } from 'vitest'
import { canonicalChunks, canonicalJson } from '../../src/plan/canonical-json.ts'
import { hashOfPlan } from '../../src/plan/plan-hash.ts'
import { digestOf } from '../../src/oci/digest.ts'
import type { PrunePlan } from '../../src/plan/prune/prune-plan.ts'
import { manifestStep } from '../support/delete-steps.ts'
import { prunePlan, repositoryPlan } from '../support/prune-plans.ts'

/** A plan to delete so many manifests in one repository. */
function planOf(count: number): PrunePlan {
  const { repository } = manifestStep()
  const steps = Array.from({ length: count }, (_, i) => manifestStep({ id: `m${i}` }))
  const plan = repositoryPlan('@dev/api', [], { repository, steps })
  return prunePlan([plan], { inUse: [{ name: 'käse 🧀', images: 1 }] })
}

describe('canonical JSON in chunks', () => {
  it.each<[string, unknown]>([
    ['a plan', planOf(2)],
    ['a value without members', [[], {}, null, 1, 'a\n', true]],
    [
      'members in another order, and absent ones',
      { b: [undefined, { d: 1, c: undefined }], a: undefined, 10: 2 },
    ],
    ['text', 'ä'],
    ['null', null],
    ['a value with half a character', { a: ['\ud83e', { '\udd80': '🦀' }] }],
    ['a value that is deeper than its pieces', [[[[[[{ b: [[1]], a: {} }]]]]]]],
  ])('is the text of the whole: %s', (_, value) => {
    expect(Buffer.concat([...canonicalChunks(value)]).toString()).toBe(canonicalJson(value))
  })

  it('has short chunks for a long plan, and the hash of the whole', () => {
    const plan = planOf(2000)
    const sizes = [...canonicalChunks(plan)].map(({ byteLength }) => byteLength)
    expect(sizes.length).toBeGreaterThan(5)
    expect(Math.max(...sizes)).toBeLessThan(70_000)
    expect(hashOfPlan(plan)).toBe(digestOf(canonicalJson(plan)))
  })
})

it('the hash of a plan is computed once', () => {
  let reads = 0
  const plan = {
    ...planOf(1),
    get tool() {
      reads++
      return '1'
    },
  }
  const hash = hashOfPlan(plan)
  const once = reads
  expect(hashOfPlan(plan)).toBe(hash)
  expect(reads).toBe(once)
})
