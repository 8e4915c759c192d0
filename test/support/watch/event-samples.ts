import type { WatchSourceKind } from '../../../src/config/watch/watch-source-kinds.ts'
import { createHmac } from 'node:crypto'
import { cloudEventOf } from '../../../src/audit/export/export-cloudevents.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import type { EventRequest, EventSecret } from '../../../src/usecases/watch/registry-event.ts'
import { recordOf } from '../log-lines.ts'

/** A push of a tag, for samples of all sources. */
export interface SamplePush {
  readonly registry: string
  readonly path: string
  readonly tag: string
  readonly digest: string
  readonly id: string
}

export const samplePush: SamplePush = {
  registry: 'registry.example.com',
  path: 'staging/api',
  tag: '1.4.2',
  digest: digestOf('image'),
  id: '4b2f89a6-548d-4c12-9993-a1f5790b97d2',
}

export function requestOf(
  body: unknown,
  contentType = 'application/json',
  headers: Readonly<Record<string, string>> = {},
): EventRequest {
  const bytes =
    body instanceof Uint8Array ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
  return {
    method: 'POST',
    headers: new Map(Object.entries({ 'content-type': contentType, ...headers })),
    body: bytes,
  }
}

/** An event of distribution 2.8 in the shape of `notifications/event.go`. */
export function distributionEvent(push: SamplePush, over: Readonly<Record<string, unknown>> = {}): object {
  return {
    id: push.id,
    timestamp: '2026-11-28T10:00:00.123456789Z',
    action: 'push',
    target: {
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      size: 708,
      digest: push.digest,
      length: 708,
      repository: push.path,
      url: `https://${push.registry}/v2/${push.path}/manifests/${push.digest}`,
      tag: push.tag,
      ...over,
    },
    request: {
      id: 'r1',
      addr: '192.0.2.1:50000',
      host: push.registry,
      method: 'PUT',
      useragent: 'client/1',
    },
    actor: { name: 'ci' },
    source: { addr: 'registry-1:5000', instanceID: 'i1' },
  }
}

/** The payload "Default" of Harbor. */
export function harborBody(push: SamplePush, type = 'PUSH_ARTIFACT', tags = [push.tag]): object {
  const [namespace = '', name = ''] = push.path.split('/')
  const resources = tags.map((tag) => ({
    digest: push.digest,
    tag,
    resource_url: `${push.registry}/${push.path}:${tag}`,
  }))
  const repository = { date_created: 1, name, namespace, repo_full_name: push.path, repo_type: 'private' }
  return { type, occur_at: 1_780_000_000, operator: 'ci', event_data: { resources, repository } }
}

/** The payload "CloudEvents" of Harbor. */
export function harborCloudEvent(push: SamplePush, type = 'harbor.artifact.pushed'): object {
  const { event_data: data } = harborBody(push) as { readonly event_data: unknown }
  return {
    specversion: '1.0',
    id: push.id,
    source: '/projects/1/webhook/policies/3',
    type,
    datacontenttype: 'application/json',
    time: '2026-11-28T10:00:00Z',
    data,
    operator: 'ci',
    requestid: 'q1',
  }
}

export function ghcrBody({ path, tag, digest }: SamplePush): object {
  const [owner = '', name = ''] = path.split('/')
  return {
    action: 'published',
    registry_package: {
      id: 1,
      name,
      namespace: owner,
      ecosystem: 'CONTAINER',
      package_type: 'CONTAINER',
      owner: { login: owner },
      package_version: {
        id: 2,
        name: digest,
        version: digest,
        container_metadata: { tag: { name: tag, digest }, labels: {}, manifest: { digest } },
        package_url: `ghcr.io/${owner.toUpperCase()}/${name}:${tag}`,
      },
      registry: { type: 'CONTAINER', url: `https://ghcr.io/${owner}` },
    },
    repository: { full_name: path },
    sender: { login: owner },
  }
}

