import { describe, expect, it } from 'vitest'
import { type JudgedPlacement, applyGateResults } from '../../../src/plan/gates/apply-gate-results.ts'
import { gateConflict, gateRefusals } from '../../../src/plan/gates/gate-errors.ts'
import type { GateResult } from '../../../src/plan/gates/gate-result.ts'
import type { Placement, Plan, Step } from '../../../src/plan/plan.ts'
import { digestOf, gateResult } from '../../support/gates/gate-results.ts'

const root = { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: digestOf('a'), size: 7 }
const from = { registry: 'r.example', path: 'staging/api' }
const failed = (changes: Partial<GateResult> = {}): GateResult =>
  gateResult({ name: 'scan', kind: 'scan', result: 'fail', effect: 'refused', reason: 'CVE-1', ...changes })
const unread = (changes: Partial<GateResult> = {}): GateResult =>
  failed({
    result: 'error',
    error: { code: 'forbidden', message: 'cannot list the referrers', why: 'denied', status: 403 },
    ...changes,
  })

/** Images with a copy and a tag step at each of their targets. */
function planOf(images: Readonly<Record<string, number>>, more: Partial<Plan> = {}): Plan {
  const placements = Object.entries(images).flatMap(([image, targets], i) =>
    Array.from({ length: targets }, (_, t): Placement => ({
      id: `i${i + 1}.t${t + 1}`,
      image,
      from: { environment: 'staging', repository: from, tag: '1' },
      to: { environment: 'prod', repository: { registry: `r${t}.example`, path: 'prod/api' } },
      root,
      tags: [{ tag: '1', before: null, change: 'create' }],
      evidence: { found: 0, missing: 0 },
    })),
  )
  const steps = placements.flatMap(({ id, to: { repository } }): Step[] => [
    {
      id: `${id}.c`,
      placement: id,
      after: [],
      expect: [],
      kind: 'copy',
      root,
      from,
      to: repository,
      rootBy: 'digest',
    },
    {
      id: `${id}.g`,
      placement: id,
      after: [`${id}.c`],
      expect: [{ kind: 'tag', repository, tag: '1', digest: null }],
      kind: 'tag',
      repository,
      tag: '1',
      target: root,
      from,
    },
  ])
  return {
    schema: 'dray.plan/1',
    operation: 'promote',
    createdAt: '2026-11-24T10:00:00.000Z',
    tool: '1',
    policy: '',
    placements,
    steps,
    refusals: [],
    ...more,
  }
}

function judged(
  gates: Readonly<Record<string, readonly GateResult[]>>,
): ReadonlyMap<string, JudgedPlacement> {
  return new Map(Object.entries(gates).map(([id, results]) => [id, { gates: results }]))
}

const stepsOf = ({ steps }: Plan): readonly string[] => steps.map(({ id }) => id)

