import { describe, expect, it } from 'vitest'
import { renderReportPage } from '../../../src/render/html/report-page.ts'
import type { Report } from '../../../src/usecases/report/report.ts'
import { tagVerdict, whys, repositoryPlan } from '../../support/prune-plans.ts'
import { type PageElement, readPage } from '../../support/report/read-page.ts'
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
} from '../../support/report/report-values.ts'

const pageOf = (report: Report, all = false): string => renderReportPage(report, all).page
const elementsOf = (report: Report): readonly PageElement[] => readPage(pageOf(report))

/** Text that breaks out of a tag, an attribute, a comment or a style, or that hides itself. */
const hostile = `</style><script>alert(1)</script>"'><img src=x onerror=alert(1)>\u202e\u0000<!--`

/** Every text of the report that another party can choose. */
function reportWith(text: string): Report {
  const event = eventOf({
    image: text,
    lane: text,
    from: text,
    reason: text,
    ticket: text,
    actor: { user: text, host: text, says: text, ci: { service: text, user: text, run: text, job: text } },
    error: { code: 'io', message: text, why: text, hint: text, details: [text] },
    overriddenGates: [text],
    run: text,
    tags: [{ repository: text, tag: text, before: null, after: null, result: 'done' }],
  })
  const plan = repositoryPlan('@dev/api', [tagVerdict(text, 'delete', { ...whys.rule, by: text })])
  const error = { code: 'network' as const, message: text, why: text, hint: text, subject: text }
  return {
    ...fullReport({
      status: { state: 'read', value: statusOf([[text, 'latest=a', 'latest=b', '!']]) },
      timeline: { state: 'read', value: timelineOf([event], { path: text, mergedFrom: [text] }) },
      anomalies: { state: 'read', value: anomaliesOf(text) },
      retention: {
        state: 'read',
        value: { policies: [{ ...policyPlan([plan], { refusals: [{ error }] }), warnings: [text] }] },
      },
      usage: {
        state: 'read',
        value: usageOf([repositoryUsage('dev/api', { image: text })], {
          notes: [text],
          unreachable: [{ repository: { registry: 'r', path: 'a' }, image: text, error }],
        }),
      },
    }),
    command: text,
    tool: text,
    auditLog: { path: text },
  }
}

