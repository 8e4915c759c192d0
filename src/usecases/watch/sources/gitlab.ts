import type { EventSource } from '../registry-event.ts'
import { authenticator } from './authentication.ts'
import { parseNotifications } from './distribution.ts'

const identity = { name: 'gitlab', secrets: ['header'] } as const

/**
 * The registry of GitLab sends the notifications of distribution 2.8. An administrator configures
 * them (docs.gitlab.com, "Configure container registry notifications").
 */
export const gitlab: EventSource = {
  ...identity,
  isAuthentic: authenticator(identity),
  parse: (request) => parseNotifications(request, 'gitlab'),
}
