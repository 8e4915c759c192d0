import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isTimeZone, isWeekend, localTimes } from '../../../src/lib/zones/local-time.ts'

const hourIn = (zone: string, time: string): number => localTimes(zone)(Date.parse(time)).hour

describe('the local time', () => {
  it.each([
    ['UTC', '2026-11-29T23:59:59Z', 23],
    ['Europe/Berlin', '2026-03-29T00:59:59Z', 1],
    ['Europe/Berlin', '2026-03-29T01:00:00Z', 3],
    ['Europe/Berlin', '2026-10-25T00:59:59Z', 2],
    ['Europe/Berlin', '2026-10-25T01:00:00Z', 2],
    ['America/New_York', '2026-11-29T02:00:00Z', 21],
    ['Asia/Kathmandu', '2026-11-29T18:15:00Z', 0],
    ['Australia/Lord_Howe', '2026-10-03T15:29:59Z', 1],
    ['Australia/Lord_Howe', '2026-10-03T15:30:00Z', 2],
  ])('in %s at %s has the hour %i', (zone, time, hour) => {
    expect(hourIn(zone, time)).toBe(hour)
  })

  it('has the local date and its kind', () => {
    const saturday = localTimes('Pacific/Auckland')(Date.parse('2026-11-27T23:00:00Z'))
    expect(saturday.day).toBe(Date.parse('2026-11-28') / 86_400_000)
    expect(isWeekend(saturday.day)).toBe(true)
    expect(isWeekend(localTimes('UTC')(Date.parse('2026-11-27T23:00:00Z')).day)).toBe(false)
  })

  it('agrees with the calendar of the platform at any time', () => {
    const local = localTimes('America/Sao_Paulo')
    const format = new Intl.DateTimeFormat('en-US', {
      timeZone: 'America/Sao_Paulo',
      hour: 'numeric',
      hourCycle: 'h23',
      weekday: 'short',
    })
    fc.assert(
      fc.property(fc.integer({ min: 0, max: Date.parse('2040-01-01') }), (time) => {
        const parts = new Map(format.formatToParts(time).map(({ type, value }) => [type, value]))
        const { hour, day } = local(time)
        expect(hour).toBe(Number(parts.get('hour')))
        expect(isWeekend(day)).toBe(['Sat', 'Sun'].includes(parts.get('weekday') ?? ''))
      }),
      { numRuns: 200 },
    )
  })
})

describe('a time zone', () => {
  it.each(['UTC', 'Europe/Berlin', 'America/Argentina/Buenos_Aires'])('can be %s', (name) => {
    expect(isTimeZone(name)).toBe(true)
  })

  it.each(['', 'Europe/Atlantis', '+02:00', '../etc/passwd', 'Local time'])('cannot be %j', (name) => {
    expect(isTimeZone(name)).toBe(false)
  })
})
