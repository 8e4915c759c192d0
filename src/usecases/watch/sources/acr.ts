import { DrayError } from '../../../lib/errors.ts'
import type { EventRequest, EventSource, RegistryEvent } from '../registry-event.ts'
import { authenticator } from './authentication.ts'
import { fieldsOf, objectOf, validEvents } from './event-fields.ts'

const what = 'the message of Azure Container Registry'

/**
 * Reads `push` (learn.microsoft.com, "Azure Container Registry webhook reference"). `delete` has no
 * tag, `chart_push` is of the Helm repositories before OCI, and `ping` is a test. They give no
 * events.
 */
function parse(request: EventRequest): readonly RegistryEvent[] {
  const { action, id, request: origin, target } = objectOf(request, what)
  if (typeof action !== 'string') throw new DrayError('malformed', `"action" of ${what} is not text`)
  if (action !== 'push') return []
  const { digest, repository, tag } = fieldsOf(target)
  const registry = fieldsOf(origin)['host']
  return validEvents([{ source: 'acr', kind: 'push', registry, path: repository, tag, digest, id }])
}

const identity = { name: 'acr', secrets: ['header'] } as const

/** The registry sends the custom headers of the webhook and no signature. */
export const acr: EventSource = { ...identity, isAuthentic: authenticator(identity), parse }
