import type { Credential } from '../credential.ts'
import { isRecord } from '../../oci/json.ts'
import { vendorOfHost } from '../known-vendors.ts'
import { expiryOf, maxTime } from './token-expiry.ts'

/** How long a credential is valid. */
export type TokenLifetime =
  /** milliseconds since 1970 */
  | { readonly expiresAt: number }
  /** at most this long after it was created, such as `12 hours` */
  | { readonly within: string }

/** User names with which Google's tools write an OAuth access token. */
const googleTokenUser = /^(?:oauth2accesstoken|_dcgcloud_token|_dcgcr_[\w.]+_token|_token)$/

/**
 * Returns when a credential expires, if its form shows that it is a short-lived token; undefined
 * otherwise. A password in another form can expire too. Pure.
 */
export function lifetimeOf(registry: string, credential: Credential): TokenLifetime | undefined {
  const vendor = vendorOfHost(registry)?.kind
  const secret = credential.kind === 'identity' ? credential.token : credential.password
  const user = credential.kind === 'basic' ? credential.username : ''
  const expiresAt = expiryOf(credential) ?? (user === 'AWS' ? expirationOfAws(secret) : undefined)
  if (expiresAt !== undefined) return { expiresAt }
  // docs.aws.amazon.com/AmazonECR/latest/APIReference, GetAuthorizationToken
  if (vendor === 'ecr' || (vendor === undefined && user === 'AWS')) return { within: '12 hours' }
  // cloud.google.com/artifact-registry/docs/docker/authentication, access token
  if (googleTokenUser.test(user) || secret.startsWith('ya29.')) return { within: '1 hour' }
  // docs.github.com: GITHUB_TOKEN and other tokens of GitHub apps
  if (secret.startsWith('ghs_')) return { within: '1 hour' }
  // docs.gitlab.com/ci/jobs/ci_job_token
  if (user === 'gitlab-ci-token' || secret.startsWith('glcbt-')) return { within: 'the time of its CI job' }
  return undefined
}

/** The password of ECR is the Base64 of an object that has its expiration in seconds. */
function expirationOfAws(password: string): number | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(password, 'base64').toString('utf8'))
    const expiration = isRecord(value) ? value['expiration'] : undefined
    if (typeof expiration !== 'number' || expiration <= 0 || expiration * 1000 > maxTime) return undefined
    return expiration * 1000
  } catch {
    return undefined
  }
}
