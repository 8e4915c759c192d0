import { digestOf } from '../../oci/digest.ts'
import { checkOverlaps, findHiddenRules } from '../check/check-overlaps.ts'
import type { Config } from '../config.ts'
import { listPolicies, type WrittenPolicy, type WrittenRetention } from '../schema/schema-retention.ts'
import type { Path } from '../key-path.ts'
import type { Issue } from '../shape.ts'
import type { Limits, RetentionPolicy, TimeSource } from './policy.ts'
import { protectionOf } from './retention-protection.ts'
import { checkRanges } from './check-ranges.ts'
import { canonicalJson, namedTwice } from '../sections/named-entries.ts'
import type { ParseContext } from './retention-repositories.ts'
import { ruleOf } from './retention-rule.ts'

/** An image that was promoted a minute ago is new, whenever it was built. */
const defaultTimeFrom: readonly TimeSource[] = ['promoted', 'annotation', 'config']

/** A policy whose warnings have no position yet. */
type CheckedPolicy = Omit<RetentionPolicy, 'hiddenRules' | 'doubtfulRanges'> & {
  readonly hiddenRules: readonly Issue[]
  readonly doubtfulRanges: readonly Issue[]
}

/**
 * Checks the section `retention` and returns its policies, in the order of the file, and every
 * mistake. A policy with mistakes is incomplete. Import this file lazily: it loads the engines of
 * regular expressions and of versions.
 * @param folder absolute, of dray.yaml
 */
export function checkRetention(
  section: WrittenRetention,
  config: Config,
  folder: string,
): { policies: readonly CheckedPolicy[]; issues: readonly Issue[] } {
  const written = listPolicies(section)
  const issues: Issue[] = []
  if (written.length === 0)
    issues.push({ path: ['retention'], at: 'value', message: 'it contains no policy', needs: true })
  const policies = written.map(([name, policy]) => {
    const path = name === undefined ? ['retention'] : ['retention', name]
    const checked = policyOf(policy, { config, folder, issues }, path)
    return { name, ...checked, hash: digestOf(canonicalJson(policy)) }
  })
  return { policies, issues }
}

function policyOf(
  written: WrittenPolicy,
  reader: ParseContext,
  path: Path,
): Omit<CheckedPolicy, 'name' | 'hash'> {
  const { issues } = reader
  const protect = (written.protect ?? []).map((one, i) => protectionOf(one, reader, [...path, 'protect', i]))
  const rules = written.rules.map((one, i) => ruleOf(one, reader, [...path, 'rules', i]))
  for (const key of ['protect', 'rules'] as const)
    issues.push(...namedTwice(written[key] ?? [], [...path, key]))
  issues.push(...checkOverlaps(protect, rules, path))
  const isIncomplete = protect.includes(undefined) || rules.includes(undefined)
  const timeFrom = written.timeFrom ?? defaultTimeFrom
  if (new Set(timeFrom).size < timeFrom.length)
    issues.push({ path: [...path, 'timeFrom'], at: 'value', message: 'it lists a source twice' })
  return {
    protect: protect.filter((one) => one !== undefined),
    rules: rules.filter((one) => one !== undefined),
    limits: (written.limits ?? {}) as Limits,
    timeFrom,
    hiddenRules: findHiddenRules(rules, path),
    doubtfulRanges: isIncomplete ? [] : checkRanges(written, { protect, rules }, reader.config, path),
  }
}
