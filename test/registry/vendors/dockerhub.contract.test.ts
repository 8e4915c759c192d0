import { expect, it } from 'vitest'
import { dockerhub } from '../../../src/embedded/vendors/dockerhub/dockerhub.ts'
import { hubTagOf } from '../../../src/registry/vendors/dockerhub/tag-answers.ts'
import { send } from '../../embedded/http.ts'
import { imageManifest, vendorWorld } from './vendor-world.ts'

type FieldType = 'number' | 'string' | 'string or null' | 'boolean' | 'array'

/**
 * The fields of github.com/docker/docs, content/reference/api/hub/latest.yaml, schemas `page`,
 * `tag` and `image`. `images` and `v2` are documented as an object and a string. Docker Hub answers
 * with a list and a boolean, as other clients show (github.com/pegi3s/bdip-web-manager,
 * docker-hub-tag.ts).
 */
const documented = {
  page: { count: 'number', next: 'string or null', previous: 'string or null' },
  tag: {
    id: 'number',
    images: 'array',
    creator: 'number',
    last_updated: 'string or null',
    last_updater: 'number',
    last_updater_username: 'string',
    name: 'string',
    repository: 'number',
    full_size: 'number',
    v2: 'boolean',
    tag_last_pulled: 'string or null',
    tag_last_pushed: 'string or null',
  },
  image: {
    architecture: 'string',
    features: 'string',
    variant: 'string or null',
    digest: 'string or null',
    os: 'string',
    os_features: 'string',
    os_version: 'string or null',
    size: 'number',
    status: 'string',
    last_pulled: 'string or null',
    last_pushed: 'string or null',
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, FieldType>>>>

/** Fields that Docker Hub sends and does not document. */
const observed = {
  tag_status: 'string',
  media_type: 'string',
  content_type: 'string',
  digest: 'string',
} as const

/** The fields of an object whose type is another one, or that nothing describes. */
function mistakes(value: object, fields: Readonly<Record<string, FieldType>>): readonly string[] {
  const typeOf = (field: unknown): string =>
    Array.isArray(field) ? 'array' : field === null ? 'null' : typeof field
  const unknown = Object.keys(value).filter((name) => !(name in fields))
  const wrong = Object.entries(fields).filter(
    ([name, type]) => !type.split(' or ').includes(typeOf(value[name as keyof typeof value])),
  )
  return [...unknown, ...wrong.map(([name]) => name)]
}

it('the imitation answers with the documented fields', async () => {
  const { push, registry } = await vendorWorld({ kind: 'dockerhub', vendor: dockerhub })
  await push('acme/api', imageManifest('a'), '1')
  const answer = await send(registry, 'GET', '/v2/namespaces/acme/repositories/api/tags')
  const { results, ...page } = answer.json() as { results: { images: object[] }[] }
  const [tag] = results
  expect(mistakes(page, documented.page)).toEqual([])
  expect(mistakes(tag ?? {}, { ...documented.tag, ...observed })).toEqual([])
  expect(mistakes(tag?.images[0] ?? {}, documented.image)).toEqual([])
})

it('a tag in the form of Docker Hub has its digest, times and size', () => {
  const image = {
    architecture: 'amd64',
    features: '',
    variant: null,
    digest: `sha256:${'a'.repeat(64)}`,
    os: 'linux',
    os_features: '',
    os_version: null,
    size: 201_934_172,
    status: 'active',
    last_pulled: '2025-08-07T15:06:08.009747862Z',
    last_pushed: '2025-07-29T21:54:39.148307553Z',
  }
  const tag = {
    creator: 1,
    id: 604_964_868,
    images: [image, { ...image, architecture: 'arm64', digest: `sha256:${'b'.repeat(64)}`, size: 1 }],
    last_updated: '2025-07-29T21:57:00.064537Z',
    last_updater: 1,
    last_updater_username: 'jane',
    name: '8.3.8-fpm-alpine',
    repository: 51_054,
    full_size: 201_934_172,
    v2: true,
    tag_status: 'active',
    tag_last_pulled: '2025-08-07T14:00:00.009747862Z',
    tag_last_pushed: '2025-07-29T21:57:00.064537Z',
    media_type: 'application/vnd.docker.distribution.manifest.list.v2+json',
    content_type: 'image',
    digest: `sha256:${'7'.repeat(64)}`,
  }
  expect(mistakes(tag, { ...documented.tag, ...observed })).toEqual([])
  expect(hubTagOf(tag)).toEqual({
    tag: {
      name: '8.3.8-fpm-alpine',
      pushedAt: Date.UTC(2025, 6, 29, 21, 57, 0, 64),
      pulledAt: Date.UTC(2025, 7, 7, 14, 0, 0, 9),
    },
    digest: tag.digest,
    mediaType: tag.media_type,
    pulledAt: Date.UTC(2025, 7, 7, 15, 6, 8, 9),
    bytes: 201_934_173,
  })
})
