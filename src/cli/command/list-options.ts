import { parseMoment } from '../../audit/query/filter.ts'
import { DrayError } from '../../lib/errors.ts'
import type { ListOptions, RepositoryView, UnreadRepository } from '../../usecases/views/list/list.ts'
import type { ResultLines } from '../output/result-lines.ts'
import { formatAt } from '../../oci/reference.ts'
import { fitsSomeTag } from '../../oci/tag-glob.ts'
import { parseRange } from '../../semver/range/range.ts'
import { asUsage } from '../../lib/as-usage.ts'

interface ListFlags {
  readonly all: boolean
  readonly limit: number
  readonly 'all-tags': boolean
  readonly brief: boolean
  readonly times: boolean
  readonly semver: string | undefined
  readonly glob: readonly string[] | undefined
  readonly since: string | undefined
}

/** Converts the flags of `ls`. @throws `usage` for an invalid range or time. */
export function listOptions(flags: ListFlags, now: number): Omit<ListOptions, 'readingOf'> {
  const { semver, glob, since } = flags
  return {
    limit: flags.all ? undefined : flags.limit,
    evidenceTags: flags['all-tags'],
    brief: flags.brief,
    times: flags.times,
    now,
    filter: {
      ...(semver !== undefined && { range: asUsage(() => parseRange(semver)) }),
      ...(glob !== undefined && { globs: glob.map(parseGlob) }),
      ...(since !== undefined && { since: parseMoment(since, 'since', now, '--since') }),
    },
  }
}

/** The lines of `ls`: tags that were deleted while dray read them have no digest. */
export function listLines(views: readonly (RepositoryView | UnreadRepository)[]): ResultLines {
  const read = views.filter((view) => 'tags' in view)
  return {
    rows: () =>
      views.flatMap((view): readonly object[] =>
        'tags' in view ? view.tags.map((tag) => ({ repository: view.repository, ...tag })) : [view],
      ),
    names: () => read.flatMap(({ repository, tags }) => tags.map(({ tag }) => formatAt(repository, { tag }))),
    digests: () => read.flatMap(({ tags }) => tags.flatMap(({ image }) => image?.digest ?? [])),
  }
}

/** @throws `usage` for a glob that matches no tag, such as an empty one or `[abc]`. */
function parseGlob(text: string): string {
  if (fitsSomeTag(text)) return text
  throw new DrayError('usage', `--glob ${JSON.stringify(text)} cannot match any tag`, {
    hint: 'Use letters, digits, ".", "_", "-", "*" (any characters) and "?" (one character). Repeat --glob for alternatives.',
  })
}