describe('the page of a report', () => {
  it('has no script, handler, import, external source or frame (12)', () => {
    const elements = elementsOf(fullReport())
    const names = new Set(elements.map(({ name }) => name))
    for (const name of ['script', 'link', 'img', 'iframe', 'object', 'embed', 'form', 'base', 'image'])
      expect(names).not.toContain(name)
    const attributes = elements.flatMap((one) => [...one.attributes])
    const isActive = ([name, value]: readonly [string, string]): boolean =>
      /^on|^src|^srcset|^style$|^action$|^xlink/.test(name) || /url\(|javascript:/i.test(value)
    expect(attributes.filter(isActive)).toEqual([])
    const styles = elements.filter(({ name }) => name === 'style').map(({ text }) => text)
    expect(styles).toHaveLength(1)
    expect(styles[0]).not.toMatch(/url\(|@import|@font-face/)
  })

  it('forbids everything but its own style by a content security policy (12)', () => {
    const policy = elementsOf(fullReport()).find(
      ({ attributes }) => attributes.get('http-equiv') === 'Content-Security-Policy',
    )
    expect(policy?.attributes.get('content')).toBe("default-src 'none'; style-src 'unsafe-inline'")
  })

  it('links only to its own sections and to https URLs of audit records (12)', () => {
    const links = elementsOf(fullReport()).flatMap(({ name, attributes }) =>
      name === 'a' ? [attributes.get('href')] : [],
    )
    expect(links).toEqual([
      '#status',
      '#timeline',
      '#anomalies',
      '#retention',
      '#usage',
      'https://tickets.example.com/OPS-1',
      'https://ci.example.com/runs/7',
    ])
  })

  it.each([
    ['a URL with credentials', 'https://ada:secret@tickets.example.com/1'],
    ['http', 'http://tickets.example.com/1'],
    ['a script', 'javascript:alert(1)'],
    ['text after a URL', 'https://tickets.example.com/1 and more'],
  ])('does not link %s', (_name, ticket) => {
    const timeline = timelineOf([eventOf({ ticket })])
    const elements = elementsOf(fullReport({ timeline: { state: 'read', value: timeline } }))
    const links = elements.filter(({ name, parents }) => name === 'a' && parents.includes('section'))
    expect(links).toEqual([])
  })

  it('shows hostile text as text: the elements are those of harmless text (9)', () => {
    const shape = (report: Report) =>
      elementsOf(report).map(({ name, attributes, parents }) => [name, [...attributes.keys()], parents])
    expect(shape(reportWith(hostile))).toEqual(shape(reportWith('harmless')))
    const page = pageOf(reportWith(hostile))
    expect(page).toContain('&lt;script&gt;alert(1)')
    expect(page).toContain(String.raw`\u{202e}\x00`)
    for (const character of ['\u202e', '\u0000']) expect(page).not.toContain(character)
  })

  it('has each table before its chart, and a title and a description in each chart (11)', () => {
    const elements = elementsOf(fullReport())
    const charts = elements.filter(({ attributes }) => attributes.get('role') === 'img')
    expect(charts.length).toBe(6)
    const ids = new Map(
      elements.flatMap((one) => {
        const id = one.attributes.get('id')
        return id === undefined ? [] : [[id, one] as const]
      }),
    )
    for (const chart of charts) {
      const labels = (chart.attributes.get('aria-labelledby') ?? '').split(' ')
      expect(labels.map((id) => ids.get(id)?.name)).toEqual(['title', 'desc'])
      expect(labels.map((id) => ids.get(id)?.text)).not.toContain('')
    }
    const inViews = elements.filter(
      ({ name, attributes }) =>
        name === 'table' || attributes.get('role') === 'img' || attributes.get('class') === 'view',
    )
    const kinds = inViews.map(({ name, attributes }) => (name === 'div' ? attributes.get('class') : name))
    const inside = kinds.flatMap((kind, i) => (kind === 'view' ? [kinds.slice(i + 1, i + 3)] : []))
    expect(inside).toEqual(inside.map(() => ['table', 'svg']))
    expect(kinds.filter((kind) => kind === 'view')).toHaveLength(charts.length)
  })

  it('has unique ids, and every reference has its target', () => {
    const elements = elementsOf(fullReport())
    const ids = elements.flatMap(({ attributes }) => attributes.get('id') ?? [])
    expect(new Set(ids).size).toBe(ids.length)
    const references = elements.flatMap(({ attributes }) => [
      ...(attributes.get('aria-labelledby') ?? '').split(' ').filter((id) => id !== ''),
      ...(attributes.get('href')?.startsWith('#') === true ? [attributes.get('href')?.slice(1)] : []),
    ])
    expect(references.filter((id) => id === undefined || !ids.includes(id))).toEqual([])
  })

  it('is the same bytes for the same values and time (13)', () => {
    expect(pageOf(fullReport())).toBe(pageOf(fullReport()))
  })

  it('shows the time, version, configuration, audit log and command', () => {
    const header = elementsOf(fullReport()).find(({ name }) => name === 'header')
    for (const part of [
      '2026-11-25T05:02:00.000Z by dray 1.2.3',
      'dray report --out report.html',
      fullReport().configuration?.hash ?? '-',
      '/home/ada/audit.jsonl, 42 records',
      fullReport().auditLog.head?.hash ?? '-',
    ])
      expect(header?.text).toContain(part)
  })

  it('shows an error in the place of a section that could not be read', () => {
    const error = { code: 'io' as const, message: 'cannot read the log', why: 'EACCES', hint: 'Run chmod.' }
    const report = fullReport({ timeline: { state: 'failed', error } })
    const section = elementsOf(report).find(({ attributes }) => attributes.get('id') === 'timeline')
    expect(section?.text).toContain('cannot read the log')
    expect(section?.text).toContain('Why: EACCES')
    expect(section?.text).toContain('Fix: Run chmod.')
    expect(renderReportPage(report, false).sections[1]?.section.headline).toBe('Not read')
  })

  it('says how to configure a section without data', () => {
    const report = fullReport({
      retention: { state: 'notConfigured', why: 'no retention policy is configured', fix: 'Add a section.' },
    })
    const section = elementsOf(report).find(({ attributes }) => attributes.get('id') === 'retention')
    expect(section?.text).toContain('no retention policy is configured')
    expect(section?.text).toContain('Fix: Add a section.')
  })
})

describe('a large report', () => {
  const many = Array.from({ length: 5_000 }, (_, i) => `team-${i % 40}/service-${i}`)
  const report = fullReport({
    status: {
      state: 'read',
      value: statusOf(many.map((name) => [name, 'latest=a 1.0.0=a', 'latest=a 1.0.0=a', 'latest=a 1.0.0=a'])),
    },
    retention: {
      state: 'read',
      value: {
        policies: [
          policyPlan(
            many.map((name) =>
              repositoryPlan(`@dev/${name}`, [
                tagVerdict('nightly-1', 'delete', whys.rule),
                tagVerdict('1.4.2', 'keep', whys.protected),
              ]),
            ),
          ),
        ],
      },
    },
    usage: { state: 'read', value: usageOf(many.map((name) => repositoryUsage(`dev/${name}`))) },
  })

  it('of 5,000 repositories is smaller than 2 MB and names the number of the others (10)', () => {
    const page = pageOf(report)
    expect(Buffer.byteLength(page)).toBeLessThan(2_000_000)
    expect(page).toContain('4800 other images')
    expect(page).toContain('4800 other repositories')
    expect(page).toContain('4971 others')
  })

  it('has every repository with --all', () => {
    const page = pageOf(report, true)
    expect(page).not.toContain('other repositories')
    for (const name of ['team-0/service-0', 'team-39/service-4999']) expect(page).toContain(`@dev/${name}<`)
  })

  it('adds the numbers of the others to one row, so that the table has the sum (10)', () => {
    const rows = readPage(pageOf(report)).filter(
      ({ name, parents }) => name === 'tr' && parents.includes('tbody'),
    )
    const others = rows.find(
      ({ attributes, text }) => attributes.get('class') === 'others' && text.includes('repositories'),
    )
    // Images, kept, deleted, untagged.
    expect(others?.text).toMatch(/^\s*4800 other repositories\s*9600\s*4800\s*4800\s*0/)
  })
})

describe('a timeline of 10,000 changes (17)', () => {
  const events = Array.from({ length: 10_000 }, (_, i) =>
    eventOf({ time: daysBefore((i * 89) / 10_000), lane: ['dev', 'staging', 'prod'][i % 3] ?? '' }),
  )
  const report = fullReport({ timeline: { state: 'read', value: timelineOf(events) } })

  it('shows 200 rows, the number of the others, and a bounded number of marks', () => {
    const elements = elementsOf(report)
    const section = elements.find(({ attributes }) => attributes.get('id') === 'timeline')
    expect(section?.text).toContain('9800 earlier changes')
    expect(section?.text).toContain('3334 changes')
    const marks = elements.filter(({ attributes }) => attributes.get('class')?.startsWith('m '))
    expect(marks.length).toBeGreaterThan(300)
    expect(marks.length).toBeLessThan(3 * 152 + 10)
    expect(Buffer.byteLength(pageOf(report))).toBeLessThan(1_000_000)
  })
})
