import { parseMoment } from '../../audit/query/filter.ts'
import { DrayError } from '../../lib/errors.ts'
import type { ListOptions } from '../../usecases/views/list/list.ts'
import { fitsSomeTag } from '../../oci/tag-glob.ts'
import { parseRange } from '../../semver/range.ts'
import { asUsage } from '../../lib/as-usage.ts'

interface ListFlags {
  readonly all: boolean
  readonly limit: number
  readonly 'all-tags': boolean
  readonly brief: boolean
  readonly semver: string | undefined
  readonly glob: readonly string[] | undefined
  readonly since: string | undefined
}

/** Converts the flags of `ls`. @throws `usage` for an invalid range or time. */
export function listOptions(flags: ListFlags, now: number): ListOptions {
  const { semver, glob, since } = flags
  return {
    limit: flags.all ? undefined : flags.limit,
    evidenceTags: flags['all-tags'],
    brief: flags.brief,
    now,
    filter: {
      ...(semver !== undefined && { range: asUsage(() => parseRange(semver)) }),
      ...(glob !== undefined && { globs: glob.map(parseGlob) }),
      ...(since !== undefined && { since: parseMoment(since, 'since', now, '--since') }),
    },
  }
}

/** @throws `usage` for a glob that matches no tag, such as an empty one or `[abc]`. */
function parseGlob(text: string): string {
  if (fitsSomeTag(text)) return text
  throw new DrayError('usage', `--glob ${JSON.stringify(text)} fits no tag`, {
    hint: 'Besides letters, digits, ".", "_" and "-" it has "*" for any characters and "?" for one. Say --glob several times for one or the other.',
  })
}
