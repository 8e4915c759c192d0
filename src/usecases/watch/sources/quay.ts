import type { EventRequest, EventSource, RegistryEvent } from '../registry-event.ts'
import { authenticator } from './authentication.ts'
import { fieldsOf, listOf, objectOf, validEvents } from './event-fields.ts'

const what = 'the notification of Quay'

/**
 * Reads the notification "Push to Repository" (docs.quay.io, "Repository Notifications";
 * `notifications/__init__.py` of quay/quay). `updated_tags` is a list; before 2018 it was a map of
 * the tags to image ids. Notifications of builds and scans do not have it and give no events.
 */
function parse(request: EventRequest): readonly RegistryEvent[] {
  const { docker_url: url, repository, updated_tags: tags } = objectOf(request, what)
  if (tags === undefined) return []
  const names = Array.isArray(tags) ? tags : Object.keys(fieldsOf(tags))
  const registry = typeof url === 'string' ? url.split('/', 1)[0] : undefined
  return validEvents(
    listOf(names, `"updated_tags" of ${what}`).map((tag) => {
      return { source: 'quay', kind: 'push', registry, path: repository, tag }
    }),
  )
}

const identity = { name: 'quay', secrets: ['path'] } as const

/**
 * Quay signs nothing and sends no header of its user (`WebhookMethod` in
 * `notifications/notificationmethod.py`).
 */
export const quay: EventSource = { ...identity, isAuthentic: authenticator(identity), parse }
