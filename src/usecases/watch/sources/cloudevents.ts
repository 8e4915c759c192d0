import { parsePackageUrl } from '../../../audit/export/package-url.ts'
import { type Reference, parseReference } from '../../../oci/reference.ts'
import type { EventSource } from '../registry-event.ts'
import { authenticator, hasTimedSignature } from './authentication.ts'
import { type CloudMessage, cloudMessages, dataOf } from './cloud-messages.ts'
import { type ClaimedEvent, type EventKind, fieldsOf, validEvents } from './event-fields.ts'
import { harborClaims } from './harbor.ts'

const source = 'cloudevents'

/**
 * Types of zot (`pkg/extensions/events/events.go`). They begin with `zotregistry`, or with another
 * text if its configuration has `typePrefix`.
 */
const zotType = /\.image\.(updated|deleted)$/
const deletion = /(?:^|\.)delet(?:e|ed|ion)$/

/** Returns the events of a message. The first word of its type decides how to read it. */
function claimsOf(message: CloudMessage): readonly ClaimedEvent[] {
  const { type } = message
  if (type.startsWith('dev.dray.')) return drayClaims(message)
  if (type.startsWith('dev.cdevents.')) return artifactClaims(message)
  if (type.startsWith('harbor.')) return harborClaims(message, source)
  if (isFromZot(message)) return zotClaims(message)
  return subjectClaims(message)
}

/** An event of dray's own webhook has the audit record as data. Only steps that are done count. */
function drayClaims({ type, id, data }: CloudMessage): readonly ClaimedEvent[] {
  const { step, losesTags } = fieldsOf(data)
  if (!type.endsWith('.done')) return []
  const { kind, repository, tag, target } = fieldsOf(step)
  const { registry, path } = fieldsOf(repository)
  const common = { source, registry, path, id } as const
  if (kind === 'tag') return [{ ...common, kind: 'push', tag, digest: fieldsOf(target)['digest'] }]
  const all = losesTags ?? fieldsOf(step)['losesTags']
  const lost = Array.isArray(all) ? all : kind === 'deleteTag' ? [tag] : []
  return lost.map((gone: unknown) => ({ ...common, kind: 'delete', tag: gone }))
}

/** `artifact.published` and `artifact.deleted` of CDEvents, of any version, name a package URL. */
function artifactClaims(message: CloudMessage): readonly ClaimedEvent[] {
  const [, kind] = /^dev\.cdevents\.artifact\.(published|deleted)\./.exec(message.type) ?? []
  const subject = fieldsOf(dataOf(message)['subject'])['id'] ?? message.subject
  const at = typeof subject === 'string' ? parsePackageUrl(subject) : undefined
  return kind === undefined || at === undefined
    ? []
    : [claimAt(at, kind === 'published' ? 'push' : 'delete', message.id)]
}

/** zot sends no subject. An event of another sender has its reference there. */
function isFromZot({ type, subject }: CloudMessage): boolean {
  return type.startsWith('zotregistry.') || (subject === undefined && zotType.test(type))
}

function zotClaims(message: CloudMessage): readonly ClaimedEvent[] {
  const [, change] = zotType.exec(message.type) ?? []
  if (change === undefined) return []
  const kind = change === 'updated' ? 'push' : 'delete'
  const { name: path, reference: tag, digest } = dataOf(message)
  return [{ source, kind, path, tag, ...(kind === 'push' && { digest }), id: message.id }]
}

/** Any other sender names the tag in `subject`: `HOST/PATH:TAG`, with or without a digest. */
function subjectClaims({ type, id, subject }: CloudMessage): readonly ClaimedEvent[] {
  const at = subject === undefined ? undefined : referenceOf(subject)
  return at === undefined ? [] : [claimAt(at, deletion.test(type) ? 'delete' : 'push', id)]
}

function claimAt({ registry, path, tag, digest }: Reference, kind: EventKind, id: string): ClaimedEvent {
  return { source, kind, registry, path, tag, ...(kind === 'push' && { digest }), id }
}

function referenceOf(text: string): Reference | undefined {
  try {
    return parseReference(text)
  } catch {
    return undefined
  }
}

const identity = { name: source, secrets: ['hmac', 'header'] } as const

/**
 * CloudEvents 1.0 over HTTP: dray's own webhook, CDEvents, Harbor, zot, and any sender with a
 * reference as subject. They are signed as dray signs its webhook, or have a header such as
 * `Authorization: Bearer …`.
 */
export const cloudevents: EventSource = {
  ...identity,
  isAuthentic: authenticator(identity, hasTimedSignature),
  parse: (request) => validEvents(cloudMessages(request).flatMap(claimsOf)),
}
