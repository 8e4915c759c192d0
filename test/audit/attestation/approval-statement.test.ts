import { describe, expect, it } from 'vitest'
import { approvalOf, approvalPredicate } from '../../../src/audit/attestation/approval-statement.ts'
import { digestOf } from '../../../src/oci/digest.ts'

const digest = digestOf('image')
/** As a person writes it for `cosign attest --predicate`. */
const written = {
  environment: 'prod',
  decision: 'approve',
  timestamp: '2026-11-28T10:20:00+01:00',
}

describe('the predicate of an approval', () => {
  it('is read as dray wrote it', () => {
    const approval = {
      digest,
      environment: 'prod',
      decision: 'reject',
      reason: 'not ready',
      ticket: 'OPS-1',
      expires: Date.UTC(2026, 11, 5),
      time: Date.UTC(2026, 10, 28),
      actor: { user: 'ada', host: 'laptop' },
    } as const
    const { decision, environment, reason, expires, time } = approval
    expect(approvalOf(approvalPredicate(approval), 'p')).toEqual({
      digest,
      decision,
      environment,
      reason,
      expires,
      time,
    })
  })

  it('need not repeat the digest, and its times may have a zone', () => {
    expect(approvalOf(written, 'p')).toEqual({
      environment: 'prod',
      decision: 'approve',
      time: Date.UTC(2026, 10, 28, 9, 20),
    })
  })

  it('expires at the end of a date in UTC', () => {
    expect(approvalOf({ ...written, expires: '2026-12-31' }, 'p').expires).toBe(Date.UTC(2027, 0, 1))
  })

  it.each([
    ['a list', [], 'is not an object'],
    ['no decision', { ...written, decision: undefined }, 'p.decision is missing'],
    ['another decision', { ...written, decision: 'Approve' }, 'p.decision is neither approve nor reject'],
    ['no environment', { ...written, environment: null }, 'p.environment is missing'],
    ['a list of environments', { ...written, environment: ['prod'] }, 'p.environment is not a string'],
    ['a mistyped field', { ...written, expirs: '2026-12-31' }, 'p has the unknown field "expirs"'],
    ['a restriction that it does not know', { ...written, plan: 'sha256:1' }, 'unknown field "plan"'],
    ['an expiry that is no time', { ...written, expires: 'soon' }, 'p.expires is no time'],
    ['an expiry without a zone', { ...written, expires: '2026-12-31T10:00:00' }, 'p.expires is no time'],
    ['a day that does not exist', { ...written, expires: '2026-02-30' }, 'p.expires is no time'],
    ['a number as time', { ...written, timestamp: 1 }, 'p.timestamp is not a string'],
    ['a digest that is none', { ...written, digest: 'latest' }, 'latest'],
  ])('is malformed with %s', (_, predicate, message) => {
    expect(() => approvalOf(predicate, 'p')).toThrow(message)
  })
})
