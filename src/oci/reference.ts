import { DrayError } from '../lib/errors.ts'
import { type Digest, parseDigest } from './digest.ts'
import { normalRegistry } from './registry-host.ts'

/** A repository: the registry's host (with port) and the path in it. */
export interface RepositoryName {
  readonly registry: string
  readonly path: string
}

/** A reference with at least one of a tag and a digest. The digest wins. */
export interface Reference extends RepositoryName {
  readonly tag?: string
  readonly digest?: Digest
}

/** A tag or a digest in a repository. */
export type TagOrDigest = { readonly tag: string } | { readonly digest: Digest }

export const defaultRegistry = 'docker.io'
/** Stands for the registry if the repository is an image layout on disk. Its path is a folder. */
export const layoutRegistry = 'oci:'
/**
 * The registry of an image in a bundle. Its path is the source that the bundle names, such as
 * `docker.io/library/alpine`.
 */
export const bundleRegistry = 'bundle:'
const officialPrefix = 'library/'
export const defaultTag = 'latest'
const maxNameLength = 255

// The grammar of github.com/distribution/reference (reference.go and regexp.go), anchored part by
// part.
const tagGrammar = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/
const pathComponent = /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*$/
const bareIdentifier = /^[a-f0-9]{64}$/

export function isTag(text: string): boolean {
  return tagGrammar.test(text)
}

/** @throws `malformed` for text that is no tag (distribution-spec, Pulling manifests). */
export function parseTag(text: string): string {
  if (!isTag(text)) {
    throw new DrayError('malformed', `${quote(text)} is not a tag`, {
      hint: 'Use up to 128 letters, digits, "_", "." and "-". A tag does not begin with "." or "-".',
    })
  }
  return text
}

/**
 * Parses `[registry/]path[:tag][@digest]` with the defaults of the distribution project:
 * `docker.io`, `library/` for its one-word names, and a first component that is a host only if it
 * has a dot, a port or is `localhost`. Adds no default tag; `tagOrDigest` does.
 * @throws `malformed`; `unsupported` for a digest algorithm other than sha256 and sha512.
 */
export function parseReference(text: string): Reference {
  if (text === '') throw malformed(text, 'it is empty')
  if (text.length > 1024) throw malformed(text, 'it is too long')
  refuseScheme(text)
  let rest = text
  let digest: Digest | undefined
  const at = rest.indexOf('@')
  if (at >= 0) {
    digest = parseDigest(rest.slice(at + 1))
    rest = rest.slice(0, at)
  }
  let tag: string | undefined
  const colon = rest.lastIndexOf(':')
  if (colon > rest.lastIndexOf('/') && !rest.endsWith(']')) {
    tag = parseTag(rest.slice(colon + 1))
    rest = rest.slice(0, colon)
  }
  const name = parseRepository(rest, text)
  return { ...name, ...(tag !== undefined && { tag }), ...(digest !== undefined && { digest }) }
}

/**
 * Refuses `oci://HOST/PATH`, `docker://`, `https://` and other URLs in place of a reference. The
 * hint shows the reference, without user and password. @throws `malformed`.
 */
