import type { Call } from '../../lib/call.ts'
import { DrayError, type ErrorCode, isDrayError } from '../../lib/errors.ts'
import { isRecord, parseJson } from '../../oci/json.ts'
import { formatRepository } from '../../oci/reference.ts'
import type { RegistryResponse } from '../http/fetch.ts'
import { loginHint } from '../http/auth/token.ts'
import { asksForTls, explainPlainHttp } from './plain-http.ts'
import { knownRegistry } from './registries.ts'

/** The largest error body that is read, in bytes. */
const maxErrorBody = 64 * 1024
/** Characters that are kept of a registry's own message. */
const maxMessage = 1000

/** The purpose of a request: the parts of the error if a registry refuses it. */
export interface Purpose {
  readonly registry: string
  /** of the repository; absent for the list of all repositories */
  readonly path?: string
  /** completes "cannot …": `read the manifest` */
  readonly doing: string
  /** the reference or digest that it is about */
  readonly subject: string
  readonly access: 'read' | 'write' | 'delete'
  /** a tag that is being written */
  readonly tag?: string
}

/** Cuts secrets out of text of a registry. */
export interface Redaction {
  redact(text: string): string
}

interface ErrorReader extends Redaction {
  readonly speaksTls: (registry: string, call: Call) => Promise<boolean>
}

/** The first error of a body of a registry (distribution-spec, Error Codes). */
export interface RegistryError {
  readonly code?: string | undefined
  readonly text?: string | undefined
  /** whether the body reports that the server expects TLS */
  readonly asksForTls?: boolean
}

/** Error codes for a tag that must not be moved: ECR, Quay, Harbor (with 412), GAR. */
const immutableTagCodes: ReadonlySet<string> = new Set([
  'TAG_INVALID',
  'TAG_IMMUTABLE',
  'TAG_ALREADY_EXISTS',
  'IMAGE_TAG_ALREADY_EXISTS',
  'ImageTagAlreadyExists',
  'ImageTagAlreadyExistsException',
  'PRECONDITION',
])

/**
 * Reads the body of an answer and returns the error to throw; `home` is the registry's own origin.
 */
export async function responseError(
  response: RegistryResponse,
  purpose: Purpose,
  home: URL,
  reader: ErrorReader,
  call: Call,
): Promise<DrayError> {
  if (response.url.origin !== home.origin) {
    await response.discard()
    return storageError(response, purpose)
  }
  const reported = await readError(response, reader)
  const error = errorOf(response.status, reported, purpose, response)
  const target = unfollowedRedirect(response)
  if (target !== undefined)
    return error.with({
      why: `it redirects to ${target} with ${response.status}, which turns a write into a GET`,
      hint: 'Use the new host of the registry if it moved.',
    })
  const refusal = {
    registry: purpose.registry,
    origin: home,
    asksForTls: reported.asksForTls ?? false,
  }
  return await explainPlainHttp(error, refusal, reader.speaksTls, call)
}

/** The origin to which an answer redirects that `redirect.ts` does not follow. */
function unfollowedRedirect({ status, headers, url }: RegistryResponse): string | undefined {
  const location = headers.get('location')
  const isMoved = status === 301 || status === 302 || status === 303
  if (!isMoved || location === undefined || !URL.canParse(location, url.href)) return undefined
  return new URL(location, url).origin
}

/** `answer` has the number of attempts, if there was an answer. */
export function errorOf(
  status: number,
  { code: registryCode, text }: RegistryError,
  purpose: Purpose,
  answer: Pick<RegistryResponse, 'attempts'> = {},
): DrayError {
  const { code, message, hint } = classify(status, registryCode, purpose)
  const { registry } = purpose
  return new DrayError(
    code,
    message ?? `cannot ${purpose.doing}: ${registry} answered ${times(status, answer.attempts)}`,
    {
      subject: purpose.subject,
      status,
      why: text,
      registryCode,
      hint,
    },
  )
}

/**
 * The storage to which a registry redirected refused. That says nothing of what the registry has or
 * allows. The message of the storage is not shown: a registry could redirect to a host that only
 * this machine reaches, to have that host's answers shown.
 */
function storageError({ status, url, attempts }: RegistryResponse, purpose: Purpose): DrayError {
  const code = status === 408 || status === 429 || status >= 500 ? 'unavailable' : 'protocol'
  const message = `cannot ${purpose.doing}: ${url.host} answered ${times(status, attempts)} after ${purpose.registry} redirected to it`
  return new DrayError(code, message, { subject: purpose.subject, status })
}

export function isCorrupt(error: unknown): boolean {
  return isDrayError(error) && error.code === 'corrupt'
}

/** Whether the login page of a proxy, or another kind of server, answered instead of the API. */
export function isWebPage({ status, headers }: RegistryResponse): boolean {
  return status === 200 && /^text\/html\b/i.test(headers.get('content-type') ?? '')
}

export async function webPageError(response: RegistryResponse, purpose: Purpose): Promise<DrayError> {
  await response.discard()
  return new DrayError('protocol', `cannot ${purpose.doing}: ${response.url.host} answered with a web page`, {
    subject: purpose.subject,
    hint: 'Check that this host is a registry, and that no proxy with a login page is in front of it.',
  })
}

/**
 * Whether the registry has no room, or its disk fails (RFC 4918, section 11.5). A person has to
 * act, so a retry does not help.
 */
