import { describe, expect, it } from 'vitest'
import { largeDelete } from '../../../src/cli/prune/large-delete.ts'
import { prunePlan, repositoryPlan, tagVerdict, whys } from '../../support/prune-plans.ts'

function repository(image: string, deleted: number, kept: number): ReturnType<typeof repositoryPlan> {
  const going = Array.from({ length: deleted }, (_, i) => tagVerdict(`${image}-pr-${i}`, 'delete', whys.rule))
  const staying = Array.from({ length: kept }, (_, i) => tagVerdict(`${image}-v${i}`, 'keep', whys.unmatched))
  return repositoryPlan(image, [...going, ...staying])
}

describe('what has to be typed before much is deleted', () => {
  it('is nothing where it is little', () => {
    expect(largeDelete(prunePlan([repository('@dev/api', 5, 20)]))).toBeUndefined()
    expect(largeDelete(prunePlan([repository('@dev/api', 0, 1)]))).toBeUndefined()
  })

  it('is the name of the repository where more than half of it goes, or many do', () => {
    expect(largeDelete(prunePlan([repository('@dev/api', 6, 5)]))).toBe('r.example.com/dev/api')
    expect(largeDelete(prunePlan([repository('@dev/api', 51, 500)]))).toBe('r.example.com/dev/api')
  })

  it('is the number of images where it is several repositories', () => {
    const plan = prunePlan([repository('@dev/api', 30, 90), repository('@dev/web', 30, 90)])
    expect(largeDelete(plan)).toBe('60')
  })
})
