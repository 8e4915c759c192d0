import { describe, expect, it } from 'vitest'
import { renderReportPage } from '../../../src/render/html/report-page.ts'
import type { Report, ReportSectionName } from '../../../src/usecases/report/report.ts'
import type { TimelineLog } from '../../../src/usecases/report/timeline/timeline.ts'
import type { AnomalyReport } from '../../../src/audit/anomalies/finding.ts'
import { dailyRuns, detect } from '../../support/anomalies/entries.ts'
import { repositoryPlan, tagVerdict, whys } from '../../support/prune-plans.ts'
import { readPage } from '../../support/report/read-page.ts'
import {
  anomaliesOf,
  daysBefore,
  eventOf,
  fullReport,
  policyPlan,
  repositoryUsage,
  statusOf,
  timelineOf,
  usageOf,
  usualPlan,
} from '../../support/report/report-values.ts'

/** The summary line and the text of one section. */
function render(name: ReportSectionName, sections: Partial<Report['sections']>) {
  const rendered = renderReportPage(fullReport(sections), false)
  const section = rendered.sections.find((one) => one.name === name)?.section
  const element = readPage(rendered.page).find(({ attributes }) => attributes.get('id') === name)
  const text = (element?.text ?? '').replaceAll(/\s+/g, ' ')
  return { headline: section?.headline, detail: section?.detail, tone: section?.tone, text }
}

const statusSection = (...images: readonly (readonly [string, ...(readonly string[])])[]) =>
  render('status', { status: { state: 'read', value: statusOf(images) } })

describe('the status of a report', () => {
  it.each([
    [
      'All 2 images are in sync',
      'good',
      [
        ['a', 'latest=x', 'latest=x', 'latest=x'],
        ['b', 'latest=x', 'latest=x', 'latest=x'],
      ],
    ],
    ['1 image behind', 'notice', [['a', 'latest=x 2.0.0=x', 'latest=y 1.0.0=y', 'latest=y 1.0.0=y']]],
    ['1 image drifted', 'bad', [['a', 'latest=x', 'latest=y', 'latest=y']]],
    [
      '1 image unreachable, 1 drifted',
      'bad',
      [
        ['a', 'latest=x', '!', 'latest=x'],
        ['b', 'latest=x', 'latest=y', 'latest=y'],
      ],
    ],
    ['1 image not deployed', 'none', [['a', '-', '-', '-']]],
    ['No images', 'none', []],
  ] as const)('has the summary "%s"', (headline, tone, images) => {
    expect(statusSection(...images)).toMatchObject({ headline, tone })
  })

  it('has images with problems before those in sync, so that the limit never hides them', () => {
    const { text } = statusSection(
      ['fine', 'latest=x', 'latest=x', 'latest=x'],
      ['late', 'latest=x 2.0.0=x', 'latest=y 1.0.0=y', 'latest=y 1.0.0=y'],
      ['gone', '!', 'latest=x', 'latest=x'],
    )
    const places = ['gone', 'late', 'fine'].map((name) => text.indexOf(` ${name} `))
    expect(places).toEqual(places.toSorted((a, b) => a - b))
    expect(places).not.toContain(-1)
  })

  it('shows an unreachable registry in its cells and with its reason (15)', () => {
    const { text } = statusSection(['a', 'latest=x', 'latest=x', '!'])
    expect(text).toContain('r.test: 1 repository unreachable no answer')
    expect(text).toMatch(/ a .*in sync.*unreachable/)
  })
})

