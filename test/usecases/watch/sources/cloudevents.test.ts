import { describe, expect, it } from 'vitest'
import { cloudEventOf } from '../../../../src/audit/export/export-cloudevents.ts'
import type { AuditRecord } from '../../../../src/audit/log/record.ts'
import { digestOf } from '../../../../src/oci/digest.ts'
import type { EventRequest, RegistryEvent } from '../../../../src/usecases/watch/registry-event.ts'
import { cloudevents } from '../../../../src/usecases/watch/sources/cloudevents.ts'
import { manifestStep, untagStep } from '../../../support/delete-steps.ts'
import { recordOf } from '../../../support/log-lines.ts'
import { drayEvent, requestOf, samplePush } from '../../../support/watch/event-samples.ts'

const structured = 'application/cloudevents+json; charset=UTF-8'
const batched = 'application/cloudevents-batch+json'
const digest = digestOf('image')
const image = `pkg:oci/api@${encodeURIComponent(digest)}`
const location = 'repository_url=registry.example.com%2Fprod%2Fapi&tag=1.4.2'
const minimal = { specversion: '1.0', id: 'e1', source: '/x', type: 'com.example.pushed' }
const subject = 'registry.example.com/prod/api:1.4.2'

function parse(request: EventRequest): readonly RegistryEvent[] {
  return cloudevents.parse(request)
}

function ofEvent(event: unknown): readonly RegistryEvent[] {
  return parse(requestOf(event, structured))
}

function tagsOf(events: readonly RegistryEvent[]): readonly string[] {
  return events.map(({ kind, path, registry, tag }) => `${kind} ${registry}/${path}:${tag}`)
}

function binary(headers: Readonly<Record<string, string>>, body: unknown = ''): EventRequest {
  const attributes = { specversion: '1.0', id: 'e1', source: '/x', type: 'com.example.pushed', ...headers }
  return requestOf(
    body,
    'application/json',
    Object.fromEntries(Object.entries(attributes).map(([name, value]) => [`ce-${name}`, value])),
  )
}

const malformed = expect.objectContaining({ code: 'malformed' })

describe('the content modes of CloudEvents', () => {
  it('structured, batched and binary give the same events', () => {
    const event = drayEvent(samplePush) as Record<string, string>
    const { data, ...attributes } = event
    const one = ofEvent(event)
    expect(one).toHaveLength(1)
    expect(parse(requestOf([event, event], batched))).toEqual([...one, ...one])
    expect(parse(binary(attributes, data))).toEqual(one)
  })

  it('an empty batch gives none', () => expect(parse(requestOf([], batched))).toEqual([]))

  it.each([
    ['a batch that is no list', minimal, batched],
    ['a list that is no batch', [minimal], structured],
    ['a batch with a string', ['x'], batched],
    ['a batch of more than 1000', Array.from({ length: 1001 }, () => minimal), batched],
    ['another format', minimal, 'application/cloudevents+avro'],
    ['another version', { ...minimal, specversion: '0.3' }, structured],
    ['no id', { ...minimal, id: '' }, structured],
    ['no source', { ...minimal, source: undefined }, structured],
    ['a type that is no text', { ...minimal, type: ['x'] }, structured],
    ['data that is not base64', { ...minimal, data_base64: '*' }, structured],
    ['no attributes in headers', minimal, 'application/json'],
  ])('%s is malformed', (_name, body, contentType) => {
    expect(() => parse(requestOf(body, contentType))).toThrow(malformed)
  })

  it('binary decodes a header once, also a quoted one', () => {
    const encoded = subject.replace('api', '%61pi')
    expect(tagsOf(parse(binary({ subject: encoded })))).toEqual([`push ${subject}`])
    expect(tagsOf(parse(binary({ subject: `"${subject.replace('/', String.raw`\/`)}"` })))).toEqual([
      `push ${subject}`,
    ])
    expect(parse(binary({ subject: encoded.replace('%', '%25') }))).toEqual([])
  })

  it('binary refuses a header that is not UTF-8', () => {
    for (const odd of ['%C0%A0', '\u00ff']) expect(() => parse(binary({ subject: odd }))).toThrow(malformed)
  })

  it('data in base64 is read', () => {
    const { data, ...attributes } = drayEvent(samplePush) as Record<string, unknown>
    const encoded = Buffer.from(JSON.stringify(data)).toString('base64')
    expect(ofEvent({ ...attributes, data_base64: encoded })).toEqual(ofEvent({ ...attributes, data }))
    expect(ofEvent({ ...attributes, datacontenttype: 'text/plain', data_base64: encoded })).toEqual([])
  })
})

