import { DrayError } from '../../../lib/errors.ts'
import { bareMediaType, isIndexType, isManifestType, isSchema1Type } from '../../../oci/media-types.ts'
import type { EventRequest, EventSource, RegistryEvent } from '../registry-event.ts'
import { authenticator } from './authentication.ts'
import { type ClaimedEvent, fieldsOf, listOf, objectOf, validEvents } from './event-fields.ts'

/** Version 1 is that of distribution 2.8 and GitLab, version 2 that of distribution 3. */
const contentType = /^application\/vnd\.docker\.distribution\.events\.v[12]\+json$/
const what = 'the notification'

/**
 * Reads notifications of the distribution project (`notifications/event.go` and `http.go`, 2.8.3
 * and 3.1.1). A push sends an event for each blob and manifest. Only that of a manifest with a tag
 * counts. Deletions of manifests have no tag; those of tags have one.
 */
export function parseNotifications(
  request: EventRequest,
  source: 'distribution' | 'gitlab',
): readonly RegistryEvent[] {
  if (!contentType.test(bareMediaType(request.headers.get('content-type') ?? ''))) {
    throw new DrayError('malformed', `${what} has an unknown content type`, {
      hint: 'Send the notifications of a registry of the distribution project to this URL.',
    })
  }
  const { events } = objectOf(request, what)
  return validEvents(listOf(events, `"events" of ${what}`).flatMap((event) => claimOf(event, source) ?? []))
}

function claimOf(value: unknown, source: RegistryEvent['source']): ClaimedEvent | undefined {
  const { action, id, request, target } = fieldsOf(value)
  const { digest, mediaType, repository, tag } = fieldsOf(target)
  const common = { source, registry: fieldsOf(request)['host'], path: repository, tag, id }
  if (action === 'delete') return { ...common, kind: 'delete' }
  if (action !== 'push' || !isManifest(mediaType)) return undefined
  return { ...common, kind: 'push', digest }
}

function isManifest(mediaType: unknown): boolean {
  if (typeof mediaType !== 'string') return false
  return isManifestType(mediaType) || isIndexType(mediaType) || isSchema1Type(mediaType)
}

const identity = { name: 'distribution', secrets: ['header'] } as const

/** Its configuration sets the headers of each endpoint (`notifications.endpoints.headers`). */
export const distribution: EventSource = {
  ...identity,
  isAuthentic: authenticator(identity),
  parse: (request) => parseNotifications(request, 'distribution'),
}
