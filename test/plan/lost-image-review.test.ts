import { describe, expect, it } from 'vitest'
import { digestOf } from '../../src/oci/digest.ts'
import type { Placement, PlannedTag, TagStep } from '../../src/plan/plan.ts'
import { reviewImage } from '../../src/plan/review.ts'

const repository = { registry: 'zot.example.com', path: 'app' }
const [digest, before] = [digestOf('root'), digestOf('former')]
const root = { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest, size: 1 }
const moved: PlannedTag = { tag: 'latest', before, change: 'move' }
const lost: PlannedTag = { ...moved, deletesBefore: true }
const step: TagStep = {
  id: 'g1',
  placement: 'i1.t1',
  after: [],
  expect: [{ kind: 'tag', repository, tag: 'latest', digest: before }],
  kind: 'tag',
  repository,
  tag: 'latest',
  target: root,
  from: repository,
}

function placementWith(tag: PlannedTag): Placement {
  const end = { repository }
  return {
    id: 'i1.t1',
    image: 'app',
    from: end,
    to: end,
    root,
    tags: [tag],
    evidence: { found: 0, missing: 0 },
  }
}

describe('a saved plan that moves a tag', () => {
  it.each([
    ['shows that the registry deletes the former image', lost, lost, []],
    ['shows that, but another tag is on the image now', lost, moved, []],
    ['does not show it', moved, lost, ['conflict']],
  ])('and %s', (_, saved, now, codes) => {
    const current = { placement: placementWith(now), steps: [step], refusals: [], evidence: [] }
    const reviewed = reviewImage([step], [{ saved: placementWith(saved), current }], { partial: false })
    expect(reviewed.refusals).toEqual([])
    expect([...reviewed.obstacles.values()].map(({ error }) => error.code)).toEqual(codes)
  })
})
