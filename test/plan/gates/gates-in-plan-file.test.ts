import { describe, expect, it } from 'vitest'
import { mediaTypes } from '../../../src/oci/media-types.ts'
import type { GateResult } from '../../../src/plan/gates/gate-result.ts'
import { formatPlanFile, parsePlanFile } from '../../../src/plan/plan-file.ts'
import { hashOfPlan } from '../../../src/plan/plan-hash.ts'
import type { Plan } from '../../../src/plan/plan.ts'
import { digestOf, gateResult, gateResults } from '../../support/gates/gate-results.ts'

const root = { mediaType: mediaTypes.manifest, digest: digestOf('a'), size: 100 }
const repository = { registry: 'r.example', path: 'prod/api' }

/** A plan that writes one tag, with these gates. */
function planOf(gates?: readonly GateResult[]): Plan {
  return {
    schema: 'dray.plan/1',
    operation: 'tag',
    createdAt: '2026-11-24T10:00:00.000Z',
    tool: '1',
    policy: '',
    placements: [
      {
        id: 'i1.t1',
        image: 'api:1.4.2',
        from: { environment: 'prod', repository, tag: '1.4.2' },
        to: { environment: 'prod', repository },
        root,
        tags: [{ tag: 'stable', before: null, change: 'create' }],
        evidence: { found: 0, missing: 0 },
        ...(gates !== undefined && { gates }),
      },
    ],
    steps: [
      {
        id: 'i1.t1.g1',
        placement: 'i1.t1',
        after: [],
        expect: [{ kind: 'tag', repository, tag: 'stable', digest: null }],
        kind: 'tag',
        repository,
        tag: 'stable',
        target: root,
        from: repository,
      },
    ],
    refusals: [],
  }
}

describe('gates in a plan file', () => {
  it('are read as they were written, and the hash covers them', () => {
    const plan = planOf([...gateResults, gateResult({ name: 'other', result: 'skipped' })])
    expect(parsePlanFile(formatPlanFile(plan), 'p.json')).toEqual(plan)
    expect(hashOfPlan(plan)).not.toBe(hashOfPlan(planOf(gateResults)))
  })

  it('do not change the hash of a plan without gates', () => {
    expect(hashOfPlan(planOf())).toBe(
      'sha256:c80129924d4bcc9ff9ae5110d1b8637fd849836f57cdaa0555c96b9fbc9c733b',
    )
  })

  it.each<[string, GateResult[]]>([
    ['two results of one gate', [gateResult(), gateResult()]],
    ['a pass that refuses', [gateResult({ effect: 'refused' })]],
    ['a failure without an effect', [gateResult({ result: 'fail' })]],
    ['an override without a reason', [gateResult({ result: 'fail', effect: 'overridden' })]],
    ['steps although a gate refuses them', [gateResult({ result: 'fail', effect: 'refused' })]],
  ])('with %s are no valid plan', (_, gates) => {
    expect(() => parsePlanFile(formatPlanFile(planOf(gates)), 'p.json')).toThrow('is not a valid plan')
  })

  it('of two environments can have one name', () => {
    const plan = planOf([gateResult(), gateResult({ environment: 'prod-eu' })])
    expect(parsePlanFile(formatPlanFile(plan), 'p.json')).toEqual(plan)
  })
})
