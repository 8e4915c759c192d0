import type { ReportedPackage } from './vulnerability.ts'

/** The parts of a package URL, decoded (purl-spec, docs/specification/how-to-parse.md). */
export interface PackageUrl {
  readonly type: string
  /** segments with `/` between them; empty if it has none */
  readonly namespace: string
  readonly name: string
  readonly version?: string
  readonly qualifiers: ReadonlyMap<string, string>
  readonly subpath?: string
}

/** Types whose names and namespaces are equal in any case (purl-spec, types/). */
const anyCase = new Set(
  `alpm apk bitbucket bitnami brew composer deb github gitlab hex luarocks oci otp pub pypi
  vscode-extension`.split(/\s+/),
)
/** Types whose namespaces are, but not their names. */
const anyCaseNamespace = new Set(['qpkg', 'rpm', 'yocto'])

/** Parses a package URL; undefined for other text. Names are in the case of their type. */
export function parsePackageUrl(text: string): PackageUrl | undefined {
  const [beforeSubpath, subpath] = cutLast(text, '#')
  const [beforeQualifiers, qualifiers = ''] = cutLast(beforeSubpath, '?')
  const scheme = /^pkg:\/*/i.exec(beforeQualifiers)?.[0]
  if (scheme === undefined) return undefined
  const slash = beforeQualifiers.indexOf('/', scheme.length)
  const type = beforeQualifiers.slice(scheme.length, Math.max(slash, scheme.length))
  if (!/^[a-z][a-z0-9.-]*$/i.test(type)) return undefined
  const path = beforeQualifiers.slice(slash + 1)
  try {
    return partsOf(type.toLowerCase(), path, parseQualifiers(qualifiers), subpath)
  } catch (error) {
    if (error instanceof URIError) return undefined
    throw error
  }
}

/** @throws URIError for a wrong percent-encoding. */
function partsOf(
  type: string,
  path: string,
  qualifiers: ReadonlyMap<string, string> | undefined,
  encodedSubpath: string | undefined,
): PackageUrl | undefined {
  const [names, encodedVersion = ''] = cutVersion(path)
  const segments = names
    .split('/')
    .filter((segment) => segment !== '')
    .map(decodeURIComponent)
  const name = segments.pop()
  if (name === undefined || qualifiers === undefined) return undefined
  const version = decodeURIComponent(encodedVersion)
  const subpath = parseSubpath(encodedSubpath ?? '')
  return {
    type,
    namespace: normalizeNamespace(type, segments.join('/')),
    name: normalizeName(type, name),
    ...(version !== '' && { version }),
    qualifiers,
    ...(subpath !== '' && { subpath }),
  }
}

/** An @ that begins a segment before the last one, as in `pkg:npm/@scope/name`, is no version. */
function cutVersion(path: string): readonly [names: string, version?: string] {
  const at = path.lastIndexOf('@')
  const isScope = path.includes('/', at) && (at === 0 || path[at - 1] === '/')
  return at < 0 || isScope ? [path] : [path.slice(0, at), path.slice(at + 1)]
}

function cutLast(text: string, separator: string): readonly [before: string, after?: string] {
  const at = text.lastIndexOf(separator)
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)]
}

/** Undefined for a qualifier with a wrong or repeated key. @throws URIError. */
function parseQualifiers(text: string): ReadonlyMap<string, string> | undefined {
  const qualifiers = new Map<string, string>()
  for (const pair of text.split('&').filter((part) => part !== '')) {
    const [, key, value = ''] = /^([a-z][a-z0-9._-]*)=(.*)$/is.exec(pair) ?? []
    if (key === undefined || qualifiers.has(key.toLowerCase())) return undefined
    if (value !== '') qualifiers.set(key.toLowerCase(), decodeURIComponent(value))
  }
  return qualifiers
}

function parseSubpath(text: string): string {
  const segments = text.split('/').map(decodeURIComponent)
  return segments.filter((segment) => segment !== '' && segment !== '.' && segment !== '..').join('/')
}

function normalizeNamespace(type: string, namespace: string): string {
  return anyCase.has(type) || anyCaseNamespace.has(type) ? namespace.toLowerCase() : namespace
}

function normalizeName(type: string, name: string): string {
  const normal = anyCase.has(type) ? name.toLowerCase() : name
  return type === 'pypi' ? normal.replaceAll('_', '-') : normal
}

/**
 * Whether a package URL names a package. The version, each qualifier and the subpath of `pattern`
 * must be equal; parts that it does not have may be anything.
 */
export function matchesPackageUrl(pattern: string, purl: string): boolean {
  const asked = parsePackageUrl(pattern)
  const has = parsePackageUrl(purl)
  return (
    asked !== undefined &&
    has !== undefined &&
    asked.type === has.type &&
    asked.namespace === has.namespace &&
    asked.name === has.name &&
    (asked.version === undefined || asked.version === has.version) &&
    (asked.subpath === undefined || asked.subpath === has.subpath) &&
    [...asked.qualifiers].every(([key, value]) => has.qualifiers.get(key) === value)
  )
}

/** Whether a package URL or the name of a package is that of a package in a report. */
export function matchesPackage(pattern: string, { name, purl }: ReportedPackage): boolean {
  if (/^pkg:/i.test(pattern)) return purl !== undefined && matchesPackageUrl(pattern, purl)
  return pattern === name
}
