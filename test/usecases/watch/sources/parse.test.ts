import type { WatchSourceKind } from '../../../../src/config/watch/watch-source-kinds.ts'
import { describe, expect, it } from 'vitest'
import { digestOf } from '../../../../src/oci/digest.ts'
import type { EventRequest, RegistryEvent } from '../../../../src/usecases/watch/registry-event.ts'
import { eventSources } from '../../../../src/usecases/watch/sources/event-sources.ts'
import {
  acrBody,
  distributionEvent,
  dockerHubBody,
  ecrBody,
  ghcrBody,
  harborBody,
  harborCloudEvent,
  pushRequests,
  quayBody,
  requestOf,
  samplePush,
  withHeaders,
} from '../../../support/watch/event-samples.ts'

const v1 = 'application/vnd.docker.distribution.events.v1+json'
const push = samplePush
const { digest, id, path, registry, tag } = push
const names = Object.keys(eventSources) as WatchSourceKind[]

function parse(name: WatchSourceKind, request: EventRequest): readonly RegistryEvent[] {
  return eventSources[name].parse(request)
}

function tagsOf(events: readonly RegistryEvent[]): readonly string[] {
  return events.map((event) => `${event.kind} ${event.path}:${event.tag}`)
}

const read: Readonly<Record<WatchSourceKind, Partial<RegistryEvent>>> = {
  distribution: { registry, path, digest, id },
  gitlab: { registry, path, digest, id },
  harbor: { registry, path, digest },
  ghcr: { registry: 'ghcr.io', path, digest, id },
  acr: { registry, path, digest, id },
  ecr: { registry: '123456789012.dkr.ecr.eu-central-1.amazonaws.com', path, digest, id },
  quay: { registry, path },
  dockerhub: { registry: 'docker.io', path },
  cloudevents: { registry, path, digest, id },
}

describe.each(names)('a push of %s', (name) => {
  it('is one event with all that the message has', () => {
    expect(parse(name, pushRequests[name](push))).toEqual([
      { source: name, kind: 'push', tag, ...read[name] },
    ])
  })

  it.each(['', '.hidden', '-x', 'a b', 'a/b', 'a'.repeat(129), 'ümlaut', 'x\u001b[2J', digest])(
    'with the tag "%s" gives none',
    (odd) => expect(parse(name, pushRequests[name]({ ...push, tag: odd }))).toEqual([]),
  )

  it('with the tag "__proto__" gives that tag', () => {
    expect(parse(name, pushRequests[name]({ ...push, tag: '__proto__' }))).toMatchObject([
      { path, tag: '__proto__' },
    ])
  })

  it.each(['../etc', 'a//b', '/abs', 'a_/b', 'a/.', 'a'.repeat(300), 'a/%2e%2e', 'a/b?x=y', ''])(
    'of the repository "%s" gives none',
    (odd) => expect(parse(name, pushRequests[name]({ ...push, path: odd }))).toEqual([]),
  )

  it.each(['[]', '""', 'null', '1', '', '{', '{"a":1}{"b":2}', '\ufeff{}', '{"a":1,"a":2}'])(
    'refuses the body %s as malformed',
    (text) => {
      const request = pushRequests[name](push)
      expect(() => parse(name, { ...request, body: Buffer.from(text) })).toThrow(
        expect.objectContaining({ code: 'malformed' }),
      )
    },
  )

  it('refuses bytes that are not UTF-8, and brackets without end', () => {
    const request = pushRequests[name](push)
    for (const body of [Buffer.from([0x7b, 0xff, 0x7d]), Buffer.from('['.repeat(500_000))])
      expect(() => parse(name, { ...request, body })).toThrow(expect.objectContaining({ code: 'malformed' }))
  })
})

describe('a host in an event', () => {
  it.each([
    ['REGISTRY.example.com:5000', 'registry.example.com:5000'],
    ['[::1]:5000', '[::1]:5000'],
    ['registry-1.docker.io', 'docker.io'],
  ])('%s is read as %s', (host, expected) => {
    expect(parse('acr', requestOf(acrBody({ ...push, registry: host })))).toMatchObject([
      { registry: expected },
    ])
  })

  it.each(['', 'a b', 'user@host', 'host/x', 'x'.repeat(400)])('"%s" is omitted', (host) => {
    const [event] = parse('acr', requestOf(acrBody({ ...push, registry: host })))
    expect(event).toMatchObject({ path, tag })
    expect(event).not.toHaveProperty('registry')
  })
})

it('a digest or id that is not valid is omitted', () => {
  const body = { ...acrBody({ ...push, digest: 'sha256:short' }), id: 'x'.repeat(257) }
  expect(parse('acr', requestOf(body))).toEqual([{ source: 'acr', kind: 'push', registry, path, tag }])
})

