import type { Call } from '../../lib/call.ts'
import { DrayError, type ErrorCode, isDrayError } from '../../lib/errors.ts'
import { isRecord, parseJson } from '../../oci/json.ts'
import { formatRepository } from '../../oci/reference.ts'
import type { RegistryResponse } from '../http/fetch.ts'
import { httpsHint } from '../http/transport/origins.ts'
import { loginHint } from '../http/auth/token.ts'
import { knownRegistry } from './registries.ts'

/** The largest error body that is looked at, in bytes. */
const maxErrorBody = 64 * 1024
/** What is kept of a registry's own words. */
const maxWords = 1000

/** What was tried when a registry said no. */
export interface Attempt {
  readonly registry: string
  /** of the repository that it was about; absent: the list of all repositories */
  readonly path?: string
  /** completes "cannot …": `read the manifest` */
  readonly doing: string
  /** the reference or digest it was about */
  readonly subject: string
  readonly access: 'read' | 'write' | 'delete'
  /** a tag that is being written */
  readonly tag?: string
}

/** Makes what a registry says fit to be told. */
export interface Redaction {
  redact(text: string): string
}

/** The body that a registry sends with an error (distribution-spec, Error Codes). */
export interface RegistryWords {
  readonly code?: string
  readonly text?: string
}

/** Codes of registries that keep tags from being moved: ECR, Quay, Harbor (with 412), GAR. */
const immutableTagCodes: ReadonlySet<string> = new Set([
  'TAG_INVALID',
  'TAG_IMMUTABLE',
  'TAG_ALREADY_EXISTS',
  'IMAGE_TAG_ALREADY_EXISTS',
  'ImageTagAlreadyExists',
  'ImageTagAlreadyExistsException',
  'PRECONDITION',
])

/** Turns an answer into the error to throw, and drops its body; `home` is the registry's own origin. */
export async function responseError(
  response: RegistryResponse,
  attempt: Attempt,
  home: URL,
  redaction: Redaction,
): Promise<DrayError> {
  if (response.url.origin !== home.origin) {
    await response.discard()
    return elsewhereError(response, attempt)
  }
  return errorOf(response.status, await wordsOf(response, redaction), attempt, response)
}

/** `answer` tells of the way that it came, where it came. */
export function errorOf(
  status: number,
  words: RegistryWords,
  attempt: Attempt,
  answer: Partial<Pick<RegistryResponse, 'url' | 'tries'>> = {},
): DrayError {
  const { code, said, hint } = classify(status, words.code, attempt)
  const { registry } = attempt
  const isPlain = status === 400 && words.code === undefined && answer.url?.protocol === 'http:'
  const message = said ?? `cannot ${attempt.doing}: ${registry} answered ${times(status, answer.tries)}`
  return refusalError(
    code,
    message,
    status,
    words,
    attempt,
    hint ?? (isPlain ? httpsHint(registry) : undefined),
  )
}

/**
 * Of the storage to which a registry sent on: its refusal says nothing of what the registry has or allows. Its words are left out: a registry could send
 * us to a host that only we can reach, to have them told.
 */
function elsewhereError(response: RegistryResponse, attempt: Attempt): DrayError {
  const { status, url, tries } = response
  const { registry } = attempt
  const code = status === 408 || status === 429 || status >= 500 ? 'unavailable' : 'protocol'
  const message = `cannot ${attempt.doing}: ${url.host}, where ${registry} sent us, answered ${times(status, tries)}`
  return refusalError(code, message, status, {}, attempt, undefined)
}

/** Whether bytes were not what they should be: `corrupt`. */
export function isCorrupt(error: unknown): boolean {
  return isDrayError(error) && error.code === 'corrupt'
}

/** Whether a proxy's login page, or a server of another kind, answered in the place of a manifest or list. */
export function isWebPage({ status, headers }: RegistryResponse): boolean {
  return status === 200 && /^text\/html\b/i.test(headers.get('content-type') ?? '')
}

export async function webPageError(response: RegistryResponse, attempt: Attempt): Promise<DrayError> {
  await response.discard()
  return new DrayError('protocol', `cannot ${attempt.doing}: ${response.url.host} answered with a web page`, {
    subject: attempt.subject,
    hint: 'Check that this is the address of a registry, and that no proxy with a login page stands before it.',
  })
}

function times(status: number, tries = 1): string {
  return tries === 1 ? String(status) : `${status}, ${tries} times in a row`
}

function refusalError(
  code: ErrorCode,
  message: string,
  status: number,
  words: RegistryWords,
  attempt: Attempt,
  hint: string | undefined,
): DrayError {
  return new DrayError(code, message, {
    subject: attempt.subject,
    status,
    ...(words.text !== undefined && { why: words.text }),
    ...(words.code !== undefined && { registryCode: words.code }),
    ...(hint !== undefined && { hint }),
  })
}

/**
 * Reads the first error of an OCI error body; words of another form are kept as they are if they are short
 * text.
 */
