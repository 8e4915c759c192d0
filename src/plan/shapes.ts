import { isAbsolute, normalize } from 'node:path'
import * as v from 'valibot'
import { errorCodes } from '../lib/errors.ts'
import { type Digest, isDigest } from '../oci/digest.ts'
import { platformNamed } from '../oci/platform.ts'
import {
  bundleRegistry,
  checkPath,
  isTag,
  layoutRegistry,
  parseRegistry,
  type RepositoryName,
} from '../oci/reference.ts'

// shapes that plans of every operation share

export const digest = v.custom<Digest>(
  (value) => typeof value === 'string' && isDigest(value),
  'is not a digest',
)
export const tag = v.pipe(v.string(), v.check(isTag, 'is not a tag'))
export const repository = v.pipe(
  v.strictObject({ registry: v.string(), path: v.string() }),
  v.check(isRepository, 'is not a repository'),
)
/** ISO 8601, UTC */
export const time = v.pipe(v.string(), v.isoTimestamp())
export const natural = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
export const descriptor = v.strictObject({
  mediaType: v.string(),
  digest,
  size: natural,
  artifactType: v.exactOptional(v.string()),
  platform: v.exactOptional(
    v.strictObject({
      os: v.string(),
      architecture: v.string(),
      variant: v.exactOptional(v.string()),
      osVersion: v.exactOptional(v.string()),
    }),
  ),
  annotations: v.exactOptional(v.record(v.string(), v.string())),
  urls: v.exactOptional(v.array(v.string())),
})
/** platforms that are copied of an index, such as `linux/arm64` */
export const platforms = v.pipe(
  v.array(
    v.pipe(
      v.string(),
      v.check((text) => platformNamed(text) !== undefined, 'is not a platform'),
    ),
  ),
  v.minLength(1),
)
export const error = v.strictObject({
  code: v.picklist(errorCodes),
  message: v.string(),
  details: v.exactOptional(v.array(v.string())),
  subject: v.exactOptional(v.string()),
  why: v.exactOptional(v.string()),
  hint: v.exactOptional(v.string()),
  status: v.exactOptional(v.number()),
  registryCode: v.exactOptional(v.string()),
})

/**
 * Whether it is a host and a path as in a reference, an absolute folder of a layout, or the source
 * of an image in a bundle.
 */
function isRepository({ registry, path }: RepositoryName): boolean {
  if (registry === layoutRegistry) return isAbsolute(path) && normalize(path) === path && !path.includes('\0')
  if (registry === bundleRegistry) return /^[!-~]{1,1024}$/.test(path)
  try {
    checkPath(path)
    return parseRegistry(registry) === registry
  } catch {
    return false
  }
}
