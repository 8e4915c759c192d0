import { basename } from 'node:path'
import { DrayError } from '../../lib/errors.ts'
import { joinFirst } from '../../lib/join-first.ts'
import { didYouMean } from '../../lib/nearest.ts'
import { maxListed } from '../check/unknown-name.ts'
import type { SyncRule } from './sync-rule.ts'

/**
 * Returns the rules with some names, in the order of the file, each one once; without names, all
 * rules.
 * @param file the configuration file; undefined: dray found none
 * @throws `usage` if a name is unknown, with the nearest one, or if there are no rules.
 */
export function chooseRules(
  rules: readonly SyncRule[],
  names: readonly string[],
  file?: string,
): readonly SyncRule[] {
  const known = rules.map(({ name }) => name)
  if (known.length === 0)
    throw new DrayError('usage', 'no sync rule is configured', {
      hint:
        file === undefined
          ? 'Write a dray.yaml: dray config init'
          : `Add a sync section to ${basename(file)}.`,
    })
  const unknown = names.find((name) => !known.includes(name))
  if (unknown !== undefined)
    throw new DrayError('usage', `there is no sync rule ${JSON.stringify(unknown)}`, {
      hint: [didYouMean(unknown, known), `The rules are ${joinFirst(known, maxListed)}.`]
        .filter(Boolean)
        .join(' '),
    })
  return names.length === 0 ? rules : rules.filter(({ name }) => names.includes(name))
}
