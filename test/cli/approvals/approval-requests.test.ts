import { describe, expect, it } from 'vitest'
import { parseExpiry } from '../../../src/cli/approvals/approval-requests.ts'
import { isDrayError } from '../../../src/lib/errors.ts'

const now = Date.parse('2026-11-28T12:00:00Z')

describe('the end of a decision', () => {
  it.each([
    ['7d', '2026-12-05T12:00:00.000Z'],
    ['30m', '2026-11-28T12:30:00.000Z'],
    ['2027-01-31', '2027-02-01T00:00:00.000Z'],
    ['2026-11-28', '2026-11-29T00:00:00.000Z'],
    ['2027-01-31T10:00:00+01:00', '2027-01-31T09:00:00.000Z'],
  ])('is a span, a day or a time: %s', (text, expected) => {
    expect(new Date(parseExpiry(text, now)).toISOString()).toBe(expected)
  })

  it.each([
    ['2026-11-27', 'it is in the past'],
    ['2020-01-01T00:00:00Z', 'it is in the past'],
    ['0d', 'the decision would expire at once'],
    ['999999d', 'too long'],
    ['soon', 'it is neither a span nor a day'],
    ['', 'it is neither a span nor a day'],
    ['7', 'it is neither a span nor a day'],
    ['-7d', 'it is neither a span nor a day'],
    ['2027-02-30', 'it is neither a span nor a day'],
    ['2027-01-31T10:00:00', 'it is neither a span nor a day'],
  ])('is not %j', (text, why) => {
    let thrown: unknown
    try {
      parseExpiry(text, now)
    } catch (error) {
      thrown = error
    }
    expect(isDrayError(thrown) && [thrown.code, thrown.why]).toEqual(['usage', expect.stringContaining(why)])
  })
})
