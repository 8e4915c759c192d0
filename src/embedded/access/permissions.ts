import type { Clock } from '../../lib/clock.ts'
import type { Users } from './users.ts'

/** `metadata_read` is an action of Azure Container Registry, for its own API. */
export type AccessAction = 'pull' | 'push' | 'delete' | 'metadata_read'

/** Users and how they authenticate; for trials and tests. */
export interface AccessOptions {
  /** `basic`: a password with each request. `bearer`: a token from this registry's own `/token`. */
  readonly scheme: 'basic' | 'bearer'
  readonly users: Users
  /**
   * The permissions of a user; undefined without a password. By default a user may do everything
   * and others nothing. Only users may read the catalog.
   */
  readonly mayDo?: (user: string | undefined, repository: string, action: AccessAction) => boolean
  /**
   * The permission for a DELETE, by default `delete`. With `push`, tokens for `delete` are refused.
   */
  readonly deletesBy?: 'delete' | 'push'
  /** lifetime of a token in seconds, by default 300 */
  readonly tokenLifetime?: number
  /** the name of this registry in challenges and tokens, by default its host and port */
  readonly service?: string
}

/**
 * A scope: `repository:team/api:pull,push` or `registry:catalog:*` (distribution, token scopes).
 */
export interface ResourceAccess {
  readonly type: string
  readonly name: string
  readonly actions: readonly string[]
}

export interface IssuedToken {
  /** undefined: an anonymous token */
  readonly user: string | undefined
  readonly access: readonly ResourceAccess[]
  /** milliseconds since 1970 */
  readonly expiresAt: number
}

/** The users and tokens of one registry. */
export interface AccessControl {
  readonly options: AccessOptions
  readonly clock: Clock
  /** a secret, unique text */
  readonly newSecret: () => string
  readonly tokens: Map<string, IssuedToken>
  /** refresh tokens by user; valid until the registry ends */
  readonly refreshTokens: Map<string, string>
}

/** The actions of a resource that a user may do. Every user may read the catalog (`*`). */
export function allowedActions(
  options: AccessOptions,
  user: string | undefined,
  { type, name, actions }: ResourceAccess,
): readonly string[] {
  if (type === 'registry') return user === undefined ? [] : actions
  if (type !== 'repository') return []
  const mayDo = options.mayDo ?? ((someone) => someone !== undefined)
  return actions.filter((action) => isAction(action) && mayDo(user, name, action))
}

/** The service in challenges and tokens. */
export function serviceOf({ options }: AccessControl, { origin }: { readonly origin: string }): string {
  return options.service ?? new URL(origin).host
}

function isAction(text: string): text is AccessAction {
  return text === 'pull' || text === 'push' || text === 'delete' || text === 'metadata_read'
}