describe('the timeline of a report', () => {
  const timelineSection = (...args: Parameters<typeof timelineOf>) =>
    render('timeline', { timeline: { state: 'read', value: timelineOf(...args) } })

  it('counts promotions, rollbacks and problems in its summary', () => {
    const events = [
      eventOf(),
      eventOf({ operation: 'rollback' }),
      eventOf({ operation: 'tag' }),
      eventOf({ result: 'refused' }),
      eventOf({ result: 'unchanged' }),
    ]
    const { headline, detail, tone } = timelineSection(events)
    expect(headline).toBe('1 promotion, 1 rollback, 1 refused')
    expect(detail).toBe('Since 2026-08-27, by 1 actor, 1 version tagged')
    expect(tone).toBe('notice')
  })

  it('has actor, reason, ticket, digest, plan and log lines of each change', () => {
    const event = eventOf({ reason: 'Weekly release', ticket: 'OPS-1', overriddenGates: ['signed'] })
    const { text } = timelineSection([event])
    for (const part of [
      'ada',
      'Weekly release',
      'OPS-1',
      event.digest,
      event.plan,
      '39 to 42',
      'gate overridden: signed',
    ])
      expect(text).toContain(part)
  })

  it.each([
    ['absent', { isAbsent: true, records: 0, hash: null }, 'There is no audit log'],
    ['empty', { records: 0, hash: null }, 'The audit log is empty'],
    ['rotated', { span: { first: daysBefore(10), last: daysBefore(1) } }, 'begins within the period'],
    ['merged', { mergedFrom: ['job-1', 'job-2'] }, 'merged from 2 logs'],
    ['without a head', { head: 'missing' }, 'The end of the audit log is not confirmed'],
    ['torn', { torn: 12 }, 'The last record is incomplete'],
    [
      'damaged',
      { problem: { line: 14, why: 'it is not a record' } },
      'line 14 of /home/ada/audit.jsonl: it is not a record. No change after line 13 is shown.',
    ],
  ] as const satisfies readonly (readonly [string, Partial<TimelineLog>, string])[])(
    'says that the audit log is %s (16)',
    (_state, log, expected) => {
      expect(timelineSection([], log).text).toContain(expected)
      expect(timelineSection([eventOf()]).text).not.toContain(expected)
    },
  )

  it('has the damage of the log in its summary (16)', () => {
    const { headline, tone } = timelineSection([eventOf()], { problem: { line: 14, why: 'cut' } })
    expect(headline).toBe('The audit log is damaged')
    expect(tone).toBe('bad')
  })
})

describe('the retention of a report', () => {
  const retentionSection = (...policies: readonly ReturnType<typeof policyPlan>[]) =>
    render('retention', { retention: { state: 'read', value: { policies } } })
  const limit = {
    code: 'refused' as const,
    message: 'the deletes violate limits.maxPercent of the policy',
    why: '2 of 5 images would be deleted (40%), and maxPercent is 10',
    hint: 'Check the deletes.',
  }

  it('has the images to delete, the bytes, and the reasons of all verdicts', () => {
    const { headline, text } = retentionSection(policyPlan())
    expect(headline).toBe('4 images to delete, 400 MiB')
    expect(text).toContain('nightlies delete 4 2')
    expect(text).toContain('protected by releases keep 2 2')
    expect(text).toContain('kept by nightlies keep 2 2')
    expect(text).toContain('not selected by a rule keep 2 2')
  })

  it('shows a repository that a limit refuses as refused, without deletes and freed bytes (18)', () => {
    const [refused, other] = [usualPlan('@dev/api'), usualPlan('@dev/web')]
    const policy = policyPlan([{ ...refused, steps: [], freed: 0 }, other], {
      refusals: [{ repository: refused.repository, error: limit }],
    })
    const { headline, tone, text } = retentionSection(policy)
    expect(headline).toBe('2 images to delete, 200 MiB, 1 repository refused')
    expect(tone).toBe('notice')
    expect(text).toContain('@dev/api refused the deletes violate limits.maxPercent')
    expect(text).toContain('nightlies refused 2 1')
    expect(text).toMatch(/@dev\/api rules and protections .*? refused 5 5 0 0 300 MiB 0 B/)
  })

  it('shows a plan that is refused as a whole (18)', () => {
    const policy = policyPlan([usualPlan('@dev/api')], { refusals: [{ error: limit }] })
    const { headline, tone, text } = retentionSection(policy)
    expect(headline).toBe('Refused: dray would delete nothing')
    expect(tone).toBe('bad')
    expect(text).toContain('Refused: dray would delete nothing in any repository')
  })

  it('names ten of many repositories that were not read, and their common reason once', () => {
    const refusals = Array.from({ length: 12 }, (_, i) => ({
      repository: { registry: 'r', path: `a${i}` },
      error: { code: 'network' as const, message: `cannot read a${i}`, why: 'no answer', hint: 'Try later.' },
    }))
    const { text } = retentionSection(policyPlan([usualPlan('@dev/api')], { refusals }))
    expect(text).toContain('12 repositories not read')
    expect(text).toContain('and 2 more')
    expect(text.match(/no answer/g)).toHaveLength(1)
  })

  it('has a summary for each policy', () => {
    const empty = policyPlan([repositoryPlan('@dev/api', [tagVerdict('main', 'keep', whys.unmatched)])], {
      policyName: 'weekly',
    })
    const { headline } = retentionSection(policyPlan(undefined, { policyName: 'nightly' }), empty)
    expect(headline).toBe('nightly: 4 images to delete, 400 MiB; weekly: Nothing to delete')
  })
})

