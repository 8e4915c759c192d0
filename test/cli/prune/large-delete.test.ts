import { describe, expect, it } from 'vitest'
import { textToConfirm } from '../../../src/cli/prune/large-delete.ts'
import { prunePlan, repositoryPlan, tagVerdict, whys } from '../../support/prune-plans.ts'

function repository(image: string, deleted: number, kept: number): ReturnType<typeof repositoryPlan> {
  const deletes = Array.from({ length: deleted }, (_, i) =>
    tagVerdict(`${image}-pr-${i}`, 'delete', whys.rule),
  )
  const keeps = Array.from({ length: kept }, (_, i) => tagVerdict(`${image}-v${i}`, 'keep', whys.unmatched))
  return repositoryPlan(image, [...deletes, ...keeps])
}

describe('the confirmation of a large delete', () => {
  it('is not required for a small delete', () => {
    expect(textToConfirm(prunePlan([repository('@dev/api', 5, 20)]))).toBeUndefined()
    expect(textToConfirm(prunePlan([repository('@dev/api', 0, 1)]))).toBeUndefined()
  })

  it('is the name of the repository if more than half of its images or many images are deleted', () => {
    expect(textToConfirm(prunePlan([repository('@dev/api', 6, 5)]))).toBe('r.example.com/dev/api')
    expect(textToConfirm(prunePlan([repository('@dev/api', 51, 500)]))).toBe('r.example.com/dev/api')
  })

  it('is the number of images if several repositories are affected', () => {
    const plan = prunePlan([repository('@dev/api', 30, 90), repository('@dev/web', 30, 90)])
    expect(textToConfirm(plan)).toBe('60')
  })
})
