import { describe, expect, it } from 'vitest'
import { digestOf } from '../../../src/oci/digest.ts'
import { mediaTypes } from '../../../src/oci/media-types.ts'
import type { Placement, PlacementEnd, Plan, PlannedTag } from '../../../src/plan/plan.ts'
import { plainReading } from '../../../src/semver/version.ts'
import { movedByOthers, requestsToVerify, withoutTags } from '../../../src/usecases/promote/verify.ts'

const root = { mediaType: mediaTypes.manifest, digest: digestOf('api'), size: 1 }
const other = digestOf('other')
const calver = { ...plainReading, scheme: 'calver' } as const
const readingOf = ({ environment }: PlacementEnd) => (environment === 'prod' ? calver : plainReading)
const staging = { registry: 'r.example', path: 'staging/api' }
const at = (registry: string) => ({ registry, path: 'prod/api' })

function placement(id: string, registry: string, tag: Partial<PlannedTag> = {}): Placement {
  return {
    id,
    image: 'api:stable',
    from: { environment: 'staging', repository: staging, tag: 'stable' },
    to: { environment: 'prod', repository: at(registry) },
    root,
    tags: [{ tag: 'stable', before: null, change: 'create', ...tag }],
    evidence: { found: 0, missing: 0 },
    size: 1,
  }
}

function plan(...placements: readonly Placement[]): Plan {
  return {
    schema: 'dray.plan/1',
    operation: 'promote',
    createdAt: '2026-01-02T03:04:05.000Z',
    tool: '0',
    policy: 'sha256:0',
    placements,
    steps: [],
    refusals: [],
  }
}

describe('a promoted image', () => {
  it('is verified by its planned digest, at the targets that have it', () => {
    const made = plan(
      placement('i1.t1', 'eu.example'),
      placement('i1.t2', 'us.example'),
      placement('i1.t3', 'ap.example'),
    )
    expect(requestsToVerify(made, new Set(['i1.t1', 'i1.t3']), readingOf)).toEqual([
      {
        image: 'api:stable',
        from: {
          environment: 'staging',
          repository: staging,
          at: { digest: root.digest },
          reading: plainReading,
        },
        to: { environment: 'prod', targets: [at('eu.example'), at('ap.example')], reading: calver },
        tags: ['stable'],
      },
    ])
  })

  it('gets a lost tag again, and no tag that someone moved', () => {
    expect(movedByOthers(plan(placement('i1.t1', 'eu.example')))).toEqual([])
    const repair = plan(placement('i1.t1', 'eu.example', { before: other, change: 'move' }))
    const moved = movedByOthers(repair)
    expect(moved).toEqual([
      {
        image: 'api:stable',
        repository: at('eu.example'),
        tag: 'stable',
        wanted: root.digest,
        digest: other,
      },
    ])
    const [verified] = requestsToVerify(withoutTags(repair, moved), new Set(['i1.t1']), readingOf)
    expect(verified?.tags).toEqual([])
  })
})
