import { createHash } from 'node:crypto'
import type { EndpointRequest } from '../../request.ts'
import { type EndpointResponse, jsonResponse } from '../../response.ts'

/** A version of a package (`package-version` in GitHub's OpenAPI description). */
export interface GitHubVersion {
  readonly id: number
  /** the digest of the manifest */
  readonly name: string
  readonly url: string
  readonly package_html_url: string
  readonly created_at: string
  readonly updated_at: string
  readonly html_url: string
  /** only with `state=deleted` */
  readonly deleted_at?: string
  readonly metadata: {
    readonly package_type: 'container'
    readonly container: { readonly tags: string[] }
  }
}

/** A package (`package`). */
export interface GitHubPackage {
  readonly id: number
  readonly name: string
  readonly package_type: 'container'
  readonly url: string
  readonly html_url: string
  readonly version_count: number
  readonly visibility: 'private' | 'public'
  readonly created_at: string
  readonly updated_at: string
}

/** The part of a user or organization that clients need (`public-user`). */
export interface GitHubAccount {
  readonly login: string
  readonly id: number
  readonly type: 'User' | 'Organization'
}

/** The body of a refusal (`basic-error`). */
export interface GitHubError {
  readonly message: string
  readonly documentation_url: string
  readonly status: string
}

export function refused(
  status: number,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): EndpointResponse {
  const documentation_url = 'https://docs.github.com/rest/packages/packages'
  const body: GitHubError = { message, documentation_url, status: String(status) }
  return jsonResponse(status, body, headers)
}

export function notFound(): EndpointResponse {
  return refused(404, 'Not Found')
}

/** Answers with an `ETag`, or 304 if the client has the same answer already. */
export function answerWithTag(
  request: EndpointRequest,
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): EndpointResponse {
  const response = jsonResponse(200, value, headers)
  const etag = `W/"${createHash('sha256').update(JSON.stringify(value)).digest('hex')}"`
  const known = request.header('if-none-match')
  if (known === etag) return { status: 304, headers: { ETag: etag } }
  return { ...response, headers: { ...response.headers, ETag: etag } }
}

export interface PackagePage<T> {
  readonly entries: readonly T[]
  readonly headers: Readonly<Record<string, string>>
}

/**
 * Cuts a page out of a list: `per_page` (30 by default, at most `limit`) and `page`. The targets of
 * `Link` have another path than the request, with the number of the account.
 */
export function numberedPage<T>(
  all: readonly T[],
  { query, origin }: EndpointRequest,
  path: string,
  limit: number,
): PackagePage<T> {
  const size = Math.min(numberFrom(query.get('per_page')) ?? 30, limit)
  const page = numberFrom(query.get('page')) ?? 1
  const last = Math.max(1, Math.ceil(all.length / size))
  const link = (relation: string, to: number): string => {
    const parameters = new URLSearchParams(query)
    parameters.set('page', String(to))
    return `<${origin}${path}?${parameters.toString()}>; rel="${relation}"`
  }
  const links = [
    ...(page > 1 ? [link('prev', page - 1)] : []),
    ...(page < last ? [link('next', page + 1), link('last', last)] : []),
    ...(page > 1 ? [link('first', 1)] : []),
  ]
  return {
    entries: all.slice((page - 1) * size, page * size),
    headers: links.length === 0 ? {} : { Link: links.join(', ') },
  }
}

function numberFrom(text: string | null): number | undefined {
  return text !== null && /^[1-9]\d{0,6}$/.test(text) ? Number(text) : undefined
}