export function refuseScheme(text: string): void {
  const [, scheme = '', rest = ''] = /^([A-Za-z][A-Za-z0-9+.-]*):\/\/(.*)$/s.exec(text) ?? []
  if (scheme === '') return
  const named = rest.replace(/^[^/]*@(?=[^/]*\/)/, '').replace(/[?#].*$/s, '')
  const example = named === '' || /^[./~]/.test(named) ? undefined : named
  const folder =
    scheme === 'oci' ? ' For an image layout in a folder, write oci:FOLDER, without slashes before it.' : ''
  throw new DrayError('malformed', `a reference has no scheme such as ${scheme}://`, {
    hint: `${example === undefined ? 'Name the registry and the repository: registry.example.com/team/api:1.4.2.' : `Write ${example}.`}${folder}`,
  })
}

/** Parses `[registry/]path` without tag and digest. @throws `malformed`. */
export function parseRepository(name: string, whole: string = name): RepositoryName {
  refuseScheme(name)
  if (bareIdentifier.test(name)) {
    throw malformed(whole, 'the name of a repository cannot be 64 hexadecimal digits')
  }
  const slash = name.indexOf('/')
  const first = slash < 0 ? '' : name.slice(0, slash)
  const hasRegistry = slash >= 0 && isRegistryComponent(first)
  const registry = hasRegistry ? registryNamed(first) : defaultRegistry
  if (registry === undefined) throw malformed(whole, `${quote(first)} is not a registry's host`)
  const path = wholePath(registry, hasRegistry ? name.slice(slash + 1) : name)
  checkPath(path, whole)
  return { registry, path }
}

/**
 * Returns the path of a repository with `library/` before a one-word name of Docker Hub.
 * @param registry in its normal form
 */
export function wholePath(registry: string, path: string): string {
  return registry === defaultRegistry && !path.includes('/') ? officialPrefix + path : path
}

/** Checks the path of a repository. @throws `malformed`. */
export function checkPath(path: string, whole: string = path): void {
  if (path.length > maxNameLength)
    throw malformed(whole, `the repository's path is longer than ${maxNameLength} characters`)
  for (const component of path.split('/')) {
    if (pathComponent.test(component)) continue
    if (component === '') throw malformed(whole, 'a component of the path is empty')
    if (/[A-Z]/.test(component)) throw malformed(whole, `${quote(component)} must be lower case`)
    throw malformed(whole, `${quote(component)} is not a component of a repository's path`)
  }
}

/**
 * Whether text is the path of a repository. Only such text may become part of a URL or of a path on
 * disk.
 */
export function isRepositoryPath(text: string): boolean {
  try {
    checkPath(text)
    return true
  } catch {
    return false
  }
}

/** Returns the normal form of `host[:port]` (`normalRegistry`). @throws `malformed`. */
export function parseRegistry(text: string): string {
  refuseScheme(text)
  const registry = registryNamed(text)
  if (registry === undefined) throw malformed(text, 'it is not a host, with or without a port')
  return registry
}

/** Returns `registry/path`, or `oci:path` for a layout and `bundle:path` in a bundle. */
export function formatRepository({ registry, path }: RepositoryName): string {
  return registry === layoutRegistry || registry === bundleRegistry
    ? `${registry}${path}`
    : `${registry}/${path}`
}

/**
 * Returns the repository that an image came from: of an image in a bundle, the source that the
 * bundle names, which is a layout if it is no repository.
 */
export function originOf(name: RepositoryName): RepositoryName {
  if (name.registry !== bundleRegistry) return name
  try {
    return parseRepository(name.path)
  } catch {
    return { registry: layoutRegistry, path: name.path }
  }
}

/** Returns the whole form, which `parseReference` reads back as the same reference. */
export function formatReference(ref: Reference): string {
  const tag = ref.tag === undefined ? '' : `:${ref.tag}`
  const digest = ref.digest === undefined ? '' : `@${ref.digest}`
  return `${formatRepository(ref)}${tag}${digest}`
}

/** Returns the digest. Without a digest, returns the tag or `latest`. */
export function tagOrDigest(ref: { readonly tag?: string; readonly digest?: Digest }): TagOrDigest {
  if (ref.digest !== undefined) return { digest: ref.digest }
  return { tag: ref.tag ?? defaultTag }
}

/** Returns the last part of the URL of a manifest. */
export function formatTagOrDigest(at: TagOrDigest): string {
  return 'digest' in at ? at.digest : at.tag
}

/** Returns the repository with `:tag` or `@digest`. */
export function formatAt(name: RepositoryName, at: TagOrDigest): string {
  return 'digest' in at ? `${formatRepository(name)}@${at.digest}` : `${formatRepository(name)}:${at.tag}`
}

export function sameRepository(a: RepositoryName, b: RepositoryName): boolean {
  return a.registry === b.registry && a.path === b.path
}

// distribution/reference, normalize.go, splitDockerDomain
function isRegistryComponent(component: string): boolean {
  return component === 'localhost' || /[.:[]/.test(component) || component.toLowerCase() !== component
}

/**
 * `FOO/api` names a registry and `foo/api` does not. In lower case, such a host needs its port to
 * be parsed as one.
 */
function registryNamed(text: string): string | undefined {
  const registry = normalRegistry(text)
  if (registry === undefined || registry === text || isRegistryComponent(registry)) return registry
  return `${registry}:443`
}

function malformed(text: string, why: string): DrayError {
  return new DrayError('malformed', `${quote(text.slice(0, 200))} is not an image reference: ${why}`, {
    hint: 'Write a reference as registry.example.com/team/api:1.4.2 or registry.example.com/team/api@sha256:….',
  })
}

function quote(text: string): string {
  return JSON.stringify(text)
}
