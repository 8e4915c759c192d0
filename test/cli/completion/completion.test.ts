import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { printCompletion } from '../../../src/cli/completion/completion.ts'
import { anyText } from '../../support/any-text.ts'

describe('candidates for a shell', () => {
  it('have a tab before their description, and an instruction on the last line', () => {
    const candidates = [{ value: 'api', description: 'An\timage.\n' }, { value: 'web' }]
    expect(printCompletion({ candidates, canContinue: true })).toBe('api\tAn image.\nweb\n:continue\n')
    expect(printCompletion({ candidates: [], paths: 'files' })).toBe(':files\n')
  })

  it.each([
    'a b',
    '$(reboot)',
    '`reboot`',
    'a;b',
    'a|b',
    "a'b",
    'a"b',
    'a\nb',
    'a\u001b[2J',
    '~root',
    'a*',
    'a{b,c}',
    '=ls',
    ':files',
    '',
  ])('never include %j, which a shell interprets', (value) => {
    expect(printCompletion({ candidates: [{ value }] })).toBe('')
  })

  it('have no control characters and no shell syntax, whatever the names are', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ value: anyText(), description: anyText() })), (candidates) => {
        const lines = printCompletion({ candidates }).split('\n')
        for (const line of lines) expect(line).toMatch(/^(?:[\w@%+=:,./-]+\t[^\p{Cc}]*)?$/u)
      }),
    )
  })
})
