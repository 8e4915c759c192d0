import { describe, expect, it } from 'vitest'
import type { DriftState, TagDrift } from '../../../src/plan/sync/drift.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import { inSyncText } from '../../../src/render/sync/in-sync.ts'

const digest = digestOf('a')

function drift(selected: number, ...states: readonly DriftState[]) {
  const repository = { registry: 'r.example.com', path: 'app' }
  const tags = states.map((state, i): TagDrift => {
    const source = state === 'extra' ? null : digest
    return { tag: `t${i}`, state, source, destination: digest }
  })
  return { rule: 'hub', from: repository, to: repository, selected, tags }
}

describe('the text of a sync that changed nothing', () => {
  it('has the number of tags and repositories', () => {
    expect(inSyncText({ drift: [drift(2), drift(1)] })).toBe('In sync: 3 tags in 2 repositories.')
  })

  it('does not count a tag that differs, and names how many tags of each kind differ', () => {
    expect(inSyncText({ drift: [drift(4, 'kept', 'extra', 'extra'), drift(1, 'changed')] })).toBe(
      'In sync: 3 tags in 2 repositories. Not changed: 2 extra, 1 kept, 1 changed by another client (see --dry-run).',
    )
  })
})
