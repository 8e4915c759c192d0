import { inParallel } from '../../../images/parallel.ts'
import type { Call } from '../../../lib/call.ts'
import { isDrayError } from '../../../lib/errors.ts'
import { joinFirst } from '../../../lib/join-first.ts'
import type { SourceRepository } from '../../../images/ports.ts'
import type { RepositoryName } from '../../../oci/reference.ts'
import { decideExtraDeletes } from '../../../usecases/sync/deletes/extra-deletes.ts'
import type { DeletableTags, ExclusiveRepository, HeldDeletes } from './exclusive-repository.ts'

/** Tags that are checked at once, in repositories that are checked at once. */
const tagsAtOnce = 16
const repositoriesAtOnce = 4

export interface DeletablePorts {
  /** opens a repository to read from */
  readonly source: (repository: RepositoryName) => SourceRepository
  /** milliseconds since 1970 */
  readonly now: number
}

/**
 * Finds the extra tags that may be deleted in each repository. A tag that the list of the source
 * does not have is checked by name: only 404 means that it is gone. If one check fails, nothing is
 * deleted in the repository.
 * @throws the reason of the signal.
 */
export async function findDeletable(
  repositories: readonly ExclusiveRepository[],
  ports: DeletablePorts,
  call: Call,
): Promise<{ readonly deletable: readonly DeletableTags[]; readonly held: readonly HeldDeletes[] }> {
  const found = await inParallel(repositories, repositoriesAtOnce, call, async (one, c) =>
    deletableIn(one, ports, c),
  )
  return {
    deletable: found.flatMap((one) => ('tags' in one && one.tags.length > 0 ? [one] : [])),
    held: found.flatMap((one) => ('reason' in one ? [one] : [])),
  }
}

async function deletableIn(
  repository: ExclusiveRepository,
  { source, now }: DeletablePorts,
  call: Call,
): Promise<DeletableTags | HeldDeletes> {
  const { rule, target, drift, state, selected, sourceTags } = repository
  const isRead = drift.error === undefined
  const { tags, waiting, held } = decideExtraDeletes({
    rule,
    extra: drift.tags.flatMap(({ tag, state: kind }) => (kind === 'extra' ? [tag] : [])),
    selected,
    sourceTags: isRead ? sourceTags : undefined,
    sourceTagsBefore: target.state.sourceTags,
    state,
    now,
  })
  if (held !== undefined) return { repository, reason: held }
  const listed = new Set(sourceTags)
  const absent = tags.filter((tag) => !listed.has(tag))
  try {
    const store = source(repository.source.repository)
    const present = await inParallel(absent, tagsAtOnce, call, async (tag, c) =>
      (await store.resolve({ tag }, c)) === undefined ? [] : [tag],
    )
    const names = present.flat()
    if (names.length === 0) return { repository, tags, waiting }
    const reason = `dray deletes nothing, because the source has tags that its list does not have: ${joinFirst(names)}. Run the command again.`
    return { repository, reason }
  } catch (error) {
    call.signal.throwIfAborted()
    if (!isDrayError(error)) throw error
    const reason = `dray deletes nothing, because it cannot check the tags of the source: ${error.message}. Run the command again.`
    return { repository, reason }
  }
}
