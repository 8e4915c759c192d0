import { DrayError } from '../../../lib/errors.ts'
import { formatRepository } from '../../../oci/reference.ts'
import type { RegistryRequest } from '../fetch.ts'
import type { UnclearChallenge } from './scheme.ts'
import { loginHint } from './token.ts'

/** `none` were found; they were `sent`; or they were found and could not be sent (`unused`). */
export type CredentialUse = 'none' | 'sent' | 'unused'

/**
 * The registry refused a token. The token of the token server lacks a permission that dray
 * requested (distribution, Token Scope Documentation).
 */
export function notGranted(request: RegistryRequest, use: CredentialUse): DrayError {
  const { registry, scopes } = request
  const [scope] = scopes
  if (scope === undefined) return unauthorized(request, use)
  const isCatalog = 'catalog' in scope
  const action = isCatalog
    ? 'list its repositories'
    : `${scope.actions.join(' and ')} in ${scope.repository.path}`
  const causes: Readonly<Record<CredentialUse, string>> = {
    sent: `${registry} accepted the credentials, but they do not have this permission`,
    none: `dray found no credentials for ${registry}, and it refused the request without them`,
    unused: `the token server of ${registry} does not accept refresh tokens, and dray found no password`,
  }
  const check = isCatalog ? '' : 'Check the name of the repository'
  const hint =
    use === 'sent'
      ? `${isCatalog ? 'Check' : `${check}, and`} the permissions of this user.`
      : `${isCatalog ? '' : `${check}. `}${loginHint(registry)}`
  const context = { subject: subjectOf(request), status: 401, why: causes[use], hint }
  return new DrayError('unauthorized', `${registry} does not allow dray to ${action}`, context)
}

export function unauthorized(request: RegistryRequest, use: CredentialUse): DrayError {
  const { registry } = request
  const why: Readonly<Record<CredentialUse, string>> = {
    sent: `it refused the credentials for ${registry}`,
    none: `dray found no credentials for ${registry}`,
    unused: `it requires credentials, and dray supports none of its authentication schemes`,
  }
  return new DrayError('unauthorized', `${registry} denied access`, {
    subject: subjectOf(request),
    status: 401,
    why: why[use],
    hint: loginHint(registry),
  })
}

/**
 * The registry answered 401 and dray can follow no challenge of it. Credentials that were sent went
 * as Basic.
 */
export function unclearChallenge(
  request: RegistryRequest,
  use: CredentialUse,
  { why, isOtherScheme }: UnclearChallenge,
): DrayError {
  const { registry } = request
  const attempted: Readonly<Record<CredentialUse, string>> = {
    sent: `. dray sent the credentials with Basic authentication, and ${registry} answered 401 again`,
    none: `. dray found no credentials for ${registry}`,
    unused: '. dray sent no credentials',
  }
  const check = `Check that ${registry} is a registry and offers Basic or Bearer authentication.`
  return new DrayError('unauthorized', `cannot authenticate to ${registry}`, {
    subject: subjectOf(request),
    // Without a status, the error is no answer to credentials.
    ...(use !== 'unused' && { status: 401 }),
    why: `${why}${attempted[use]}`,
    hint: isOtherScheme || use === 'unused' ? check : loginHint(registry),
  })
}

/** The registry has no token server, and a refresh token is for token servers only. */
export function onlyRefreshToken(registry: string): DrayError {
  return new DrayError('unauthorized', `cannot authenticate to ${registry}`, {
    subject: registry,
    status: 401,
    why: 'the registry requires a user and a password, and dray found only a refresh token, which it sends to token servers only',
    hint: `Log in with a user and a password: dray login ${registry}`,
  })
}

/** The registry grants a write only to another repository than the one that the command names. */
export function otherRepositoryNeeded(registry: string, own: string, other: string): DrayError {
  return new DrayError('unauthorized', `cannot get permission to write to ${registry}/${own}`, {
    subject: `${registry}/${own}`,
    status: 401,
    why: `the registry requires permissions of another repository, ${other}, for which dray requests only read access`,
    hint: `If both are the same repository, use the name ${registry}/${other}.`,
  })
}

/** Returns the repository of a request, or the registry. */
function subjectOf({ registry, scopes: [scope] }: RegistryRequest): string {
  return scope === undefined || 'catalog' in scope ? registry : formatRepository(scope.repository)
}
