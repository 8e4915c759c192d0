import { describe, expect, it } from 'vitest'
import { digestOf } from '../../../src/oci/digest.ts'
import { nothingTransferred, type PlacementOutcome } from '../../../src/plan/outcome.ts'
import type { Placement } from '../../../src/plan/plan.ts'
import type { SyncOutcome } from '../../../src/plan/sync/sync-outcome.ts'
import type { SyncPlan } from '../../../src/plan/sync/sync-plan.ts'
import { renderSyncOutcome } from '../../../src/render/sync/sync-outcome.ts'
import { plainStyle } from '../../../src/render/text/style.ts'

const root = { digest: digestOf('root'), mediaType: 'application/vnd.oci.image.manifest.v1+json', size: 1 }

function placement(path: string, tag: string, registry = 'mirror.example.com'): Placement {
  const to = { registry, path: `hub/${path}` }
  return {
    id: `${registry}/${path}:${tag}`,
    image: `${path}:${tag}`,
    rule: 'hub',
    from: { repository: { registry: 'docker.io', path }, tag },
    to: { repository: to },
    root,
    tags: [{ tag, change: 'create', before: null }],
    evidence: { found: 0, missing: 0 },
  }
}

function ended({ id, tags: [first] }: Placement, changes: Partial<PlacementOutcome> = {}): PlacementOutcome {
  return {
    placement: id,
    status: 'synced',
    tags: [{ tag: first?.tag ?? '', before: null, after: root.digest, changed: true }],
    transferred: { ...nothingTransferred, uploaded: 1, bytes: 1024 },
    evidenceCopied: 0,
    errors: [],
    ...changes,
  }
}

function render(
  placements: readonly Placement[],
  outcomes: readonly PlacementOutcome[],
  all = false,
): string {
  const plan: SyncPlan = {
    schema: 'dray.plan/1',
    operation: 'sync',
    createdAt: '2026-11-29T08:00:00.000Z',
    tool: '1.0.0',
    policy: digestOf('policy'),
    rules: [{ name: 'hub', hash: digestOf('rule') }],
    placements,
    steps: [],
    refusals: [],
    drift: [],
  }
  const transferred = { ...nothingTransferred, bytes: 1024 * outcomes.length }
  const outcome: SyncOutcome = { placements: outcomes, refusals: [], transferred, undeleted: [], inSync: 0 }
  return renderSyncOutcome(plan, outcome, { style: plainStyle, width: 80 }, { durationMs: 1, all })
}

const many = Array.from({ length: 30 }, (_, i) => placement(`library/${i < 12 ? 'node' : 'alpine'}`, `t${i}`))

describe('the outcome of a sync', () => {
  it('has the lines of each image if there are few', () => {
    const text = render(
      many.slice(0, 2),
      many.slice(0, 2).map((one) => ended(one)),
    )
    expect(text).toContain('synced  library/node:t0')
    expect(text).toContain('  t1: new')
  })

  it('has a line for each repository, and each image with a problem, if there are many', () => {
    const error = { code: 'conflict' as const, message: 'the tag moved' }
    const outcomes = many.map((one, i) => ended(one, i === 3 ? { status: 'conflict', errors: [error] } : {}))
    const lines = render(many, outcomes).split('\n')
    expect(lines.slice(0, 2)).toEqual([
      'hub/library/node  11 synced, 11.0 KiB',
      'hub/library/alpine  18 synced, 18.0 KiB',
    ])
    expect(lines[2]).toMatch(/^conflict {2}library\/node:t3/)
    expect(lines.at(-2)).toBe('To list every image, pass --all.')
    expect(lines.at(-1)).toMatch(/^29 synced, 1 conflict/)
    expect(render(many, outcomes, true)).toContain('synced  library/alpine:t29')
  })

  it('names the registries of the repositories if there are several', () => {
    const other = placement('library/node', 't0', 'other.example.com')
    const text = render(
      [...many, other],
      [...many, other].map((one) => ended(one)),
    )
    expect(text).toContain('other.example.com/hub/library/node  1 synced')
  })
})
