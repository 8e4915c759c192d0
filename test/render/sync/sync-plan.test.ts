import { describe, expect, it } from 'vitest'
import { digestOf } from '../../../src/oci/digest.ts'
import type { DriftState, RepositoryDrift } from '../../../src/plan/sync/drift.ts'
import type { SyncPlan } from '../../../src/plan/sync/sync-plan.ts'
import { renderSyncPlan } from '../../../src/render/sync/sync-plan.ts'
import { plainStyle } from '../../../src/render/text/style.ts'
import { displayWidth } from '../../../src/render/text/width.ts'

const [a, b] = [digestOf('a'), digestOf('b')]

function drift(path: string, tags: RepositoryDrift['tags'] = []): RepositoryDrift {
  return {
    rule: 'hub',
    from: { registry: 'docker.io', path },
    to: { registry: 'mirror.example.com', path: `hub/${path}` },
    selected: 4,
    tags,
  }
}

function planOf(...all: readonly RepositoryDrift[]): SyncPlan {
  return {
    schema: 'dray.plan/1',
    operation: 'sync',
    createdAt: '2026-11-29T08:00:00.000Z',
    tool: '1.0.0',
    policy: a,
    rules: [{ name: 'hub', hash: a }],
    placements: [],
    steps: [],
    refusals: [],
    drift: all,
  }
}

function render(plan: SyncPlan, width: number | undefined, all = false): string {
  return renderSyncPlan(plan, { style: plainStyle, width }, { all })
}

function tagsIn(state: DriftState, count: number): RepositoryDrift['tags'] {
  return Array.from({ length: count }, (_, i) => ({ tag: `t${i}`, state, source: a, destination: b }))
}

const alpine = drift('library/alpine', [
  { tag: '3.22', state: 'missing', source: a, destination: null },
  { tag: 'latest', state: 'moved', source: a, destination: b },
  { tag: '3.20', state: 'kept', source: a, destination: b, reason: 'the rule hub has movedTags: keep' },
])

describe('the plan of a sync', () => {
  it('has a row for each repository, and lines for tags that move or stay', () => {
    expect(render(planOf(alpine), 80).split('\n').slice(0, 6)).toEqual([
      'REPOSITORY      SELECTED  MISSING  MOVED  CHANGED  EXTRA  TO COPY',
      'library/alpine         4        1      1        0      0      0 B',
      '',
      'docker.io/library/alpine -> mirror.example.com/hub/library/alpine',
      expect.stringMatching(/^ {2}latest {2}moved {2}sha256:\w+ -> sha256:\w+$/),
      '  3.20  kept  the rule hub has movedTags: keep',
    ])
  })

  it('lists new tags only if everything is shown', () => {
    expect(render(planOf(alpine), 80)).not.toContain('3.22')
    expect(render(planOf(alpine), 80, true)).toContain('  3.22  missing')
  })

  it.each([80, 40])('fits %i columns', (width) => {
    const long = drift('library/a-repository-with-a-long-name', alpine.tags)
    const lines = render(planOf(alpine, long), width, true).split('\n')
    for (const line of lines) expect(displayWidth(line), line).toBeLessThanOrEqual(width)
  })

  it('is one line if there is no difference', () => {
    expect(render(planOf(drift('library/alpine'), drift('library/node')), 80)).toBe(
      'In sync: 8 tags in 2 repositories.',
    )
  })

  it('folds the moved tags of one repository, and all of them if there are many', () => {
    const some = render(planOf(drift('library/alpine', tagsIn('moved', 15))), 80)
    expect(some).toContain('t9  moved')
    expect(some).toContain('and 5 tags more (--all)')
    const changed = { tag: 'edge', state: 'changed' as const, source: a, destination: b, written: a }
    const many = planOf(drift('library/alpine', [...tagsIn('moved', 30), changed]))
    const text = render(many, 80)
    expect(text).not.toContain('t0  moved')
    expect(text).toContain(`edge  changed by another client  dray wrote ${a.slice(0, 19)}`)
    expect(text).not.toContain(a)
    expect(text).toContain('30 more tags (--all lists them)')
    expect(render(many, 80, true)).toContain('t29  moved')
  })

  it('has only the repositories that differ in the table, if there are many', () => {
    const equal = Array.from({ length: 30 }, (_, i) => drift(`library/equal-${i}`))
    const text = render(planOf(...equal, alpine), 80)
    expect(text).toContain('library/alpine')
    expect(text).not.toContain('equal-3')
    expect(text).toContain('and 30 repositories in sync (--all lists them)')
    expect(render(planOf(...equal, alpine), 80, true)).toContain('equal-3')
  })

  it('escapes the text of a registry', () => {
    const tags = [{ tag: '1', state: 'moved' as const, source: a, destination: b, reason: 'x\u001b[31m\ny' }]
    expect(render(planOf(drift('library/alpine', tags)), 80)).not.toContain('\u001b')
  })
})
