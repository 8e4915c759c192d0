import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { formatEventLine } from '../../../src/audit/export/export.ts'
import { ocsfEventOf } from '../../../src/audit/export/export-ocsf.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import { recordOf, refusedRecord } from '../../support/log-lines.ts'
import { deletedDigest, manifestStep, untagStep } from '../../support/delete-steps.ts'

interface Attribute {
  readonly type: string
  readonly array?: true
  readonly required?: true
  readonly enum?: Readonly<Record<string, string>>
}

interface Shape {
  readonly attributes: Readonly<Record<string, Attribute>>
  readonly atLeastOne?: readonly string[]
}

const schema = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../fixtures/ocsf-api-activity-1.8.0.json'), 'utf8'),
) as {
  readonly version: string
  readonly class: Shape & { readonly uid: number; readonly category: number }
  readonly objects: Readonly<Record<string, Shape>>
}

const primitives: Readonly<Record<string, (value: unknown) => boolean>> = {
  string_t: (value) => typeof value === 'string',
  integer_t: (value) => Number.isInteger(value),
  long_t: (value) => Number.isSafeInteger(value),
  object: (value) => typeof value === 'object',
}

function complaints(value: unknown, shape: Shape, path: string): readonly string[] {
  const fields = value as Readonly<Record<string, unknown>>
  const missing = Object.entries(shape.attributes)
    .filter(([name, { required }]) => required === true && !(name in fields))
    .map(([name]) => `${path}${name} is missing`)
  const none = shape.atLeastOne !== undefined && !shape.atLeastOne.some((name) => name in fields)
  const wrong = Object.entries(fields).flatMap(([name, field]) => {
    const attribute = shape.attributes[name]
    if (attribute === undefined) return [`${path}${name} is not known`]
    if ((attribute.array === true) !== Array.isArray(field)) return [`${path}${name} is no list, or one`]
    return [field].flat().flatMap((item) => wrongAt(item, attribute, `${path}${name}`))
  })
  return [...missing, ...(none ? [`${path} has none of ${shape.atLeastOne.join()}`] : []), ...wrong]
}

function wrongAt(value: unknown, { type, enum: allowed }: Attribute, path: string): readonly string[] {
  const object = schema.objects[type]
  if (object !== undefined) return complaints(value, object, `${path}.`)
  if (primitives[type]?.(value) !== true) return [`${path} is no ${type}`]
  const isAllowed = allowed === undefined || typeof value === 'string' || String(value) in allowed
  return isAllowed ? [] : [`${path} has the value ${String(value)}`]
}

const refused = refusedRecord('the tag would move')
const copied = recordOf({
  step: {
    id: 's0',
    kind: 'copy',
    placement: 'p1',
    after: [],
    expect: [],
    root: { mediaType: 'm', digest: digestOf('image'), size: 1 },
    from: { registry: 'r.example.com', path: 'a' },
    to: { registry: 'r.example.com', path: 'b' },
    rootBy: 'digest',
  },
})
const attested = recordOf({
  step: {
    id: 's3',
    kind: 'attest',
    placement: 'p1',
    after: [],
    expect: [],
    subject: { mediaType: 'm', digest: digestOf('image'), size: 1 },
    repository: { registry: 'r.example.com', path: 'b' },
  },
})
const deleted = recordOf({ operation: 'prune', step: manifestStep(), before: deletedDigest, after: null })
const ci = { service: 'github', user: 'octocat', run: 'https://example.com/runs/1' }

