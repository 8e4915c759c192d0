import { describe, expect, it } from 'vitest'
import { approvalPredicateType } from '../../../src/audit/attestation/approval-statement.ts'
import { shortDigest } from '../../../src/gates/evaluation/judge-subjects.ts'
import type { AttachedEvidence } from '../../../src/gates/evidence.ts'
import type { GateResult } from '../../../src/plan/gates/gate-result.ts'
import { approver, decided } from '../../support/gates/decided.ts'
import { approvalsGate } from '../../support/gates/definitions.ts'
import {
  day,
  elsewhere,
  evaluate,
  type EvaluationOptions,
  hour,
  index,
  judgedImage,
  now,
  statement,
  unreadable,
} from '../../support/gates/judged-image.ts'

const minute = 60_000
const gate = approvalsGate({ count: 2, maxAgeMs: 7 * day })
const approvers = new Map([['leads', ['ada', 'bob', 'carol'].map((person) => approver(person))]])

function judge(
  evidence: readonly AttachedEvidence[],
  changes: Partial<typeof gate> = {},
  options: EvaluationOptions = {},
  clockDifference = 0,
): GateResult {
  const image = judgedImage(evidence, { clockDifference })
  return evaluate({ ...gate, ...changes }, image, { actors: ['github:dora'], approvers, ...options })
}

describe('an approvals gate passes', () => {
  it('with the approvals of enough people, until one of them ends', () => {
    const [ada, bob] = [decided('ada', { age: hour }), decided('bob', { expires: '2026-11-30T00:00:00Z' })]
    expect(judge([bob, ada])).toMatchObject({
      result: 'pass',
      reason: '2 of 2: ada, bob',
      validUntil: '2026-11-30T00:00:00.000Z',
      evidence: [
        { digest: ada.artifact, time: new Date(now - hour).toISOString() },
        { digest: bob.artifact },
      ],
    })
    expect(judge([ada, decided('bob')]).validUntil).toBe(new Date(now - hour + 7 * day).toISOString())
    expect(judge([ada, bob, decided('carol')]).validUntil).toBe(new Date(now - hour + 7 * day).toISOString())
  })

  it.each([
    ['who approved after rejecting', [decided('ada', { decision: 'reject', age: hour }), decided('ada')]],
    ['by cosign, without a digest in the predicate', [decided('ada', { digest: undefined })]],
    ['whose clock is five minutes ahead', [decided('ada', { age: -5 * minute })]],
    ['with their second key', [decided('ada', {}, { by: ['leads/ada#2'] })]],
    [
      'whose rejection was for another environment',
      [decided('ada'), decided('ada', { environment: 'qa', decision: 'reject' })],
    ],
    [
      'whose rejection was for another digest',
      [decided('ada'), decided('ada', { decision: 'reject', digest: elsewhere }, { about: [elsewhere] })],
    ],
  ])('with a person %s', (_, evidence) => {
    expect(judge([...evidence, decided('bob')]).result).toBe('pass')
  })

  it('by the verified time of a keyless signature, and not by the time in the predicate', () => {
    const late = decided('ada', { age: -30 * day }, { signedAt: now - hour })
    expect(judge([late, decided('bob')]).result).toBe('pass')
    const early = decided('ada', {}, { signedAt: now - 8 * day })
    expect(judge([early, decided('bob')]).result).toBe('fail')
  })

  it('with the approval of the person who promotes, if that is allowed', () => {
    const evidence = [decided('ada'), decided('bob')]
    const actors = ['GitHub:Ada']
    expect(judge(evidence, {}, { actors })).toMatchObject({
      result: 'fail',
      reason: '1 of 2: bob; ada does not count: the person runs this promotion',
    })
    expect(judge(evidence, { allowSelfApproval: true }, { actors }).result).toBe('pass')
  })
})

