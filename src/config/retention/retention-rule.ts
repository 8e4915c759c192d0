import type { WrittenRule } from '../schema/schema-retention.ts'
import type { Path } from '../key-path.ts'
import type { Issue } from '../shape.ts'
import { ageOf } from './age.ts'
import type { Rule, RuleKind } from './policy.ts'
import { groupsOf, mistakesOfCounting, orderOf } from './retention-counting.ts'
import { type ParseContext, repositoriesIn } from './retention-repositories.ts'
import { parseSelector } from './retention-selector.ts'

/** The keys that have no meaning in rules of a kind. */
const unusedKeys: Readonly<Record<RuleKind, readonly ('tags' | 'groupBy' | 'orderBy' | 'keepNewest')[]>> = {
  tags: [],
  superseded: ['groupBy', 'orderBy'],
  orphaned: ['tags', 'groupBy', 'orderBy', 'keepNewest'],
  broken: [],
}

const selections: Readonly<Record<RuleKind, string>> = {
  tags: 'selects tags',
  superseded: 'counts per tag, newest move first',
  orphaned: 'selects orphaned attached artifacts by age',
  broken: 'selects tags on broken indexes',
}

/** Parses a rule; undefined if its tags or repositories have a mistake. */
export function ruleOf(written: WrittenRule, reader: ParseContext, path: Path): Rule | undefined {
  const { issues } = reader
  const { name, kind = 'tags', keepNewest, olderThan } = written
  const repositories = repositoriesIn(written.repositories, reader, [...path, 'repositories'])
  const tags =
    written.tags === undefined ? undefined : parseSelector(written.tags, 'delete', [...path, 'tags'], issues)
  const age = olderThan === undefined ? undefined : ageOf(olderThan, 'every image is older')
  if (typeof age === 'string') issues.push({ path: [...path, 'olderThan'], at: 'value', message: age })
  issues.push(...mistakesOfKind(written, kind, path))
  const isWhole = (tags === undefined) === (written.tags === undefined)
  if (kind === 'tags' || kind === 'broken')
    issues.push(...mistakesOfCounting(written, isWhole ? { tags } : undefined, path))
  const groupBy = groupsOf(written)
  if (!isWhole || repositories?.length !== written.repositories?.length) return undefined
  return {
    name,
    kind,
    ...(repositories !== undefined && { repositories }),
    ...(tags !== undefined && { tags }),
    ...(groupBy !== undefined && { groupBy }),
    orderBy: orderOf(written),
    ...(keepNewest !== undefined && { keepNewest }),
    ...(typeof age === 'number' && { olderThan: age }),
  }
}

function mistakesOfKind(written: WrittenRule, kind: RuleKind, path: Path): readonly Issue[] {
  const unused = unusedKeys[kind]
    .filter((key) => written[key] !== undefined)
    .map((key): Issue => {
      const message = `a rule of the kind ${kind} has no \`${key}\`: it ${selections[kind]}`
      return { path: [...path, key], at: 'key', message }
    })
  if (written.olderThan !== undefined) return unused
  if (kind === 'orphaned' || kind === 'broken') {
    const message = `a rule of the kind ${kind} needs \`olderThan\``
    return [...unused, { path, at: 'value', message, needs: true }]
  }
  if (written.tags !== undefined || written.keepNewest !== undefined) return unused
  const all = kind === 'superseded' ? 'every superseded image' : 'everything'
  const message = `it deletes ${all}: add \`tags\`, \`keepNewest\` or \`olderThan\``
  return [{ path, at: 'value', message, needs: true }]
}
