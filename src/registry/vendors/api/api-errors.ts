import { DrayError } from '../../../lib/errors.ts'
import { isRecord } from '../../../oci/json.ts'
import { formatRepository } from '../../../oci/reference.ts'
import { errorOf, type Purpose, type Redaction, type RegistryError } from '../../client/errors.ts'
import type { RegistryResponse } from '../../http/fetch.ts'
import { redactUrl } from '../../http/redact.ts'
import { settingLine } from '../../http/transport/origins.ts'
import type { VendorRequest } from '../vendor-api.ts'
import type { RegistryOfVendor, SecretSource } from './api-access.ts'

/** Characters that are kept of a message of the API. */
const maxMessage = 500

/** The API of a vendor, for its errors. */
export interface ApiOfErrors extends RegistryOfVendor {
  readonly base: URL
  readonly from: SecretSource
  readonly tokenEnv: string | undefined
}

/** Returns what a request is for, as errors name it. The API is blamed, and not the registry. */
export function purposeOf({ base, registry }: ApiOfErrors, request: VendorRequest): Purpose {
  const { doing, repository, method } = request
  const subject = repository === undefined ? registry : formatRepository(repository)
  return { registry: base.host, doing, subject, access: method === 'DELETE' ? 'delete' : 'read' }
}

/** Returns the error for an answer that was not expected. */
export function apiError(
  api: ApiOfErrors,
  request: VendorRequest,
  answer: Pick<RegistryResponse, 'status' | 'attempts'>,
  reported: RegistryError,
): DrayError {
  const { status } = answer
  const error = errorOf(status, reported, purposeOf(api, request), answer)
  if (status === 401)
    return error.with({
      why: reported.text ?? `it refused ${secretName(api)}`,
      hint: `Check that ${secretName(api)} is valid. ${howToCreate(api)}`,
      cause: undefined,
    })
  if (status === 403) return error.with({ hint: howToCreate(api), cause: undefined })
  return error
}

/**
 * Returns the error for an API that refuses requests without a secret. It names no repository,
 * because it is one error for all of them.
 */
export function missingToken(api: ApiOfErrors): DrayError {
  const { registry, origin, vendor, base, from } = api
  const why =
    from === 'none'
      ? `dray sends the credentials for ${registry} to ${origin.host} only`
      : `dray found no credentials for ${registry}`
  const message = `dray has no token for ${base.origin}, the API of ${vendor.name} that lists the manifests and times of ${registry}`
  return new DrayError('unauthorized', message, {
    subject: registry,
    status: 401,
    why,
    hint: howToCreate(api),
  })
}

/** Returns the permissions of the token, the page that creates it, and how dray gets it. */
export function howToCreate(api: ApiOfErrors): string {
  const { registry, vendor, from, tokenEnv } = api
  const { permissions, create, form = 'TOKEN' } = vendor.token
  const given: Readonly<Record<SecretSource, string>> = {
    registry: `dray login ${registry}`,
    tokenEnv: `export ${tokenEnv}=${form}`,
    none: settingLine(registry, 'tokenEnv: VARIABLE'),
  }
  return `dray needs ${permissions}. Create it: ${create}. Then pass it to dray: ${given[from]}`
}

function secretName({ registry, from, tokenEnv }: ApiOfErrors): string {
  return from === 'tokenEnv' ? `the token in ${tokenEnv}` : `the credentials for ${registry}`
}

/** Another host answered. Its answers are not those of the vendor. */
export function otherOrigin(api: ApiOfErrors, request: VendorRequest, url: URL): DrayError {
  return new DrayError('protocol', `cannot ${request.doing}: ${api.base.host} redirected to another host`, {
    subject: purposeOf(api, request).subject,
    why: `${redactUrl(api.base)} redirected to ${url.origin}, to which dray sends no credentials`,
    hint: `If the API moved, name its new URL: ${settingLine(api.registry, 'api: "https://HOST"')}`,
  })
}

/** A `Link` or `next` names another origin, which would get the credentials. */
export function foreignPage(api: ApiOfErrors, request: VendorRequest, url: URL): DrayError {
  return new DrayError('protocol', `cannot ${request.doing}: the API named a page of another host`, {
    subject: purposeOf(api, request).subject,
    why: `${api.base.origin} named ${url.origin}`,
    hint: 'If a proxy is in front of the API, configure it to pass on the Host header. dray does not send credentials to another host.',
  })
}

/**
 * Returns the first error in a body of an API, in one line: of a registry (`errors`), GitHub, Gitea
 * and Docker Hub (`message`), Google (`error.message`), Quay (`error_message`, `detail`).
 */
export function reportedError(body: unknown, redaction: Redaction): RegistryError {
  if (!isRecord(body)) return {}
  const { errors, error } = body
  const inner = Array.isArray(errors) ? (errors[0] as unknown) : isRecord(error) ? error : body
  if (!isRecord(inner)) return {}
  const names = ['message', 'error_message', 'detail', 'details', 'error_description', 'error', 'title']
  const text = names.map((name) => inner[name]).find((value) => typeof value === 'string' && value !== '')
  const code = inner === body ? undefined : (inner['code'] ?? inner['status'])
  return {
    ...(typeof code === 'string' && { code: shortText(code, redaction).slice(0, 100) }),
    ...(typeof text === 'string' && { text: shortText(text, redaction) }),
  }
}

/** Returns text of an API without secrets, bounded and on one line. */
export function shortText(text: string, redaction: Redaction): string {
  const line = redaction.redact(text).replaceAll(/\s+/g, ' ').trim()
  return line.length <= maxMessage ? line : `${line.slice(0, maxMessage)}…`
}