describe('an approvals gate fails', () => {
  it('without approvals, and says how to approve', () => {
    expect(judge([])).toMatchObject({
      result: 'fail',
      reason: '0 of 2',
      hint: 'Run: dray approve api:1.4.2 --to prod --key FILE',
    })
  })

  it('with a rejection, and says who can withdraw it', () => {
    expect(judge([decided('ada', { decision: 'reject' }), decided('bob', { decision: 'reject' })]).hint).toBe(
      'To withdraw the rejection, ada and bob can run: dray approve api:1.4.2 --to prod --key FILE',
    )
  })

  it('in a check of the environment itself, with a command for its own repository', () => {
    const from = { environment: 'prod', repository: { registry: 'registry.example.com', path: 'prod/api' } }
    expect(judge([], {}, { from }).hint).toBe(
      `Run: dray approve registry.example.com/staging/api@${index} --to prod --key FILE`,
    )
  })

  it.each([
    [
      'one person with two keys',
      [decided('ada'), decided('ada', {}, { by: ['leads/ada#2'] })],
      '1 of 2: ada',
    ],
    [
      'one person of two groups',
      [decided('ada'), decided('ada', {}, { by: ['security/ada'] })],
      '1 of 2: ada',
    ],
    [
      'an approval for another environment',
      [decided('ada'), decided('bob', { environment: 'staging' })],
      '1 of 2: ada',
    ],
    [
      'an approval for another digest',
      [decided('ada'), decided('bob', { digest: elsewhere }, { about: [elsewhere] })],
      '1 of 2: ada',
    ],
    [
      'a predicate about another digest than its statement',
      [decided('ada'), decided('bob', { digest: elsewhere })],
      '1 of 2: ada',
    ],
    ['an approval of tomorrow', [decided('ada'), decided('bob', { age: -day })], '1 of 2: ada'],
    ['an approval by a stranger', [decided('ada'), decided('bob', {}, { by: ['stranger'] })], '1 of 2: ada'],
    ['an unsigned approval', [decided('ada'), decided('bob', {}, { by: [] })], '1 of 2: ada'],
    [
      'an expired approval',
      [decided('ada'), decided('bob', { expires: new Date(now).toISOString() })],
      '1 of 2: ada; bob does not count: it expired on 2026-11-25 12:00 UTC',
    ],
    [
      'an approval that is too old',
      [decided('ada'), decided('bob', { age: 7 * day })],
      '1 of 2: ada; bob does not count: it expired on 2026-11-25 12:00 UTC',
    ],
    [
      'an older approval than one that expired',
      [
        decided('ada'),
        decided('bob', { age: 2 * hour }),
        decided('bob', { age: hour, expires: new Date(now - minute).toISOString() }),
      ],
      '1 of 2: ada; bob does not count: it expired on 2026-11-25 11:59 UTC',
    ],
    [
      'a later rejection of the same person',
      [
        decided('ada'),
        decided('bob', { age: hour }),
        decided('bob', { decision: 'reject', reason: 'not ready' }),
      ],
      'bob rejected it on 2026-11-25 12:00 UTC: not ready',
    ],
    [
      'a rejection at the same time',
      [decided('ada'), decided('bob', { decision: 'reject' }), decided('bob')],
      'bob rejected it',
    ],
    [
      'one rejection beside enough approvals, however old it is',
      [decided('ada'), decided('bob'), decided('carol', { decision: 'reject', age: 300 * day })],
      'carol rejected it',
    ],
    [
      'a rejection of tomorrow',
      [decided('ada'), decided('bob'), decided('carol', { decision: 'reject', age: -day })],
      'carol rejected it',
    ],
    [
      'a mistyped decision, which could be a rejection',
      [decided('ada'), decided('bob'), decided('carol', { decision: 'Reject' })],
      'of carol cannot be read: it.decision is neither approve nor reject',
    ],
    [
      'a restriction that is unknown',
      [decided('ada'), decided('bob', { expirs: '2026-01-01' })],
      'of bob cannot be read: it has the unknown field "expirs"',
    ],
    [
      'a statement without a time',
      [decided('ada'), decided('bob'), decided('carol', { timestamp: undefined })],
      'of carol cannot be read: it has no timestamp',
    ],
    [
      'a signed statement that is no JSON',
      [decided('ada'), decided('bob'), unreadable('it is no JSON', { by: ['leads/carol'] })],
      'of carol cannot be read: it is no JSON',
    ],
    [
      'a damaged artifact, which could be a rejection',
      [
        decided('ada'),
        decided('bob'),
        unreadable('its bytes have another digest', { by: [], isDamaged: true }),
      ],
      'cannot be read: its bytes have another digest',
    ],
    [
      'provenance by an approver',
      [
        decided('ada'),
        statement(
          'https://slsa.dev/provenance/v1',
          { decision: 'approve', environment: 'prod' },
          { by: ['leads/bob'] },
        ),
      ],
      '1 of 2: ada',
    ],
  ])('with %s', (_, evidence, reason) => {
    const groups = new Map([...approvers, ['security', [approver('ada', 'security')]]])
    const result = judge(evidence, { approvers: ['leads', 'security'] }, { approvers: groups })
    expect({ ...result, reason: result.reason.includes(reason) }).toMatchObject({
      result: 'fail',
      reason: true,
    })
  })

  it('with a key that is configured for two people', () => {
    const ada = decided('ada')
    const bob = { ...decided('bob'), signers: ada.signers.map((one) => ({ ...one, signer: 'leads/bob' })) }
    expect(judge([ada, bob]).result).toBe('fail')
  })

  it('by the clock that is ahead', () => {
    const evidence = [decided('ada'), decided('bob', { expires: new Date(now + 10 * minute).toISOString() })]
    expect(judge(evidence).result).toBe('pass')
    expect(judge(evidence, {}, {}, 20 * minute).result).toBe('fail')
    expect(judge(evidence, {}, {}, -20 * minute).reason).toBe('0 of 2')
  })

  it.each([
    [decided('bob', { environment: 'staging' }), 'bob decided about the environment "staging"'],
    [decided('carol', {}, { about: [elsewhere] }), 'carol decided about another digest'],
    [decided('ada', {}, { by: ['stranger'] }), 'it is signed by stranger, and the gate accepts leads'],
    [
      unreadable('it is no JSON', {
        by: [],
        problems: ['no signer made it'],
        predicateType: approvalPredicateType,
      }),
      'no signer made it',
    ],
  ])('lists what does not count: %#', (evidence, why) => {
    expect(judge([evidence]).warnings).toEqual([
      `approval ${shortDigest(evidence.artifact)} does not count: ${why}`,
    ])
  })

  it('lists approvals of the future', () => {
    const tomorrow = decided('ada', { age: -day })
    expect(judge([tomorrow]).warnings).toEqual([
      `approval ${shortDigest(tomorrow.artifact)} of ada does not count: its time 2026-11-26 12:00 UTC is in the future`,
    ])
  })
})
