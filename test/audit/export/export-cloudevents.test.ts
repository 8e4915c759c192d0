import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { formatEventLine } from '../../../src/audit/export/export.ts'
import { cloudEventOf } from '../../../src/audit/export/export-cloudevents.ts'
import type { AuditRecord } from '../../../src/audit/log/record.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import { recordOf, refusedRecord } from '../../support/log-lines.ts'
import { deletedDigest, manifestStep, untagStep } from '../../support/delete-steps.ts'

interface Property {
  readonly type: string | readonly string[]
  readonly minLength?: number
  readonly format?: string
}

/** The JSON schema of the CloudEvents project (github.com/cloudevents/spec, Apache-2.0). */
const schema = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../fixtures/cloudevents-1.0.2.schema.json'), 'utf8'),
) as {
  readonly required: readonly string[]
  readonly properties: Readonly<Record<string, { readonly $ref: string }>>
  readonly definitions: Readonly<Record<string, Property>>
}

const formats: Readonly<Record<string, (text: string) => boolean>> = {
  'uri-reference': (text) =>
    /^[\w\-.~:/?#[\]@!$&'()*+,;=%]*$/.test(text) && URL.canParse(text, 'http://base/'),
  uri: (text) => URL.canParse(text),
  'date-time': (text) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/.test(text),
}

function complaints(event: Readonly<Record<string, unknown>>): readonly string[] {
  const missing = schema.required.filter((name) => !(name in event)).map((name) => `${name} is missing`)
  const wrong = Object.entries(event).flatMap(([name, value]) => {
    const property = schema.definitions[schema.properties[name]?.$ref.split('/').at(-1) ?? '']
    if (property === undefined) return [`${name} is not known`]
    const type = Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value
    if (![property.type].flat().includes(type)) return [`${name} is ${type}`]
    if (typeof value !== 'string') return []
    if (value.length < (property.minLength ?? 0)) return [`${name} is too short`]
    return formats[property.format ?? '']?.(value) === false ? [`${name} is no ${property.format}`] : []
  })
  return [...missing, ...wrong]
}

const refused = refusedRecord('no')
const results = ['done', 'unchanged', 'conflict', 'failed'] as const

describe('a CloudEvent', () => {
  it('of a delete has the digest as its subject, or the tag if only that was deleted', () => {
    const about = (step: AuditRecord['step']) =>
      cloudEventOf(recordOf({ operation: 'prune', ...(step !== undefined && { step }) }))
    expect(about(manifestStep())).toMatchObject({
      type: 'dev.dray.prune.done',
      subject: `registry.example.com/dev/api@${deletedDigest}`,
    })
    expect(about(untagStep())).toMatchObject({ subject: 'registry.example.com/dev/api:pr-1' })
    const lost = cloudEventOf(recordOf({ step: untagStep(), losesTags: ['pr-1', 'prod'] }))
    expect(lost?.subject).toBe(`registry.example.com/dev/api@${deletedDigest}`)
    expect(lost?.data.losesTags).toEqual(['pr-1', 'prod'])
  })

  it('conforms to the published schema, whatever the outcome', () => {
    const records = [
      ...results.map((result) => recordOf({ result })),
      recordOf({ operation: 'copy' }),
      recordOf({ actor: { user: 'ann', host: 'my host/ü\ud800' } }),
      refused,
      { ...refused, image: '' },
    ]
    const events = records.map((record) => cloudEventOf(record) ?? {})
    expect(events.flatMap(complaints)).toEqual([])
    expect(events).not.toContainEqual({})
  })

  it.each([
    ...results.map((result) => [recordOf({ result }), `dev.dray.promote.${result}`] as const),
    [recordOf({ operation: 'copy' }), 'dev.dray.copy.done'] as const,
    [refused, 'dev.dray.promote.refused'] as const,
  ])('has a stable type for its operation and result: %#', (record, type) => {
    expect(cloudEventOf(record)?.type).toBe(type)
  })

  it('names the tag and repository, with the id and time of the record and the whole record as data', () => {
    const record = recordOf()
    expect(cloudEventOf(record)).toEqual({
      specversion: '1.0',
      id: 'record-1',
      source: 'urn:dray:host:builder-1',
      type: 'dev.dray.promote.done',
      subject: 'registry.example.com/prod/api:1.4.2',
      time: '2026-03-04T05:06:07.089Z',
      datacontenttype: 'application/json',
      data: record,
    })
    expect(cloudEventOf(refused)?.subject).toBe('api:1.4.2')
  })

  it('of content without a tag has the digest as its subject', () => {
    const step = {
      id: 's0',
      kind: 'copy',
      placement: 'p1',
      after: [],
      expect: [],
      root: { mediaType: 'm', digest: digestOf('image'), size: 1 },
      from: { registry: 'r.example.com', path: 'a' },
      to: { registry: 'r.example.com', path: 'b' },
      rootBy: 'digest',
    } as const
    expect(cloudEventOf(recordOf({ step }))?.subject).toBe(`r.example.com/b@${digestOf('image')}`)
  })

  it('is undefined for an intent or a recovered tail', () => {
    const { time } = recordOf()
    expect(cloudEventOf(recordOf({ phase: 'intent' }))).toBeUndefined()
    expect(
      formatEventLine(
        { schema: 'dray.audit/1', id: 't', run: 'r', time, phase: 'recovered', torn: '' },
        'cloudevents',
      ),
    ).toBeUndefined()
  })

  it('is one line', () => {
    const line = formatEventLine(recordOf({ reason: 'two\nlines' }), 'cloudevents') ?? ''
    expect(line).not.toContain('\n')
    expect(JSON.parse(line)).toEqual(cloudEventOf(recordOf({ reason: 'two\nlines' })))
  })
})
