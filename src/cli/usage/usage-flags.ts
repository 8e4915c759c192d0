import { option, string } from '@oclif/core/flags'
import { ageOf } from '../../config/retention/age.ts'
import { dayMs } from '../../lib/day.ts'
import { DrayError } from '../../lib/errors.ts'
import type { UsageRequest } from '../../usecases/usage/request.ts'
import type { UsageGrouping } from '../../usecases/usage/usage-report.ts'
import { limitFlags, outputFlag } from '../command/global-flags.ts'
import { flagGroups } from '../help/flag-groups.ts'
import { pruneFlags, scopeFlags } from '../prune/prune-flags.ts'

const groupings = ['repository', 'tag', 'layer'] as const satisfies readonly UsageGrouping[]
const defaultSince = '30d'

export const usageFlags = {
  ...outputFlag('jsonl', 'name'),
  ...limitFlags('images or layers', 50),
  by: option({ options: groupings })({
    summary: 'Rows of the table.',
    default: 'repository' as const,
    helpValue: 'ROWS',
    helpGroup: flagGroups.output,
  }),
  'not-pulled': string({
    summary: 'Images without a pull for this time, such as 90d.',
    helpValue: 'AGE',
    helpGroup: flagGroups.target,
  }),
  since: string({
    summary: 'Growth since this time.',
    helpValue: 'AGE',
    default: defaultSince,
    helpGroup: flagGroups.output,
  }),
  'in-use': scopeFlags['in-use'],
  cache: scopeFlags.cache,
  policy: string({
    summary: 'Show what a prune with this policy would free.',
    helpValue: 'NAME',
    helpGroup: flagGroups.target,
  }),
  'audit-file': string({
    summary: 'Audit log of promotions, for --policy.',
    helpValue: 'FILE',
    helpGroup: flagGroups.audit,
    env: 'DRAY_AUDIT_FILE',
  }),
  metrics: pruneFlags.metrics,
}

interface UsageFlagValues {
  readonly by: UsageGrouping
  readonly all: boolean
  readonly limit: number
  readonly since: string
  readonly 'not-pulled': string | undefined
}

/** Converts the flags of `dray usage`. @throws `usage` for text that is no age. */
export function usageRequestOf(flags: UsageFlagValues): UsageRequest {
  const { by, all, limit, since, 'not-pulled': notPulled } = flags
  return {
    by,
    limit: all ? undefined : limit,
    sinceDays: Math.max(1, Math.round(parseAge(since, '--since') / dayMs)),
    notPulledFor: notPulled === undefined ? undefined : parseAge(notPulled, '--not-pulled'),
  }
}

/** Milliseconds. @throws `usage` */
function parseAge(text: string, flag: string): number {
  const age = /^\d{1,9}[mhdw]$/.test(text) ? ageOf(text, '') : undefined
  if (typeof age === 'number') return age
  throw new DrayError('usage', `${flag} ${JSON.stringify(text.slice(0, 100))} is not an age`, {
    hint: `Write ${flag} 90d, or another number with m, h, d or w.`,
  })
}
