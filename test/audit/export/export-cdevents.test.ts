import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { cdEventOf } from '../../../src/audit/export/export-cdevents.ts'
import { eventOf, formatEventLine } from '../../../src/audit/export/export.ts'
import type { AuditRecord } from '../../../src/audit/log/record.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import { deletedDigest, manifestStep, untagStep } from '../../support/delete-steps.ts'
import { type JsonSchema, schemaComplaints } from '../../support/json-schema.ts'
import { recordOf, refusedRecord } from '../../support/log-lines.ts'

function readSchema(name: string): JsonSchema & { readonly version?: string } {
  return JSON.parse(readFileSync(join(import.meta.dirname, '../../fixtures', name), 'utf8')) as JsonSchema
}

const cdevents = readSchema('cdevents-0.5.1.json')
const cloudevents = readSchema('cloudevents-1.0.2.schema.json')

/** The mistakes of an event, as a CloudEvent and as the CDEvent in it. */
function complaintsOf(event: unknown): readonly string[] {
  const { data, type } = JSON.parse(JSON.stringify(event)) as { data: unknown; type: string }
  const name = type.includes('.artifact.published.') ? 'published' : 'deleted'
  return [
    ...schemaComplaints(JSON.parse(JSON.stringify(event)), cloudevents),
    ...schemaComplaints(data, { $ref: `#/definitions/${name}` }, cdevents),
  ]
}

const repository = { registry: 'r.test', path: 'a/b' }
const target = { mediaType: 'm', digest: digestOf('image'), size: 1 }
const common = { id: 's', placement: 'p', after: [], expect: [] } as const
const ci = { service: 'github', user: 'octocat' }
const prune = { operation: 'prune' } as const

const published: readonly (readonly [string, Partial<AuditRecord>])[] = [
  ['a tag', {}],
  ['a tag that moved', { before: digestOf('old'), operation: 'rollback' }],
  ['a tag in a CI job', { actor: { user: 'runner', host: 'größe x', ci, says: 'Ann' }, reason: 'r' }],
  ['a tag of no user', { actor: { user: '', host: '' } }],
  [
    'a tag in a layout',
    {
      step: {
        ...common,
        kind: 'tag',
        repository: { registry: 'oci:', path: '/srv/Images' },
        tag: '1',
        target,
        from: repository,
      },
    },
  ],
]
const deleted: readonly (readonly [string, Partial<AuditRecord>])[] = [
  ['an image', { ...prune, step: manifestStep(), after: null }],
  ['a tag', { ...prune, step: untagStep(), after: null }],
  ['a tag with its image', { ...prune, step: untagStep(), losesTags: ['pr-1', 'prod'] }],
]

describe('a CDEvent', () => {
  it.each(published)('of %s that was written is artifact.published of the schema', (_name, over) => {
    const event = cdEventOf(recordOf(over))
    expect(event?.type).toBe('dev.cdevents.artifact.published.0.3.0')
    expect(complaintsOf(event)).toEqual([])
  })

  it.each(deleted)('of %s that was deleted is artifact.deleted of the schema', (_name, over) => {
    const event = cdEventOf(recordOf(over))
    expect(event?.type).toBe('dev.cdevents.artifact.deleted.0.2.0')
    expect(complaintsOf(event)).toEqual([])
  })

  it('has the record, its id, its run and its user', () => {
    const record = recordOf({ actor: { user: 'runner', host: 'builder-1', ci } })
    const { id, run, time } = record
    const source = 'urn:dray:host:builder-1'
    const digest = digestOf('image').replace(':', '%3A')
    const image = `pkg:oci/api@${digest}?repository_url=registry.example.com%2Fprod%2Fapi&tag=1.4.2`
    const event = cdEventOf(record)
    expect(event).toEqual({
      specversion: '1.0',
      id,
      source,
      type: 'dev.cdevents.artifact.published.0.3.0',
      subject: image,
      time,
      datacontenttype: 'application/json',
      data: {
        context: {
          specversion: cdevents.version,
          id,
          chainId: run,
          source,
          type: 'dev.cdevents.artifact.published.0.3.0',
          timestamp: time,
        },
        subject: { id: image, content: { user: 'octocat' } },
        customData: record,
        customDataContentType: 'application/json',
      },
    })
    expect(formatEventLine(record, 'cdevents')).toBe(JSON.stringify(event))
  })

  it('of a deleted image names the digest, and of a deleted tag the tag too', () => {
    const at = `pkg:oci/api@${deletedDigest.replace(':', '%3A')}?repository_url=registry.example.com%2Fdev%2Fapi`
    expect(deleted.map(([, over]) => cdEventOf(recordOf(over))?.subject)).toEqual([at, `${at}&tag=pr-1`, at])
  })

  it.each([
    ['an intent', recordOf({ phase: 'intent' })],
    ['a refusal', refusedRecord('no')],
    ['a tag that was up to date', recordOf({ result: 'unchanged' })],
    ['a conflict', recordOf({ result: 'conflict' })],
    ['a failure', recordOf({ result: 'failed' })],
    [
      'copied content',
      recordOf({
        step: { ...common, kind: 'copy', root: target, from: repository, to: repository, rootBy: 'digest' },
      }),
    ],
    ['an attestation', recordOf({ step: { ...common, kind: 'attest', subject: target, repository } })],
    [
      'an edit of a file',
      recordOf({
        step: {
          id: 'e1',
          kind: 'edit',
          file: 'prod/api.yaml',
          fileHash: digestOf('before'),
          resultHash: digestOf('after'),
        } as unknown as NonNullable<AuditRecord['step']>,
      }),
    ],
    [
      'a recovered tail',
      { schema: 'dray.audit/1', id: 'i', run: 'r', time: 't', phase: 'recovered', torn: 'eA==' },
    ],
  ] as const)('does not exist for %s', (_name, record) => {
    expect(eventOf(record, 'cdevents')).toBeUndefined()
  })

  it('is checked by the schema: a wrong field is a complaint', () => {
    const event = cdEventOf(recordOf())
    const data = event?.data
    const wrong = [
      { ...event, data: { ...data, context: { ...data?.context, id: '' } } },
      { ...event, data: { ...data, subject: { id: 'x', content: { user: 1 } } } },
      { ...event, data: { ...data, more: 1 } },
      { ...event, type: 'dev.cdevents.artifact.deleted.0.2.0' },
      { ...event, subject: '' },
    ]
    expect(wrong.map((one) => complaintsOf(one).length > 0)).toEqual(wrong.map(() => true))
  })
})