describe('an OCSF event', () => {
  it('of a delete has the activity Delete and names every deleted tag', () => {
    expect(ocsfEventOf(deleted)).toMatchObject({
      activity_name: 'Delete',
      type_uid: 600304,
      api: { operation: 'prune.deleteManifest' },
      resources: [
        { name: 'registry.example.com/dev/api', uid: deletedDigest },
        { name: 'registry.example.com/dev/api:pr-1', uid: deletedDigest },
        { name: 'registry.example.com/dev/api:pr-1-again', uid: deletedDigest },
      ],
    })
  })

  it.each([
    ['done', recordOf()],
    ['unchanged', recordOf({ result: 'unchanged' })],
    ['a conflict', recordOf({ result: 'conflict', error: { code: 'conflict', message: 'moved' } })],
    ['failed', recordOf({ result: 'failed', error: { code: 'network', message: 'gone' } })],
    ['refused', refused],
    ['a copy', copied],
    ['an attestation', attested],
    ['a deleted image', deleted],
    ['a deleted tag', recordOf({ operation: 'prune', step: untagStep(), after: null })],
    [
      'of a CI job',
      recordOf({ actor: { user: 'runner', host: 'h', ci, says: 'Ann' }, reason: 'r', ticket: 'T-1' }),
    ],
    ['as a line of a log has it', { ...recordOf(), seq: 7, prev: digestOf('line') }],
  ])('conforms to the published schema: %s', (_name, record) => {
    expect(complaints(ocsfEventOf(record), schema.class, '')).toEqual([])
  })

  it('is of the class API Activity of the published version', () => {
    expect(ocsfEventOf(recordOf())).toMatchObject({
      category_uid: schema.class.category,
      class_uid: schema.class.uid,
      metadata: { version: schema.version, uid: 'record-1', correlation_uid: 'run-1' },
      time: Date.parse('2026-03-04T05:06:07.089Z'),
    })
  })

  it.each([
    ['creates a tag', recordOf({ before: null }), 1, 'Create'],
    ['updates a tag', recordOf({ before: digestOf('old') }), 3, 'Update'],
    ['creates content', copied, 1, 'Create'],
    ['attests', attested, 1, 'Create'],
    ['refuses', refused, 99, 'Other'],
  ])('has the activity and type for %s', (_name, record, id, caption) => {
    expect(ocsfEventOf(record)).toMatchObject({
      activity_id: id,
      type_uid: 600_300 + id,
      type_name: `API Activity: ${caption}`,
    })
  })

  it.each([
    ['done', 1, 1],
    ['unchanged', 1, 1],
    ['conflict', 2, 3],
    ['failed', 2, 3],
  ] as const)('of a step that is %s has status %i and severity %i', (result, status, severity) => {
    const event = ocsfEventOf(recordOf({ result }))
    const statuses = schema.class.attributes['status_id']?.enum
    const severities = schema.class.attributes['severity_id']?.enum
    expect(event).toMatchObject({
      status_id: status,
      status: statuses?.[status],
      severity_id: severity,
      severity: severities?.[severity],
      status_detail: result,
    })
  })

  it('names the user of the CI job, and keeps the rest of the actor', () => {
    const actor = { user: 'runner', host: 'h', ci, says: 'Ann' }
    expect(ocsfEventOf(recordOf({ actor }))).toMatchObject({
      actor: { user: { name: 'octocat' } },
      unmapped: { actor },
    })
  })

  it('is undefined for an intent or a recovered tail', () => {
    const { time } = recordOf()
    expect(ocsfEventOf(recordOf({ phase: 'intent' }))).toBeUndefined()
    expect(
      formatEventLine(
        { schema: 'dray.audit/1', id: 't', run: 'r', time, phase: 'recovered', torn: '' },
        'ocsf',
      ),
    ).toBeUndefined()
    expect(formatEventLine(recordOf(), 'ocsf')).not.toContain('\n')
  })
})

describe('an image that was deleted together with a tag', () => {
  it('names all lost tags, and needs attention', () => {
    const error = { code: 'protocol', message: 'deleted an image together with its tag' } as const
    const event = ocsfEventOf(
      recordOf({ operation: 'prune', step: untagStep(), after: null, losesTags: ['pr-1', 'prod'], error }),
    )
    expect(event).toMatchObject({
      status: 'Success',
      severity: 'Medium',
      resources: [
        { name: 'registry.example.com/dev/api' },
        { name: 'registry.example.com/dev/api:pr-1' },
        { name: 'registry.example.com/dev/api:prod' },
      ],
      unmapped: { losesTags: ['pr-1', 'prod'] },
    })
  })
})
