import type { Call } from '../call.ts'
import { DrayError, type ErrorCode, isDrayError } from '../errors.ts'
import { isRecord, parseJson } from '../oci/json.ts'
import type { RepositoryName } from '../oci/reference.ts'
import type { RegistryResponse } from '../http/fetch.ts'
import { knownRegistry } from './registries.ts'

/** The largest error body that is looked at, in bytes. */
const maxErrorBody = 64 * 1024
/** What is kept of a registry's own words. */
const maxWords = 1000

/** What was tried when a registry said no. */
export interface Attempt {
  readonly repository: RepositoryName
  /** completes "cannot …": `read the manifest` */
  readonly doing: string
  /** the reference or digest it was about */
  readonly subject: string
  readonly access: 'read' | 'write' | 'delete'
  /** a tag that is being written */
  readonly tag?: string
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

/** Turns an answer into the error to throw, and drops its body. */
export async function responseError(response: RegistryResponse, attempt: Attempt): Promise<DrayError> {
  return errorOf(response.status, await wordsOf(response), attempt)
}

export function errorOf(status: number, words: RegistryWords, attempt: Attempt): DrayError {
  const { code, hint } = classify(status, words.code, attempt)
  return new DrayError(code, `cannot ${attempt.doing}: ${attempt.repository.registry} answered ${status}`, {
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
export async function wordsOf(response: RegistryResponse): Promise<RegistryWords> {
  let bytes: Uint8Array
  try {
    bytes = await response.bytes(maxErrorBody)
  } catch {
    await response.discard().catch(() => undefined)
    return {}
  }
  if (bytes.byteLength === 0) return {}
  try {
    return parseWords(parseJson(bytes, 'the error'))
  } catch {
    const type = response.headers.get('content-type') ?? ''
    return type.startsWith('text/plain')
      ? { text: new TextDecoder().decode(bytes).trim().slice(0, maxWords) }
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

function parseWords(body: unknown): RegistryWords {
  const list = isRecord(body) ? body['errors'] : undefined
  const first: unknown = Array.isArray(list) ? list[0] : undefined
  if (!isRecord(first)) return {}
  const { code, message } = first
  const known = typeof code === 'string' && code !== '' ? code.slice(0, 100) : undefined
  const text = typeof message === 'string' && message !== '' ? message.slice(0, maxWords) : undefined
  return { ...(known !== undefined && { code: known }), ...(text !== undefined && { text }) }
}

interface Class {
  readonly code: ErrorCode
  readonly hint?: string
}

function classify(status: number, code: string | undefined, attempt: Attempt): Class {
  if (status === 401) {
    return {
      code: 'unauthorized',
      hint: `Log in to ${attempt.repository.registry}, by docker login for example, or check the credentials that are in use.`,
    }
  }
  if (attempt.tag !== undefined && isImmutableTag(status, code)) {
    return {
      code: 'refused',
      hint: `The registry keeps its tags from being moved. Choose another tag than ${attempt.tag}, or allow this one to be overwritten in the registry's settings.`,
    }
  }
  if (status === 403) return { code: 'forbidden', hint: scopeHint(attempt) }
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

function notFound(code: string | undefined, attempt: Attempt): Class {
  if (attempt.access !== 'write') return { code: 'not-found' }
  const { registry, path } = attempt.repository
  if (code === 'NAME_UNKNOWN' || code === undefined) {
    const create = knownRegistry(registry)?.hints.createOnPush
    return {
      code: 'not-found',
      hint:
        create ??
        `The repository ${path} may not exist, and not every registry creates it on push. Create it first.`,
    }
  }
  return { code: 'not-found' }
}

function isImmutableTag(status: number, code: string | undefined): boolean {
  if (status === 409 || status === 412) return true
  return (status === 400 || status === 403) && code !== undefined && immutableTagCodes.has(code)
}

function scopeHint(attempt: Attempt): string {
  const actions = { read: 'pull', write: 'pull and push', delete: 'delete' }[attempt.access]
  return `The credentials in use may not ${actions} in ${attempt.repository.path}. Ask for that right, or use others.`
}
