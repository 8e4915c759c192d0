import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nextLink } from '../../src/registry/headers.ts'

describe('Link', () => {
  it.each([
    ['</a?b=c>; rel="next"', '/a?b=c'],
    ['</a>;rel=next', '/a'],
    ['</a>; rel="prev", </b>; rel="next"', '/b'],
    ['</a,b;c>; title="x, y; rel=\\"no"; rel="last next"', '/a,b;c'],
    ['</a>; rel="nextish"', undefined],
    ['</a>', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('%j leads to %j', (header, target) => {
    expect(nextLink(header)).toBe(target)
  })

  it('of any text is read in time that grows with it, and never throws', () => {
    fc.assert(
      fc.property(
        fc.string({
          unit: fc.constantFrom('<', '>', ';', '"', ' ', 'rel', '=', 'next', ',', 'x'),
          maxLength: 300,
        }),
        (text) => {
          const found = nextLink(text)
          expect(found === undefined || text.includes(`<${found}>`)).toBe(true)
        },
      ),
    )
  })
})
