import { RunReads } from '../../../src/gates/gathering/run-reads.ts'
import { describe, expect, it } from 'vitest'
import { GateRun, type JudgeImage } from '../../../src/cli/gates/changes/gate-run.ts'
import { accountsOf } from '../../../src/cli/gates/gate-ports.ts'
import type { GateDefinition } from '../../../src/config/gates/gate.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import type { GateResult } from '../../../src/plan/gates/gate-result.ts'
import type { Placement } from '../../../src/plan/plan.ts'
import { newCall } from '../../registry/client/world.ts'
import { scanGate, signatureGate } from '../../support/gates/definitions.ts'
import { digestOf, gateResult } from '../../support/gates/gate-results.ts'
import { memoryStores } from '../../support/gates/memory-stores.ts'
import { image } from '../../support/images.ts'
import { gateTrust } from '../../support/gates/trust.ts'

const placement: Placement = {
  id: 'i1.t1',
  image: 'api:1.4.2',
  from: { environment: 'staging', repository: { registry: 'r.test', path: 'staging/api' }, tag: '1.4.2' },
  to: { environment: 'prod', repository: { registry: 'r.test', path: 'prod/api' } },
  root: { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: digestOf('a'), size: 7 },
  tags: [],
  evidence: { found: 0, missing: 0 },
}

/** A run whose judge returns these results. */
function runWith(
  results: readonly GateResult[],
  {
    gates = [signatureGate()],
    overrides = {},
  }: { gates?: readonly GateDefinition[]; overrides?: Record<string, string> } = {},
): GateRun {
  const judge: JudgeImage = async () => results
  return new GateRun({
    operation: 'promote',
    gatesOf: () => gates.map((gate) => ({ gate, image: 'api' })),
    gate: {
      stores: memoryStores(image({ label: 'api' })),
      trust: gateTrust({}),
      clock: systemClock,
      reads: new RunReads(),
      actors: [],
      overrides: new Map(Object.entries(overrides)),
      reportFiles: [],
      environmentsOf: () => [],
      currentTagOf: () => [],
    },
    judge,
  })
}

const judged = (run: GateRun, arriving: readonly string[] = []): Promise<readonly GateResult[]> =>
  run.judgePlacement(placement, { arriving: new Set(arriving.map((letter) => digestOf(letter))) }, newCall())

describe('the gates of a run', () => {
  it('never pass without a result: that is an error of dray', async () => {
    const gates = [signatureGate(), scanGate()]
    await expect(judged(runWith([gateResult()], { gates }), ['b'])).rejects.toMatchObject({
      code: 'internal',
      message: 'the gate scan was not evaluated',
    })
  })

  it('of two environments with one name need a result each', async () => {
    const gates = [signatureGate(), signatureGate({ environment: 'prod-eu' })]
    await expect(judged(runWith([gateResult()], { gates }), ['b'])).rejects.toThrow('was not evaluated')
  })

  it('pass by evidence that arrives', async () => {
    expect(await judged(runWith([gateResult()]), ['b'])).toEqual([gateResult()])
  })

  it.each<[string, Partial<GateDefinition>, Record<string, string>, GateResult['effect']]>([
    ['is refused', {}, {}, 'refused'],
    ['warns with mode: warn', { mode: 'warn' }, {}, 'warned'],
    ['is overridden', {}, { signed: 'incident' }, 'overridden'],
    ['is refused with override: never', { override: 'never' }, { signed: 'incident' }, 'refused'],
  ])('by evidence that does not arrive fail: %s', async (_, changes, overrides, effect) => {
    const gates = [signatureGate(changes as Partial<ReturnType<typeof signatureGate>>)]
    const passed = gateResult({ validUntil: '2026-12-01T00:00:00.000Z' })
    const [found] = await judged(runWith([passed], { gates, overrides }))
    expect(found).toMatchObject({ result: 'fail', effect })
    expect(found?.reason).toContain(digestOf('b'))
    expect(found?.override).toEqual(effect === 'overridden' ? { reason: 'incident' } : undefined)
    expect(found).not.toHaveProperty('validUntil')
  })

  it('are not judged for an operation that none of them lists', async () => {
    const gates = [signatureGate({ operations: ['copy'] })]
    expect(await judged(runWith([], { gates }))).toEqual([])
  })
})

describe('the accounts of the person who runs dray', () => {
  it.each([
    [{ user: 'runner', host: 'h' }, ['runner']],
    [{ user: 'runner', host: 'h', ci: { service: 'github', user: 'ada' } }, ['github:ada', 'runner']],
    [{ user: 'ada', host: 'h', ci: { service: 'gitlab' }, says: 'bob' }, ['ada', 'bob']],
    [{ user: 'ada', host: 'h', says: 'ada' }, ['ada']],
  ])('of %j are %j', (actor, accounts) => {
    expect(accountsOf(actor)).toEqual(accounts)
  })
})
