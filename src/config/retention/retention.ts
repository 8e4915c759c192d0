import { basename, dirname } from 'node:path'
import { DrayError } from '../../lib/errors.ts'
import { didYouMean } from '../../lib/nearest.ts'
import type { LoadedConfig } from '../parse.ts'
import { checkRetention } from './check-retention.ts'
import type { RetentionPolicy } from './policy.ts'

/**
 * Returns the policies of a configuration, in the order of the file. Import this file lazily: it
 * loads the engines of regular expressions and of versions.
 * @throws `config` with every mistake at its line and column.
 */
export function retentionOf(loaded: LoadedConfig): readonly RetentionPolicy[] {
  if (loaded.retention === undefined || loaded.file === undefined) return []
  const { policies, issues } = checkRetention(loaded.retention, loaded.config, dirname(loaded.file))
  if (issues.length > 0) throw loaded.mistakes(issues)
  return policies.map((policy) => ({
    ...policy,
    hiddenRules: loaded.locate(policy.hiddenRules),
    doubtfulRanges: loaded.locate(policy.doubtfulRanges),
  }))
}

/**
 * Returns the policy of `--policy`.
 * @param name undefined: the only one
 * @param file the configuration file; undefined: dray found none
 * @throws `usage` if there is none of that name, or several and no name.
 */
export function findPolicy(
  policies: readonly RetentionPolicy[],
  name?: string,
  file?: string,
): RetentionPolicy {
  const names = policies.flatMap((policy) => policy.name ?? [])
  const found = name === undefined ? policies : policies.filter((policy) => policy.name === name)
  const [first, second] = found
  if (first !== undefined && second === undefined) return first
  if (policies.length === 0) {
    throw new DrayError('usage', 'no retention policy is configured', {
      hint:
        file === undefined
          ? 'Write a dray.yaml: dray config init'
          : `Add a retention section to ${basename(file)}. To print one, run: dray config init --print`,
    })
  }
  const all = names.length === 0 ? 'The only policy has no name.' : `The policies are ${names.join(', ')}.`
  if (name === undefined)
    throw new DrayError('usage', 'there are several retention policies', {
      hint: `Pass --policy. ${all}`,
    })
  throw new DrayError('usage', `there is no retention policy ${JSON.stringify(name)}`, {
    hint: [didYouMean(name, names), all].filter(Boolean).join(' '),
  })
}
