import type { EndpointRequest } from '../../request.ts'
import { hasPassword, userOfBasic } from '../../access/users.ts'
import { allowedActions, type AccessAction } from '../../access/permissions.ts'
import type { VendorState } from '../vendor.ts'
import type { GitHubAccount } from './answers.ts'

/** The client of a request. */
export interface GitHubClient {
  /** undefined: no user, because everyone may do everything */
  readonly user: string | undefined
  /** the token of a workflow or an app, which is no user's */
  readonly isInstallation: boolean
}

/** The numbers of accounts, as `Link` has them. */
const accountNumbers = new WeakMap<VendorState, string[]>()

/** The client of the token in `Authorization`; undefined: it has none, or an unknown one. */
export function clientOf(request: EndpointRequest, { access }: VendorState): GitHubClient | undefined {
  const header = request.header('authorization') ?? ''
  const secret = /^(?:bearer|token)\s+(\S+)\s*$/i.exec(header)?.[1]
  const isInstallation = secret?.startsWith('ghs_') === true
  if (access === undefined) return { user: undefined, isInstallation }
  const { users } = access.options
  const user =
    secret === undefined
      ? userOfBasic(header, users)
      : Object.keys(users).find((name) => hasPassword(users, name, secret))
  return user === undefined ? undefined : { user, isInstallation }
}

export function mayDo(
  { user }: GitHubClient,
  { access }: VendorState,
  name: string,
  action: AccessAction,
): boolean {
  const wanted = { type: 'repository', name, actions: [action] }
  return access === undefined || allowedActions(access.options, user, wanted).length > 0
}

/** An account is a user if a user of the registry has its name, or the traits say so. */
export function accountOf(login: string, state: VendorState): GitHubAccount {
  const { access, options } = state
  const users = Object.keys(access?.options.users ?? {})
  const user = users.find((name) => isSameLogin(name, login))
  const isUser = user !== undefined || options.traits?.has('users') === true
  return { login: user ?? login, id: numberOf(login, state), type: isUser ? 'User' : 'Organization' }
}

/** Logins are compared without case (docs.github.com/rest/orgs). */
export function isSameLogin(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase()
}

function numberOf(login: string, state: VendorState): number {
  const known = accountNumbers.get(state) ?? []
  accountNumbers.set(state, known)
  const name = login.toLowerCase()
  if (!known.includes(name)) known.push(name)
  return known.indexOf(name) + 1
}

/** The login of a number that an answer had. */
export function loginOf(number: string, state: VendorState): string | undefined {
  return accountNumbers.get(state)?.[Number(number) - 1]
}