export function isStorageFull(status: number | undefined): boolean {
  return status === 507
}

function times(status: number, attempts = 1): string {
  return attempts === 1 ? String(status) : `${status} (${attempts} attempts)`
}

/** Reads the first error of an OCI error body, or a body of plain text. */
export async function readError(response: RegistryResponse, redaction: Redaction): Promise<RegistryError> {
  let bytes: Uint8Array
  try {
    bytes = await response.bytes(maxErrorBody)
  } catch {
    await response.discard().catch(() => undefined)
    return {}
  }
  try {
    return parseError(parseJson(bytes, 'the error'), redaction)
  } catch {
    const isText = response.headers.get('content-type')?.startsWith('text/plain') ?? false
    const text = isText ? redaction.redact(new TextDecoder().decode(bytes)).trim() : ''
    return { asksForTls: asksForTls(bytes), ...(text !== '' && { text: text.slice(0, maxMessage) }) }
  }
}

/** Adds the image of the request to an error of `http/`, because only the client knows it. */
export function withSubject(error: unknown, { subject }: Purpose, call: Call): unknown {
  return isDrayError(error) && !call.signal.aborted ? error.with({ subject }) : error
}

/**
 * Reads the error of a body: the first of `errors`, or what proxies before a registry send instead:
 * Docker Hub `{ "details": … }`, API gateways `{ "message": … }`.
 */
function parseError(body: unknown, redaction: Redaction): RegistryError {
  if (!isRecord(body)) return {}
  const list = body['errors']
  const first: unknown = Array.isArray(list) ? list[0] : { ...body, code: undefined }
  if (!isRecord(first)) return {}
  const textOf = (value: unknown, length: number): string | undefined =>
    typeof value === 'string' && value !== '' ? redaction.redact(value).slice(0, length) : undefined
  const text = textOf(first['message'], maxMessage) ?? textOf(first['details'], maxMessage)
  return { code: textOf(first['code'], 100), text }
}

interface Classification {
  readonly code: ErrorCode
  /** the failure, if the status does not show it */
  readonly message?: string
  readonly hint?: string
}

function classify(status: number, code: string | undefined, purpose: Purpose): Classification {
  const { registry } = purpose
  if (status === 401) return { code: 'unauthorized', hint: loginHint(registry) }
  if (purpose.tag !== undefined && isImmutableTag(status, code)) {
    return {
      code: 'refused',
      hint: `Use another tag than ${purpose.tag}, or allow the tag to be overwritten in the settings of the registry.`,
    }
  }
  if (status === 403) return forbidden(purpose)
  if (status === 404) return notFound(code, purpose)
  if (status === 405 || code === 'UNSUPPORTED') return { code: 'unsupported' }
  if (status === 413) {
    return { code: 'refused', hint: 'Raise the size limit of the registry or of a proxy in front of it.' }
  }
  if (status === 429) {
    return {
      code: 'unavailable',
      hint: 'Run the command again later. It skips content that is up to date.',
    }
  }
  if (isStorageFull(status)) {
    return {
      code: 'unavailable',
      message: `cannot ${purpose.doing}: ${registry} cannot store more`,
      hint: 'Free space in the registry, or ask its operator. Then run the command again. It skips content that is up to date.',
    }
  }
  if (status === 408 || status >= 500) {
    return {
      code: 'unavailable',
      hint: 'Run the command again later. It skips content that is up to date.',
    }
  }
  if (code === 'DIGEST_INVALID' || code === 'SIZE_INVALID') return { code: 'corrupt' }
  return { code: 'protocol' }
}

function forbidden(purpose: Purpose): Classification {
  const { registry, path } = purpose
  const actions = { read: 'pull', write: 'pull and push', delete: 'delete' }[purpose.access]
  return {
    code: 'forbidden',
    message: `cannot ${purpose.doing}: ${registry} does not allow it`,
    hint: `Run dray login ${registry} as a user with permission to ${path === undefined ? purpose.doing : `${actions} in ${path}`}.`,
  }
}

/** A repository without a list of tags does not exist. */
function notFound(code: string | undefined, purpose: Purpose): Classification {
  const { registry, path } = purpose
  const repository = path === undefined ? undefined : formatRepository({ registry, path })
  const isRepository = repository !== undefined && (code === 'NAME_UNKNOWN' || purpose.subject === repository)
  const message = isRepository
    ? `the repository ${repository} does not exist`
    : `cannot ${purpose.doing}: it does not exist on ${registry}`
  // A write fails with 404 because something else is missing.
  const written = isRepository ? { message } : {}
  if (purpose.access !== 'write') {
    const hint = `Check the name. Some registries give the same answer to users without permission: dray login ${registry}`
    return { code: 'not-found', message, ...(isRepository && { hint }) }
  }
  if (code !== 'NAME_UNKNOWN' && code !== undefined) return { code: 'not-found', ...written }
  const create = knownRegistry(registry)?.hints.createOnPush
  return {
    code: 'not-found',
    ...written,
    hint: create ?? `Create the repository ${path} first. Not every registry creates it on push.`,
  }
}

function isImmutableTag(status: number, code: string | undefined): boolean {
  if (status === 409 || status === 412) return true
  return (status === 400 || status === 403) && code !== undefined && immutableTagCodes.has(code)
}
