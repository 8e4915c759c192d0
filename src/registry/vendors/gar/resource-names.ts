import { DrayError } from '../../../lib/errors.ts'
import { formatRepository, type RepositoryName } from '../../../oci/reference.ts'

/**
 * A repository of Artifact Registry, as its API names it. It contains images, which the API calls
 * packages.
 */
export interface GarRepository {
  /** `acme`, or `example.com:acme` in the domain of an organization */
  readonly project: string
  readonly location: string
  readonly repository: string
}

/** An image in a repository. */
export interface GarImage extends GarRepository {
  /** may have slashes */
  readonly image: string
}

/**
 * The locations of the repositories behind the hosts of Container Registry, whose names are those
 * hosts (cloud.google.com/artifact-registry/docs/transition/setup-gcr-repo).
 */
const gcrLocations: ReadonlyMap<string, string> = new Map([
  ['gcr.io', 'us'],
  ['us.gcr.io', 'us'],
  ['eu.gcr.io', 'europe'],
  ['asia.gcr.io', 'asia'],
])

const locationSuffix = /\/locations\/(?<location>[a-z0-9-]+)$/

/** The location of repositories of a host that dray does not know. */
export const anyLocation = '-'

/**
 * Returns the location of the repositories of a registry: by its host, or by `api` in dray.yaml,
 * whose path can end with `/locations/LOCATION`. Otherwise it is `-`, any location.
 */
export function locationOf(registry: string, base: URL): string {
  const named = locationSuffix.exec(base.pathname)?.groups?.['location']
  const ofHost = /^(?<location>[a-z0-9-]+)-docker\.pkg\.dev$/.exec(registry)?.groups?.['location']
  return named ?? ofHost ?? gcrLocations.get(registry) ?? anyLocation
}

/** Returns the path of `base` without the location. */
export function apiPath(base: URL): string {
  return base.pathname.replace(locationSuffix, '').replace(/\/$/, '')
}

/**
 * Returns the project and the rest of a path: `acme/web/api`, or `example.com/acme/web/api`, whose
 * project is `example.com:acme` (cloud.google.com/artifact-registry/docs/docker/names).
 */
function splitProject(path: string): readonly [project: string, rest: readonly string[]] {
  const [first = '', second, ...rest] = path.split('/')
  if (!first.includes('.')) return [first, second === undefined ? [] : [second, ...rest]]
  return [`${first}:${second ?? ''}`, rest]
}

/** @throws `unsupported` for a path without an image. */
export function imageOf(name: RepositoryName, location: string): GarImage {
  const [project, rest] = splitProject(name.path)
  const isGcr = gcrLocations.has(name.registry)
  const [repository = '', ...image] = isGcr ? [name.registry, ...rest] : rest
  if (image.length > 0) return { project, location, repository, image: image.join('/') }
  const subject = formatRepository(name)
  throw new DrayError('unsupported', `${subject} does not name an image of Artifact Registry`, {
    subject,
    hint: `Write ${name.registry}/${isGcr ? 'PROJECT/IMAGE' : 'PROJECT/REPOSITORY/IMAGE'}.`,
  })
}

/** The part of a prefix that names a project and, if it is complete, a repository. */
export interface GarPrefix {
  readonly project: string
  readonly repository: string | undefined
}

/** Returns the project and repository of a prefix; undefined if it names no whole project. */
export function prefixOf(registry: string, prefix: string): GarPrefix | undefined {
  const path = prefix.slice(0, Math.max(prefix.lastIndexOf('/'), 0))
  const [project, rest] = splitProject(path)
  if (project === '' || project.endsWith(':')) return undefined
  return { project, repository: gcrLocations.has(registry) ? registry : rest[0] }
}

/** The path of an image in references. */
export function pathOf(registry: string, { project, repository, image }: Omit<GarImage, 'location'>): string {
  const start = project.replace(':', '/')
  return gcrLocations.has(registry) ? `${start}/${image}` : `${start}/${repository}/${image}`
}

/**
 * The path of a resource. Names of images have escaped slashes (package.proto), and the path
 * escapes the `%` again (google/api/http.proto), as Google's client does: `team%252Fapi`.
 */
export function resourcePath({ project, location }: GarRepository, ...names: readonly string[]): string {
  const parts = ['projects', project, 'locations', location, ...names]
  return `/v1/${parts.map((part) => encodeURIComponent(part.replaceAll('/', '%2F'))).join('/')}`
}

/** The name of a resource in its parent. */
export function lastSegment(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1)
}
