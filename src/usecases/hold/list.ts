import { describeHold, findHolds, type Hold } from '../../audit/holds/find-holds.ts'
import type { Call } from '../../lib/call.ts'
import type { RepositoryNode } from '../../images/graph/repository-node.ts'
import { isHoldTag } from '../../images/holds/hold-tag.ts'
import { inParallel } from '../../images/parallel.ts'
import type { Repositories, SourceRepository } from '../../images/ports.ts'
import { listTags, resolveTags } from '../../images/tags/tags.ts'
import type { Digest } from '../../oci/digest.ts'
import type { RepositoryName } from '../../oci/reference.ts'
import { readHoldNodes } from './gather.ts'

/** Repositories that are read at once. */
const repositoriesAtOnce = 8
/** Images that are read at once. */
const imagesAtOnce = 16

/** A repository whose holds are listed. */
export interface ListedRepository {
  /** the short name: `@prod/api`, or the repository outside of environments */
  readonly image: string
  readonly environment?: string
  readonly repository: RepositoryName
}

/** An image that is held by a tag, with the newest statement about it. */
export interface HeldImage extends ListedRepository {
  readonly digest: Digest
  readonly tag: string
  readonly by?: string
  /** ISO 8601, UTC */
  readonly since?: string
  readonly reason?: string
  readonly ticket?: string
  /** the last day, `2027-01-31` in UTC */
  readonly expires?: string
  /** one line for a person */
  readonly text: string
}

/**
 * Lists the images of repositories that have the tag of a hold which has not ended. An image that
 * only a statement holds is not found: no registry lists all statements.
 * @throws what the stores throw
 */
export async function listHolds(
  repositories: readonly ListedRepository[],
  stores: Repositories,
  now: number,
  call: Call,
): Promise<readonly HeldImage[]> {
  const found = await inParallel(repositories, repositoriesAtOnce, call, async (listed, c) => {
    const store = stores.source(listed.repository)
    const tags = await resolveTags(store, (await listTags(store, c)).filter(isHoldTag), c)
    const images = await inParallel([...tags], imagesAtOnce, c, async ([tag, digest], inner) => {
      if (digest === null) return []
      const nodes = await readNodes(store, digest, inner)
      const hold = findHolds({ nodes, tags: new Map([[tag, digest]]) }, now).byDigest.get(digest)
      return hold === undefined ? [] : [heldImage(listed, tag, hold)]
    })
    return images.flat()
  })
  return found.flat()
}

async function readNodes(
  store: SourceRepository,
  digest: Digest,
  call: Call,
): Promise<ReadonlyMap<Digest, RepositoryNode>> {
  const nodes = await readHoldNodes(store, digest, call)
  return new Map(nodes.map((node) => [node.descriptor.digest, node]))
}

function heldImage(listed: ListedRepository, tag: string, hold: Hold): HeldImage {
  const { digest, statement } = hold
  const { by, time, reason, ticket, expires } = statement ?? {}
  return {
    ...listed,
    digest,
    tag,
    ...(by !== undefined && { by }),
    ...(time !== undefined && { since: new Date(time).toISOString() }),
    ...(reason !== undefined && { reason }),
    ...(ticket !== undefined && { ticket }),
    ...(expires !== undefined && { expires }),
    text: describeHold(hold),
  }
}
