import { describe, expect, it } from 'vitest'
import { promotionPredicateType } from '../../../src/audit/attestation/promotion-statement.ts'
import type { SoakGate } from '../../../src/config/gates/gate.ts'
import type { JudgedImage } from '../../../src/gates/evidence.ts'
import type { GateResult } from '../../../src/plan/gates/gate-result.ts'
import { soakGate } from '../../support/gates/definitions.ts'
import {
  day,
  elsewhere,
  evaluate as evaluateIn,
  type EvaluationOptions,
  gateTrust,
  hour,
  index,
  judgedImage,
  now,
  statement,
  unreadable,
} from '../../support/gates/judged-image.ts'
import { promoted } from '../../support/gates/promoted.ts'

const gate = soakGate({ signedBy: ['promotions'] })
const minute = 60_000

/** The first part of a path is the environment. */
function evaluate(definition: SoakGate, image: JudgedImage, options: EvaluationOptions = {}): GateResult {
  return evaluateIn(definition, image, {
    environmentsOf: ({ path }) => [path.split('/')[0] ?? ''],
    ...options,
  })
}

const prod = { environment: 'staging', repository: { registry: 'registry.example.com', path: 'prod/api' } }

describe('a soak gate passes', () => {
  it('if the newest promotion to the environment is old enough, and names its attestation', () => {
    const old = promoted({ age: day })
    expect(evaluate(gate, judgedImage([old]))).toMatchObject({
      result: 'pass',
      reason: '24 h in staging, at least 24 h',
      subjects: [{ digest: index, result: 'pass' }],
      evidence: [{ digest: old.artifact, time: new Date(now - day).toISOString() }],
    })
  })

  it('if a newer promotion goes to another environment, or is by an unknown signer', () => {
    const image = judgedImage([
      promoted({ age: day }),
      promoted({ age: hour, to: prod }),
      promoted({ age: hour }, { by: ['stranger'] }),
      promoted({ age: hour }, { by: [], problems: ['no signer made it'] }),
    ])
    expect(evaluate(gate, image).result).toBe('pass')
  })

  it('until the key of the attestation expires', () => {
    const trust = gateTrust({ promotions: now + hour })
    expect(evaluate(gate, judgedImage([promoted({ age: day })]), { trust }).validUntil).toBe(
      new Date(now + hour).toISOString(),
    )
  })

  it('if the current-version tag of the environment must be and is on the image', () => {
    const image = judgedImage([promoted({ age: day })], { isCurrentIn: new Map([['staging', true]]) })
    expect(evaluate({ ...gate, requireCurrent: true }, image).result).toBe('pass')
  })
})

describe('a soak gate fails', () => {
  it.each([
    ['without an attestation', []],
    ['if an unknown key signed it', [promoted({ age: day }, { by: ['stranger'] })]],
    ['if nobody signed it', [promoted({ age: day }, { by: [] })]],
    ['if it is a promotion to another repository, whatever it says', [promoted({ age: day, to: prod })]],
    ['if it is about another digest', [promoted({ age: day }, { about: [elsewhere] })]],
    [
      'if it has another predicate type',
      [statement('urn:other', promoted().content, { by: ['promotions'] })],
    ],
    ['if its time is in the future', [promoted({ age: -6 * minute })]],
  ])('%s', (_, evidence) => {
    expect(evaluate(gate, judgedImage(evidence))).toMatchObject({
      result: 'fail',
      reason: 'no attestation by promotions of a promotion to staging',
      hint: 'Promote the image to staging with `attest: true` in that environment.',
    })
  })

  it('after 23:59 h, and says when it passes', () => {
    const { result, reason, passesAfter } = evaluate(gate, judgedImage([promoted({ age: day - minute })]))
    expect({ result, reason, passesAfter }).toEqual({
      result: 'fail',
      reason: '23 h of 24 h in staging; passes after 2026-11-25 12:01 UTC',
      passesAfter: '2026-11-25T12:01:00.000Z',
    })
  })

  it('if the digest was promoted again: the newest promotion counts', () => {
    for (const evidence of [
      [promoted({ age: 3 * day }), promoted({ age: 5 * hour })],
      [promoted({ age: 5 * hour }), promoted({ age: 3 * day })],
    ])
      expect(evaluate(gate, judgedImage(evidence)).reason).toContain('5 h of 24 h in staging')
  })

  it.each([
    ['elsewhere', new Map([['staging', false]])],
    ['unknown', new Map<string, boolean>()],
  ])('if the current-version tag has to be on the image and is %s', (_, isCurrentIn) => {
    const image = judgedImage([promoted({ age: day })], { isCurrentIn })
    expect(evaluate({ ...gate, requireCurrent: true }, image)).toMatchObject({
      result: 'fail',
      reason: 'the current-version tag of staging is not on this image now',
    })
  })

  it('by the clock that is behind', () => {
    const evidence = [promoted({ age: day + minute })]
    expect(evaluate(gate, judgedImage(evidence)).result).toBe('pass')
    expect(evaluate(gate, judgedImage(evidence, { clockDifference: hour })).result).toBe('pass')
    expect(evaluate(gate, judgedImage(evidence, { clockDifference: -30 * minute }))).toMatchObject({
      result: 'fail',
      // By the clock of this machine, with that of the registry half an hour behind.
      passesAfter: new Date(now + 29 * minute).toISOString(),
    })
  })

  it('if the clocks differ by more than an hour', () => {
    const image = judgedImage([promoted({ age: 30 * day })], { clockDifference: hour + 1 })
    expect(evaluate(gate, image)).toMatchObject({ result: 'fail', hint: 'Set the clock of this machine.' })
  })

  it('if its newest attestation cannot be read: it could be a newer promotion', () => {
    const broken = statement(promotionPredicateType, { digest: index }, { by: ['promotions'] })
    expect(evaluate(gate, judgedImage([promoted({ age: day }), broken])).reason).toContain('cannot be read')
    const truncated = unreadable('it is no JSON', {
      by: ['promotions'],
      predicateType: promotionPredicateType,
    })
    expect(evaluate(gate, judgedImage([promoted({ age: day }), truncated])).result).toBe('fail')
    const damaged = unreadable('its bytes have another digest', { by: [], isDamaged: true })
    expect(evaluate(gate, judgedImage([promoted({ age: day }), damaged])).result).toBe('fail')
    const foreign = unreadable('it is no JSON', { by: [], predicateType: promotionPredicateType })
    expect(evaluate(gate, judgedImage([promoted({ age: day }), foreign])).result).toBe('pass')
  })
})
