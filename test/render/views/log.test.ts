import { describe, expect, it } from 'vitest'
import type { AuditRecord, LogEntry, LogRecord } from '../../../src/audit/log/record.ts'
import { logTable } from '../../../src/render/views/log.ts'
import { plainStyle } from '../../../src/render/text/style.ts'
import { displayWidth } from '../../../src/render/text/width.ts'
import { outcome, record, tagStep } from '../../support/audit-log.ts'
import { manifestStep, untagStep } from '../../support/delete-steps.ts'
import { exampleRecords } from '../../support/log-files.ts'

const pipe = { style: plainStyle, width: undefined }
const terminal = { style: plainStyle, width: 100 }

function entries(...records: readonly LogRecord[]): readonly LogEntry[] {
  return records.map((one, i) => ({ ...one, seq: i + 1, prev: null }))
}

const [, done, , , refused] = exampleRecords(2)
const lines = (text: string): readonly string[] => text.split('\n')

describe('the table of a log', () => {
  it('shows time, actor, change, environments and result', () => {
    const [heading, first, second] = lines(
      logTable(terminal)(entries(done as AuditRecord, refused as AuditRecord)),
    )
    expect(heading).toMatch(/^TIME \(UTC\) +ACTOR +OPERATION +CHANGE +FROM -> TO +RESULT$/)
    expect(first).toMatch(
      /^2026-11-23 00:00:00 {2}tester {2}promote {4}api:1\.4\.2: tag 1\.4\.0 -> sha256:\w+… +staging -> prod {2}done$/,
    )
    expect(second).toMatch(/^2026-11-23 00:00:02 .* api:1\.4\.2 +staging -> prod {2}refused$/)
  })

  it('has whole times and digests in a pipe', () => {
    const [, first] = lines(logTable(pipe)(entries(done as AuditRecord)))
    expect(first).toContain('2026-11-23T00:00:00.000Z')
    expect(first).toMatch(/sha256:[0-9a-f]{64}/)
  })

  it('shows deletes with their tags: all in a pipe, the first few on a terminal', () => {
    const losesTags = ['pr-1', 'pr-2', 'pr-3', 'pr-4', 'pr-5']
    const [deleted, untagged] = [manifestStep({ losesTags }), untagStep()].map((step) =>
      outcome({ operation: 'prune', image: '@dev/api', environment: { from: 'dev', to: 'dev' }, step }),
    ) as [AuditRecord, AuditRecord]
    const [, whole, alone] = lines(logTable(pipe)(entries(deleted, untagged)))
    expect(whole).toMatch(
      /prune +@dev\/api: delete sha256:[0-9a-f]{64} with pr-1, pr-2, pr-3, pr-4, pr-5 +dev +done$/,
    )
    expect(alone).toMatch(/prune +@dev\/api: delete tag pr-1 of sha256:[0-9a-f]{64} +dev +done$/)
    const [, few] = lines(logTable({ ...terminal, width: 160 })(entries(deleted)))
    expect(few).toMatch(/with pr-1, pr-2, pr-3 and 2 more/)
  })

  it('shows that an image was deleted together with a tag', () => {
    const lost = outcome({
      operation: 'prune',
      image: '@dev/api',
      step: untagStep(),
      losesTags: ['pr-1', 'prod'],
    })
    expect(lines(logTable(pipe)(entries(lost)))[1]).toMatch(
      /delete tag pr-1; the registry deleted sha256:[0-9a-f]{64} with pr-1, prod /,
    )
  })

  it('says whether recovered bytes are of a crash or of a suspended run', () => {
    const tail = {
      schema: 'dray.audit/1',
      id: 'r',
      run: 'b',
      time: '2026-11-23T00:00:00Z',
      torn: '',
    } as const
    const [, torn, stray] = lines(
      logTable(pipe)(
        entries({ ...tail, phase: 'recovered' }, { ...tail, phase: 'recovered', writtenBy: 'run-a' }),
      ),
    )
    expect(torn).toMatch(/an incomplete line after a crash +recovered$/)
    expect(stray).toMatch(/a late line of the suspended run run-a +recovered$/)
  })

  it('fits the terminal', () => {
    const repository = { registry: 'a-long-name.of-a-registry.example.com', path: 'team/'.repeat(20) + 'api' }
    const long = outcome({ step: tagStep('t', { repository, tag: 'v'.repeat(100) }), image: 'x'.repeat(80) })
    for (const line of lines(logTable({ ...terminal, width: 90 })(entries(long))))
      expect(displayWidth(line)).toBeLessThanOrEqual(90)
  })

  it('has one heading and keeps its columns in later parts', () => {
    const render = logTable(terminal)
    const wide = render(entries({ ...(done as AuditRecord), actor: { user: 'a-longer-name', host: 'h' } }))
    const narrow = render(entries(done as AuditRecord))
    expect(lines(wide)).toHaveLength(2)
    expect(lines(narrow)).toHaveLength(1)
    expect(narrow.indexOf('promote')).toBe(lines(wide)[1]?.indexOf('promote'))
  })

  it('marks an open intent, a resolved outcome and a recovered tail', () => {
    const recovered: LogRecord = {
      schema: 'dray.audit/1',
      id: 'x',
      run: 'y',
      time: '2026-11-23T00:00:00.000Z',
      phase: 'recovered',
      torn: '',
    }
    const text = logTable(pipe)(entries(record(), outcome({ resolvedBy: 'run2' }), recovered))
    expect(lines(text).map((line) => line.split(/ {2,}/).at(-1))).toEqual([
      'RESULT',
      'open',
      'done (resolved)',
      'recovered',
    ])
  })

  it('escapes control characters of a record', () => {
    const hostile = '\u001b[2J\u202e'
    const text = logTable(pipe)(
      entries(
        outcome({
          image: hostile,
          actor: { user: hostile, host: 'h' },
          time: hostile,
          step: tagStep('t', { tag: hostile }),
          environment: { from: hostile, to: hostile },
        }),
      ),
    )
    for (const control of ['\u001b', '\u202e']) expect(text).not.toContain(control)
  })
})
