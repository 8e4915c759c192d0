import type { Config } from '../config/config.ts'
import { environmentAt } from '../config/environments.ts'
import { DrayError } from '../errors.ts'
import { formatRepository } from '../oci/reference.ts'
import type { Place, Plan } from '../plan/plan.ts'

/** The configuration that a saved plan is checked against. */
export interface CheckedConfig {
  readonly config: Config
  /** undefined: no `dray.yaml` was found */
  readonly file: string | undefined
}

/**
 * Checks that a saved plan names the environments that its repositories are in by `dray.yaml` now.
 * What a person was shown, what the audit log says and whose rules hold is then the same.
 * @throws `refused`.
 */
export function checkPlaces(plan: Plan, checked: CheckedConfig): void {
  for (const { image, from, to } of plan.placements) {
    checkPlace(from, image, checked)
    // `dray copy` to a reference names no environment, though the rules of one hold
    if (to.environment !== undefined || plan.operation !== 'copy') checkPlace(to, image, checked)
  }
}

/** @throws `refused`. */
function checkPlace(place: Place, image: string, { config, file }: CheckedConfig): void {
  const { environment: named, repository } = place
  const is = environmentAt(config, repository, named)
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
