import { LinearRegExp } from '../lib/linear-regexp.ts'
import type { RepositoryName } from '../oci/reference.ts'

/** Selects repositories by their names: `@dev/*`, `registry.example.com/team/**`. */
export interface RepositoryPattern {
  /** as it was written */
  readonly text: string
  /** what `glob` matches: the names of an environment's images, or the paths of a registry */
  readonly in:
    | { readonly kind: 'environment'; readonly environment: string }
    | { readonly kind: 'registry'; readonly registry: string }
  /** `*` within a component, `**` across them; `**` for a whole environment */
  readonly glob: string
  /** there is no wildcard: `glob` is the one name or path */
  readonly isPlain: boolean
  readonly regex: LinearRegExp
}

/** The paths by which a registry knows a repository, under any of its names. */
export interface RepositoryPaths {
  pathsAt(registry: string, repository: RepositoryName): readonly { readonly path: string }[]
}

/**
 * Makes a pattern. `*` matches within one component of a path. `**` matches any characters, and as
 * a component of its own also none.
 */
export function repositoryPattern(
  text: string,
  scope: RepositoryPattern['in'],
  glob: string,
): RepositoryPattern {
  return { text, in: scope, glob, isPlain: !glob.includes('*'), regex: regexOf(glob) }
}

/**
 * Whether a pattern selects a repository, under any name of its registry.
 * @param images the environments that the repository belongs to, and its image in each
 */
export function matchesRepository(
  { in: scope, regex }: RepositoryPattern,
  repository: RepositoryName,
  images: readonly { readonly environment: string; readonly image: string }[],
  names: RepositoryPaths,
): boolean {
  if (scope.kind === 'registry')
    return names.pathsAt(scope.registry, repository).some(({ path }) => regex.match(path) !== undefined)
  return images.some(
    ({ environment, image }) => environment === scope.environment && regex.match(image) !== undefined,
  )
}

/**
 * Whether every repository that one of `inner` selects is selected by one of `outer`, by their
 * texts: true is certain. Undefined selects all.
 */
export function includesRepositories(
  outer: readonly RepositoryPattern[] | undefined,
  inner: readonly RepositoryPattern[] | undefined,
): boolean {
  if (outer === undefined) return true
  return inner?.every((own) => outer.some((one) => includesPattern(one, own))) ?? false
}

function includesPattern(outer: RepositoryPattern, inner: RepositoryPattern): boolean {
  if (JSON.stringify(outer.in) !== JSON.stringify(inner.in)) return false
  if (outer.glob === '**' || outer.glob === inner.glob) return true
  return inner.isPlain && outer.regex.match(inner.glob) !== undefined
}

function regexOf(glob: string): LinearRegExp {
  const parts = glob.match(/(?<=^|\/)\*\*+\/|\*+|[^*]+/g) ?? []
  return LinearRegExp.parse(parts.map(regexOfPart).join(''))
}

function regexOfPart(part: string): string {
  if (!part.startsWith('*')) return part.replaceAll('.', String.raw`\.`)
  if (part.endsWith('/')) return '(?:.*/)?'
  return part === '*' ? '[^/]*' : '.*'
}
