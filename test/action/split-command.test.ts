import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { splitCommand } from '../../action/split-command.ts'

describe('the input command', () => {
  it.each([
    ['promote api:1.4.2 --yes', ['promote', 'api:1.4.2', '--yes']],
    ['dray promote api:1.4.2', ['promote', 'api:1.4.2']],
    ['\n  promote\tapi:1.4.2\r\n  --yes\n', ['promote', 'api:1.4.2', '--yes']],
    ['promote \\\n  api:1.4.2\\\r\n  --yes', ['promote', 'api:1.4.2', '--yes']],
    [`tag a --reason "it's \\"ready\\" \\\\"`, ['tag', 'a', '--reason', `it's "ready" \\`]],
    [`tag a --reason 'say "yes" \\'`, ['tag', 'a', '--reason', `say "yes" \\`]],
    [`tag a --reason="two words"'!'`, ['tag', 'a', '--reason=two words!']],
    [`tag a --reason ''`, ['tag', 'a', '--reason', '']],
    ['tag a --reason "two\nlines"', ['tag', 'a', '--reason', 'two\nlines']],
    [
      'tag a; rm -rf / | $(id) `id` $HOME ${X} > f * ~ # x',
      'tag a; rm -rf / | $(id) `id` $HOME ${X} > f * ~ # x'.split(' '),
    ],
    [String.raw`copy oci:C:\dir\a:1 b`, ['copy', String.raw`oci:C:\dir\a:1`, 'b']],
    ['serve "dray" dray', ['serve', 'dray', 'dray']],
  ])('splits %j into arguments', (text, expected) => {
    expect(splitCommand(text)).toEqual(expected)
  })

  it.each([
    ['', 'no arguments'],
    ['dray', 'no arguments'],
    ['promote "api', 'cannot be split'],
    ["promote it's", 'cannot be split'],
    ['dray login r.example\ndray promote api:1', 'several commands'],
  ])('refuses %j', (text, message) => {
    expect(() => splitCommand(text)).toThrowError(
      expect.objectContaining({ code: 'usage', message: expect.stringContaining(message) }),
    )
  })

  it('can contain any argument in quotes', () => {
    const inQuotes = (text: string): string =>
      text.includes("'") ? `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"` : `'${text}'`
    const texts = fc.array(fc.string({ unit: fc.constantFrom(...Array.from(' \t\r\n"\'\\$;dray\u00a0')) }), {
      minLength: 1,
      maxLength: 5,
    })
    fc.assert(
      fc.property(texts, fc.constantFrom(' ', '\n', '\t \r\n', ' \\\n'), (list, separator) => {
        expect(splitCommand(list.map(inQuotes).join(separator))).toEqual(list)
      }),
    )
  })
})