export async function wordsOf(response: RegistryResponse, redaction: Redaction): Promise<RegistryWords> {
  let bytes: Uint8Array
  try {
    bytes = await response.bytes(maxErrorBody)
  } catch {
    await response.discard().catch(() => undefined)
    return {}
  }
  if (bytes.byteLength === 0) return {}
  try {
    return parseWords(parseJson(bytes, 'the error'), redaction)
  } catch {
    const type = response.headers.get('content-type') ?? ''
    return type.startsWith('text/plain')
      ? { text: redaction.redact(new TextDecoder().decode(bytes)).trim().slice(0, maxWords) }
      : {}
  }
}

/**
 * Fills in what an error of `http/` cannot know: which image it was about. Its message names the host
 * already.
 */
export function aboutSubject(error: unknown, attempt: Attempt, call: Call): unknown {
  if (!isDrayError(error) || call.signal.aborted) return error
  return new DrayError(error.code, error.message, {
    subject: attempt.subject,
    ...(error.why !== undefined && { why: error.why }),
    ...(error.hint !== undefined && { hint: error.hint }),
    ...(error.status !== undefined && { status: error.status }),
    ...(error.registryCode !== undefined && { registryCode: error.registryCode }),
    cause: error,
  })
}

function parseWords(body: unknown, redaction: Redaction): RegistryWords {
  const list = isRecord(body) ? body['errors'] : undefined
  const first: unknown = Array.isArray(list) ? list[0] : undefined
  if (!isRecord(first)) return {}
  const { code, message } = first
  const known = typeof code === 'string' && code !== '' ? redaction.redact(code).slice(0, 100) : undefined
  const text =
    typeof message === 'string' && message !== '' ? redaction.redact(message).slice(0, maxWords) : undefined
  return { ...(known !== undefined && { code: known }), ...(text !== undefined && { text }) }
}

interface Class {
  readonly code: ErrorCode
  /** what happened, where the status alone would leave a person guessing */
  readonly said?: string
  readonly hint?: string
}

function classify(status: number, code: string | undefined, attempt: Attempt): Class {
  const { registry } = attempt
  if (status === 401) return { code: 'unauthorized', hint: loginHint(registry) }
  if (attempt.tag !== undefined && isImmutableTag(status, code)) {
    return {
      code: 'refused',
      hint: `The registry keeps its tags from being moved. Choose another tag than ${attempt.tag}, or allow this one to be overwritten in the registry's settings.`,
    }
  }
  if (status === 403) return forbidden(attempt)
  if (status === 404) return notFound(code, attempt)
  if (status === 405 || code === 'UNSUPPORTED') return { code: 'unsupported' }
  if (status === 413) {
    return { code: 'refused', hint: 'It is larger than the registry, or a proxy before it, accepts.' }
  }
  if (status === 429) {
    return {
      code: 'unavailable',
      hint: 'The registry limits how much may be asked of it. Run again later; what is done stays done.',
    }
  }
  if (status === 408 || status >= 500) {
    return {
      code: 'unavailable',
      hint: 'The registry failed, not the request. Run again later; what is done stays done.',
    }
  }
  if (code === 'DIGEST_INVALID' || code === 'SIZE_INVALID') return { code: 'corrupt' }
  return { code: 'protocol' }
}

function forbidden(attempt: Attempt): Class {
  const { registry, path } = attempt
  const actions = { read: 'pull', write: 'pull and push', delete: 'delete' }[attempt.access]
  return {
    code: 'forbidden',
    said: `cannot ${attempt.doing}: ${registry} does not allow it`,
    hint: `It takes the right to ${actions} in ${path ?? registry}. Ask for it, or log in as somebody who has it: dray login ${registry}`,
  }
}

/** A list of tags is there where its repository is. */
function notFound(code: string | undefined, attempt: Attempt): Class {
  const { registry, path } = attempt
  const isRepository =
    path !== undefined &&
    (code === 'NAME_UNKNOWN' || attempt.subject === formatRepository({ registry, path }))
  const said = isRepository
    ? `there is no repository ${path} on ${registry}`
    : `cannot ${attempt.doing}: ${registry} does not have it`
  if (attempt.access !== 'write') {
    const hint = `Check the name. Some registries say this too of what they show only to those who log in: dray login ${registry}`
    return { code: 'not-found', said, ...(isRepository && { hint }) }
  }
  if (code !== 'NAME_UNKNOWN' && code !== undefined) return { code: 'not-found', said }
  const create = knownRegistry(registry)?.hints.createOnPush
  return {
    code: 'not-found',
    said,
    hint:
      create ??
      `The repository ${path} may not exist, and not every registry creates it on push. Create it first.`,
  }
}

function isImmutableTag(status: number, code: string | undefined): boolean {
  if (status === 409 || status === 412) return true
  return (status === 400 || status === 403) && code !== undefined && immutableTagCodes.has(code)
}
