import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { csvHeader, formatCsvLine } from '../../../src/audit/export/export-csv.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import { gateResults } from '../../support/gates/gate-results.ts'
import { recordOf } from '../../support/log-lines.ts'
import { deletedDigest, manifestStep, untagStep } from '../../support/delete-steps.ts'

/** A reader by RFC 4180, section 2, without code of the writer. */
function parseCsv(text: string): readonly (readonly string[])[] {
  const rows: string[][] = []
  let rest = text
  while (rest !== '') {
    const row: string[] = []
    for (;;) {
      const [whole, quoted, plain = ''] = /^(?:"((?:[^"]|"")*)"|([^",\r\n]*))/.exec(rest) ?? ['']
      row.push(quoted?.replaceAll('""', '"') ?? plain)
      rest = rest.slice(whole.length)
      if (!rest.startsWith(',')) break
      rest = rest.slice(1)
    }
    expect(rest.startsWith('\r\n')).toBe(true)
    rest = rest.slice(2)
    rows.push(row)
  }
  return rows
}

function rowOf(...args: Parameters<typeof formatCsvLine>): Readonly<Record<string, string>> {
  const [names = [], cells = [], ...others] = parseCsv(csvHeader + formatCsvLine(...args))
  expect(others).toEqual([])
  expect(cells).toHaveLength(names.length)
  return Object.fromEntries(names.map((name, i) => [name, cells[i] ?? '']))
}

describe('a line of CSV', () => {
  it('names every tag that was deleted with an image, or the deleted tag', () => {
    const deleted = rowOf(recordOf({ operation: 'prune', step: manifestStep(), before: deletedDigest }))
    expect(deleted).toMatchObject({
      operation: 'prune',
      step: 'deleteManifest',
      repository: 'registry.example.com/dev/api',
      tag: 'pr-1 pr-1-again',
      digest: deletedDigest,
      before: deletedDigest,
    })
    expect(rowOf(recordOf({ step: untagStep() }))).toMatchObject({ step: 'deleteTag', tag: 'pr-1' })
    const lost = recordOf({ step: untagStep(), losesTags: ['pr-1', 'prod'] })
    expect(rowOf(lost)).toMatchObject({ step: 'deleteTag', tag: 'pr-1 prod', digest: deletedDigest })
  })

  it('has the result of each gate, and its effect if it has one', () => {
    expect(rowOf(recordOf({ gates: gateResults }))).toMatchObject({
      gates: 'signed=pass scan=error(overridden)',
    })
    expect(rowOf(recordOf())).toMatchObject({ gates: '' })
  })

  it('contains actor, operation, image and the position in the log', () => {
    const ci = { service: 'github', user: 'octocat', run: 'https://example.com/1' }
    const actor = { user: 'ann', host: 'builder-1', ci }
    const row = rowOf({ ...recordOf({ actor, reason: 'release' }), seq: 7, prev: digestOf('line') })
    expect(row).toMatchObject({
      seq: '7',
      time: '2026-03-04T05:06:07.089Z',
      phase: 'outcome',
      operation: 'promote',
      result: 'done',
      step: 'tag',
      image: 'api:1.4.2',
      from: 'staging',
      to: 'prod',
      source: 'registry.example.com/staging/api',
      repository: 'registry.example.com/prod/api',
      tag: '1.4.2',
      digest: digestOf('image'),
      before: '',
      after: digestOf('image'),
      user: 'ann',
      host: 'builder-1',
      ciUser: 'octocat',
      ciRun: 'https://example.com/1',
      reason: 'release',
    })
  })

  it('exists for an intent, a refusal and a recovered tail too', () => {
    const { time } = recordOf()
    expect(rowOf(recordOf({ phase: 'intent' }))['phase']).toBe('intent')
    expect(rowOf(recordOf({ phase: 'refused' }))['result']).toBe('refused')
    expect(
      rowOf({ schema: 'dray.audit/1', id: 't', run: 'r', time, phase: 'recovered', torn: 'e30=' }),
    ).toMatchObject({ phase: 'recovered', run: 'r', operation: '' })
  })

  it('is parsed to the same values, whatever the text', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 30 }).filter((s) => !/[\p{Cc}]/u.test(s))
    const awkward = fc.constantFrom('a,b', '"', '""', 'a\nb', ';', ' ', 'a"b,c\n"', "'x", 'é;=1')
    fc.assert(
      fc.property(fc.oneof(text, awkward), fc.oneof(text, awkward), (reason, says) => {
        const row = rowOf(recordOf({ reason, actor: { user: 'u', host: 'h', says } }))
        for (const [cell, written] of [
          [row['reason'] ?? '', reason],
          [row['says'] ?? '', says],
        ] as const) {
          // Only apostrophes are added.
          expect(cell.replaceAll("'", '')).toBe(written.replaceAll("'", ''))
          expect(cell).not.toMatch(/^\s*[=+\-@\uff1d\uff0b\uff0d\uff20]/)
        }
      }),
    )
  })

  it.each([
    ['\n=1', "'\n'=1"],
    ['x;=1+1;y', "x;'=1+1;y"],
    ['x; @SUM(A1)', "x; '@SUM(A1)"],
    ['x;"=1+1"', `x;"'=1+1"`],
    ['a\n-1', "a\n'-1"],
    ["a;\uff1dcmd|' /C calc'!A0", "a;'\uff1dcmd|' /C calc'!A0"],
  ])('keeps a spreadsheet that splits cells at semicolons from finding a formula in %j', (reason, cell) => {
    expect(rowOf(recordOf({ reason }))['reason']).toBe(cell)
  })

  it.each(['=1+1', '+1', '-1', '@SUM(A1)', ' =1', '\uff1d1', '=cmd|"/C calc"!A0', '-2+3;x'])(
    'keeps a spreadsheet from taking %j for a formula',
    (reason) => {
      expect(rowOf(recordOf({ reason }))['reason']).toBe(`'${reason}`)
      expect(rowOf(recordOf({ image: reason }))['image']).toBe(`'${reason}`)
    },
  )

  it('has no control characters except quoted line feeds', () => {
    const line = formatCsvLine(recordOf({ reason: '\u001b[31mred\u0007\t\r\n\u009b\ud800' }))
    // oxlint-disable-next-line no-control-regex -- the test searches for them
    expect(line.replace(/\r\n$/, '')).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/)
    expect(line.isWellFormed()).toBe(true)
  })
})