describe('a notification of distribution', () => {
  const notify = (events: unknown, contentType = v1): readonly RegistryEvent[] =>
    parse('distribution', requestOf({ events }, contentType))

  it.each([v1, 'application/vnd.docker.distribution.events.v2+json', `${v1}; charset=utf-8`])(
    'is read with the content type %s',
    (contentType) => expect(notify([distributionEvent(push)], contentType)).toHaveLength(1),
  )

  it.each(['', 'application/json', 'application/vnd.docker.distribution.events.v9+json'])(
    'is malformed with the content type "%s"',
    (contentType) =>
      expect(() => notify([distributionEvent(push)], contentType)).toThrow(
        expect.objectContaining({ code: 'malformed' }),
      ),
  )

  it.each([
    'application/vnd.oci.image.index.v1+json',
    'application/vnd.docker.distribution.manifest.list.v2+json',
    'application/vnd.docker.distribution.manifest.v2+json',
    'application/vnd.docker.distribution.manifest.v1+prettyjws',
  ])('counts for a manifest of the type %s', (mediaType) => {
    expect(notify([distributionEvent(push, { mediaType })])).toHaveLength(1)
  })

  it('does not count for blobs, pulls, mounts and manifests without a tag', () => {
    const event = distributionEvent(push)
    expect(
      notify([
        distributionEvent(push, { mediaType: 'application/octet-stream' }),
        distributionEvent(push, { mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip' }),
        distributionEvent(push, { tag: undefined }),
        { ...event, action: 'pull' },
        { ...event, action: 'mount' },
        { ...event, target: null },
        null,
        7,
        [],
      ]),
    ).toEqual([])
  })

  it('gives the deletion of a tag and not of a manifest', () => {
    const deletion = (target: object): object => ({ ...distributionEvent(push), action: 'delete', target })
    const events = notify([deletion({ repository: path, tag }), deletion({ repository: path, digest })])
    expect(events).toEqual([{ source: 'distribution', kind: 'delete', registry, path, tag, id }])
  })

  it('gives all events of one request, and refuses more than 1000', () => {
    const many = (count: number): readonly object[] =>
      Array.from({ length: count }, (_, i) => distributionEvent({ ...push, tag: `t${i}` }))
    expect(notify(many(1000))).toHaveLength(1000)
    expect(() => notify(many(1001))).toThrow(expect.objectContaining({ code: 'malformed' }))
  })
})

describe('a message of Harbor', () => {
  const tagged = ['1.4.2', '1.4', digest]

  it('gives an event for each resource that has a tag', () => {
    const events = parse('harbor', requestOf(harborBody(push, 'PUSH_ARTIFACT', tagged)))
    expect(tagsOf(events)).toEqual(['push staging/api:1.4.2', 'push staging/api:1.4'])
  })

  it('gives deletions without a digest', () => {
    expect(parse('harbor', requestOf(harborBody(push, 'DELETE_ARTIFACT')))).toEqual([
      { source: 'harbor', kind: 'delete', registry, path, tag },
    ])
  })

  it.each(['PULL_ARTIFACT', 'SCANNING_COMPLETED', 'REPLICATION', 'constructor', '__proto__'])(
    'of the type %s gives none',
    (type) => expect(parse('harbor', requestOf(harborBody(push, type)))).toEqual([]),
  )

  it.each([
    ['harbor.artifact.pushed', ['push staging/api:1.4.2']],
    ['harbor.artifact.deleted', ['delete staging/api:1.4.2']],
    ['harbor.artifact.pulled', []],
    ['harbor.quota.exceeded', []],
  ])('as the CloudEvent %s gives %j', (type, expected) => {
    const request = requestOf(harborCloudEvent(push, type), 'application/cloudevents+json')
    expect(tagsOf(parse('harbor', request))).toEqual(expected)
    expect(tagsOf(parse('cloudevents', request))).toEqual(expected)
  })

  it.each([{}, { repository: {}, resources: {} }, { resources: 'x' }])(
    'without a list of resources is malformed: %j',
    (data) =>
      expect(() => parse('harbor', requestOf({ type: 'PUSH_ARTIFACT', event_data: data }))).toThrow(
        expect.objectContaining({ code: 'malformed' }),
      ),
  )
})

describe('a message of GitHub', () => {
  it('is read from a form too', () => {
    const form = new URLSearchParams({ payload: JSON.stringify(ghcrBody(push)) }).toString()
    const request = requestOf(form, 'application/x-www-form-urlencoded')
    expect(tagsOf(parse('ghcr', request))).toEqual(['push staging/api:1.4.2'])
  })

  it('is read from the event "package" too', () => {
    const { registry_package: value } = ghcrBody(push) as { readonly registry_package: unknown }
    expect(parse('ghcr', requestOf({ action: 'published', package: value }))).toHaveLength(1)
  })

  it('without a package URL has the namespace and the name, and no host', () => {
    const body = structuredClone(ghcrBody({ ...push, path: 'Acme/api' })) as {
      registry_package: { package_version: { package_url?: string } }
    }
    delete body.registry_package.package_version.package_url
    expect(parse('ghcr', requestOf(body))).toEqual([
      { source: 'ghcr', kind: 'push', path: 'acme/api', tag, digest },
    ])
  })

  it.each([
    ['ping', { zen: 'Keep it logically awesome.', hook_id: 1, hook: {} }],
    ['an empty tag', ghcrBody({ ...push, tag: '' })],
    [
      'a package of npm',
      { registry_package: { name: 'x', namespace: 'y', package_version: { version: '1' } } },
    ],
    ['a push of a branch', { ref: 'refs/heads/main', repository: { full_name: path } }],
    ['a hostile name', { registry_package: { name: { toString: 1 }, namespace: [], package_version: null } }],
  ])('that is %s gives none', (_name, body) => {
    expect(parse('ghcr', requestOf(body))).toEqual([])
  })
})

describe('a message of Azure Container Registry', () => {
  it.each(['ping', 'delete', 'chart_push', 'chart_delete', 'quarantine'])('%s gives none', (action) => {
    expect(parse('acr', requestOf(acrBody(push, action)))).toEqual([])
  })

  it('"ping" without a target gives none', () => {
    expect(parse('acr', requestOf({ id, timestamp: '2026-11-28T10:00:00Z', action: 'ping' }))).toEqual([])
  })
})

describe('an event of ECR', () => {
  const ofDetail = (detail: Readonly<Record<string, unknown>>): readonly RegistryEvent[] =>
    parse('ecr', requestOf(ecrBody(push, detail)))

  it.each([
    ['a failed push', { result: 'FAILURE' }],
    ['a push without a tag', { 'image-tag': undefined }],
    ['another action', { 'action-type': 'PULL' }],
    ['an action of an odd type', { 'action-type': { toString: null } }],
  ])('of %s gives none', (_name, detail) => expect(ofDetail(detail)).toEqual([]))

  it('of a deleted tag gives a deletion', () => {
    const [event] = ofDetail({ 'action-type': 'DELETE' })
    expect(event).toMatchObject({ kind: 'delete', path, tag })
    expect(event).not.toHaveProperty('digest')
  })

  it.each([
    ['another type', { 'detail-type': 'ECR Image Scan' }],
    ['another service', { source: 'aws.ec2' }],
    ['no detail', { detail: null }],
  ])('with %s gives none', (_name, over) => {
    expect(parse('ecr', requestOf({ ...ecrBody(push), ...over }))).toEqual([])
  })

  it.each([
    ['cn-north-1', '123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn'],
    ['us-gov-west-1', '123456789012.dkr.ecr.us-gov-west-1.amazonaws.com'],
    ['evil.example/', undefined],
    [7, undefined],
  ])('of the region %s has the host %s', (region, host) => {
    const [event] = parse('ecr', requestOf({ ...ecrBody(push), region }))
    expect(event?.registry).toBe(host)
    expect(event?.tag).toBe(tag)
  })
})

describe('a notification of Quay', () => {
  const ofTags = (tags: unknown): readonly string[] =>
    tagsOf(parse('quay', requestOf(quayBody(push, tags)))).map((text) => text.slice(17))

  it.each([
    [
      ['latest', 'foo'],
      ['latest', 'foo'],
    ],
    [{ latest: 'b750fe79' }, ['latest']],
    [['ok', null, 7, {}, ['x'], ''], ['ok']],
    [[], []],
    [null, []],
    [undefined, []],
  ])('with the tags %j gives %j', (tags, expected) => expect(ofTags(tags)).toEqual(expected))
})

describe('a message of Docker Hub', () => {
  it('of a one-word repository has the prefix "library/"', () => {
    expect(parse('dockerhub', requestOf(dockerHubBody({ ...push, path: 'alpine' })))).toMatchObject([
      { path: 'library/alpine' },
    ])
  })

  it('gives the same events with any callback URL', () => {
    const body = dockerHubBody(push)
    const plain = parse('dockerhub', requestOf(body))
    for (const url of ['http://169.254.169.254/', 7, null, undefined])
      expect(parse('dockerhub', requestOf({ ...body, callback_url: url }))).toEqual(plain)
    expect(JSON.stringify(plain)).not.toContain('hook')
  })
})

it('headers do not change which tag an event has', () => {
  const odd = { 'x-github-event': 'ping', 'ce-type': 'dev.dray.promote.done', 'ce-subject': 'r.test/a:1' }
  for (const name of names.filter((one) => one !== 'cloudevents')) {
    const request = pushRequests[name](push)
    expect(parse(name, withHeaders(request, odd))).toEqual(parse(name, request))
  }
})

it('a key of a prototype is no field', () => {
  const body = `{"__proto__":{"action":"push","target":{"repository":"a/b","tag":"x"}},"constructor":{}}`
  expect(() => parse('acr', requestOf(body))).toThrow(expect.objectContaining({ code: 'malformed' }))
  expect(({} as Record<string, unknown>)['action']).toBeUndefined()
})

it('other digests are read as the event has them', () => {
  const other = digestOf('other')
  expect(parse('harbor', pushRequests.harbor({ ...push, digest: other }))).toMatchObject([{ digest: other }])
})
