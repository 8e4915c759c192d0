import { dirname } from 'node:path'
import { DrayError } from '../../lib/errors.ts'
import { didYouMean } from '../../lib/nearest.ts'
import { digestOf } from '../../oci/digest.ts'
import { isRecord } from '../../oci/json.ts'
import { checkOverlaps } from '../check/check-overlaps.ts'
import type { LoadedConfig } from '../load.ts'
import { protectionOf } from './retention-protection.ts'
import { ruleOf } from './retention-rule.ts'
import type { Limits, RetentionPolicy } from './policy.ts'
import type { ParseContext } from './retention-repositories.ts'
import { listPolicies, type WrittenPolicy } from '../schema/schema-retention.ts'
import type { Issue, Path } from '../shape.ts'

/**
 * Returns the policies of a configuration, in the order of the file. Import this file lazily: it
 * loads the engines of regular expressions and of versions.
 * @throws `config` with every mistake at its line and column.
 */
export function retentionOf(loaded: LoadedConfig): readonly RetentionPolicy[] {
  if (loaded.retention === undefined || loaded.file === undefined) return []
  const written = listPolicies(loaded.retention)
  const issues: Issue[] = []
  if (written.length === 0)
    issues.push({ path: ['retention'], at: 'value', message: 'it has no policy in it' })
  const folder = dirname(loaded.file)
  const policies = written.map(([name, policy]) => {
    const path = name === undefined ? ['retention'] : ['retention', name]
    const checked = policyOf(policy, { config: loaded.config, folder, issues }, path)
    return { name, ...checked, hash: digestOf(canonical(policy)) }
  })
  if (issues.length > 0) throw loaded.mistakes(issues)
  return policies
}

/**
 * Returns the policy of `--policy`.
 * @param name undefined: the only one
 * @throws `usage` if there is none of that name, or several and no name.
 */
export function findPolicy(policies: readonly RetentionPolicy[], name?: string): RetentionPolicy {
  const names = policies.flatMap((policy) => policy.name ?? [])
  const found = name === undefined ? policies : policies.filter((policy) => policy.name === name)
  const [first, second] = found
  if (first !== undefined && second === undefined) return first
  if (policies.length === 0) {
    throw new DrayError('usage', 'no retention policy is configured', {
      hint: 'Write one into dray.yaml under "retention"; "dray config init --print" shows some to begin with.',
    })
  }
  const all = names.length === 0 ? 'The only policy has no name.' : `The policies are ${names.join(', ')}.`
  if (name === undefined)
    throw new DrayError('usage', 'there are several retention policies', {
      hint: `Name one: --policy. ${all}`,
    })
  throw new DrayError('usage', `there is no retention policy ${JSON.stringify(name)}`, {
    hint: [didYouMean(name, names), all].filter(Boolean).join(' '),
  })
}

function policyOf(
  written: WrittenPolicy,
  reader: ParseContext,
  path: Path,
): Omit<RetentionPolicy, 'name' | 'hash'> {
  const { issues } = reader
  const protect = (written.protect ?? []).map((one, i) => protectionOf(one, reader, [...path, 'protect', i]))
  const rules = written.rules.map((one, i) => ruleOf(one, reader, [...path, 'rules', i]))
  for (const key of ['protect', 'rules'] as const)
    issues.push(...namedTwice(written[key] ?? [], [...path, key]))
  issues.push(...checkOverlaps(protect, rules, path))
  const timeFrom = written.timeFrom ?? ['annotation', 'config']
  if (new Set(timeFrom).size < timeFrom.length)
    issues.push({ path: [...path, 'timeFrom'], at: 'value', message: 'one of them is listed twice' })
  return {
    protect: protect.filter((one) => one !== undefined),
    rules: rules.filter((one) => one !== undefined),
    limits: (written.limits ?? {}) as Limits,
    timeFrom,
  }
}

function namedTwice(all: readonly { readonly name?: string | undefined }[], path: Path): Issue[] {
  const names = all.map(({ name }) => name)
  return names.flatMap((name, i): Issue[] => {
    if (name === undefined || names.indexOf(name) === i) return []
    return [{ path: [...path, i, 'name'], at: 'value', message: `${JSON.stringify(name)} is there already` }]
  })
}

/** Formats JSON with sorted keys. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, child: unknown) =>
    isRecord(child) ? Object.fromEntries(Object.entries(child).sort(([a], [b]) => (a < b ? -1 : 1))) : child,
  )
}
