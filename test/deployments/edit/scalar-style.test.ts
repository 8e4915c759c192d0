import fc from 'fast-check'
import { parseDocument } from 'yaml'
import { describe, expect, it } from 'vitest'
import { isPlainString, writeScalar } from '../../../src/deployments/edit/values/scalar-style.ts'
import { edited, set } from '../../support/editing.ts'

function read(text: string, version: '1.1' | '1.2'): unknown {
  return parseDocument(text, { version, logLevel: 'silent' }).toJS()
}

describe('a string is written in double quotes if YAML reads another type without them', () => {
  it.each([
    ...['1.10', '1', '0123', '0o17', '0x1f', '0b11', '1_000', '1,000', '1.', '1.5e3', '1e3', '1E5'],
    ...['12e4567', '4567890', '190:20:30', '12:30', '1:2.5', '2026-11-28', '2026-11-28T10:00:00Z'],
    ...['on', 'Off', 'YES', 'no', 'y', 'N', 'true', 'False', 'null', 'Null', 'NaN', 'inf', '~'],
    ...['.5', '-1', '+1', '-0x1f', '.inf', '-.INF', '.nan', '', '-', '=', '<<', '*a', '&a', '!a', '@a', '`a'],
    ...[
      'a: b',
      'a #b',
      'a:',
      '- a',
      '? a',
      ' a',
      'a ',
      '[a]',
      '{a}',
      'a, b',
      '#a',
      '%a',
      '|',
      '>',
      '"a"',
      "'a'",
    ],
  ])('%j', (value) => {
    expect(edited('tag: plain\n', [set('tag', value)])).toBe(`tag: ${JSON.stringify(value)}\n`)
  })
})

describe('a string stays plain if all versions of YAML read a string', () => {
  it.each([
    ...[
      '1.4.2',
      '1.4.2-rc.1',
      'v1',
      'latest',
      '20.04-jammy',
      '1.2.3_build.4',
      '3f2e1d0c9b8a',
      '1e3f',
      '0x',
      '08a',
    ],
    ...['2026-11-28-abc', '2026.11.28', `sha256:${'5'.repeat(64)}`, `1.4.2@sha256:${'0'.repeat(64)}`],
    ...['registry.example.com:5000/team/api:1.4.2', 'localhost:5000/a', '10.0.0.1:5000/a:1', 'yes-1', 'none'],
  ])('%j', (value) => {
    expect(edited('tag: plain\n', [set('tag', value)])).toBe(`tag: ${value}\n`)
  })
})

const text = fc.oneof(
  fc.string(),
  fc.string({ unit: fc.constantFrom(...'0123456789abcdefox_.,:+-eETZyYnNrulINf~') }),
  fc.stringMatching(/^[\w.:@/+-]{1,20}$/),
)

it('any written string is read as that string, in YAML 1.1 and 1.2', () => {
  fc.assert(
    fc.property(
      text,
      fc.constantFrom('plain' as const, 'single' as const, 'double' as const),
      fc.boolean(),
      (value, style, isFlow) => {
        const written = writeScalar(value, style, { isFlow })
        if (written === undefined)
          return /[\p{Cc}\p{Cs}\u{2028}\u{2029}\u{feff}\u{fffe}\u{ffff}]/u.test(value)
        const line = isFlow ? `{ a: ${written} }` : `a: ${written} # c`
        return (['1.1', '1.2'] as const).every(
          (version) => JSON.stringify(read(line, version)) === JSON.stringify({ a: value }),
        )
      },
    ),
    { numRuns: 2000 },
  )
})

it('no plain string is a number, a boolean or null for either version', () => {
  fc.assert(
    fc.property(text, (value) => {
      if (!isPlainString(value)) return
      expect(read(value, '1.1')).toBe(value)
      expect(read(value, '1.2')).toBe(value)
    }),
    { numRuns: 2000 },
  )
})
