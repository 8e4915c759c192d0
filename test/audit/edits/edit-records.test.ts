import { describe, expect, it } from 'vitest'
import { cloudEventOf } from '../../../src/audit/export/export-cloudevents.ts'
import { csvHeader, formatCsvLine } from '../../../src/audit/export/export-csv.ts'
import { ocsfEventOf } from '../../../src/audit/export/export-ocsf.ts'
import { findRecordProblem } from '../../../src/audit/log/record-problems.ts'
import type { LogEntry } from '../../../src/audit/log/record.ts'
import { affectedBy } from '../../../src/audit/query/affected.ts'
import { matcher } from '../../../src/audit/query/filter.ts'
import { putOf } from '../../../src/audit/query/recorded-puts.ts'
import { logTable } from '../../../src/render/views/log.ts'
import { plainStyle } from '../../../src/render/text/style.ts'
import { editRecord, editStep, newDigest } from '../../support/gitops/edit-steps.ts'

const done = editRecord({ phase: 'outcome', result: 'done', commit: '0123456789abcdef0123' })

describe('the record of an edit', () => {
  it('is a valid record', () => {
    expect(findRecordProblem(done)).toBeUndefined()
    expect(findRecordProblem({ ...done, commit: 7 })).toBe('its commit is not a string')
  })

  it('changes no registry', () => {
    expect(affectedBy(done)).toBeUndefined()
    expect(putOf(done)).toBeUndefined()
  })

  it.each([
    'api',
    'api:1.5.0',
    'r.example.com/prod/api',
    'r.example.com:443/prod/api',
    'prod/api',
    'r.example.com/prod/api:1.5.0',
    newDigest,
  ])('is found by its image %s', (image) => {
    expect(matcher({ image: [image] })(done)).toBe(true)
  })

  it('is found by each of its images, by its environment and operation, and by nothing else', () => {
    const [first] = editStep().images
    if (first === undefined) throw new Error('no image')
    const { image: _image, ...rest } = done
    const both = { ...rest, step: editStep({ images: [first, { ...first, image: 'web' }] }) }
    expect(matcher({ image: ['web'], environment: ['prod'], operation: ['gitops'] })(both)).toBe(true)
    expect(matcher({ image: ['other'] })(both)).toBe(false)
    expect(matcher({ environment: ['staging'] })(both)).toBe(false)
  })

  it('is an event about its file', () => {
    expect(cloudEventOf(done)).toMatchObject({
      type: 'dev.dray.gitops.done',
      subject: 'clusters/prod/api.yaml',
      data: { commit: '0123456789abcdef0123' },
    })
    expect(ocsfEventOf(done)).toMatchObject({
      activity_name: 'Update',
      api: { operation: 'gitops.edit' },
      resources: [{ name: 'clusters/prod/api.yaml', type: 'file' }],
      unmapped: { commit: '0123456789abcdef0123', edits: [{ line: 12 }] },
    })
  })

  it('is a line of CSV with its file, places and commit at the end', () => {
    const header = csvHeader.trim().split(',')
    const cells = formatCsvLine(done).trim().split(',')
    const of = (name: string): string | undefined => cells[header.indexOf(name)]
    expect(header.slice(-3)).toEqual(['file', 'places', 'commit'])
    expect(['step', 'digest', 'to', 'file', 'places', 'commit'].map(of)).toEqual([
      'edit',
      newDigest,
      'prod',
      'clusters/prod/api.yaml',
      '"spec.template.spec.containers[0].image"',
      '0123456789abcdef0123',
    ])
  })

  it('is shown with its file, digest and commit, escaped', () => {
    const step = editStep({ file: 'a\u001b[2J.yaml' })
    const entry: LogEntry = { ...done, step, seq: 1, prev: null }
    const text = logTable({ style: plainStyle, width: undefined })([entry])
    expect(text).toContain(`edit a\\x1b[2J.yaml -> ${newDigest} in 0123456789ab`)
    expect(text).toContain('-> prod')
  })
})
