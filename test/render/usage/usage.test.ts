import { describe, expect, it } from 'vitest'
import { plainStyle } from '../../../src/render/text/style.ts'
import { displayWidth } from '../../../src/render/text/width.ts'
import { renderUsage, renderUsageNotes } from '../../../src/render/usage/usage.ts'
import { buildUsageReport } from '../../../src/usecases/usage/build-report.ts'
import type { UsageFacts } from '../../../src/usecases/usage/facts.ts'
import type { UsageRequest } from '../../../src/usecases/usage/request.ts'
import type { UsageReport } from '../../../src/usecases/usage/usage-report.ts'
import { complaintOfOutput } from '../../support/hostile/complaints.ts'
import { storageOf, usageFacts, usageRequest, type UsageSketch } from '../../support/usage/usage-facts.ts'

const mib = 1024 ** 2
const day = 86_400_000
const kept = { verdict: 'keep', why: { kind: 'protection', text: 'protected: tags latest' } } as const

const sketches: Readonly<Record<string, UsageSketch>> = {
  train: {
    images: {
      '2.0.0': { blobs: { base: 100 * mib, train: 34_400 * mib }, pulled: 3, pushed: 200 },
      '1.0.0': { blobs: { old: 900 * mib }, pulled: 'never', pushed: 200, tags: ['1.0.0', '1'] },
    },
    untagged: { lost: 3 * mib },
    inventory: {},
    planned: {
      remaining: { base: 100 * mib, train: 34_400 * mib, lost: 3 * mib },
      deleted: { old: 900 * mib },
      images: 1,
    },
  },
  web: {
    images: { '1.4.2': { blobs: { base: 100 * mib, web: 7 * mib }, pulled: 100, pushed: 120, judged: kept } },
    inventory: {},
  },
}
const record = { day: '2026-05-31', repository: 'registry.example.com/train', tags: 1, manifests: 1 }

function reportOf(request: Partial<UsageRequest> = {}, more: Partial<UsageFacts> = {}): UsageReport {
  const facts = usageFacts([storageOf(sketches, { price: 0.1 })], {
    records: [{ ...record, bytes: 30_000 * mib, untagged: 0 }],
    policy: { name: 'nightly', refused: new Map() },
    ...more,
  })
  return buildUsageReport(facts, usageRequest(request))
}

function linesOf(report: UsageReport, width?: number): readonly string[] {
  return renderUsage(report, { style: plainStyle, width }).split('\n')
}

describe('the table of repositories', () => {
  it('has a column for each option, and the totals below', () => {
    expect(linesOf(reportOf({ notPulledFor: 90 * day }), 120)).toEqual([
      'REPOSITORY   IMAGES    UNIQUE  SHARED  CROSS-REPO  UNTAGGED   30 DAYS  NOT PULLED 90d  WOULD FREE   COST',
      '@prod/train       2  34.5 GiB       -     100 MiB   3.0 MiB  +5.3 GiB     1 (900 MiB)     900 MiB   3.45',
      '@prod/web         1   7.0 MiB       -     100 MiB         -   unknown     1 (7.0 MiB)           -  <0.01',
      '34.6 GiB stored (34.7 GiB as the sum of images). +5.3 GiB in 30 days. Last pulls: Harbor. 2 images (907 MiB) not pulled',
      'for 90d, of which 1 protected. The policy nightly would delete 1 image and free 900 MiB. A month of storage costs 3.46.',
    ])
  })

  it('omits columns without a value', () => {
    const { policy: _, ...facts } = usageFacts([storageOf({ web: { images: { a: { blobs: { a: 1 } } } } })])
    const [heading, row] = linesOf(buildUsageReport(facts, usageRequest()))
    expect(heading).toBe('REPOSITORY  IMAGES  UNIQUE  SHARED  CROSS-REPO  UNTAGGED')
    expect(row).toBe('@prod/web        1     1 B       -           -   unknown')
  })

  it.each([60, 80])('is a list of at most %i columns if the page is too narrow', (width) => {
    const lines = linesOf(reportOf({ notPulledFor: 90 * day }), width)
    expect(lines.slice(0, 2).join(' ')).toContain('@prod/train   2 images, 34.5 GiB unique')
    for (const line of lines) expect(displayWidth(line)).toBeLessThanOrEqual(width)
    for (const part of ['3.0 MiB untagged', 'not pulled for 90d', 'would free 900 MiB'])
      expect(lines.join(' ').replaceAll(/\s+/g, ' ')).toContain(part)
  })

  it('shows repositories that cannot be read, and refused ones', () => {
    const error = { code: 'network' as const, message: 'cannot connect' }
    const repository = { registry: 'down.example.com', path: 'web' }
    const refused = new Map([
      ['registry.example.com/train', { code: 'refused' as const, message: 'too many' }],
    ])
    const report = reportOf(
      {},
      { unreachable: [{ repository, image: '@down/web', error }], policy: { refused } },
    )
    const lines = linesOf(report)
    expect(lines[1]).toMatch(/^@prod\/train .* refused +3\.45$/)
    expect(lines[3]).toBe('@down/web    unreachable')
  })

  it('says that there is nothing', () => {
    expect(linesOf(buildUsageReport(usageFacts([]), usageRequest()))).toEqual(['No repositories.'])
  })

  it('names repositories without images in a note and not in the table', () => {
    const storage = storageOf({ web: { images: { a: { blobs: { a: 1 } } } }, jobs: {} })
    const report = buildUsageReport(usageFacts([storage]), usageRequest())
    expect(linesOf(report).join()).not.toContain('@prod/jobs')
    expect(report.notes).toContain('No images in @prod/jobs.')
  })
})

