import { option, string } from '@oclif/core/flags'
import { filterResults, type LogFilter, parseMoment } from '../../audit/query/filter.ts'
import type { RecordedOperation } from '../../plan/plan.ts'
import { flagGroups } from '../help/flag-groups.ts'

const operations = [
  'promote',
  'copy',
  'tag',
  'rollback',
  'sync',
  'bundle',
  'gitops',
  'prune',
  'approve',
  'hold',
] as const satisfies readonly RecordedOperation[]

/** The log to read. */
export const logFlag = {
  'audit-file': string({
    summary: 'Audit log to read.',
    helpValue: 'FILE',
    helpGroup: flagGroups.audit,
    env: 'DRAY_AUDIT_FILE',
  }),
}

const grouped = { helpGroup: flagGroups.audit } as const
const several = { ...grouped, multiple: true, multipleNonGreedy: true } as const

/** Conditions on the records. If a flag is repeated, one of its values must match. */
export const filterFlags = {
  image: string({
    summary: 'Only this image, repository or digest.',
    helpValue: 'NAME',
    ...several,
  }),
  env: string({
    summary: 'Only images from or to this environment.',
    helpValue: 'ENV',
    ...several,
  }),
  since: string({
    summary: 'Only since this time, such as 2026-03-04 or 24h.',
    helpValue: 'TIME',
    ...grouped,
  }),
  until: string({
    summary: 'Only until this time, such as 2026-03-04 or 24h.',
    helpValue: 'TIME',
    ...grouped,
  }),
  actor: string({
    summary: 'Only changes by this person or CI job.',
    helpValue: 'NAME',
    ...several,
  }),
  operation: option({ options: operations, ...several })({
    summary: 'Only this operation.',
    helpValue: 'OPERATION',
  }),
  result: option({ options: filterResults, ...several })({
    summary: 'Only this result.',
    helpValue: 'RESULT',
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
