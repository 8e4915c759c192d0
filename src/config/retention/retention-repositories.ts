import { noEnvironment } from '../check/check.ts'
import { complaintOf } from '../check/complaint.ts'
import type { Config } from '../config.ts'
import { parseRepositoryPattern, type RepositoryPattern } from '../selectors/repository-pattern.ts'
import type { Reader } from './retention-config.ts'
import type { Path } from '../shape.ts'

/** What `repositories` says; undefined where it is not there. What has a mistake is left out. */
export function repositoriesIn(
  written: readonly string[] | undefined,
  { config, issues }: Reader,
  path: Path,
): readonly RepositoryPattern[] | undefined {
  return written?.flatMap((text, i) => {
    const complaint =
      complaintOf(() => parseRepositoryPattern(text)) ?? nowhere(parseRepositoryPattern(text), config)
    if (complaint === undefined) return [parseRepositoryPattern(text)]
    issues.push({ path: [...path, i], at: 'value', message: complaint })
    return []
  })
}

/** Why a pattern can fit no repository of its environment, or undefined. */
function nowhere({ in: place, glob, isPlain }: RepositoryPattern, config: Config): string | undefined {
  if (place.kind === 'registry') return undefined
  const { environment } = place
  if (!config.environments.has(environment))
    return noEnvironment(environment, [...config.environments.keys()])
  if (!isPlain || config.images?.has(glob) === true) return undefined
  const owner = [...(config.images ?? [])].find(([, { name }]) => name === glob)?.[0]
  return owner === undefined ? undefined : `the image in ${glob} is called ${owner}: @${environment}/${owner}`
}

/** Whether every repository that fits one of `inner` fits one of `outer`, as far as can be told from their texts: true is sure. Undefined fits all. */
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