describe('the table of images', () => {
  it('has the times, the verdict and the reason', () => {
    expect(linesOf(reportOf({ by: 'tag', limit: 2 }), 120).slice(0, 3)).toEqual([
      'IMAGE                     UNIQUE  SHARED  CROSS-REPO      SIZE  PUSHED  PULLED  VERDICT',
      '@prod/train:2.0.0       33.6 GiB       -     100 MiB  33.7 GiB     6mo      3d  -',
      '@prod/train:1.0.0 (+1)   900 MiB       -           -   900 MiB     6mo   never  -',
    ])
    expect(linesOf(reportOf({ by: 'tag' }), 120)[3]).toMatch(/ keep +protected: tags latest$/)
  })

  it('ends with the number of the images that it omits', () => {
    const notes = renderUsageNotes(reportOf({ by: 'tag', limit: 1 }), { style: plainStyle, width: 80 })
    expect(notes[0]).toBe('2 more images. Pass --all to show all.')
  })
})

it('the table of layers has the first image that has each', () => {
  const lines = linesOf(reportOf({ by: 'layer', limit: 3 }), 100)
  expect(lines[0]).toBe('LAYER                    SIZE  REPOSITORIES  IMAGES  SHARED BY')
  expect(lines[1]).toMatch(/^sha256:[0-9a-f]{12} {2}33\.6 GiB {13}1 {7}1 {2}@prod\/train:2\.0\.0$/)
  expect(lines[3]).toMatch(/ 100 MiB {13}2 {7}2 {2}@prod\/train:2\.0\.0 \(\+1\)$/)
})

it('a report has no character that controls a terminal (case 9)', () => {
  const evil = '<script>\u001b[2J\u202e"\n::error::x'
  const why = { verdict: 'keep', why: { kind: 'hold', text: evil } } as const
  const storage = storageOf({
    [evil]: {
      images: { a: { blobs: { a: 1 }, tags: [evil, 'b'], judged: why } },
      inventory: { name: evil },
    },
  })
  const error = { code: 'network' as const, message: evil }
  const facts = usageFacts([storage], {
    unreachable: [{ repository: { registry: evil, path: evil }, image: evil, error }],
    policy: { name: evil, refused: new Map(), refusedRun: error },
    notes: [evil],
  })
  for (const by of ['repository', 'tag', 'layer'] as const) {
    for (const width of [undefined, 60, 120]) {
      const report = buildUsageReport(facts, usageRequest({ by }))
      const page = { style: plainStyle, width }
      const text = [renderUsage(report, page), ...renderUsageNotes(report, page)].join('\n')
      expect(complaintOfOutput(text)).toBeUndefined()
    }
  }
})
