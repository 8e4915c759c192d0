import { describe, expect, it } from 'vitest'
import type { SyncDelete } from '../../../../src/config/sync/sync-rule.ts'
import {
  decideExtraDeletes,
  type ExtraTagsInput,
} from '../../../../src/usecases/sync/deletes/extra-deletes.ts'
import { acceptedSourceTags } from '../../../../src/usecases/sync/deletes/source-length.ts'

const day = 86_400_000
const now = Date.UTC(2026, 0, 31)

function decide(
  changes: Partial<Omit<ExtraTagsInput, 'rule'>> & { readonly delete?: Partial<SyncDelete> } = {},
): ReturnType<typeof decideExtraDeletes> {
  const { delete: written, ...rest } = changes
  return decideExtraDeletes({
    rule: { name: 'hub', delete: { exclusive: true, gracePeriod: 0, ...written } },
    extra: ['old'],
    selected: new Set(['latest']),
    sourceTags: ['latest'],
    state: { absentSince: new Map() },
    now,
    ...rest,
  })
}

function tags(count: number): readonly string[] {
  return Array.from({ length: count }, (_, i) => `t${i}`)
}

describe('the deletes of extra tags', () => {
  it('are the tags that the rule does not select', () => {
    expect(decide().tags).toEqual(['old'])
  })

  it('are none without delete in the rule', () => {
    const input = { extra: ['old'], selected: new Set<string>(), sourceTags: ['a'], now }
    expect(
      decideExtraDeletes({ rule: { name: 'hub' }, state: { absentSince: new Map() }, ...input }).tags,
    ).toEqual([])
  })

  it('are never a selected tag, a tag of an attached artifact or a tag of a hold', () => {
    const hex = 'a'.repeat(64)
    const extra = [
      'latest',
      `sha256-${hex}`,
      `sha256-${hex}.sig`,
      `p-sha256-${hex}.att`,
      `hold-${'b'.repeat(12)}`,
    ]
    expect(decide({ extra })).toEqual({ tags: [], waiting: new Map() })
  })

  it('are none if the source cannot be read, is empty, or has only attached artifacts (case 4)', () => {
    const evidence = `sha256-${'a'.repeat(64)}.sig`
    for (const sourceTags of [undefined, [], [evidence]])
      expect(decide({ sourceTags })).toEqual({ tags: [], waiting: new Map(), held: expect.any(String) })
  })

  it('are none if the rule selects no tag of the source: its include may be mistyped', () => {
    expect(decide({ selected: new Set(), sourceTags: ['3.20'] }).held).toMatch(/selects no tag/)
  })

  it('are none if the list is shorter than the last one by more than maxPercent', () => {
    const limits = { maxPercent: 10 }
    const at = (count: number): readonly string[] =>
      decide({ delete: limits, sourceTags: tags(count), sourceTagsBefore: 100 }).tags
    expect([at(90), at(89)]).toEqual([['old'], []])
    expect(decide({ delete: limits, sourceTags: tags(1) }).tags).toEqual(['old'])
  })

  it('stay none in the next run if the list stays short', () => {
    const rule = { delete: { exclusive: true, gracePeriod: 0, maxPercent: 10 } as const }
    expect(acceptedSourceTags(rule, 100, tags(50))).toBe(100)
    expect(acceptedSourceTags(rule, 100, tags(95))).toBe(95)
    expect(acceptedSourceTags(rule, undefined, tags(5))).toBe(5)
  })

  it('wait for the end of the grace period, which begins with the first run without the tag', () => {
    const since = (at: number): ReturnType<typeof decide> =>
      decide({ delete: { gracePeriod: 7 * day }, state: { absentSince: new Map([['old', at]]) } })
    expect(since(now - 7 * day).tags).toEqual(['old'])
    expect(since(now - 6 * day)).toEqual({ tags: [], waiting: new Map([['old', now + day]]) })
  })

  it('wait for the whole grace period again if the state is lost (case 5)', () => {
    expect(decide({ delete: { gracePeriod: 7 * day } })).toEqual({
      tags: [],
      waiting: new Map([['old', now + 7 * day]]),
    })
  })
})
