import { nearest } from '../../lib/nearest.ts'
import type { TagSelector } from '../../selectors/tag-selector.ts'
import type { Rule } from './policy.ts'
import { type ParseContext, repositoriesIn } from './retention-repositories.ts'
import type { WrittenRule } from '../schema/schema-retention.ts'
import type { Path } from '../shape.ts'
import { parseSelector } from './retention-selector.ts'

const unitMs = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const
const maxYears = 100
const maxAge = maxYears * 365.25 * unitMs.d

/** Parses a rule; undefined if its tags or repositories have a mistake. */
export function ruleOf(written: WrittenRule, reader: ParseContext, path: Path): Rule | undefined {
  const { issues } = reader
  const { name, groupBy, keepNewest, olderThan } = written
  const repositories = repositoriesIn(written.repositories, reader, [...path, 'repositories'])
  const tags =
    written.tags === undefined ? undefined : parseSelector(written.tags, 'rule', [...path, 'tags'], issues)
  const age = olderThan === undefined ? undefined : ageOf(olderThan)
  if (typeof age === 'string') issues.push({ path: [...path, 'olderThan'], at: 'value', message: age })
  if (written.tags === undefined && keepNewest === undefined && olderThan === undefined) {
    const message = 'it deletes everything: add `tags`, `keepNewest` or `olderThan`'
    issues.push({ path, at: 'value', message, needs: true })
  }
  if (groupBy !== undefined) {
    const at = [...path, 'groupBy']
    if (keepNewest === undefined)
      issues.push({ path: at, at: 'key', message: '`groupBy` needs `keepNewest`', needs: true })
    // If the tags have a mistake, the groups are unknown.
    const complaint = written.tags !== undefined && tags === undefined ? undefined : noGroup(groupBy, tags)
    if (complaint !== undefined)
      issues.push({ path: at, at: 'value', message: complaint, needs: tags === undefined })
  }
  const isWhole = (tags === undefined) === (written.tags === undefined)
  if (!isWhole || repositories?.length !== written.repositories?.length) return undefined
  return {
    name,
    ...(repositories !== undefined && { repositories }),
    ...(tags !== undefined && { tags }),
    ...(groupBy !== undefined && { groupBy }),
    ...(keepNewest !== undefined && { keepNewest }),
    ...(typeof age === 'number' && { olderThan: age }),
  }
}

/** Parses `14d` to milliseconds, or returns the problem of the text. */
function ageOf(text: string): number | string {
  const unit = unitMs[text.slice(-1) as keyof typeof unitMs]
  const ms = Number(text.slice(0, -1)) * unit
  if (ms === 0) return `${text} is not an age: every image is older`
  return ms <= maxAge ? ms : `${text} is too long: at most ${maxYears} years`
}

function noGroup(groupBy: string, tags: TagSelector | undefined): string | undefined {
  const named = tags?.kind === 'regex' ? tags.regex.groups : []
  const known = [...named, 'major', 'minor']
  if (known.includes(groupBy)) return undefined
  const near = nearest(groupBy, known)
  const hint = near === undefined ? `known: ${known.join(', ')}` : `did you mean ${JSON.stringify(near)}?`
  return `there is no group ${JSON.stringify(groupBy)}; ${hint}`
}
