import { DrayError, type ErrorCode, isDrayError } from '../../../lib/errors.ts'
import type { BeforeAttempt } from '../../../lib/freshness.ts'
import { vendorOfKind } from '../../known-vendors.ts'
import type { VendorApi } from '../vendor-api.ts'

/** The context of a request. */
export interface EcrPurpose {
  /** completes "cannot …": `list the images of` and the reference */
  readonly doing: string
  readonly subject: string
  readonly beforeAttempt?: BeforeAttempt | undefined
}

/**
 * The names of exceptions (docs.aws.amazon.com/AmazonECR/latest/APIReference/CommonErrors.html and
 * the errors of each operation).
 */
const codes: ReadonlyMap<string, ErrorCode> = new Map([
  ['RepositoryNotFoundException', 'not-found'],
  ['AccessDeniedException', 'forbidden'],
  ['AccessDenied', 'forbidden'],
  ['NotAuthorized', 'forbidden'],
  ['UnrecognizedClientException', 'unauthorized'],
  ['InvalidClientTokenId', 'unauthorized'],
  ['InvalidSignatureException', 'unauthorized'],
  ['IncompleteSignature', 'unauthorized'],
  ['MissingAuthenticationToken', 'unauthorized'],
  ['MissingAuthenticationTokenException', 'unauthorized'],
  ['ExpiredTokenException', 'unauthorized'],
  ['ExpiredToken', 'unauthorized'],
  ['RequestExpired', 'unauthorized'],
  ['OptInRequired', 'unauthorized'],
  ['ThrottlingException', 'unavailable'],
  ['TooManyRequestsException', 'unavailable'],
  ['ServerException', 'unavailable'],
  ['InternalFailure', 'unavailable'],
  ['ServiceUnavailable', 'unavailable'],
])

const throttling: ReadonlySet<string> = new Set([
  'ThrottlingException',
  'TooManyRequestsException',
  'Throttling',
])

const expired: ReadonlySet<string> = new Set(['ExpiredTokenException', 'ExpiredToken'])

const signatures: ReadonlySet<string> = new Set(['InvalidSignatureException', 'RequestExpired'])

/** It names no repository, because it is one error for all of them. */
export function missingCredentials({ registry }: VendorApi, cause: unknown): DrayError {
  const message = `dray has no AWS credentials for the API of Amazon ECR that lists the manifests and times of ${registry}`
  return new DrayError('unauthorized', message, {
    subject: registry,
    why: cause instanceof Error ? cause.message : undefined,
    hint: howToProvide(),
    cause,
  })
}

export function isThrottled(error: unknown): boolean {
  return throttling.has(nameOf(error))
}

/** Whether the session of the credentials has ended. */
export function isExpired(error: unknown): boolean {
  return expired.has(nameOf(error))
}

/**
 * Whether the request may have waited too long after it was signed, or the clock of this machine is
 * wrong. The SDK learns the time of AWS from the refusal.
 */
export function isSignatureRefused(error: unknown): boolean {
  return signatures.has(nameOf(error))
}

/** Converts what the AWS SDK threw. */
export function toEcrError(thrown: unknown, { doing, subject }: EcrPurpose): DrayError {
  if (isDrayError(thrown)) return thrown
  const name = nameOf(thrown)
  const status = metadataOf(thrown).httpStatusCode
  const code = codes.get(name) ?? (status !== undefined && status >= 500 ? 'unavailable' : 'protocol')
  const isRefusal = thrown instanceof Error && '$fault' in thrown
  const text = isRefusal ? 'Amazon ECR refused the request' : 'the answer of Amazon ECR is invalid'
  return new DrayError(code, `cannot ${doing}: ${text}`, {
    subject,
    why: thrown instanceof Error ? thrown.message : undefined,
    hint: hintOf(code, name),
    status,
    registryCode: name,
    cause: thrown,
  })
}

/** @throws `config` */
export function noRegion(registry: string, cause: unknown): never {
  throw new DrayError('config', `dray does not know the AWS region of ${registry}`, {
    subject: registry,
    why: cause instanceof Error ? cause.message : undefined,
    hint: 'Set AWS_REGION, or set api to the address of the API in dray.yaml, such as https://api.ecr.eu-west-1.amazonaws.com.',
    cause,
  })
}

function hintOf(code: ErrorCode, name: string): string | undefined {
  const { token } = vendorOfKind('ecr') ?? {}
  if (code === 'forbidden') return `Allow ${token?.permissions ?? ''} in the policies of the AWS identity.`
  if (code !== 'unauthorized') return undefined
  if (expired.has(name)) return 'Log in to AWS again, for example with `aws sso login`.'
  return howToProvide()
}

function howToProvide(): string {
  const { create = '', permissions = '' } = vendorOfKind('ecr')?.token ?? {}
  return `Provide them by ${create}, with ${permissions}. The password of docker login does not work for this API.`
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : ''
}

interface SdkMetadata {
  readonly httpStatusCode?: number
}

function metadataOf(error: unknown): SdkMetadata {
  return (error as { readonly $metadata?: SdkMetadata } | undefined)?.$metadata ?? {}
}
