import { retentionOf } from '../../../config/retention/retention.ts'
import type { Call } from '../../../lib/call.ts'
import type { Digest } from '../../../oci/digest.ts'
import type { RepositoryName } from '../../../oci/reference.ts'
import { describeUse } from '../../../usecases/prune/policy/protect.ts'
import { protectionsOf } from '../../prune/chosen-tags/delete-policy.ts'
import { InUseReader } from '../../prune/images-in-use.ts'
import { KnownRepositories } from '../../prune/known-repositories.ts'
import { applyPolicy } from '../../prune/prune-scope.ts'
import type { Context } from '../../wiring/context.ts'

/** The digests that protections by use name in a repository, each with the source that names it. */
export type UsedDigests = (repository: RepositoryName) => ReadonlyMap<Digest, string>

/**
 * Reads the images in use by the protections of all retention policies, once for all repositories.
 * Without such a protection, it reads nothing.
 * @param repositories the destinations of the run
 * @throws `config`, and what the sources throw: an unreadable source never counts as an empty one.
 */
export async function readUsedDigests(
  repositories: readonly RepositoryName[],
  context: Context,
  call: Call,
): Promise<UsedDigests> {
  const loaded = await context.config()
  const protect = protectionsOf(retentionOf(loaded)).filter(({ kind }) => kind === 'inUse')
  if (protect.length === 0) return () => new Map()
  const inUse = await new InUseReader(protect, [], context).read(call)
  const known = new KnownRepositories(loaded.config, { protect, rules: [] }, repositories)
  const policy = { protect, rules: [], limits: {}, timeFrom: [] }
  return (repository) => {
    const { inUse: names } = applyPolicy(policy, repository, loaded.config)
    const used = new Map<Digest, string>()
    for (const image of inUse.in(repository, known, names))
      if ('digest' in image.at && !used.has(image.at.digest)) used.set(image.at.digest, describeUse(image))
    return used
  }
}
