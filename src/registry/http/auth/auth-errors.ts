import { DrayError } from '../../../lib/errors.ts'
import { formatRepository } from '../../../oci/reference.ts'
import type { Shown } from './auth-session.ts'
import type { RegistryRequest } from '../fetch.ts'
import { loginHint } from './token.ts'

/** A token was given, and is not enough: the token server left out a right that was asked for (distribution, token scope documentation). */
export function notGranted(request: RegistryRequest, shown: Shown): DrayError {
  const { registry, scopes } = request
  const [scope] = scopes
  if (scope === undefined) return unauthorized(request, shown)
  const isCatalog = 'catalog' in scope
  const right = isCatalog
    ? 'list its repositories'
    : `${scope.actions.join(' and ')} in ${scope.repository.path}`
  const why: Readonly<Record<Shown, string>> = {
    sent: `the credentials that were found for ${registry} are good, but not for that`,
    none: `no credentials were found for ${registry}, and without them that is not allowed`,
    unused: `the token server of ${registry} accepts no refresh token, and only a refresh token was found`,
  }
  return new DrayError('unauthorized', `${registry} does not let us ${right}`, {
    subject: subjectOf(request),
    status: 401,
    why: why[shown],
    hint:
      shown === 'sent'
        ? `${isCatalog ? 'Check' : 'Check the name of the repository, and'} whether this user may do that there.`
        : `${isCatalog ? '' : 'Check the name of the repository. '}${loginHint(registry)}`,
  })
}

export function unauthorized(request: RegistryRequest, shown: Shown): DrayError {
  const { registry } = request
  const why: Readonly<Record<Shown, string>> = {
    sent: `it refused the credentials that were found for ${registry}`,
    none: `no credentials were found for ${registry}`,
    unused: `it asks for credentials and names no way to send them that dray supports`,
  }
  return new DrayError('unauthorized', `${registry} does not let us in`, {
    subject: subjectOf(request),
    status: 401,
    why: why[shown],
    hint: loginHint(registry),
  })
}

/** The registry has no token server, and a refresh token is for token servers only. */
export function onlyRefreshToken(registry: string): DrayError {
  return new DrayError('unauthorized', `cannot authenticate to ${registry}`, {
    subject: registry,
    status: 401,
    why: 'the registry asks for a user and a password, and only a refresh token was found, which dray sends to token servers only',
    hint: `Log in with a user and a password: dray login ${registry}`,
  })
}

/** The registry grants a write only to another repository than the one that the command names. */
export function otherRepositoryNeeded(registry: string, own: string, other: string): DrayError {
  return new DrayError('unauthorized', `cannot get permission to write to ${registry}/${own}`, {
    subject: `${registry}/${own}`,
    status: 401,
    why: `the registry asks for permissions of another repository, ${other}, which dray requests for reading only`,
    hint: `If both are the same repository, use the name ${registry}/${other}.`,
  })
}

/** What a request is about: its repository, or the registry as a whole. */
function subjectOf({ registry, scopes: [scope] }: RegistryRequest): string {
  return scope === undefined || 'catalog' in scope ? registry : formatRepository(scope.repository)
}