describe('the usage of a report', () => {
  const usageSection = (...args: Parameters<typeof usageOf>) =>
    render('usage', { usage: { state: 'read', value: usageOf(...args) } })

  it('has the stored bytes and the growth in its summary', () => {
    expect(usageSection()).toMatchObject({
      headline: '1.3 GiB stored, +140 MiB in 30 days',
      detail: '2 repositories, 24 images',
    })
  })

  it('shows unknown untagged bytes as unknown, not as 0', () => {
    const one = repositoryUsage('dev/api')
    const { text } = usageSection([{ ...one, bytes: { ...one.bytes, untagged: 'unknown' } }])
    expect(text).toMatch(/@dev\/api 12 400 MiB 120 MiB 60(?:\.0)? MiB unknown/)
  })

  it('says that growth needs a second day, and that no registry has pull times', () => {
    const { pulls: _pulls, ...usage } = usageOf([repositoryUsage('dev/api')], {
      history: { series: ['@dev/api'], points: [{ day: '2026-11-25', bytes: [1] }] },
    })
    const { text } = render('usage', { usage: { state: 'read', value: usage } })
    expect(text).toContain('No growth over time yet')
    expect(text).toContain('The last pulls are unknown')
  })

  it('has the bytes before and after the policy', () => {
    expect(usageSection().text).toContain('@dev/api 670 MiB 470 MiB 200 MiB 4')
  })

  it('names ten of many repositories that were not read, and their common error once', () => {
    const unreachable = Array.from({ length: 12 }, (_, i) => ({
      repository: { registry: 'r', path: `a${i}` },
      image: `@dev/a${i}`,
      error: { code: 'network' as const, message: 'cannot reach r', why: 'no answer' },
    }))
    const { headline, text } = usageSection([], { unreachable })
    expect(headline).toBe('No repository read')
    expect(text).toContain('@dev/a9 and 2 more not read')
    expect(text.match(/no answer/g)).toHaveLength(1)
  })

  it('says that there are no repositories', () => {
    expect(usageSection([]).headline).toBe('No repositories')
  })
})

describe('the unusual changes of a report', () => {
  const anomalies = (value: AnomalyReport) => render('anomalies', { anomalies: { state: 'read', value } })

  it('have the numbers of each finding, its lines in the log and the command that shows them', () => {
    const { headline, tone, detail, text } = anomalies(anomaliesOf())
    expect({ headline, tone }).toEqual({ headline: '3 findings', tone: 'notice' })
    expect(detail).toBe('Since 2026-11-16, 1 record, compared with 91 runs')
    expect(text).toContain('1 run. The baseline has 91 runs, none of them with this name.')
    expect(text).toContain('Rollback mallory to mallory')
    expect(text).toMatch(/line 92 command dray audit log --since \S+ --until \S+ --actor mallory --all/)
  })

  it('say that nothing could be compared, and why', () => {
    const { headline, tone, text } = anomalies({ log: 'audit.jsonl', ...detect([]) })
    expect({ headline, tone }).toEqual({ headline: 'Not enough data', tone: 'none' })
    expect(text).toContain('Unusual volume: the baseline has no records')
  })

  it('say that there are no findings', () => {
    const value = { log: 'audit.jsonl', ...detect(dailyRuns()) }
    expect(anomalies(value)).toMatchObject({ headline: 'No findings', tone: 'good' })
  })
})
