import type { RepositoryPattern } from '../../selectors/repository-pattern.ts'
import { noEnvironment } from '../check/unknown-name.ts'
import { findProblem } from '../check/find-problem.ts'
import type { Config } from '../config.ts'
import { parseRepositoryPattern } from '../resolver/repository-pattern.ts'
import type { Path } from '../key-path.ts'
import type { Issue } from '../shape.ts'

/** The context of the parsers of a policy. They add mistakes to `issues`. */
export interface ParseContext {
  readonly config: Config
  /** absolute, of dray.yaml */
  readonly folder: string
  readonly issues: Issue[]
}

/** Parses `repositories`; undefined if it is not given. Patterns with a mistake are omitted. */
export function repositoriesIn(
  written: readonly string[] | undefined,
  { config, issues }: ParseContext,
  path: Path,
): readonly RepositoryPattern[] | undefined {
  return written?.flatMap((text, i) => {
    const parse = (): RepositoryPattern => parseRepositoryPattern(text, config)
    const complaint = findProblem(parse) ?? complaintOfPattern(parse(), config)
    if (complaint === undefined) return [parse()]
    issues.push({ path: [...path, i], at: 'value', message: complaint })
    return []
  })
}

/** Why a pattern matches no repository of its environment, or undefined. */
function complaintOfPattern(
  { in: scope, glob, isPlain }: RepositoryPattern,
  config: Config,
): string | undefined {
  if (scope.kind === 'registry') return undefined
  const { environment } = scope
  if (!config.environments.has(environment))
    return noEnvironment(environment, [...config.environments.keys()])
  if (!isPlain || config.images?.has(glob) === true) return undefined
  const owner = [...(config.images ?? [])].find(([, { name }]) => name === glob)?.[0]
  return owner === undefined
    ? undefined
    : `${glob} is the repository of the image ${owner}: write @${environment}/${owner}`
}
