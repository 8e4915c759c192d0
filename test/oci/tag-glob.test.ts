import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isTag } from '../../src/oci/reference.ts'
import { fitsSomeTag, includesGlob, matchesAnyGlob, matchesGlob } from '../../src/oci/tag-glob.ts'

const glob = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?', '.', '-'), maxLength: 6 })
const tag = fc.string({ unit: fc.constantFrom('a', 'b', '.', '-'), maxLength: 6 })

describe('a glob of tags', () => {
  it('includes another glob only if it matches all tags of the other', () => {
    fc.assert(
      fc.property(glob, glob, fc.array(tag, { minLength: 20, maxLength: 40 }), (outer, inner, tags) => {
        fc.pre(includesGlob(outer, inner))
        expect(tags.filter((one) => matchesGlob(inner, one) && !matchesGlob(outer, one))).toEqual([])
      }),
      { numRuns: 2000 },
    )
  })

  it.each([
    ['*', 'anything-?'],
    ['r-*', 'r-1.*'],
    ['*-rc*', '1.4-rc.*'],
    ['a*c', 'a*b?c'],
  ])('%s includes %s', (outer, inner) => {
    expect(includesGlob(outer, inner)).toBe(true)
    expect(includesGlob(inner, outer)).toBe(false)
  })

  it('matches the same tags in a long list as alone', () => {
    fc.assert(
      fc.property(fc.array(glob, { minLength: 17, maxLength: 30 }), tag, (list, text) => {
        expect(matchesAnyGlob(list, text)).toBe(list.some((one) => matchesGlob(one, text)))
      }),
    )
  })

  it('matches a tag unless fitsSomeTag is false', () => {
    fc.assert(
      fc.property(glob, tag, (text, one) => {
        const example = text.replaceAll(/[*?]/g, 'a')
        const isFitted = [one, example].some((name) => isTag(name) && matchesGlob(text, name))
        expect(fitsSomeTag(text)).toBe(isFitted)
      }),
      { numRuns: 2000 },
    )
    for (const none of ['', '-a', '.*', 'a/b', 'a b', 'a\n', 'a'.repeat(129)])
      expect(fitsSomeTag(none)).toBe(false)
    expect(fitsSomeTag('a'.repeat(128))).toBe(true)
  })
})
