import { isDigest } from '../../oci/digest.ts'
import {
  bundleRegistry,
  formatRepository,
  isTag,
  layoutRegistry,
  parseRepository,
  type Reference,
} from '../../oci/reference.ts'

/**
 * Formats an image as a package URL of the type `oci` (package-url/purl-spec,
 * `types/oci-definition.json`): the name is the last component of the path in lower case, the
 * version is the digest. A layout or a bundle has no `repository_url`: its path is one of this
 * machine.
 */
export function formatPackageUrl(image: Reference): string {
  const { digest, path, registry, tag } = image
  const name = path.split('/').findLast((component) => !/^\.*$/.test(component)) ?? 'image'
  const version = digest === undefined ? '' : `@${encode(digest)}`
  const isLocal = registry === layoutRegistry || registry === bundleRegistry
  // The qualifiers are in the order of their keys.
  const qualifiers = [
    ...(isLocal ? [] : [`repository_url=${encode(formatRepository(image))}`]),
    ...(tag === undefined ? [] : [`tag=${encode(tag)}`]),
  ].join('&')
  return `pkg:oci/${encode(name.toLowerCase())}${version}${qualifiers === '' ? '' : `?${qualifiers}`}`
}

/**
 * Returns the image that a package URL of the type `oci` names, with the tag and the digest that it
 * has; undefined for other text, and without a `repository_url`.
 */
export function parsePackageUrl(text: string): Reference | undefined {
  const [, version, query = ''] = /^pkg:\/{0,2}oci\/[^/@?#]+(?:@([^?#]*))?(?:\?([^#]*))?/i.exec(text) ?? []
  const qualifiers = new Map(query.split('&').map((one) => split(one)))
  const repository = repositoryAt(decode(qualifiers.get('repository_url') ?? ''))
  if (repository === undefined) return undefined
  const tag = decode(qualifiers.get('tag') ?? '')
  const digest = decode(version ?? '')
  return {
    ...repository,
    ...(tag !== undefined && isTag(tag) && { tag }),
    ...(digest !== undefined && isDigest(digest) && { digest }),
  }
}

function repositoryAt(url: string | undefined): Reference | undefined {
  if (url === undefined || url === '') return undefined
  try {
    return parseRepository(url.replace(/^https?:\/\//i, ''))
  } catch {
    return undefined
  }
}

function split(qualifier: string): readonly [key: string, value: string] {
  const equals = qualifier.indexOf('=')
  return [qualifier.slice(0, Math.max(equals, 0)).toLowerCase(), qualifier.slice(equals + 1)]
}

function encode(text: string): string {
  return encodeURIComponent(text.toWellFormed())
}

/** Undefined for text with wrong escapes. */
function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
