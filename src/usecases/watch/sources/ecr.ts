import { DrayError } from '../../../lib/errors.ts'
import type { EventRequest, EventSource, RegistryEvent } from '../registry-event.ts'
import { authenticator } from './authentication.ts'
import { type EventKind, fieldsOf, objectOf, validEvents } from './event-fields.ts'

const what = 'the event of EventBridge'
const accountId = /^\d{12}$/
const regionName = /^[a-z]{2,}(?:-[a-z]+)+-\d{1,2}$/

const kinds: ReadonlyMap<unknown, EventKind> = new Map([
  ['PUSH', 'push'],
  ['DELETE', 'delete'],
])

/**
 * Reads `ECR Image Action` (docs.aws.amazon.com, "Amazon ECR events and EventBridge"). An action
 * counts if its result is `SUCCESS`. A push by digest has no tag.
 */
function parse(request: EventRequest): readonly RegistryEvent[] {
  const event = objectOf(request, what)
  const type = event['detail-type']
  if (typeof type !== 'string') throw new DrayError('malformed', `"detail-type" of ${what} is not text`)
  const detail = fieldsOf(event['detail'])
  const kind = kinds.get(detail['action-type'])
  const isSuccess = event['source'] === 'aws.ecr' && detail['result'] === 'SUCCESS'
  if (type !== 'ECR Image Action' || !isSuccess || kind === undefined) return []
  return validEvents([
    {
      source: 'ecr',
      kind,
      registry: hostOf(event['account'], event['region']),
      path: detail['repository-name'],
      tag: detail['image-tag'],
      ...(kind === 'push' && { digest: detail['image-digest'] }),
      id: event['id'],
    },
  ])
}

/** The event has no host. The one of private registries has the account and the region. */
function hostOf(account: unknown, region: unknown): string | undefined {
  if (typeof account !== 'string' || typeof region !== 'string') return undefined
  if (!accountId.test(account) || !regionName.test(region)) return undefined
  return `${account}.dkr.ecr.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`
}

const identity = { name: 'ecr', secrets: ['header'] } as const

/**
 * An API destination of EventBridge sends the header of its connection: API key, basic or bearer
 * (docs.aws.amazon.com, "API destinations as targets in Amazon EventBridge").
 */
export const ecr: EventSource = { ...identity, isAuthentic: authenticator(identity), parse }
