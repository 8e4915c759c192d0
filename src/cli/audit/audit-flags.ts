import { option, string } from '@oclif/core/flags'
import { filterResults, type LogFilter, parseMoment } from '../../audit/query/filter.ts'
import type { OperationName } from '../../plan/plan.ts'

const operations = ['promote', 'copy', 'tag', 'rollback', 'prune'] as const satisfies readonly OperationName[]

/** The log to read. */
export const logFlag = {
  'audit-file': string({
    summary: 'The log; else audit.file of dray.yaml, else the one among your state.',
    helpValue: 'FILE',
    env: 'DRAY_AUDIT_FILE',
  }),
}

const several = { multiple: true, multipleNonGreedy: true } as const

/** Conditions on the records. If a flag is repeated, one of its values must match. */
export const filterFlags = {
  image: string({
    summary: 'An image with or without its tag, a repository, or a digest.',
    helpValue: 'NAME',
    ...several,
  }),
  env: string({
    summary: 'An environment that images come from or go to.',
    helpValue: 'ENV',
    ...several,
  }),
  since: string({ summary: 'From then on: 2026-03-04, 2026-03-04T05:06Z, or 24h ago.', helpValue: 'TIME' }),
  until: string({ summary: 'Up to then, of a day up to its end.', helpValue: 'TIME' }),
  actor: string({
    summary: 'Who did it: the user, or that of the CI job, or what --actor said.',
    helpValue: 'NAME',
    ...several,
  }),
  operation: option({ options: operations, multiple: true, multipleNonGreedy: true })({
    summary: 'What was done.',
  }),
  result: option({ options: filterResults, multiple: true, multipleNonGreedy: true })({
    summary: 'How it ended.',
  }),
}

interface FilterFlags extends Pick<LogFilter, 'image' | 'actor' | 'operation' | 'result'> {
  readonly env: LogFilter['environment']
  readonly since: string | undefined
  readonly until: string | undefined
}

/** Converts the flags to a filter. @throws `usage` for an invalid time. */
export function filterOf(flags: FilterFlags, now: number): LogFilter {
  const { actor, env: environment, image, operation, result } = flags
  const moment = (edge: 'since' | 'until'): number | undefined => {
    const text = flags[edge]
    return text === undefined ? undefined : parseMoment(text, edge, now, `--${edge}`)
  }
  return { image, environment, actor, operation, result, since: moment('since'), until: moment('until') }
}
