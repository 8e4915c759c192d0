import { describe, expect, it } from 'vitest'
import { parseDuration } from '../../../src/cli/command/duration.ts'
import { DrayError } from '../../../src/lib/errors.ts'

describe('parseDuration', () => {
  it.each([
    ['500ms', 500],
    ['90s', 90_000],
    ['15m', 900_000],
    ['1h30m', 5_400_000],
    ['0.5s', 500],
  ])('reads %s as %d ms', (text, ms) => {
    expect(parseDuration(text, '--timeout')).toBe(ms)
  })

  it.each(['', '15', 'm', '15 m', '-5m', '0s', '5d', '5m!', '1e3s', '999999h'])(
    'refuses %j as wrong usage',
    (text) => {
      expect(() => parseDuration(text, '--timeout')).toThrow(expect.objectContaining({ code: 'usage' }))
      expect(() => parseDuration(text, '--timeout')).toThrow(DrayError)
    },
  )
})
