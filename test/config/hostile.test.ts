import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseConfig } from '../../src/config/parse.ts'
import { isDrayError } from '../../src/lib/errors.ts'

/** The code of a DrayError, or `read`. Any other error fails the test. */
function outcome(content: string): string {
  try {
    parseConfig({ file: '/x/dray.yaml', content }, 'dray.yaml')
    return 'read'
  } catch (thrown) {
    if (isDrayError(thrown)) return thrown.code
    throw thrown
  }
}

describe('a hostile configuration', () => {
  it.each([
    ['lists in lists', '['.repeat(50_000)],
    ['closed lists in lists', `${'['.repeat(50_000)}${']'.repeat(50_000)}`],
    ['maps in maps', '{a: '.repeat(50_000)],
    ['dashes in dashes', '- '.repeat(50_000)],
    ['questions in questions', '? '.repeat(50_000)],
    ['an alias of itself', 'version: &a [*a]'],
    ['an alias of nothing', 'version: *a'],
    ['merge keys', 'version: 1\n<<: { version: 2 }'],
    ['a map as a key', '? { a: 1 }\n: 1\nversion: 1'],
    ['no key at all', '? \n: 1\nversion: 1'],
    ['a date', 'version: 2026-01-01'],
    ['zeros', '\0\0\0'],
    ['a lone surrogate', 'version: "\\ud800"'],
    ['a very long line', `version: ${'9'.repeat(500_000)}`],
  ])('of %s is refused as a mistake in the file', (_, content) => {
    expect(outcome(content)).toBe('config')
  })

  it('throws no other error', () => {
    const tokens = [
      'version: 1',
      'environments:',
      'images:',
      'registries:',
      'dev:',
      'path:',
      'targets:',
      '"{image}"',
    ]
    const token = fc.oneof(
      fc.constantFrom(...tokens),
      fc.constantFrom(
        '\n',
        '\n  ',
        '\n    ',
        ' ',
        '- ',
        '{',
        '}',
        '[',
        ']',
        ',',
        '&a',
        '*a',
        '!!set',
        '? ',
        '|',
        '>',
        '#',
      ),
      fc.string({ maxLength: 5 }),
    )
    fc.assert(
      fc.property(fc.array(token, { maxLength: 30 }), (parts) => {
        expect(['read', 'config']).toContain(outcome(parts.join('')))
      }),
      { numRuns: 1000 },
    )
  })
})
