import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { didYouMean, nearest, findNearest } from '../../src/lib/nearest.ts'

describe('nearest', () => {
  it.each([
    ['stagin', 'staging'],
    ['stgaing', 'staging'],
    ['Staging', 'staging'],
    ['prd', 'prod'],
    ['promotFrom', 'promoteFrom'],
    ['enviroments', 'environments'],
  ])('takes %s for %s', (word, meant) => {
    const known = ['dev', 'staging', 'prod', 'promoteFrom', 'environments', 'registries']
    expect(nearest(word, known)).toBe(meant)
  })

  it('takes the beginning of a word for the word, if nothing else is near', () => {
    const known = ['promote', 'prune', 'status'].values()
    expect(findNearest('prom', known, 3)).toEqual(['promote'])
    expect(nearest('stat', ['status', 'stats'])).toBe('stats')
    expect(nearest('pr', ['promote', 'prune'])).toBeUndefined()
  })

  it.each(['production', 'x', '', 'qa'])('finds nothing that is similar to %j', (word) => {
    expect(nearest(word, ['dev', 'staging', 'prod'])).toBeUndefined()
  })

  it('returns the nearest first, and of equally near ones the one with the same beginning', () => {
    expect(findNearest('1.4.2', ['2.4.2', '1.4', '1.4.3', '1.4.21', '7.7.7'], 3)).toEqual([
      '1.4.21',
      '1.4.3',
      '2.4.2',
    ])
  })

  it('makes a question for the end of a message', () => {
    expect(didYouMean('stagng', ['staging'])).toBe('Did you mean "staging"?')
    expect(didYouMean('other', ['staging'])).toBeUndefined()
  })

  it('finds every name with one wrong letter', () => {
    const word = fc.stringMatching(/^[a-z]{4,12}$/)
    fc.assert(
      fc.property(word, fc.nat(), (right, at) => {
        const i = at % right.length
        expect(nearest(`${right.slice(0, i)}0${right.slice(i + 1)}`, [right, '-'.repeat(20)])).toBe(right)
      }),
    )
  })

  it('ignores text that is too long for a name', () => {
    expect(nearest('a'.repeat(1_000_000), ['a'.repeat(999_999)])).toBeUndefined()
  })
})
