import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { escapeText } from '../../../src/render/text/escape.ts'

/**
 * The same characters in other words: C0, DEL, C1, soft hyphen, bidi controls, zero width,
 * separators, fillers, tags.
 */
const acts =
  // oxlint-disable-next-line eslint/no-control-regex -- the test is about control characters
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb]|[\u{e0000}-\u{e0fff}]/u

describe('escapeText', () => {
  it('leaves nothing that a terminal acts on, hides or reverses, in any context', () => {
    const character = fc.oneof(
      fc.integer({ min: 0, max: 0xffff }),
      fc.integer({ min: 0xe0000, max: 0xe0fff }),
    )
    fc.assert(
      fc.property(fc.array(character, { maxLength: 60 }), (codes) => {
        expect(escapeText(String.fromCodePoint(...codes))).not.toMatch(acts)
      }),
    )
  })

  it('leaves none of these characters', () => {
    const all = Array.from({ length: 0x110000 }, (_, code) => String.fromCodePoint(code)).join('')
    expect(acts.test(escapeText(all))).toBe(false)
  })

  it('leaves no unpaired surrogates', () => {
    expect(escapeText('a\ud800b')).toBe('a\\u{d800}b')
  })

  it('leaves no command of a CI service', () => {
    const pieces = fc.constantFrom(
      '::',
      '##[',
      '##vso[',
      '##teamcity[',
      '#',
      ':',
      ' ',
      '\n',
      '\r',
      '\t',
      'error',
      ']',
      '\u200b',
    )
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
        const escaped = escapeText(parts.join(''))
        expect(escaped).not.toMatch(/^\s*::/m)
        expect(escaped).not.toMatch(/##(vso|teamcity)?\[/i)
      }),
    )
  })

  it.each([
    ['\u001b[31mred', '\\x1b[31mred'],
    ['a\nb\r\tc', 'a\\nb\\r\\tc'],
    ['\u009b2J', '\\x9b2J'],
    ['user\u202etxt.exe', 'user\\u{202e}txt.exe'],
    ['a\u200bb\ufeff', 'a\\u{200b}b\\u{feff}'],
    ['\u{e0041}', '\\u{e0041}'],
    ['::set-output name=x::y', '\\x3a:set-output name=x::y'],
    ['  ::warning::', '  \\x3a:warning::'],
    ['x ##[error] ##VSO[task]', 'x \\x23#[error] \\x23#VSO[task]'],
    ['##teamcity[x]', '\\x23#teamcity[x]'],
  ])('shows %j as %j', (text, shown) => {
    expect(escapeText(text)).toBe(shown)
  })

  it.each([
    'sha256:abc',
    'registry.example.com:5000/a',
    'Überraschung 日本語 👍',
    'a :: b',
    '[::1]:5000',
    'C:\\dir',
  ])('does not change %j', (text) => {
    expect(escapeText(text)).toBe(text)
  })
})
