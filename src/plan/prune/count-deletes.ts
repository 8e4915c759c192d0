import type { RepositoryPlan } from './prune-plan.ts'

/**
 * Counts the deletes that limits and confirmations are about: images, superseded digests and
 * untagged manifests, without what is deleted together with them. Pure.
 */
export function countDeletes({
  deleted,
  superseded = 0,
  untaggedManifests = 0,
}: RepositoryPlan['count']): number {
  return deleted + superseded + untaggedManifests
}
