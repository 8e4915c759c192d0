import { assert, property, string } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkLabel, checkObjectName, labelFor } from '../../../src/usecases/kubernetes/names.ts'
import { outcomeOf } from '../../support/error-code.ts'

describe('a name in Kubernetes', () => {
  it.each(['', '-a', 'a-', 'A', 'a_b', 'a.b', 'ä', 'a'.repeat(64), 'a\n'])('of a label is not %j', (name) => {
    expect(outcomeOf(() => checkLabel(name, '--name'))).toBe('usage')
  })

  it.each(['a', '0', 'a-b', 'a'.repeat(63)])('of a label is %j', (name) => {
    expect(checkLabel(name, '--name')).toBe(name)
  })

  it.each(['', '.a', 'a.', 'a..b', 'a.-b', 'A', 'a'.repeat(254)])('of a Secret is not %j', (name) => {
    expect(outcomeOf(() => checkObjectName(name, '--name'))).toBe('usage')
  })

  it('of a Secret has dots', () => {
    expect(checkObjectName('a.b-c.d', '--name')).toBe('a.b-c.d')
  })

  it('is a label for any environment', () => {
    assert(
      property(string({ unit: 'grapheme', minLength: 1, maxLength: 100 }), (text) => {
        const name = labelFor('dray-prepull', text, 60)
        expect(checkLabel(name, '--name', 60)).toBe(name)
      }),
    )
  })

  it('is the name of the environment if that fits, and different for two environments', () => {
    expect(labelFor('dray-prepull', 'prod', 60)).toBe('dray-prepull-prod')
    const names = ['prod-eu', 'prod_eu', 'Prod-eu', 'prod.eu', 'x'.repeat(70), 'x'.repeat(71)]
    expect(new Set(names.map((name) => labelFor('dray-prepull', name, 60))).size).toBe(names.length)
  })
})
