import { expect, it } from 'vitest'
import type { Inventory } from '../../../src/images/inventory/inventory.ts'
import type { VendorResponse } from '../../../src/registry/vendors/vendor-api.ts'
import { createHarborInventory } from '../../../src/registry/vendors/harbor.ts'
import { cosignSignature, image, index } from '../../support/images.ts'
import { notedCall } from '../../support/http-world.ts'
import { vendorWorld } from '../../support/vendors/vendor-world.ts'

type FieldType = 'integer' | 'string' | 'date-time' | 'object' | 'array' | 'boolean'

/** The definitions of goharbor/harbor, api/v2.0/swagger.yaml. Objects and arrays can be null. */
const definitions = {
  Artifact: {
    id: 'integer',
    type: 'string',
    media_type: 'string',
    manifest_media_type: 'string',
    artifact_type: 'string',
    project_id: 'integer',
    repository_id: 'integer',
    repository_name: 'string',
    digest: 'string',
    size: 'integer',
    icon: 'string',
    push_time: 'date-time',
    pull_time: 'date-time',
    extra_attrs: 'object',
    annotations: 'object',
    references: 'array',
    tags: 'array',
    addition_links: 'object',
    labels: 'array',
    accessories: 'array',
  },
  Tag: {
    id: 'integer',
    repository_id: 'integer',
    artifact_id: 'integer',
    name: 'string',
    push_time: 'date-time',
    pull_time: 'date-time',
    immutable: 'boolean',
  },
  Reference: {
    parent_id: 'integer',
    child_id: 'integer',
    child_digest: 'string',
    platform: 'object',
    annotations: 'object',
    urls: 'array',
  },
  Accessory: {
    id: 'integer',
    artifact_id: 'integer',
    subject_artifact_id: 'integer',
    subject_artifact_digest: 'string',
    subject_artifact_repo: 'string',
    size: 'integer',
    digest: 'string',
    type: 'string',
    icon: 'string',
    creation_time: 'date-time',
  },
} as const satisfies Record<string, Record<string, FieldType>>

const isOfType: Readonly<Record<FieldType, (value: unknown) => boolean>> = {
  integer: Number.isInteger,
  string: (value) => typeof value === 'string',
  'date-time': (value) => typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(value),
  object: (value) => value === null || (typeof value === 'object' && !Array.isArray(value)),
  array: (value) => value === null || Array.isArray(value),
  boolean: (value) => typeof value === 'boolean',
}

type Item = Record<string, unknown>

/** The fields of an object that its definition does not have, or has with another type. */
function mistakes(name: keyof typeof definitions, item: Item): readonly string[] {
  const fields: Readonly<Record<string, FieldType>> = definitions[name]
  return Object.entries(item).flatMap(([field, value]) => {
    const type = fields[field]
    return type !== undefined && isOfType[type](value) ? [] : [`${name}.${field}: ${JSON.stringify(value)}`]
  })
}

it('the imitation of Harbor answers as its API description says', async () => {
  const world = await vendorWorld('harbor')
  const platforms = index(['amd64', 'arm64'])
  await world.put(platforms, '1.4.2', 'latest')
  await world.put(cosignSignature(platforms))
  await world.put(image({ annotations: { 'org.opencontainers.image.title': 'api' } }))
  const query = 'q=base%3D*&with_tag=true&with_immutable_status=true&with_accessory=true'
  const url = `http://${world.registry.registry}/api/v2.0/projects/team/repositories/api/artifacts?${query}`
  const artifacts = (await (await fetch(url)).json()) as readonly Item[]
  const parts = (field: string): readonly Item[] => artifacts.flatMap((one) => (one[field] ?? []) as Item[])
  expect([
    artifacts.length,
    ...['tags', 'references', 'accessories'].map((one) => parts(one).length),
  ]).toEqual([4, 2, 2, 1])
  const found = [
    ...artifacts.flatMap((one) => mistakes('Artifact', one)),
    ...parts('tags').flatMap((one) => mistakes('Tag', one)),
    ...parts('references').flatMap((one) => mistakes('Reference', one)),
    ...parts('accessories').flatMap((one) => mistakes('Accessory', one)),
  ]
  expect(found).toEqual([])
})

