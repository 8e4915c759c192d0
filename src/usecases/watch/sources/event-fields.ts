import { DrayError } from '../../../lib/errors.ts'
import { isDigest } from '../../../oci/digest.ts'
import { isRecord, parseJson } from '../../../oci/json.ts'
import { isRepositoryPath, isTag, wholePath } from '../../../oci/reference.ts'
import { normalRegistry } from '../../../oci/registry-host.ts'
import type { EventRequest, RegistryEvent } from '../registry-event.ts'

/** Events in one message. Registries send one or a few. */
const maxEvents = 1000
const maxIdLength = 256

export type EventKind = RegistryEvent['kind']
export type EventFields = Readonly<Record<string, unknown>>

/** An event as its sender describes it. No value is checked yet. */
export interface ClaimedEvent {
  readonly source: RegistryEvent['source']
  readonly kind: EventKind
  readonly registry?: unknown
  readonly path: unknown
  readonly tag: unknown
  readonly digest?: unknown
  readonly id?: unknown
}

/** Reads the body as an object of JSON. @throws `malformed`, naming `what`. */
export function objectOf({ body }: EventRequest, what: string): EventFields {
  const value = parseJson(body, what)
  if (!isRecord(value)) throw new DrayError('malformed', `${what} is not an object`)
  return value
}

/** Returns an object, or an empty one for any other value. */
export function fieldsOf(value: unknown): EventFields {
  return isRecord(value) ? value : {}
}

/** Returns a list. @throws `malformed` for another value, and if it has too many items. */
export function listOf(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new DrayError('malformed', `${what} is not a list`)
  if (value.length > maxEvents) throw new DrayError('malformed', `${what} has more than ${maxEvents} items`)
  return value
}

/**
 * Returns the events whose repository and tag have valid names. dray ignores the others: there is
 * nothing to read at the registry. A digest, registry or id that is not valid is omitted.
 * @throws `malformed` if one message has too many events.
 */
export function validEvents(claims: readonly ClaimedEvent[]): readonly RegistryEvent[] {
  if (claims.length > maxEvents)
    throw new DrayError('malformed', `the message has more than ${maxEvents} events`)
  return claims.flatMap((claim) => validEvent(claim) ?? [])
}

function validEvent({ source, kind, ...claim }: ClaimedEvent): RegistryEvent | undefined {
  const { tag, digest, id } = claim
  const registry = typeof claim.registry === 'string' ? normalRegistry(claim.registry) : undefined
  if (typeof claim.path !== 'string' || typeof tag !== 'string' || !isTag(tag)) return undefined
  const path = registry === undefined ? claim.path : wholePath(registry, claim.path)
  if (!isRepositoryPath(path)) return undefined
  return {
    source,
    kind,
    ...(registry !== undefined && { registry }),
    path,
    tag,
    ...(typeof digest === 'string' && isDigest(digest) && { digest }),
    ...(typeof id === 'string' && id !== '' && id.length <= maxIdLength && { id: id.toWellFormed() }),
  }
}
