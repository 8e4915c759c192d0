import { type Address, parseAddress } from '../../config/addresses.ts'
import type { Config } from '../../config/config.ts'
import { environmentAt, repositoriesOf, sourceEnvironmentAt } from '../../config/environments.ts'
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
    if (![from.environment, undefined].some((one) => isNamed(image, one, from, root.digest, checked)))
      throw misnamed(image, from)
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

/** Whether the name of an image, as the plan shows it, is a name of what the plan takes. */
function isNamed(
  image: string,
  environment: string | undefined,
  from: Place,
  root: Digest,
  { config }: CheckedConfig,
): boolean {
  const address = parsed(image, environment)
  if (address === undefined || address.kind === 'environment') return false
  // a folder is named as the person called it, from a folder that is unknown here
  if (address.kind === 'layout') return from.repository.registry === layoutRegistry
  const { tag, digest } = address.kind === 'image' ? address : address.reference
  if (digest !== undefined ? digest !== root : tag !== undefined && tag !== from.tag) return false
  return address.kind === 'image'
    ? environmentsHave(config, address, from)
    : sameRepository(address.reference, from.repository)
}

function environmentsHave(
  config: Config,
  { environment, image }: { readonly environment: string; readonly image: string },
  { repository }: Place,
): boolean {
  return (
    config.environments.has(environment) &&
    repositoriesOf(config, environment, image).some((one) => sameRepository(one, repository))
  )
}

function parsed(image: string, environment: string | undefined): Address | undefined {
  try {
    return parseAddress(image, environment)
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
