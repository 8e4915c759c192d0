import type { Config } from '../../config/config.ts'
import { environmentAt, sourceEnvironmentAt } from '../../config/environments.ts'
import { resolveImage, type ResolvedImage, type Within } from '../../config/resolver/resolve.ts'
import { DrayError, isDrayError } from '../../lib/errors.ts'
import type { Digest } from '../../oci/digest.ts'
import { formatAt, formatRepository, layoutRegistry, sameRepository } from '../../oci/reference.ts'
import type { PlacementEnd as Place, Plan } from '../../plan/plan.ts'

/** The configuration that a saved plan is checked against. */
export interface CheckedConfig {
  readonly config: Config
  /** undefined: no `dray.yaml` was found */
  readonly file: string | undefined
}

/**
 * Checks that a saved plan names its images, and the environments that its repositories are in by
 * `dray.yaml` now. What a person was shown, what the audit log says and whose rules hold is then the same.
 * @throws `refused`.
 */
export function checkPlaces(plan: Plan, checked: CheckedConfig): void {
  const isElsewhere = plan.operation === 'promote' || plan.operation === 'copy'
  for (const { image, from, to, root } of plan.placements) {
    checkPlace(from, image, checked, isElsewhere ? sourceEnvironmentAt : environmentAt)
    if (!isNamed(image, from, root.digest, checked.config)) throw misnamed(image, from)
    // `dray copy` to a reference names no environment, though the rules of one hold
    if (to.environment !== undefined || plan.operation !== 'copy')
      checkPlace(to, image, checked, environmentAt)
  }
}

/** @throws `refused`. */
function checkPlace(
  place: Place,
  image: string,
  { config, file }: CheckedConfig,
  environmentOf: typeof environmentAt,
): void {
  const { environment: named, repository } = place
  const is = environmentOf(config, repository, named)
  if (is === named) return
  const where = formatRepository(repository)
  if (named === undefined) {
    throw new DrayError('refused', `the plan does not say that ${image} is in ${is}`, {
      subject: where,
      why: `${file ?? 'dray.yaml'} has it in ${is}`,
      hint: 'Make the plan again with this dray.yaml.',
    })
  }
  throw new DrayError('refused', `the plan says that ${image} is in ${named}, and it is not`, {
    subject: where,
    why:
      file === undefined
        ? 'no dray.yaml was found'
        : `${file} has it in ${is === undefined ? 'no environment' : is}`,
    hint: 'Name the dray.yaml that the plan was made with: --config FILE. If it has changed, make the plan again.',
  })
}

/** Whether the name of an image, as the plan shows it, is a name of the source in the plan. */
function isNamed(
  image: string,
  { environment, repository, tag }: Place,
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

function misnamed(image: string, { repository, tag }: Place): DrayError {
  return new DrayError('refused', `the plan takes another image than ${image}`, {
    subject: tag === undefined ? formatRepository(repository) : formatAt(repository, { tag }),
    hint: 'Make the plan again.',
  })
}
