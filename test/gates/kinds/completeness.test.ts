import { describe, expect, it } from 'vitest'
import { shortDigest } from '../../../src/gates/evaluation/judge-subjects.ts'
import { completenessGate } from '../../support/gates/definitions.ts'
import { digest, evaluate, judgedImage, signature, unreadable } from '../../support/gates/judged-image.ts'
import { promoted } from '../../support/gates/promoted.ts'

const gate = completenessGate({ signedBy: ['promotions'] })
const scan = digest('scan')
const approval = digest('approval')

describe('a completeness gate', () => {
  it('passes if everything that verified promotions list is still attached', () => {
    const promotions = [promoted({ evidence: [scan] }), promoted({ evidence: [scan, approval] })]
    const image = judgedImage(promotions, { attached: new Set([scan, approval, digest('other')]) })
    expect(evaluate(gate, image)).toMatchObject({
      result: 'pass',
      reason: 'all 2 attached artifacts that its promotions list are there',
      evidence: promotions.map(({ artifact }) => ({ digest: artifact })),
    })
  })

  it.each([
    [[], 'its promotions list no attached artifacts'],
    [[scan], 'the attached artifact that its promotions list is there'],
  ])('passes if its promotions list %j', (listed, reason) => {
    const image = judgedImage([promoted({ evidence: listed })], { attached: new Set(listed) })
    expect(evaluate(gate, image)).toMatchObject({ result: 'pass', reason })
  })

  it('fails if one of them is gone, also if only an older promotion lists it', () => {
    const image = judgedImage([promoted({ evidence: [scan, approval], age: 1000 }), promoted()], {
      attached: new Set([scan]),
    })
    expect(evaluate(gate, image)).toMatchObject({
      result: 'fail',
      reason: `missing attached artifacts that a promotion lists: ${shortDigest(approval)} (1 of 2)`,
    })
  })

  it.each([
    ['there is no promotion', [signature()]],
    ['an unknown key signed it', [promoted({}, { by: ['stranger'] })]],
    ['it is about another digest', [promoted({}, { about: [digest('elsewhere')] })]],
  ])('fails if %s: then nothing is known', (_, evidence) => {
    expect(evaluate(gate, judgedImage(evidence))).toMatchObject({
      result: 'fail',
      reason: 'no attestation of a promotion by promotions lists attached artifacts',
    })
  })

  it('fails if an artifact is damaged that could be a promotion with a longer list', () => {
    const damaged = unreadable('its bytes have another digest', { by: [], isDamaged: true })
    expect(evaluate(gate, judgedImage([promoted(), damaged])).reason).toContain('cannot be read')
  })

  it('ignores the list of a promotion that an unknown key signed', () => {
    const foreign = promoted({ evidence: [scan] }, { by: ['stranger'] })
    expect(evaluate(gate, judgedImage([promoted(), foreign])).result).toBe('pass')
  })
})
