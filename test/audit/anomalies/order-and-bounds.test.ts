import { describe, expect, it } from 'vitest'
import { BoundedMap, RecentKeys } from '../../../src/audit/anomalies/bounds.ts'
import { findAnomalies } from '../../../src/audit/anomalies/find-anomalies.ts'
import type { LogEntry } from '../../../src/audit/log/record.ts'
import { writeLog } from '../../support/anomalies/write-log.ts'
import { baseline, dailyRuns, detect, entry, findingsOf, since } from '../../support/anomalies/entries.ts'
import { simulateLog, zone } from '../../support/anomalies/simulated-log.ts'
import { shuffle } from '../../support/random.ts'

const hour = 3_600_000
const day = 24 * hour

describe('anomalies', () => {
  it('are the same for runs in any order', () => {
    const begin = Date.parse('2026-03-02T00:00:00Z')
    const options = { baseline: begin - 90 * day, since: begin, now: begin + 91 * day, timezone: zone }
    const { entries } = simulateLog(7, true)
    const runs = Map.groupBy(entries, ({ run }) => run)
    const inOrder = detect(entries, options)
    const mixed = detect(shuffle([...runs.values()], 3).flat(), options)
    expect(inOrder.findings.length).toBeGreaterThan(6)
    const brief = (report: typeof mixed): readonly string[] =>
      report.findings
        .map((one) => JSON.stringify([one.rule, one.actor, one.from, one.to, one.records.count]))
        .toSorted()
    expect(brief(mixed)).toEqual(brief(inOrder))
  })

  it('link records by their lines, in a merged log also those of the first log', () => {
    const origin = { log: 'ci-1', head: 'sha256:x', seq: 12, prev: null }
    const records = [
      ...dailyRuns(),
      { ...entry(since, { actor: { user: 'eve', host: 'h' } }), seq: 4711, origin },
    ]
    expect(findingsOf(detect(records), 'newActor')[0]?.records).toEqual({
      count: 1,
      lines: [{ seq: 4711, origin: { log: 'ci-1', seq: 12 } }],
    })
  })

  it('name a command that selects the records, quoted for a shell', () => {
    const actor = { user: "eve'; rm -rf /", host: 'h' }
    const [finding] = findingsOf(detect([...dailyRuns(), entry(since, { actor })]), 'newActor')
    expect(finding?.command).toBe(
      String.raw`dray audit log --since 2026-11-16T00:00:00.000Z --until 2026-11-16T00:00:00.001Z --actor 'eve'\''; rm -rf /' --all`,
    )
  })

  it('are about the records that match the filters, compared with the whole log', () => {
    const eve = { actor: { user: 'eve', host: 'h' } }
    const records = [...dailyRuns(), entry(since, eve), entry(since + 2 * hour)]
    const matches = ({ phase, ...rest }: LogEntry): boolean =>
      phase !== 'recovered' && 'actor' in rest && rest.actor.user === 'eve'
    const found = detect(records, { matches })
    expect(found.findings.map(({ rule }) => rule)).toEqual(['newActor', 'newHost'])
    expect(found).toMatchObject({ records: 2, matching: 1 })
  })

  it('are not in records of the future, before the baseline, or of a clock that jumped', () => {
    const eve = { actor: { user: 'eve', host: 'h' } }
    const found = detect([
      ...dailyRuns(),
      entry(baseline - 1, eve),
      entry('1970-01-01T00:00:00.000Z', eve),
      entry('9999-12-31T23:59:59.999Z', eve),
      entry(since + 8 * day, eve),
    ])
    expect(found.findings).toEqual([])
    expect(found).toMatchObject({ later: 2, records: 0 })
  })

  it('count incomplete lines that a later run moved aside', () => {
    const { seq, prev } = entry(since)
    const recovered: LogEntry = {
      schema: 'dray.audit/1',
      id: 'x',
      run: 'r',
      time: new Date(since).toISOString(),
      phase: 'recovered',
      torn: 'e30=',
      seq,
      prev,
    }
    expect(detect([...dailyRuns(), recovered])).toMatchObject({ recovered: 1, records: 0, findings: [] })
  })

  it('are found in a log that ends with a torn line', async () => {
    const path = await writeLog(
      [...dailyRuns(), entry(since, { actor: { user: 'eve', host: 'h' } })],
      '{"seq":93,"pr',
    )
    const options = { baseline, since, now: since + 7 * day, timezone: 'UTC', matches: () => true }
    const report = await findAnomalies(path, options, new AbortController().signal)
    expect(report.findings.map(({ rule }) => rule)).toContain('newActor')
  })
})

describe('a log with endless names', () => {
  const flood = Array.from({ length: 30_000 }, (_, i) => {
    const over = {
      run: `r${i}`,
      actor: { user: `user${i}`, host: `host${i}` },
      environment: { to: `env${i}` },
      image: `image${i}`,
    }
    return i === 0 ? entry(since, over) : over
  })
  const [first] = flood
  const entries = flood.map((over) => ({ ...first, ...over }) as LogEntry)

  it('has a bounded report that says how much it omits', () => {
    const report = detect([...dailyRuns(), ...entries])
    expect(report.findings.length).toBeLessThan(13 * 200)
    expect(report.rules.find(({ rule }) => rule === 'newActor')).toMatchObject({
      state: 'partly',
      findings: 200,
      omitted: 9_799,
      reasons: ['the log has more actors than dray compares, and 20001 records of others are omitted'],
    })
  })

  it('has names of a bounded length', () => {
    const actor = { user: 'u'.repeat(100_000), host: 'h'.repeat(100_000) }
    const report = detect([...dailyRuns(), entry(since, { actor })])
    expect(findingsOf(report, 'newActor')[0]?.name).toHaveLength(257)
    expect(findingsOf(report, 'newHost')[0]?.name).toHaveLength(257)
  })
})

describe('a bounded map', () => {
  it('ignores new keys when it is full, and counts them', () => {
    const map = new BoundedMap<string, string>(1, (key) => key)
    expect([map.at('a'), map.at('b'), map.at('a'), map.ignored]).toEqual(['a', undefined, 'a', 1])
  })
})

describe('recent keys', () => {
  it('are known for longer than half of the limit', () => {
    const keys = new RecentKeys()
    expect(keys.add('first')).toBe(true)
    for (let i = 0; i < 32_768; i++) keys.add(`${i}`)
    expect(keys.add('first')).toBe(false)
  })
})
