import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { escapeJson } from '../../src/cli/command/result-document.ts'
import { formatYaml } from '../../src/lib/format-yaml.ts'

describe('a document as YAML', () => {
  it('is parsed to the same value by YAML 1.2 and 1.1, and is ASCII without control characters', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('yes', '1:30', '~', '0o7', '2026-01-02', '='),
    )
    fc.assert(
      fc.property(
        fc.dictionary(text, fc.oneof(text, fc.array(text), fc.integer(), fc.boolean())),
        (given) => {
          const value = JSON.parse(JSON.stringify({ a: given, b: [given] })) as unknown
          const yaml = formatYaml(value, escapeJson)
          expect(yaml).toMatch(/^[\n -~]*$/)
          // Parsers in Go and Rust reject the escapes of a surrogate pair.
          expect(yaml.replaceAll('\\\\', '')).not.toMatch(/\\ud[89a-f]/i)
          expect(parse(yaml)).toEqual(value)
          expect(parse(yaml, { version: '1.1' })).toEqual(value)
        },
      ),
    )
  })

  it('quotes a lone "=", which is not a string in YAML 1.1', () => {
    expect(formatYaml({ '=': '=' }, escapeJson)).toBe('"=": "="\n')
  })

  it('escapes a character outside the basic plane once, and replaces half a character', () => {
    const value = ['\u{1f600}', 'a\ud800', '\\ud800']
    const yaml = formatYaml(value, escapeJson)
    expect(yaml).toBe('- "\\U0001f600"\n- "a\\ufffd"\n- "\\\\ud800"\n')
    expect(parse(yaml)).toEqual(JSON.parse(escapeJson(JSON.stringify(value))))
  })

  it.each(['##vso[task.setvariable]x', 'a ###[error]b', 'x\n::error::y', '\u001b[2J', '\u202e'])(
    'contains no command of a terminal or a CI service: %j',
    (text) => {
      const yaml = formatYaml({ [text]: [text] }, escapeJson)
      expect(yaml).not.toMatch(/##(?:vso|teamcity)?\[|^\s*::|[^\n -~]/im)
      expect(parse(yaml)).toEqual({ [text]: [text] })
    },
  )
})
