import { checkPath, defaultRegistry } from '../../oci/reference.ts'
import { repositoryPattern } from '../../selectors/repository-pattern.ts'
import { findProblem } from '../check/find-problem.ts'
import { unknownName } from '../check/unknown-name.ts'
import type { Path } from '../key-path.ts'
import type { RuleContext } from './rule-context.ts'
import type { RelativePattern, SyncSource } from './sync-rule.ts'

/** The longest pattern. A repository's path has up to 255 characters. */
const maxLength = 512

/** The only repository of an image layout that has no name. */
export const layoutRepository = '*'

/**
 * Parses `repositories`. Without it, an environment has all of its images, and a layout has one
 * repository, `*`. Patterns with a mistake are omitted.
 * @param rule the path of the rule
 */
export function readRepositories(
  written: readonly string[] | undefined,
  from: SyncSource,
  rule: Path,
  context: RuleContext,
): readonly RelativePattern[] {
  const path = [...rule, 'repositories']
  if (written === undefined) return withoutPatterns(from, rule, context)
  const seen = new Set<string>()
  const patterns = written.flatMap((text, i): RelativePattern[] => {
    const problem = problemOf(text, from, context)
    const pattern = problem === undefined ? patternOf(text, from) : undefined
    const twice = pattern !== undefined && seen.has(pattern.text)
    if (pattern !== undefined) seen.add(pattern.text)
    const message = twice ? `${JSON.stringify(text)} is listed twice` : problem
    if (message !== undefined) context.report([...path, i], message)
    return pattern === undefined || twice ? [] : [pattern]
  })
  if (from.kind === 'layout' && (patterns.length > 1 || patterns[0]?.isPlain === false)) {
    const message = 'an image layout is one repository: write its one name, without wildcards'
    context.report(path, message)
  }
  return patterns
}

function withoutPatterns(from: SyncSource, rule: Path, context: RuleContext): readonly RelativePattern[] {
  if (from.kind === 'environment') return [relativePattern('**')]
  if (from.kind === 'layout') return [{ ...relativePattern(layoutRepository), isPlain: true }]
  const message = 'a rule with a registry in `from` needs `repositories`'
  context.issues.push({
    path: rule,
    at: 'value',
    message,
    hint: 'name them relative to `from`; "**" selects all of them',
    needs: true,
  })
  return []
}

/** Returns the problem of a pattern, or undefined. */
function problemOf(text: string, from: SyncSource, { config, known }: RuleContext): string | undefined {
  if (text.length > maxLength) return 'the pattern is too long'
  const glob = text.replaceAll(/\*+/g, 'a')
  if (text.startsWith('@') || text.includes('://'))
    return `${JSON.stringify(text)} is not a pattern of repositories: write it relative to \`from\``
  if (/[:@]/.test(text)) return 'a pattern of repositories has no tag or digest: select tags with `include`'
  const problem = findProblem(() => checkPath(glob, text))
  if (problem !== undefined) return problem
  const slash = text.indexOf('/')
  if (from.kind === 'registry' && slash > 0 && text.slice(0, slash) === from.registry)
    return `it is relative to \`from\`: write ${JSON.stringify(text.slice(slash + 1))}`
  const isPlain = !text.includes('*')
  if (from.kind === 'environment' && isPlain && config.images !== undefined && !config.images.has(text))
    return unknownName('image', text, known.images)
  return undefined
}

function patternOf(text: string, from: SyncSource): RelativePattern {
  // The short names of Docker Hub omit `library/`.
  const isShort =
    from.kind === 'registry' &&
    from.registry === defaultRegistry &&
    from.prefix === '' &&
    !text.includes('/') &&
    !text.includes('**')
  return relativePattern(isShort ? `library/${text}` : text)
}

/** Makes a pattern of a checked text. */
export function relativePattern(text: string): RelativePattern {
  const { isPlain, regex } = repositoryPattern(text, { kind: 'registry', registry: '' }, text)
  return { text, isPlain, regex }
}
