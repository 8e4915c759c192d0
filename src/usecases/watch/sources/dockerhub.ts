import { DrayError } from '../../../lib/errors.ts'
import { defaultRegistry } from '../../../oci/reference.ts'
import type { EventRequest, EventSource, RegistryEvent } from '../registry-event.ts'
import { authenticator } from './authentication.ts'
import { fieldsOf, objectOf, validEvents } from './event-fields.ts'

const what = 'the message of Docker Hub'

/**
 * Reads the payload of a push (docs.docker.com, "Webhooks"). It has no digest. dray does not read
 * `callback_url`: a sender that knows the path of the webhook could write any URL there.
 */
function parse(request: EventRequest): readonly RegistryEvent[] {
  const { push_data: push, repository } = objectOf(request, what)
  if (push === undefined) throw new DrayError('malformed', `${what} has no "push_data"`)
  const path = fieldsOf(repository)['repo_name']
  const { tag } = fieldsOf(push)
  return validEvents([{ source: 'dockerhub', kind: 'push', registry: defaultRegistry, path, tag }])
}

const identity = { name: 'dockerhub', secrets: ['path'] } as const

export const dockerhub: EventSource = { ...identity, isAuthentic: authenticator(identity), parse }
