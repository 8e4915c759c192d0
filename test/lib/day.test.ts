import { assert, date, property } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { aYearAfter, dayMs, endOfDay, formatDay } from '../../src/lib/day.ts'

describe('the end of a day', () => {
  test('is the beginning of the next day in UTC', () => {
    expect(endOfDay('2026-12-31')).toBe(Date.UTC(2027, 0, 1))
  })

  test.each(['2026-02-29', '2026-02-30', '2026-13-01', '2026-1-1', '2026-01-01T00:00:00Z', 'soon', ''])(
    'is unknown for %j',
    (text) => {
      expect(endOfDay(text)).toBeUndefined()
    },
  )

  test('is the end of the day that contains a time', () => {
    const times = date({ min: new Date('0001-01-01'), max: new Date('9998-01-01'), noInvalidDate: true })
    assert(
      property(times, (at) => {
        const time = at.getTime()
        const end = endOfDay(formatDay(time)) ?? 0
        expect(end > time && end - time <= dayMs).toBe(true)
      }),
    )
  })
})

test('a year after a leap day is March 1', () => {
  expect(aYearAfter(Date.parse('2028-02-29T12:00:00Z'))).toBe('2029-03-01')
})
