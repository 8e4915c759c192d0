import type { Config } from '../../config/config.ts'
import { environmentAt } from '../../config/environments.ts'
import { resolveImage, type ResolvedImage, type Within } from '../../config/resolver/resolve.ts'
import { DrayError, isDrayError } from '../../lib/errors.ts'
import type { Digest } from '../../oci/digest.ts'
import { formatAt, formatRepository, layoutRegistry, sameRepository } from '../../oci/reference.ts'
import type { PlacementEnd, Plan } from '../../plan/plan.ts'

/** The configuration that a saved plan is checked against. */
export interface CheckedConfig {
  readonly config: Config
  /** undefined: no `dray.yaml` was found */
  readonly file: string | undefined
}

/**
 * Checks that a saved plan names its images and environments as `dray.yaml` does now. Then the plan
 * that was shown, the audit log and the rules are about the same environments.
 * @throws `refused`.
 */
export function checkPlanNames(plan: Plan, checked: CheckedConfig): void {
  const isSync = plan.operation === 'sync'
  const isTransfer = plan.operation === 'promote' || plan.operation === 'copy' || isSync
  for (const { image, from, to, root } of plan.placements) {
    checkEnvironment(from, image, checked, isTransfer)
    // The review of a sync compares the names with its rules.
    if (!isSync && !isNamed(image, from, root.digest, checked.config)) throw misnamed(image, from)
    // A copy to a reference names no environment, even if the repository is in one.
    if (to.environment !== undefined || plan.operation !== 'copy') checkEnvironment(to, image, checked, false)
  }
}

/** @throws `refused`. */
function checkEnvironment(
  { environment: named, repository }: PlacementEnd,
  image: string,
  { config, file }: CheckedConfig,
  isSource: boolean,
): void {
  const current = environmentAt(config, repository, named, isSource)
  if (current === named) return
  const subject = formatRepository(repository)
  if (named === undefined) {
    throw new DrayError('refused', `the plan has no environment for ${image}, which is in ${current}`, {
      subject,
      why: `${file ?? 'dray.yaml'} assigns the repository to ${current}`,
      hint: 'Create the plan again with this dray.yaml.',
    })
  }
  throw new DrayError('refused', `the plan assigns ${image} to ${named}, and the configuration does not`, {
    subject,
    why:
      file === undefined
        ? 'no dray.yaml was found'
        : `${file} assigns the repository to ${current ?? 'no environment'}`,
    hint: 'Pass the dray.yaml that the plan was created with: --config FILE. If it has changed, create the plan again.',
  })
}

/** Whether the name of an image, as the plan shows it, is a name of the source in the plan. */
function isNamed(
  image: string,
  { environment, repository, tag }: PlacementEnd,
  root: Digest,
  config: Config,
): boolean {
  const within = { environments: environment === undefined ? [] : [environment] }
  const resolved = tryResolve(image, within, config)
  if (resolved === undefined) return false
  // The folder of a layout is relative to a folder that is unknown here.
  if (resolved.form === 'layout') return repository.registry === layoutRegistry
  const isRoot =
    resolved.digest === undefined ? [undefined, tag].includes(resolved.tag) : resolved.digest === root
  return isRoot && resolved.repositories.some((one) => sameRepository(one, repository))
}

function tryResolve(image: string, within: Within, config: Config): ResolvedImage | undefined {
  try {
    return resolveImage(image, { accepts: ['image', 'layout'], within }, config)
  } catch (error) {
    if (isDrayError(error)) return undefined
    throw error
  }
}

function misnamed(image: string, { repository, tag }: PlacementEnd): DrayError {
  return new DrayError('refused', `the plan has another image than ${image}`, {
    subject: tag === undefined ? formatRepository(repository) : formatAt(repository, { tag }),
    hint: 'Create the plan again.',
  })
}
