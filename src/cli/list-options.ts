import { parseMoment } from '../audit/filter.ts'
import type { ListOptions } from '../look/list.ts'
import { parseRange } from '../semver/range.ts'
import { asUsage } from './usage-error.ts'

interface ListFlags {
  readonly all: boolean
  readonly limit: number
  readonly 'all-tags': boolean
  readonly brief: boolean
  readonly semver: string | undefined
  readonly glob: readonly string[] | undefined
  readonly since: string | undefined
}

/** What the flags of `ls` ask for. @throws `usage` for a range or a time that is none. */
export function listOptions(flags: ListFlags, now: number): ListOptions {
  const { semver, glob, since } = flags
  return {
    limit: flags.all ? undefined : flags.limit,
    evidenceTags: flags['all-tags'],
    brief: flags.brief,
    now,
    filter: {
      ...(semver !== undefined && { range: asUsage(() => parseRange(semver)) }),
      ...(glob !== undefined && { globs: glob }),
      ...(since !== undefined && { since: parseMoment(since, 'since', now, '--since') }),
    },
  }
}
