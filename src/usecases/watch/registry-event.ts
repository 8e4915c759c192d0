import type { WatchSourceKind } from '../../config/watch/watch-source-kinds.ts'

/**
 * An event of a registry. It is only a hint: dray reads the tag from the registry before it does
 * anything.
 */
export interface RegistryEvent {
  readonly source: WatchSourceKind
  readonly kind: 'push' | 'delete'
  /** the host as the event names it; absent if the event does not */
  readonly registry?: string
  /** the path of the repository */
  readonly path: string
  readonly tag: string
  readonly digest?: string
  /** the id that the sender gave to the event */
  readonly id?: string
}

/** A request as it arrived. */
export interface EventRequest {
  readonly method: string
  /** names in lower case */
  readonly headers: ReadonlyMap<string, string>
  readonly body: Uint8Array
}

/** How a source proves its identity. */
export type EventSecret =
  /** the value of `Authorization`, or of another header */
  | { readonly kind: 'header'; readonly name: string; readonly value: string }
  /** HMAC-SHA256 over the body */
  | { readonly kind: 'hmac'; readonly key: string }
  /** the source sends nothing: the URL is the secret */
  | { readonly kind: 'path' }

/** The body as events: those of tags that were pushed or deleted; other messages give none. */
export interface EventSource {
  readonly name: WatchSourceKind
  /** the kinds of secrets that the source can send */
  readonly secrets: readonly EventSecret['kind'][]
  /**
   * Whether the request has the secret. `now` is in milliseconds. Compares in constant time.
   * @throws `config` for a secret of a kind that the source cannot send, and for an empty one.
   */
  readonly isAuthentic: (request: EventRequest, secret: EventSecret, now: number) => boolean
  /** @throws `malformed` for a body that is no message of this source. */
  readonly parse: (request: EventRequest) => readonly RegistryEvent[]
}
