import { DrayError } from '../../lib/errors.ts'
import { checkPath, parseRepository } from '../../oci/reference.ts'
import { repositoryPattern, type RepositoryPattern } from '../../selectors/repository-pattern.ts'
import type { Config } from '../config.ts'
import { parseArgument, startsWithRegistry } from './argument-grammar.ts'
import { missingEnvironment } from './resolve-errors.ts'

const maxLength = 1024

/**
 * Parses `@dev`, `@dev/api`, `@dev/*` and `registry.example.com/team/**`. Only `*` is special. A
 * name without a registry is on Docker Hub, unless `dray.yaml` defines environments: then it is an
 * error. Whether the environment exists is not checked.
 * @throws `malformed`; `usage` for a name that does not say its environment.
 */
export function parseRepositoryPattern(
  text: string,
  config: Pick<Config, 'environments'>,
): RepositoryPattern {
  if (text.length > maxLength) throw malformed(text, 'it is too long')
  return text.startsWith('@') ? inEnvironment(text) : inRegistry(text, config)
}

function inEnvironment(text: string): RepositoryPattern {
  const slash = text.indexOf('/')
  const name = slash < 0 ? text : text.slice(0, slash)
  if (name.includes('*')) throw malformed(text, 'the name of an environment cannot have wildcards')
  const argument = parseArgument(name)
  if (argument.kind !== 'environment') throw malformed(text, 'the environment is missing')
  const glob = slash < 0 ? '**' : text.slice(slash + 1)
  if (/[:@]/.test(glob)) throw malformed(text, 'a pattern cannot have a tag or digest')
  if (slash >= 0) checkPath(filled(glob), text)
  return repositoryPattern(text, { kind: 'environment', environment: argument.environment }, glob)
}

function inRegistry(text: string, config: Pick<Config, 'environments'>): RepositoryPattern {
  const slash = text.indexOf('/')
  const first = slash < 0 ? text : text.slice(0, slash)
  if (first.includes('*')) {
    const why = slash < 0 ? 'the environment or registry is missing' : 'a registry cannot have wildcards'
    throw malformed(text, why)
  }
  // A reference would take it for an official image of Docker Hub.
  if (slash < 0 && startsWithRegistry(`${text}/`))
    throw malformed(text, `write ${text}/** for all repositories of a registry`)
  const { registry, path } = parseRepository(filled(text), text)
  if (config.environments.size > 0 && !startsWithRegistry(text))
    throw missingEnvironment(text, undefined, config)
  const written = path.endsWith(filled(text)) ? text : text.slice(slash + 1)
  // The short names of Docker Hub omit `library/`.
  const added = path.slice(0, path.length - filled(written).length)
  return repositoryPattern(text, { kind: 'registry', registry }, added + written)
}

/**
 * A name that the pattern matches, to check it by the grammar: a letter is valid in place of a
 * wildcard.
 */
function filled(text: string): string {
  return text.replaceAll(/\*+/g, 'a')
}

function malformed(text: string, why: string): DrayError {
  return new DrayError(
    'malformed',
    `${JSON.stringify(text.slice(0, 200))} is not a pattern of repositories: ${why}`,
    {
      hint: 'Write a pattern like @dev/*, @dev/team/**, @dev or registry.example.com/team/*.',
    },
  )
}
