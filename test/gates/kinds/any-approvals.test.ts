import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { approver, decided } from '../../support/gates/decided.ts'
import { approvalsGate } from '../../support/gates/definitions.ts'
import { day, elsewhere, evaluate, index, judgedImage, now } from '../../support/gates/judged-image.ts'

const gate = approvalsGate({ count: 2, maxAgeMs: 7 * day })
const approvers = new Map([['leads', ['ada', 'bob', 'carol'].map((person) => approver(person))]])
/** dora is no approver. */
const people = ['ada', 'bob', 'carol', 'dora'] as const

interface AnyStatement {
  readonly person: string
  /** in days; a negative one is in the future */
  readonly age: number
  readonly decision: string
  readonly environment: string
  readonly about: typeof index
  readonly isSigned: boolean
  /** in days; null: never */
  readonly expiresIn: number | null
}

const anyStatement: fc.Arbitrary<AnyStatement> = fc.record({
  person: fc.constantFrom(...people),
  age: fc.integer({ min: -2, max: 10 }),
  decision: fc.constantFrom('approve', 'reject'),
  environment: fc.constantFrom('prod', 'prod', 'prod', 'staging'),
  about: fc.constantFrom(index, index, index, elsewhere),
  isSigned: fc.boolean(),
  expiresIn: fc.option(fc.integer({ min: -3, max: 3 })),
})

/** Nobody decides twice at the same time. */
const anyStatements = fc.uniqueArray(anyStatement, {
  maxLength: 10,
  selector: ({ person, age }) => `${person} ${age}`,
})

function judge(all: readonly AnyStatement[]): string {
  const evidence = all.map(({ person, age, decision, environment, about, isSigned, expiresIn }) =>
    decided(
      person,
      {
        age: age * day,
        decision,
        environment,
        digest: about,
        ...(expiresIn !== null && { expires: new Date(now + expiresIn * day + 1).toISOString() }),
      },
      { about: [about], ...(!isSigned && { by: [] }) },
    ),
  )
  return evaluate(gate, judgedImage(evidence), { actors: [], approvers }).result
}

/** The decision of a person that counts, by the specification. */
function lastWord(all: readonly AnyStatement[], person: string): string {
  const [newest] = all
    .filter((one) => one.person === person && person !== 'dora' && one.isSigned)
    .filter((one) => one.environment === 'prod' && one.about === index)
    .filter((one) => one.decision === 'reject' || one.age >= 0)
    .toSorted((a, b) => a.age - b.age)
  const isExpired = newest?.expiresIn != null && newest.expiresIn < 0
  if (newest === undefined || isExpired) return 'none'
  return newest.decision === 'approve' && newest.age >= 7 ? 'none' : newest.decision
}

describe('whatever statements are attached', () => {
  it('an approvals gate passes if and only if two people approve last and nobody rejects last', () => {
    fc.assert(
      fc.property(anyStatements, (all) => {
        const words = people.map((person) => lastWord(all, person))
        const isApproved = words.filter((word) => word === 'approve').length >= 2 && !words.includes('reject')
        expect(judge(all)).toBe(isApproved ? 'pass' : 'fail')
        expect(judge(all.toReversed())).toBe(judge(all))
      }),
    )
  })

  it('the first approval that is removed never makes the gate pass', () => {
    fc.assert(
      fc.property(anyStatements, (all) => {
        const first = all.findIndex(
          ({ person, age, decision }) =>
            decision === 'approve' && all.every((other) => other.person !== person || other.age <= age),
        )
        fc.pre(first >= 0 && judge(all) === 'fail')
        expect(judge(all.toSpliced(first, 1))).toBe('fail')
      }),
    )
  })

  it('statements without a signature and by strangers change nothing', () => {
    fc.assert(
      fc.property(anyStatements, anyStatements, (all, others) => {
        const foreign = others.map((one) => ({ ...one, isSigned: one.person === 'dora' }))
        expect(judge([...all, ...foreign])).toBe(judge(all))
      }),
    )
  })
})
