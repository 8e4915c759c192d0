import { DrayError } from '../../../lib/errors.ts'
import { bareMediaType } from '../../../oci/media-types.ts'
import type { EventRequest, EventSource, RegistryEvent } from '../registry-event.ts'
import { authenticator, hasHubSignature } from './authentication.ts'
import { type EventFields, fieldsOf, objectOf, validEvents } from './event-fields.ts'

const what = 'the message of GitHub'
const form = 'application/x-www-form-urlencoded'

/**
 * Reads `registry_package` and its successor `package` (docs.github.com, "Webhook events and
 * payloads"; schemas and examples in octokit/webhooks 7.6.1). GitHub writes an empty tag for
 * manifests without one, such as those of the platforms. All other events, `ping` among them, give
 * none.
 */
function parse(request: EventRequest): readonly RegistryEvent[] {
  const body = objectOf(withoutForm(request), what)
  const registryPackage = fieldsOf(body['registry_package'] ?? body['package'])
  const { container_metadata: container, package_url: url } = fieldsOf(registryPackage['package_version'])
  const { name: tag, digest } = fieldsOf(fieldsOf(container)['tag'])
  const repository = repositoryAt(url) ?? { path: pathOf(registryPackage) }
  const id = request.headers.get('x-github-delivery')
  return validEvents([{ source: 'ghcr', kind: 'push', ...repository, tag, digest, id }])
}

/**
 * Returns registry and path of `ghcr.io/OWNER/IMAGE:TAG`. The owner has the upper case of its
 * account, which the registry does not have.
 */
function repositoryAt(url: unknown): { readonly registry: string; readonly path: string } | undefined {
  if (typeof url !== 'string') return undefined
  const [, registry, path] = /^([^/]+)\/([^:@]+)/.exec(url) ?? []
  return registry === undefined || path === undefined ? undefined : { registry, path: path.toLowerCase() }
}

function pathOf({ name, namespace }: EventFields): string | undefined {
  if (typeof name !== 'string' || typeof namespace !== 'string') return undefined
  return `${namespace}/${name}`.toLowerCase()
}

/** GitHub sends a form by default. Its field `payload` has the JSON. */
function withoutForm(request: EventRequest): EventRequest {
  if (bareMediaType(request.headers.get('content-type') ?? '') !== form) return request
  const payload = new URLSearchParams(Buffer.from(request.body).toString('latin1')).get('payload')
  if (payload === null) throw new DrayError('malformed', `${what} has no "payload"`)
  return { ...request, body: Buffer.from(payload) }
}

const identity = { name: 'ghcr', secrets: ['hmac'] } as const

export const ghcr: EventSource = {
  ...identity,
  isAuthentic: authenticator(identity, hasHubSignature),
  parse,
}
