import type { WrittenRule } from '../schema/schema-retention.ts'
import type { Path } from '../key-path.ts'
import type { Issue } from '../shape.ts'
import { ageOf } from './age.ts'
import type { Rule, RuleKind } from './policy.ts'
import { groupsOf, mistakesOfCounting, orderOf } from './retention-counting.ts'
import { type ParseContext, repositoriesIn } from './retention-repositories.ts'
import { parseSelector } from './retention-selector.ts'

/** The keys that have no meaning in rules of a kind. */
const unusedKeys: Readonly<Record<RuleKind, readonly (keyof WrittenRule)[]>> = {
  tags: [],
  superseded: ['groupBy', 'orderBy'],
  orphaned: ['tags', 'groupBy', 'orderBy', 'keepNewest', 'notPulledFor'],
  broken: [],
  untagged: ['tags', 'kind', 'groupBy', 'orderBy', 'keepNewest'],
}

const selections: Readonly<Record<RuleKind, string>> = {
  tags: 'selects tags',
  superseded: 'counts per tag, newest move first',
  orphaned: 'selects orphaned attached artifacts by age',
  broken: 'selects tags on broken indexes',
  untagged: 'selects manifests without a tag, by age',
}

/** Parses a rule; undefined if its tags or repositories have a mistake. */
export function ruleOf(written: WrittenRule, reader: ParseContext, path: Path): Rule | undefined {
  const { issues } = reader
  const { name, keepNewest } = written
  const kind = written.untagged === true ? 'untagged' : (written.kind ?? 'tags')
  const repositories = repositoriesIn(written.repositories, reader, [...path, 'repositories'])
  const tags =
    written.tags === undefined ? undefined : parseSelector(written.tags, 'delete', [...path, 'tags'], issues)
  const olderThan = ageIn(written, 'olderThan', issues, path)
  const notPulledFor = ageIn(written, 'notPulledFor', issues, path)
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
    ...(olderThan !== undefined && { olderThan }),
    ...(notPulledFor !== undefined && { notPulledFor }),
  }
}

/** The milliseconds of an age; undefined if it is not given or has a mistake. */
function ageIn(
  written: WrittenRule,
  key: 'olderThan' | 'notPulledFor',
  issues: Issue[],
  path: Path,
): number | undefined {
  const text = written[key]
  if (text === undefined) return undefined
  const age = ageOf(text, key === 'olderThan' ? 'every image is older' : 'every image was pulled before')
  if (typeof age === 'number') return age
  issues.push({ path: [...path, key], at: 'value', message: age })
  return undefined
}

function mistakesOfKind(written: WrittenRule, kind: RuleKind, path: Path): readonly Issue[] {
  const unused = unusedKeys[kind]
    .filter((key) => written[key] !== undefined)
    .map((key): Issue => {
      const message = `${ruleOfKind(kind)} has no \`${key}\`: it ${selections[kind]}`
      return { path: [...path, key], at: 'key', message }
    })
  if (written.olderThan !== undefined) return unused
  if (kind === 'orphaned' || kind === 'broken' || kind === 'untagged') {
    const message = `${ruleOfKind(kind)} needs \`olderThan\``
    return [...unused, { path, at: 'value', message, needs: true }]
  }
  if (written.tags !== undefined || written.keepNewest !== undefined || written.notPulledFor !== undefined)
    return unused
  const all = kind === 'superseded' ? 'every superseded image' : 'everything'
  const message = `it deletes ${all}: add \`tags\`, \`keepNewest\` or \`olderThan\``
  return [{ path, at: 'value', message, needs: true }]
}

function ruleOfKind(kind: RuleKind): string {
  return kind === 'untagged' ? 'a rule with `untagged`' : `a rule of the kind ${kind}`
}
