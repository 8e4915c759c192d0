import { layoutRegistry } from '../../oci/reference.ts'
import { findProblem } from '../check/find-problem.ts'
import { noEnvironment } from '../check/unknown-name.ts'
import type { Path } from '../key-path.ts'
import { parseRepositoryPattern } from '../resolver/repository-pattern.ts'
import type { WrittenResidency } from '../schema/schema-gates.ts'
import { checkImageGlobs } from './image-globs.ts'
import type { ResidencyPolicy, ResidencyRule } from './residency.ts'
import type { SectionContext } from '../sections/sections.ts'

/** Every image layout on a disk. */
const anyLayout = `${layoutRegistry}**`

/**
 * Reads the section `residency`. Import this file lazily: it loads the engine of regular
 * expressions.
 */
export function readResidency(written: WrittenResidency, context: SectionContext): ResidencyPolicy {
  const rules = written.rules ?? []
  return {
    default: written.default ?? 'allow',
    rules: rules.map((rule, i) => readRule(rule, ['residency', 'rules', i], context)),
  }
}

function readRule(
  { images, from, labels, allow, deny }: NonNullable<WrittenResidency['rules']>[number],
  path: Path,
  context: SectionContext,
): ResidencyRule {
  if (allow === undefined && deny === undefined)
    context.report(path, 'a rule needs `allow` or `deny`', 'value', true)
  checkImageGlobs(images, [...path, 'images'], context)
  checkPatterns(from, [...path, 'from'], context)
  checkPatterns(allow, [...path, 'allow'], context)
  checkPatterns(deny, [...path, 'deny'], context)
  return {
    path,
    ...(images !== undefined && { images }),
    ...(from !== undefined && { from }),
    ...(labels !== undefined && { labels }),
    ...(allow !== undefined && { allow }),
    ...(deny !== undefined && { deny }),
  }
}

function checkPatterns(
  patterns: readonly string[] | undefined,
  path: Path,
  { config, known, report }: SectionContext,
): void {
  for (const [i, text] of (patterns ?? []).entries()) {
    if (text === anyLayout) continue
    if (text.startsWith(layoutRegistry)) {
      report(
        [...path, i],
        `${JSON.stringify(text)} is not a pattern: write ${anyLayout} for all image layouts`,
      )
      continue
    }
    const parse = (): ReturnType<typeof parseRepositoryPattern> => parseRepositoryPattern(text, config)
    const problem = findProblem(parse)
    const scope = problem === undefined ? parse().in : undefined
    if (problem !== undefined) report([...path, i], problem)
    else if (scope?.kind === 'environment' && !known.environments.includes(scope.environment))
      report([...path, i], noEnvironment(scope.environment, known.environments))
  }
}