const digest = `sha256:${'14d6b2e3'.repeat(8)}`
const child = `sha256:${'5a9c0f71'.repeat(8)}`
const signature = `sha256:${'c3e8d2b4'.repeat(8)}`

/** An answer in the form of Harbor 2.12, with the fields that dray does not read. */
const answer = [
  {
    accessories: [
      {
        artifact_id: 41,
        creation_time: '2026-03-02T09:14:21.511Z',
        digest: signature,
        icon: '',
        id: 7,
        size: 1834,
        subject_artifact_digest: digest,
        subject_artifact_id: 39,
        subject_artifact_repo: 'team/api',
        type: 'signature.cosign',
      },
    ],
    addition_links: { vulnerabilities: { absolute: false, href: '/api/v2.0/projects/team/additions' } },
    digest,
    extra_attrs: { architecture: '', author: null, config: { Env: ['PATH=/bin'] }, os: '' },
    icon: 'sha256:0048162a053eef4d4ce3fe7518615bef084403614f8bca43b40ae2e762e11e06',
    id: 39,
    labels: [{ id: 1, name: 'stable', scope: 'g', color: '#FFFFFF' }],
    manifest_media_type: 'application/vnd.oci.image.index.v1+json',
    media_type: 'application/vnd.oci.image.index.v1+json',
    project_id: 2,
    pull_time: '0001-01-01T00:00:00.000Z',
    push_time: '2026-03-02T09:13:55.104Z',
    references: [
      {
        child_digest: child,
        child_id: 40,
        parent_id: 39,
        platform: { architecture: 'amd64', os: 'linux' },
        urls: null,
      },
    ],
    repository_id: 5,
    repository_name: 'team/api',
    scan_overview: { 'application/vnd.security.vulnerability.report; version=1.1': { severity: 'High' } },
    size: 31_204_551,
    tags: [
      {
        artifact_id: 39,
        id: 12,
        immutable: true,
        name: '1.4.2',
        pull_time: '2026-03-05T11:00:00.000Z',
        push_time: '2026-03-02T09:13:55.298Z',
        repository_id: 5,
      },
    ],
    type: 'IMAGE',
  },
]

it('an answer of Harbor is read with its tags, children, accessories and times', async () => {
  const call = notedCall()
  const response: VendorResponse = {
    status: 200,
    headers: new Map([['x-total-count', '1']]),
    url: new URL('https://harbor.test/api/v2.0/projects/team/repositories/api/artifacts'),
    bytes: 2000,
    json: async () => JSON.parse(JSON.stringify(answer)) as unknown,
    text: async () => '',
    discard: async () => undefined,
  }
  const inventory: Inventory = createHarborInventory({
    registry: 'harbor.test',
    base: new URL('https://harbor.test'),
    clock: { now: () => 0, sleep: async () => undefined },
    secret: async () => undefined,
    keepSecret: () => undefined,
    send: async () => response,
    resolveTag: async () => undefined,
    fetch: () => Promise.reject(new Error('no request')),
  })
  const repository = { registry: 'harbor.test', path: 'team/api' }
  expect(await Array.fromAsync(inventory.entries(repository, call))).toEqual([
    {
      digest,
      mediaType: 'application/vnd.oci.image.index.v1+json',
      children: [child],
      tags: [
        {
          name: '1.4.2',
          pushedAt: Date.UTC(2026, 2, 2, 9, 13, 55, 298),
          pulledAt: Date.UTC(2026, 2, 5, 11),
          locked: { of: 'write', text: 'immutable tag rule' },
        },
      ],
      pushedAt: Date.UTC(2026, 2, 2, 9, 13, 55, 104),
      pulledAt: 'never',
      bytes: 31_204_551,
      locked: { of: 'delete', text: 'immutable tag 1.4.2' },
    },
    {
      digest: signature,
      tags: [],
      subject: digest,
      pushedAt: Date.UTC(2026, 2, 2, 9, 14, 21, 511),
      bytes: 1834,
    },
  ])
})
