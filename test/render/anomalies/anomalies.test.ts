import { describe, expect, it } from 'vitest'
import { renderAnomalies } from '../../../src/render/anomalies/anomalies.ts'
import { plainStyle } from '../../../src/render/text/style.ts'
import { dailyRuns, detect, entry, since } from '../../support/anomalies/entries.ts'

const page = { style: plainStyle, width: undefined }
const hour = 3_600_000

function rendered(...args: Parameters<typeof detect>): string {
  return renderAnomalies({ log: 'audit.jsonl', ...detect(...args) }, page)
}

describe('the text of dray audit anomalies', () => {
  it('names the numbers of a finding and the command that shows its records', () => {
    const text = rendered([...dailyRuns(), entry(since + 2 * hour)], { timezone: 'Asia/Tokyo' })
    expect(text).toMatch(
      /^1 finding in 1 record from 2026-11-16 00:00:00 to 2026-11-23 00:00:00 UTC\.\nThe baseline has 91 runs since 2026-08-17\. Hours and days are in Asia\/Tokyo\.\n\n/,
    )
    expect(text).toMatch(
      /\nUnusual hour: ann, 2026-11-16 11:00\n {2}1 run between 11:00 and 11:59 \(Asia\/Tokyo\)\. 0 of 91 runs in the baseline were within an hour of this time\.\n {2}2026-11-16 02:00:00 UTC, line \d+\n {2}dray audit log --since \S+ --until \S+ --actor ann --all$/,
    )
  })

  it('says which rules had not enough data, and why', () => {
    expect(rendered([])).toBe(
      [
        'No findings in 0 records from 2026-11-16 00:00:00 to 2026-11-23 00:00:00 UTC.',
        'The baseline has 0 runs. Hours and days are in UTC.',
        '',
        'Not enough data:',
        '  New actor, New actor in an environment, New host, New CI workflow, Unusual hour, Unusual volume: the baseline has no records',
      ].join('\n'),
    )
  })

  it('escapes text from the log', () => {
    const actor = { user: 'eve\u001b[2J\u202e', host: 'h\nNew actor: nobody' }
    const text = rendered([...dailyRuns(), entry(since, { actor, environment: { to: 'x\u001b[31m' } })])
    expect(text).toContain(String.raw`New actor: eve\x1b[2J\u{202e}`)
    expect(text).toContain(String.raw`New host: h\nNew actor: nobody`)
    for (const raw of ['\u001b', '\u202e', '\nNew actor: nobody']) expect(text).not.toContain(raw)
  })
})
