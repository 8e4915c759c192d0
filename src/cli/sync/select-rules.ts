import type { Config } from '../../config/config.ts'
import { environmentNamed } from '../../config/environments.ts'
import type { SyncRule } from '../../config/sync/sync-rule.ts'
import { DrayError } from '../../lib/errors.ts'
import { didYouMean } from '../../lib/nearest.ts'

/** The arguments that select rules. */
export interface RuleArguments {
  /** names of rules; none: all of them */
  readonly names: readonly string[]
  /** `--to`: only the rules that write to this environment, with or without `@` */
  readonly to?: string | undefined
}

/**
 * Returns the rules of a run, in the order of the file.
 * @param file name of the configuration; undefined: there is none
 * @throws `usage`.
 */
export function selectRules(
  rules: readonly SyncRule[],
  { names, to }: RuleArguments,
  config: Config,
  file: string | undefined,
): readonly SyncRule[] {
  if (rules.length === 0) throw noRules(file)
  const known = new Map(rules.map((rule) => [rule.name, rule]))
  const unknown = names.find((name) => !known.has(name))
  if (unknown !== undefined) throw unknownRule(unknown, [...known.keys()])
  const named = rules.filter(({ name }) => names.length === 0 || names.includes(name))
  if (to === undefined) return named
  const environment = to.startsWith('@') ? to.slice(1) : to
  environmentNamed(config, environment)
  const selected = named.filter((rule) =>
    rule.to.some((one) => one.kind === 'environment' && one.environment === environment),
  )
  if (selected.length > 0) return selected
  throw new DrayError('usage', `no rule has "to: @${environment}"`, {
    ...(file !== undefined && { subject: file }),
    hint: `The rules are: ${named.map(({ name }) => name).join(', ')}.`,
  })
}

function noRules(file: string | undefined): DrayError {
  return new DrayError('usage', 'there is no rule to sync', {
    why: file === undefined ? 'no dray.yaml was found' : `${file} has no section \`sync\``,
    hint: 'Add a rule under `sync:` in dray.yaml, with `name`, `from`, `repositories` and `to`. To convert the file of another tool, run: dray sync --import FILE',
  })
}

function unknownRule(name: string, known: readonly string[]): DrayError {
  return new DrayError('usage', `dray.yaml has no sync rule ${JSON.stringify(name)}`, {
    hint: [didYouMean(name, known), `The rules are: ${known.join(', ')}.`]
      .filter((part) => part !== undefined)
      .join(' '),
  })
}
