import { DrayError } from '../../lib/errors.ts'
import { LinearRegExp } from '../../lib/linear-regexp.ts'
import { checkPath, parseRepository, type RepositoryName } from '../../oci/reference.ts'
import { parseAddress, startsWithRegistry } from '../addresses.ts'
import type { PlacedImage } from '../environments.ts'
import type { RegistryNames } from '../registry-names.ts'

/** Repositories by their names: `@dev/*`, `registry.example.com/team/**`. */
export interface RepositoryPattern {
  /** as it was written */
  readonly text: string
  /** what `glob` is matched in: the names of an environment's images, or the paths of a registry */
  readonly in:
    | { readonly kind: 'environment'; readonly environment: string }
    | { readonly kind: 'registry'; readonly registry: string }
  /** `*` within a component, `**` across them; `**` for a whole environment */
  readonly glob: string
  /** there is no wildcard in it: `glob` is the one name or path */
  readonly isPlain: boolean
  readonly regex: LinearRegExp
}

const maxLength = 1024

/**
 * Parses `@dev`, `@dev/api`, `@dev/*`, `registry.example.com/team/**`. Only `*` is special: within one component of a path; `**` stands for any characters,
 * and `**` as a whole component also for none. Without a registry the defaults of references hold. Whether the environment is there is not looked at.
 * @throws `malformed`.
 */
export function parseRepositoryPattern(text: string): RepositoryPattern {
  if (text.length > maxLength) throw malformed(text, 'it is too long')
  return text.startsWith('@') ? inEnvironment(text) : inRegistry(text)
}

/**
 * Whether a pattern is for a repository, under any name of its registry.
 * @param places what `imagesAt` says of the repository
 */
export function matchesRepository(
  { in: place, regex }: RepositoryPattern,
  repository: RepositoryName,
  places: readonly PlacedImage[],
  names: RegistryNames,
): boolean {
  if (place.kind === 'registry')
    return names.pathsAt(place.registry, repository).some(({ path }) => regex.match(path) !== undefined)
  return places.some(
    ({ environment, image }) => environment === place.environment && regex.match(image) !== undefined,
  )
}

function inEnvironment(text: string): RepositoryPattern {
  const slash = text.indexOf('/')
  const place = slash < 0 ? text : text.slice(0, slash)
  if (place.includes('*')) throw malformed(text, 'the name of an environment has no wildcards')
  const address = parseAddress(place)
  if (address.kind !== 'environment') throw malformed(text, 'it names no environment')
  const glob = slash < 0 ? '**' : text.slice(slash + 1)
  if (/[:@]/.test(glob)) throw malformed(text, 'it has a tag or digest')
  if (slash >= 0) checkPath(filled(glob), text)
  return patternOf(text, { kind: 'environment', environment: address.environment }, glob)
}

function inRegistry(text: string): RepositoryPattern {
  const slash = text.indexOf('/')
  const first = slash < 0 ? text : text.slice(0, slash)
  if (first.includes('*')) {
    const why = slash < 0 ? 'it names neither an environment nor a registry' : 'a registry has no wildcards'
    throw malformed(text, why)
  }
  // a reference would take it for an official image of Docker Hub
  if (slash < 0 && startsWithRegistry(`${text}/`))
    throw malformed(text, `for all of a registry it has to be ${text}/**`)
  const { registry, path } = parseRepository(filled(text), text)
  const written = path.endsWith(filled(text)) ? text : text.slice(slash + 1)
  // `library/` where Docker Hub's short names have it
  const added = path.slice(0, path.length - filled(written).length)
  return patternOf(text, { kind: 'registry', registry }, added + written)
}

function patternOf(text: string, place: RepositoryPattern['in'], glob: string): RepositoryPattern {
  return { text, in: place, glob, isPlain: !glob.includes('*'), regex: regexOf(glob) }
}

/** A name that the pattern fits, to hold it against the grammar: a wildcard may be a letter wherever it may be anything. */
function filled(text: string): string {
  return text.replaceAll(/\*+/g, 'a')
}

function regexOf(glob: string): LinearRegExp {
  const pieces = glob.match(/(?<=^|\/)\*\*+\/|\*+|[^*]+/g) ?? []
  return LinearRegExp.parse(pieces.map(regexOfPiece).join(''))
}

function regexOfPiece(piece: string): string {
  if (!piece.startsWith('*')) return piece.replaceAll('.', String.raw`\.`)
  if (piece.endsWith('/')) return '(?:.*/)?'
  return piece === '*' ? '[^/]*' : '.*'
}

function malformed(text: string, why: string): DrayError {
  return new DrayError(
    'malformed',
    `${JSON.stringify(text.slice(0, 200))} is not a pattern of repositories: ${why}`,
    {
      hint: 'Patterns look like @dev/*, @dev/team/**, @dev or registry.example.com/team/*; only * is special.',
    },
  )
}