describe('the results of gates in a plan', () => {
  it('leave a plan alone if no gate was evaluated', () => {
    const plan = planOf({ api: 1 })
    expect(applyGateResults(plan, new Map(), { partial: false })).toBe(plan)
  })

  it('stand at their placement, and a pass removes no step', () => {
    const plan = planOf({ api: 2 })
    const after = applyGateResults(plan, judged({ 'i1.t1': [gateResult()] }), { partial: false })
    expect(after.placements.map(({ gates }) => gates?.length)).toEqual([1, undefined])
    expect(stepsOf(after)).toEqual(stepsOf(plan))
    expect(after.refusals).toEqual([])
  })

  it.each(['warned', 'overridden'] as const)('refuse nothing if the gate is %s', (effect) => {
    const gates = judged({ 'i1.t1': [failed({ effect, override: { reason: 'incident' } })] })
    const after = applyGateResults(planOf({ api: 1 }), gates, { partial: false })
    expect(stepsOf(after)).toEqual(['i1.t1.c', 'i1.t1.g'])
    expect(after.refusals).toEqual([])
    expect(after.placements[0]?.gates?.[0]).toMatchObject({ result: 'fail', effect })
  })

  it('refuse the image at all targets if a gate fails at one of them, and no other image', () => {
    const plan = planOf({ api: 2, web: 1 })
    const after = applyGateResults(plan, judged({ 'i1.t2': [failed()] }), { partial: false })
    expect(stepsOf(after)).toEqual(['i2.t1.c', 'i2.t1.g'])
    expect(after.refusals).toMatchObject([{ image: 'api', placement: 'i1.t2', error: { code: 'refused' } }])
  })

  it('refuse only the target of the failed gate with --partial', () => {
    const after = applyGateResults(planOf({ api: 2 }), judged({ 'i1.t2': [failed()] }), { partial: true })
    expect(stepsOf(after)).toEqual(['i1.t1.c', 'i1.t1.g'])
  })

  it('keep the refusals of the plan, and add further errors of a placement', () => {
    const refusals = [{ image: 'web', error: { code: 'not-found', message: 'web is not there' } }] as const
    const error = { code: 'refused', message: 'the gate scan cannot be overridden' } as const
    const gates = new Map([['i1.t1', { gates: [failed()], errors: [error] }]])
    const after = applyGateResults(planOf({ api: 1 }, { refusals }), gates, { partial: false })
    expect(after.refusals.map((one) => one.error.message)).toEqual([
      'web is not there',
      'the gate scan cannot be overridden',
      'the gate scan of prod failed for api',
    ])
  })
})

describe('the error of an image that gates refuse', () => {
  const placement = { image: 'api:1.4.2', root }

  it('names the gate, the digest, the reason and the command that helps', () => {
    expect(gateRefusals(placement, [failed({ hint: 'Run: trivy image api:1.4.2' })])).toEqual([
      {
        code: 'refused',
        message: 'the gate scan of prod failed for api:1.4.2',
        subject: root.digest,
        why: 'scan: CVE-1',
        hint: 'Run: trivy image api:1.4.2',
      },
    ])
  })

  it('gives the reasons gate by gate, and names environments if there are several', () => {
    const [error] = gateRefusals(placement, [
      gateResult(),
      failed(),
      failed({ name: 'soak', environment: 'prod-eu', reason: '5 h of 24 h' }),
    ])
    expect(error).toMatchObject({
      message: '2 gates failed for api:1.4.2',
      why: 'scan of prod: CVE-1\nsoak of prod-eu: 5 h of 24 h',
      hint: 'To evaluate the gates again, run: dray check api:1.4.2 --to prod',
    })
  })

  it('lists the platform images that the reason does not name', () => {
    const subjects = [
      { digest: digestOf('1'), platform: 'linux/amd64', result: 'pass', reason: 'no finding' },
      { digest: digestOf('2'), platform: 'linux/arm64', result: 'fail', reason: 'CVE-2' },
    ] as const
    const [error] = gateRefusals(placement, [failed({ reason: '1 of 2 platforms fails', subjects })])
    expect(error?.details).toEqual(['scan: linux/arm64: CVE-2'])
  })

  it('has the code of the failed read, because nothing is known', () => {
    expect(gateRefusals(placement, [unread(), unread({ name: 'signed' })])).toMatchObject([
      {
        code: 'forbidden',
        message: 'cannot evaluate 2 gates for api:1.4.2',
        why: 'cannot list the referrers: denied',
        status: 403,
      },
    ])
  })

  it('is one for what could not be read and one for what failed', () => {
    expect(gateRefusals(placement, [failed(), unread({ name: 'soak' })]).map(({ code }) => code)).toEqual([
      'forbidden',
      'refused',
    ])
  })

  it('is a conflict if the gate fails after the plan was made, and not if it cannot be read', () => {
    const conflict = (gate: GateResult) => gateConflict(placement, [gate], 'Then make a new plan.')
    expect(conflict(gateResult())).toBeUndefined()
    expect(conflict(failed({ hint: 'Run: dray approve api' }))).toMatchObject({
      code: 'conflict',
      why: 'scan: CVE-1',
      hint: 'Run: dray approve api\nThen make a new plan.',
    })
    expect(conflict(unread())).toMatchObject({ code: 'forbidden' })
  })
})
