import { describe, expect, it } from 'vitest'
import { buildUsageReport } from '../../../src/usecases/usage/build-report.ts'
import { arrangeHistory } from '../../../src/usecases/usage/growth/history-series.ts'
import { addRecords, type UsageRecord } from '../../../src/usecases/usage/growth/usage-record.ts'
import type { UsageReport } from '../../../src/usecases/usage/usage-report.ts'
import { storageOf, usageFacts, usageRequest, type UsageSketch } from '../../support/usage/usage-facts.ts'

function record(day: string, bytes: number, more: Partial<UsageRecord> = {}): UsageRecord {
  return { day, repository: 'registry.example.com/web', tags: 1, manifests: 1, bytes, untagged: 0, ...more }
}

/** A repository of 100 bytes, of which 20 are untagged, on 2026-06-30. */
function grownFrom(records: readonly UsageRecord[], more: UsageSketch = { inventory: {} }): UsageReport {
  const storage = storageOf({
    web: { images: { a: { blobs: { a: 80 } } }, untagged: { lost: 20 }, ...more },
  })
  return buildUsageReport(usageFacts([storage], { records }), usageRequest())
}

describe('growth (case 8)', () => {
  it('is unknown if today is the only day', () => {
    const { repositories, totals } = grownFrom([record('2026-06-30', 60)])
    expect([repositories[0]?.growth, totals.growth]).toEqual(['unknown', 'unknown'])
  })

  it('compares with the recorded day that is nearest to --since', () => {
    const records = [record('2026-04-01', 10), record('2026-05-29', 60), record('2026-06-20', 90)]
    const growth = { bytes: 40, from: '2026-05-29', days: 32, source: 'history' }
    const { repositories, totals } = grownFrom(records)
    expect([repositories[0]?.growth, totals.growth]).toEqual([growth, growth])
  })

  it('has the real days after a gap', () => {
    expect(grownFrom([record('2026-01-01', 150)]).repositories[0]?.growth).toEqual({
      bytes: -50,
      from: '2026-01-01',
      days: 180,
      source: 'history',
    })
  })

  it('ignores days in the future, which a wrong clock wrote', () => {
    expect(grownFrom([record('2026-07-04', 1)]).repositories[0]?.growth).toBe('unknown')
  })

  it('compares tagged content alone if a day has no inventory', () => {
    const before = grownFrom([record('2026-05-31', 50, { untagged: null })])
    expect(before.repositories[0]?.growth).toMatchObject({ bytes: 80 - 50 })
    const storage = storageOf({ web: { images: { a: { blobs: { a: 80 } } } } })
    const records = [record('2026-05-31', 70, { untagged: 30 })]
    const { repositories } = buildUsageReport(usageFacts([storage], { records }), usageRequest())
    expect(repositories[0]?.growth).toMatchObject({ bytes: 80 - 40 })
  })

  it('counts a pushed blob of several repositories once in the total', () => {
    const web = { inventory: {}, older: {}, images: { a: { blobs: { base: 100, a: 1 } } } }
    const api = { inventory: {}, older: {}, images: { b: { blobs: { base: 100, b: 2 } } } }
    const { repositories, totals } = buildUsageReport(
      usageFacts([storageOf({ web, api })], { records: [] }),
      usageRequest(),
    )
    const grown = repositories.map(({ growth }) => (growth === 'unknown' ? growth : growth.bytes))
    expect(new Set(grown)).toEqual(new Set([101, 102]))
    expect(totals.growth).toMatchObject({ bytes: 103, source: 'pushTimes' })
  })

  it('counts what was pushed since, without records', () => {
    const { repositories } = grownFrom([], { inventory: {}, older: { lost: 20 } })
    const growth = { bytes: 80, from: '2026-05-31', days: 30, source: 'pushTimes' }
    expect(repositories[0]?.growth).toEqual(growth)
  })

  it('is recorded with the sizes of today', () => {
    const { history } = grownFrom([record('2026-06-30', 60), record('2026-06-29', 50)])
    expect(history).toEqual({
      series: ['@prod/web'],
      points: [
        { day: '2026-06-29', bytes: [50] },
        { day: '2026-06-30', bytes: [100] },
      ],
    })
  })
})

describe('the records of earlier days', () => {
  it('have one line for each repository and day, the last one', () => {
    const other = record('2026-06-30', 5, { repository: 'registry.example.com/jobs' })
    const all = addRecords([record('2026-06-30', 1), other], [record('2026-06-30', 2)], '2026-06-30')
    expect(all.map(({ repository, bytes }) => [repository, bytes])).toEqual([
      ['registry.example.com/web', 2],
      ['registry.example.com/jobs', 5],
    ])
  })

  it('have one day of each month after 90 days, for five years', () => {
    const start = Date.parse('2019-01-01T00:00:00Z')
    const daily = Array.from({ length: 2750 }, (_, i) =>
      record(new Date(start + i * 86_400_000).toISOString().slice(0, 10), i),
    )
    // A run on each day gives the same records as one over all days.
    const each = daily.reduce<readonly UsageRecord[]>((kept, one) => addRecords(kept, [one], one.day), [])
    const today = daily.at(-1)?.day ?? ''
    expect(each).toEqual(addRecords(daily, [], today))
    const days = each.map(({ day }) => day)
    expect([days[0], today, days.length]).toEqual(['2021-07-01', '2026-07-12', 91 + 58])
  })
})

describe('the history of a report', () => {
  it('has the last size of a repository on a day without a record, and none before its first', () => {
    const jobs = { repository: 'registry.example.com/jobs' }
    const records = [record('2026-06-01', 10), record('2026-06-02', 7, jobs), record('2026-06-03', 12)]
    const names = [
      { repository: 'registry.example.com/web', name: '@prod/web' },
      { repository: 'registry.example.com/jobs', name: '@prod/jobs' },
    ]
    expect(arrangeHistory(records, names).points).toEqual([
      { day: '2026-06-01', bytes: [10, null] },
      { day: '2026-06-02', bytes: [10, 7] },
      { day: '2026-06-03', bytes: [12, 7] },
    ])
  })

  it('has 30 series at most, the last one of all other repositories', () => {
    const named = (count: number) =>
      Array.from({ length: count }, (_, i) => ({ repository: `registry.example.com/r${i}`, name: `r${i}` }))
    const records = named(40).map(({ repository }) => record('2026-06-01', 1, { repository }))
    const { series, points } = arrangeHistory(records, named(40))
    expect([series.length, series.at(-1), points[0]?.bytes.at(-1)]).toEqual([30, 'others', 11])
    expect(arrangeHistory(records, named(30)).series.at(-1)).toBe('r29')
  })
})
