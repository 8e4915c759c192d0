import { describe, expect, it } from 'vitest'
import { digestOf } from '../../src/oci/digest.ts'
import { mediaTypes } from '../../src/oci/media-types.ts'
import { canonicalJson } from '../../src/plan/canonical-json.ts'
import { formatPlanFile, parsePlanFile } from '../../src/plan/plan-file.ts'
import { hashOfPlan } from '../../src/plan/plan-hash.ts'
import type { Plan } from '../../src/plan/plan.ts'

const root = { mediaType: mediaTypes.manifest, digest: digestOf('root'), size: 100 }
const from = { registry: 'r.example', path: 'staging/api' }
const to = { registry: 'r.example', path: 'prod/api' }
const base = { placement: 'i1.t1', expect: [] } as const
const plan: Plan = {
  schema: 'dray.plan/1',
  operation: 'promote',
  createdAt: '2026-01-02T03:04:05.000Z',
  tool: '0.1.0',
  policy: 'sha256:0',
  placements: [
    {
      id: 'i1.t1',
      image: 'api:1.4.2',
      from: { environment: 'staging', repository: from, tag: '1.4.2' },
      to: { environment: 'prod', repository: to },
      root,
      tags: [{ tag: '1.4.2', before: null, change: 'create' }],
      evidence: { found: 1, missing: 1 },
      size: 1000,
    },
  ],
  steps: [
    { ...base, id: 'c', after: [], kind: 'copy', root, from, to, rootBy: 'digest' },
    {
      ...base,
      id: 'e',
      after: ['c'],
      kind: 'attach',
      subject: root.digest,
      manifest: root,
      from,
      to,
      via: 'subject',
    },
    {
      ...base,
      id: 'g',
      after: ['c', 'e'],
      expect: [{ kind: 'tag', repository: to, tag: '1.4.2', digest: null }],
      kind: 'tag',
      repository: to,
      tag: '1.4.2',
      target: root,
      from,
    },
  ],
  refusals: [{ image: 'web:1', error: { code: 'not-found', message: 'web:1 is not there' } }],
}

const read = (text: string): Plan => parsePlanFile(text, 'p.json')
const edited = (edit: (plan: Record<string, unknown>) => void): string => {
  const value = JSON.parse(formatPlanFile(plan)) as Record<string, unknown>
  edit(value)
  return JSON.stringify(value)
}
/** An edit by someone who computes a fitting hash. */
const forged = (edit: (plan: Record<string, unknown>) => void): string =>
  edited((value) => {
    edit(value)
    const { hash: _, ...rest } = value
    value['hash'] = digestOf(canonicalJson(rest))
  })

describe('a plan file', () => {
  it('reads back as the plan that was written, with the same hash', () => {
    expect(read(formatPlanFile(plan))).toEqual(plan)
    expect(hashOfPlan(read(formatPlanFile(plan)))).toBe(hashOfPlan(plan))
  })

  it('is the same plan with other white space and another order of keys', () => {
    const reversed = (_: string, value: unknown): unknown =>
      typeof value === 'object' && value !== null && !Array.isArray(value)
        ? Object.fromEntries(Object.entries(value).toReversed())
        : value
    expect(read(JSON.stringify(JSON.parse(formatPlanFile(plan)), reversed))).toEqual(plan)
  })

  it('is refused after an edit by hand', () => {
    const moved = formatPlanFile(plan).replaceAll('prod/api', 'prod/web')
    expect(() => read(moved)).toThrow(expect.objectContaining({ code: 'refused', hint: expect.any(String) }))
  })

  it('is refused without its hash', () => {
    expect(() => read(edited((value) => delete value['hash']))).toThrow(
      expect.objectContaining({ code: 'refused' }),
    )
  })

  it('of another version is named as such', () => {
    const later = edited((value) => (value['schema'] = 'dray.plan/2'))
    expect(() => read(later)).toThrow(expect.objectContaining({ code: 'unsupported' }))
  })

  it.each(['', '{', '[]', '{"schema":"dray.audit/1"}', '{"schema":1}', 'null'])('is not %j', (text) => {
    expect(() => read(text)).toThrow(expect.objectContaining({ code: 'malformed' }))
  })

  it.each<[string, (value: Record<string, unknown>) => void]>([
    ['a key too many', (value) => (value['extra'] = 1)],
    [
      'a digest that is none',
      (value) => (value['placements'] = [{ ...plan.placements[0], root: { ...root, digest: 'sha256:1' } }]),
    ],
    [
      'a path that leads out',
      (value) => (value['steps'] = [{ ...plan.steps[0], to: { registry: 'r', path: '../x' } }]),
    ],
    ['a step twice', (value) => (value['steps'] = [plan.steps[0], plan.steps[0]])],
    ['a circle', (value) => (value['steps'] = [{ ...plan.steps[0], after: ['c'] }])],
    ['a step of no placement', (value) => (value['placements'] = [])],
  ])('is refused with %s, whatever its hash', (_, edit) => {
    expect(() => read(forged(edit))).toThrow(expect.objectContaining({ code: 'malformed' }))
  })
})
