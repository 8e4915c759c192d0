import type { Clock } from '../../lib/clock.ts'
import type { Exchange } from '../exchange.ts'
import type { Users } from './users.ts'

export type AccessAction = 'pull' | 'push' | 'delete'

/** Users and how they show who they are; for trials and tests. */
export interface AuthOptions {
  /** `basic`: a password with each request. `bearer`: a token from this registry's own `/token`. */
  readonly scheme: 'basic' | 'bearer'
  readonly users: Users
  /** What a user, or undefined for whoever shows no password, may do; by default a user everything, others nothing. The catalog is for users. */
  readonly mayDo?: (user: string | undefined, repository: string, action: AccessAction) => boolean
  /** the right that a DELETE takes; by default `delete`. Where it is `push`, nobody knows of a right to delete, and a token for one is refused (400). */
  readonly deletesBy?: 'delete' | 'push'
  /** how long a token is good, seconds; by default 300 */
  readonly tokenLifetime?: number
  /** what challenges and tokens call this registry; by default its host and port */
  readonly service?: string
}

/** One thing to be allowed: `repository:team/api:pull,push`, or `registry:catalog:*` (distribution, token scope documentation). */
export interface ResourceAccess {
  readonly type: string
  readonly name: string
  readonly actions: readonly string[]
}

export interface Token {
  /** undefined: a token for whoever asks */
  readonly user: string | undefined
  readonly access: readonly ResourceAccess[]
  /** milliseconds since 1970 */
  readonly expiresAt: number
}

/** What one registry knows of users and tokens. */
export interface AccessControl {
  readonly options: AuthOptions
  readonly clock: Clock
  /** a secret, unique text */
  readonly newSecret: () => string
  readonly tokens: Map<string, Token>
  /** refresh tokens and whose they are; good until the registry ends */
  readonly refreshTokens: Map<string, string>
}

/** The actions of a resource that a user may do; `*` of the catalog is for any user. */
export function allowedActions(
  options: AuthOptions,
  user: string | undefined,
  { type, name, actions }: ResourceAccess,
): readonly string[] {
  if (type === 'registry') return user === undefined ? [] : actions
  if (type !== 'repository') return []
  const mayDo = options.mayDo ?? ((someone) => someone !== undefined)
  return actions.filter((action) => isAction(action) && mayDo(user, name, action))
}

/** The service in challenges and tokens. */
export function serviceOf({ options }: AccessControl, exchange: Exchange): string {
  return options.service ?? new URL(exchange.origin).host
}

function isAction(text: string): text is AccessAction {
  return text === 'pull' || text === 'push' || text === 'delete'
}