export function acrBody(push: SamplePush, action = 'push'): object {
  const { digest, id, path, registry, tag } = push
  const mediaType = 'application/vnd.docker.distribution.manifest.v2+json'
  return {
    id,
    timestamp: '2026-11-28T10:00:00.343145347Z',
    action,
    target: { mediaType, size: 524, digest, length: 524, repository: path, tag },
    request: { id: 'r1', host: registry, method: 'PUT', useragent: 'client/1' },
  }
}

export function ecrBody(push: SamplePush, detail: Readonly<Record<string, unknown>> = {}): object {
  return {
    version: '0',
    id: push.id,
    'detail-type': 'ECR Image Action',
    source: 'aws.ecr',
    account: '123456789012',
    time: '2026-11-28T10:00:00Z',
    region: 'eu-central-1',
    resources: [],
    detail: {
      result: 'SUCCESS',
      'repository-name': push.path,
      'image-digest': push.digest,
      'action-type': 'PUSH',
      'image-tag': push.tag,
      ...detail,
    },
  }
}

export function quayBody({ path, registry }: SamplePush, tags: unknown): object {
  const [namespace, name] = path.split('/')
  return {
    name,
    repository: path,
    namespace,
    docker_url: `${registry}/${path}`,
    homepage: `https://${registry}/repository/${path}`,
    updated_tags: tags,
  }
}

export function dockerHubBody({ path, tag }: SamplePush): object {
  const [namespace, name] = path.split('/')
  return {
    callback_url: 'https://registry.hub.docker.com/u/x/y/hook/0/',
    push_data: { pushed_at: 1_780_000_000, pusher: 'ci', tag },
    repository: { name, namespace, owner: namespace, repo_name: path, status: 'Active', is_private: true },
  }
}

/** An event of dray's own webhook, format `cloudevents`, for a tag that was written. */
export function drayEvent({ digest, id, path, registry, tag }: SamplePush): object {
  const record = recordOf({ id })
  const step = {
    ...record.step,
    repository: { registry, path },
    tag,
    target: { mediaType: 'm', digest, size: 1 },
  }
  const event = cloudEventOf({ ...record, step } as typeof record)
  if (event === undefined) throw new Error('the record has no event')
  return event
}

const distributionType = 'application/vnd.docker.distribution.events.v1+json'

/** The request that each source sends for a push of a tag. */
export const pushRequests: Readonly<Record<WatchSourceKind, (push: SamplePush) => EventRequest>> = {
  distribution: (push) => requestOf({ events: [distributionEvent(push)] }, distributionType),
  gitlab: (push) => requestOf({ events: [distributionEvent(push)] }, distributionType),
  harbor: (push) => requestOf(harborBody(push)),
  ghcr: (push) =>
    requestOf(ghcrBody(push), 'application/json', {
      'x-github-event': 'registry_package',
      'x-github-delivery': push.id,
    }),
  acr: (push) => requestOf(acrBody(push)),
  ecr: (push) => requestOf(ecrBody(push)),
  quay: (push) => requestOf(quayBody(push, [push.tag])),
  dockerhub: (push) => requestOf(dockerHubBody(push)),
  cloudevents: (push) => requestOf(drayEvent(push), 'application/cloudevents+json; charset=UTF-8'),
}

/** Returns the request with the secret, as the source sends it at a time in milliseconds. */
export function withSecret(request: EventRequest, secret: EventSecret, now: number): EventRequest {
  switch (secret.kind) {
    case 'path':
      return request
    case 'header':
      return withHeaders(request, { [secret.name.toLowerCase()]: secret.value })
    case 'hmac': {
      const mac = (text: string): string =>
        `sha256=${createHmac('sha256', secret.key).update(text).update(request.body).digest('hex')}`
      const timestamp = String(Math.floor(now / 1000))
      return withHeaders(request, {
        'x-hub-signature-256': mac(''),
        'x-dray-timestamp': timestamp,
        'x-dray-signature': mac(`${timestamp}.`),
      })
    }
  }
}

export function withHeaders(request: EventRequest, headers: Readonly<Record<string, string>>): EventRequest {
  return { ...request, headers: new Map([...request.headers, ...Object.entries(headers)]) }
}
