import { expect, it } from 'vitest'
import { parseInterval } from '../../../src/cli/watch/interval.ts'

it('an interval is a duration of at least five seconds', () => {
  expect(parseInterval('5s')).toBe(5_000)
  expect(parseInterval('1m30s')).toBe(90_000)
  for (const text of ['4999ms', '1s', '30', 'often'])
    expect(() => parseInterval(text)).toThrow(expect.objectContaining({ code: 'usage' }))
})
