import { DrayError } from '../../../lib/errors.ts'
import type { EventRequest, EventSource, RegistryEvent } from '../registry-event.ts'
import { authenticator } from './authentication.ts'
import { type CloudMessage, cloudMessages, isWholeInBody } from './cloud-messages.ts'
import { type ClaimedEvent, type EventKind, fieldsOf, listOf, objectOf, validEvents } from './event-fields.ts'

const what = 'the message of Harbor'

/** By `type` of the payload "Default" (`src/controller/event/topic.go`). */
const defaultTypes: ReadonlyMap<unknown, EventKind> = new Map([
  ['PUSH_ARTIFACT', 'push'],
  ['DELETE_ARTIFACT', 'delete'],
])

/** By `type` of the payload "CloudEvents" (`src/pkg/notifier/formats/cloudevents.go`). */
const cloudTypes: ReadonlyMap<unknown, EventKind> = new Map([
  ['harbor.artifact.pushed', 'push'],
  ['harbor.artifact.deleted', 'delete'],
])

/**
 * Reads both payload formats of Harbor 2 (`src/pkg/notifier/formats/`,
 * `src/pkg/notifier/model/event.go`).
 */
function parse(request: EventRequest): readonly RegistryEvent[] {
  if (isWholeInBody(request.headers.get('content-type') ?? ''))
    return validEvents(cloudMessages(request).flatMap((message) => harborClaims(message, 'harbor')))
  const { type, event_data: data } = objectOf(request, what)
  if (typeof type !== 'string') throw new DrayError('malformed', `"type" of ${what} is not text`)
  const kind = defaultTypes.get(type)
  return kind === undefined ? [] : validEvents(claimsOf(data, { source: 'harbor', kind }))
}

/** Returns the claims of a CloudEvent; none if it is not one of Harbor about an artifact. */
export function harborClaims(
  { type, id, data }: CloudMessage,
  source: RegistryEvent['source'],
): readonly ClaimedEvent[] {
  const kind = cloudTypes.get(type)
  return kind === undefined ? [] : claimsOf(data, { source, kind, id })
}

/** Harbor writes the digest into `tag` if the artifact has no tag. That is no valid tag. */
function claimsOf(
  data: unknown,
  common: Pick<ClaimedEvent, 'source' | 'kind' | 'id'>,
): readonly ClaimedEvent[] {
  const { repository, resources } = fieldsOf(data)
  const path = fieldsOf(repository)['repo_full_name']
  return listOf(resources, `"resources" of ${what}`).map((resource) => {
    const { digest, tag, resource_url: url } = fieldsOf(resource)
    const registry = typeof url === 'string' ? url.split('/', 1)[0] : undefined
    return { ...common, registry, path, tag, ...(common.kind === 'push' && { digest }) }
  })
}

const identity = { name: 'harbor', secrets: ['header'] } as const

/** Harbor sends "Auth Header" of the webhook unchanged as `Authorization`. */
export const harbor: EventSource = { ...identity, isAuthentic: authenticator(identity), parse }
