import * as fc from 'fast-check'
import { parseDocument } from 'yaml'
import { describe, expect, it } from 'vitest'
import { isPlainString, writeScalar } from '../../../src/deployments/edit/values/scalar-style.ts'
import { edited, set } from '../../support/editing.ts'

function read(text: string, version: '1.1' | '1.2'): unknown {
  return parseDocument(text, { version, logLevel: 'silent' }).toJS()
}

const numbers =
  '1.10 1 0123 0o17 0x1f 0b11 1_000 1,000 1. 1.5e3 1e3 1E5 12e4567 e123456 4567890 .5 -1 +1 -0x1f'
const dates = '190:20:30 12:30 1:2.5 2026-11-28 2026-11-28T10:00:00Z'
const words = 'on Off YES no y N true False null Null NaN inf .inf -.INF .nan ~'
const syntax = [
  '',
  '-',
  '=',
  '<<',
  '*a',
  '&a',
  '!a',
  '@a',
  '`a',
  'a: b',
  'a #b',
  'a:',
  '- a',
  '? a',
  ' a',
  'a ',
]
const indicators = ['[a]', '{a}', 'a, b', '#a', '%a', '|', '>', '"a"', "'a'"]

describe('a string is written in double quotes if YAML reads another type without them', () => {
  it.each([...`${numbers} ${dates} ${words}`.split(' '), ...syntax, ...indicators])('%j', (value) => {
    expect(edited('tag: plain\n', [set('tag', value)])).toBe(`tag: ${JSON.stringify(value)}\n`)
  })
})

const versions =
  '1.4.2 1.4.2-rc.1 v1 latest 20.04-jammy 1.2.3_build.4 3f2e1d0c9b8a 1e3f 0x 08a 2026-11-28-abc'
const images =
  'registry.example.com:5000/team/api:1.4.2 localhost:5000/a 10.0.0.1:5000/a:1 yes-1 none api=localhost/a:1 a='
const digests = [`sha256:${'5'.repeat(64)}`, `1.4.2@sha256:${'0'.repeat(64)}`]

describe('a string stays plain if all versions of YAML read a string', () => {
  it.each([...`${versions} ${images}`.split(' '), ...digests])('%j', (value) => {
    expect(edited('tag: plain\n', [set('tag', value)])).toBe(`tag: ${value}\n`)
  })
})

const text = fc.oneof(
  fc.string(),
  fc.stringMatching(/^[0-9a-fox_.,:+TZyYnNrulINf~-]{1,12}$/),
  fc.stringMatching(/^[\w.:@/+-]{1,20}$/),
)
const unprintable = /[\p{Cc}\p{Cs}\u{2028}\u{2029}\u{feff}\u{fffe}\u{ffff}]/u

it('any written string is read as that string, in YAML 1.1 and 1.2', () => {
  const style = fc.constantFrom('plain' as const, 'single' as const, 'double' as const)
  fc.assert(
    fc.property(text, style, fc.boolean(), (value, used, isFlow) => {
      const written = writeScalar(value, used, { isFlow })
      expect(written === undefined).toBe(unprintable.test(value))
      const line = isFlow ? `{ a: ${written} }` : `a: ${written} # c`
      const readAs = (version: '1.1' | '1.2'): unknown =>
        written === undefined ? { a: value } : read(line, version)
      expect(readAs('1.1')).toEqual({ a: value })
      expect(readAs('1.2')).toEqual({ a: value })
    }),
    { numRuns: 1000 },
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
