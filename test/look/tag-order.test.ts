import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareTags } from '../../src/look/tag-order.ts'

const tag = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}$/)

describe('compareTags', () => {
  it('orders numbers in tags by their value, however long they are', () => {
    const tags = ['1.10.0', '1.9.0', '1.9.0-rc.2', 'v2', '1.9.00', '9'.repeat(40), '1'.repeat(41), 'latest']
    expect(tags.sort(compareTags)).toEqual([
      '1.9.0',
      '1.9.00',
      '1.9.0-rc.2',
      '1.10.0',
      '9'.repeat(40),
      '1'.repeat(41),
      'latest',
      'v2',
    ])
  })

  it('is a total order', () => {
    fc.assert(
      fc.property(tag, tag, tag, (a, b, c) => {
        expect(Math.sign(compareTags(a, b)) + Math.sign(compareTags(b, a))).toBe(0)
        expect(compareTags(a, b) === 0).toBe(a === b)
        const [low = '', middle = '', high = ''] = [a, b, c].sort(compareTags)
        expect([
          compareTags(low, middle),
          compareTags(middle, high),
          compareTags(low, high),
        ]).not.toContainEqual(expect.toSatisfy((order: number) => order > 0))
      }),
    )
  })
})