describe('events of dray', () => {
  const ofRecord = (over: Partial<AuditRecord>): readonly string[] =>
    tagsOf(ofEvent(cloudEventOf(recordOf(over))))
  const dev = 'registry.example.com/dev/api'

  it('a tag that was written is a push, of any operation', () => {
    for (const operation of ['promote', 'tag', 'rollback'] as const)
      expect(ofRecord({ operation })).toEqual([`push ${subject}`])
  })

  it.each(['unchanged', 'conflict', 'failed'] as const)('a step that is %s gives none', (result) => {
    expect(ofRecord({ result })).toEqual([])
  })

  it('copied content and refusals give none', () => {
    const { step: _, result: __, ...rest } = recordOf()
    const repository = { registry: 'r.test', path: 'a/b' }
    const root = { mediaType: 'm', digest, size: 1 }
    const copy = { id: 's', kind: 'copy', placement: 'p', after: [], expect: [], root } as const
    expect(ofRecord({ step: { ...copy, from: repository, to: repository, rootBy: 'digest' } })).toEqual([])
    expect(tagsOf(ofEvent(cloudEventOf({ ...rest, phase: 'refused' })))).toEqual([])
  })

  it('a deleted tag is a deletion, and so is each tag of a deleted image', () => {
    expect(ofRecord({ operation: 'prune', step: untagStep() })).toEqual([`delete ${dev}:pr-1`])
    const both = [`delete ${dev}:pr-1`, `delete ${dev}:pr-1-again`]
    expect(ofRecord({ operation: 'prune', step: manifestStep() })).toEqual(both)
    const lost = { step: untagStep(), losesTags: ['pr-1', 'pr-1-again'] }
    expect(ofRecord({ operation: 'prune', ...lost })).toEqual(both)
  })

  it('of an image with more than 1000 tags are malformed', () => {
    const losing = (count: number): unknown =>
      cloudEventOf(
        recordOf({ step: manifestStep({ losesTags: Array.from({ length: count }, (_, i) => `pr-${i}`) }) }),
      )
    expect(ofEvent(losing(1000))).toHaveLength(1000)
    expect(() => ofEvent(losing(1001))).toThrow(malformed)
    expect(() => parse(requestOf([losing(999), losing(2)], batched))).toThrow(malformed)
  })

  it.each([null, {}, { step: null }, { step: { kind: 'tag', repository: [], tag: {} } }, []])(
    'with the data %j give none',
    (data) => expect(ofEvent({ ...minimal, type: 'dev.dray.promote.done', data })).toEqual([]),
  )
})

describe('CDEvents', () => {
  const ofType = (type: string, id: unknown): readonly string[] =>
    tagsOf(ofEvent({ ...minimal, type, data: { subject: { id } } }))

  it.each(['0.1.0', '0.3.0', '9.0.0-draft'])('artifact.published %s is a push', (version) => {
    const type = `dev.cdevents.artifact.published.${version}`
    expect(ofType(type, `${image}?${location}`)).toEqual([`push ${subject}`])
  })

  it('artifact.deleted is a deletion', () => {
    expect(ofType('dev.cdevents.artifact.deleted.0.2.0', `${image}?${location}`)).toEqual([
      `delete ${subject}`,
    ])
  })

  it('the subject of the CloudEvent is read if the data has none', () => {
    const type = 'dev.cdevents.artifact.published.0.3.0'
    expect(tagsOf(ofEvent({ ...minimal, type, subject: `${image}?${location}` }))).toEqual([
      `push ${subject}`,
    ])
  })

  it.each([
    ['another type', 'dev.cdevents.artifact.packaged.0.3.0', `${image}?${location}`],
    ['a deployment', 'dev.cdevents.service.deployed.0.3.0', `${image}?${location}`],
    ['no tag', 'dev.cdevents.artifact.published.0.3.0', `${image}?repository_url=r.test%2Fapi`],
    ['no repository', 'dev.cdevents.artifact.published.0.3.0', `${image}?tag=1`],
    ['a package of npm', 'dev.cdevents.artifact.published.0.3.0', `pkg:npm/api@1?${location}`],
    ['wrong escapes', 'dev.cdevents.artifact.published.0.3.0', `${image}?repository_url=%&tag=%ff`],
    ['an id that is no text', 'dev.cdevents.artifact.published.0.3.0', { toString: 1 }],
  ])('with %s give none', (_name, type, id) => expect(ofType(type, id)).toEqual([]))
})

describe('events of zot', () => {
  const data = { name: 'prod/api', reference: '1.4.2', digest, mediaType: 'm', manifest: '{}' }

  it('have no host', () => {
    const type = 'zotregistry.image.updated'
    expect(parse(binary({ type, id: 'z1', source: 'zotregistry.dev' }, data))).toEqual([
      { source: 'cloudevents', kind: 'push', path: 'prod/api', tag: '1.4.2', digest, id: 'z1' },
    ])
  })

  it.each([
    ['zotregistry.image.deleted', ['delete']],
    ['com.example.zot.image.updated', ['push']],
    ['com.example.zot.image.deleted', ['delete']],
    ['com.example.zot.image.lint_failed', []],
    ['zotregistry.image.lint_failed', []],
    ['zotregistry.repository.created', []],
  ])('%s gives %j', (type, expected) => {
    expect(ofEvent({ ...minimal, type, data }).map(({ kind }) => kind)).toEqual(expected)
  })

  it('of a manifest without a tag give none', () => {
    const type = 'zotregistry.image.updated'
    expect(ofEvent({ ...minimal, type, data: { ...data, reference: digest } })).toEqual([])
  })
})

describe('events of any other sender', () => {
  it.each([
    ['com.example.pushed', subject, [`push ${subject}`]],
    ['com.example.pushed', `${subject}@${digest}`, [`push ${subject}`]],
    ['com.example.image.deleted', subject, [`delete ${subject}`]],
    ['com.example.delete', subject, [`delete ${subject}`]],
    ['com.example.undeleted', subject, [`push ${subject}`]],
    ['com.example.pushed', 'registry.example.com/prod/api', []],
    ['com.example.pushed', `registry.example.com/prod/api@${digest}`, []],
    ['com.example.pushed', 'a sentence about nothing', []],
    ['com.example.pushed', `https://${subject}`, []],
    ['com.example.pushed', '', []],
  ])('of the type %s with the subject %s give %j', (type, about, expected) => {
    expect(tagsOf(ofEvent({ ...minimal, type, subject: about }))).toEqual(expected)
  })

  it('without a subject give none', () => expect(ofEvent(minimal)).toEqual([]))
})
