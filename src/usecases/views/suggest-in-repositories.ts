import { listTagsToSuggest } from '../../images/graph/explain-missing.ts'
import type { Repositories } from '../../images/ports.ts'
import type { Call } from '../../lib/call.ts'
import { formatRepository, type RepositoryName } from '../../oci/reference.ts'
import { suggestTags } from '../../semver/suggest-tags.ts'
import type { VersionReading } from '../../semver/version.ts'

/**
 * Suggests tags instead of one that none of the repositories has, or the command that lists them if
 * a repository has too many. Undefined if none of them can be read or has tags.
 * @param missing the tag, and how the tags of all repositories are read
 * @throws the signal's reason.
 */
export async function suggestInRepositories(
  stores: Repositories,
  repositories: readonly RepositoryName[],
  { tag, reading }: { readonly tag: string; readonly reading: VersionReading },
  call: Call,
): Promise<string | undefined> {
  const found = new Set<string>()
  for (const repository of repositories) {
    try {
      const tags = await listTagsToSuggest(stores.source(repository), call)
      if (tags === undefined) return `To list the highest tags, run: dray ls ${formatRepository(repository)}`
      for (const one of tags) found.add(one)
    } catch {
      // The error that asks for the suggestion is about the image, not about this list.
      call.signal.throwIfAborted()
    }
  }
  return found.size === 0 ? undefined : suggestTags(tag, [...found], reading)
}
