import type { GateResult } from '../../plan/gates/gate-result.ts'
import type { Placement, PlacementId, Plan, Refusal, Step } from '../../plan/plan.ts'
import type { RecordFields } from './record-writer.ts'

/** The fields of the audit records about the images of a plan. */
export class ImageFields {
  readonly #placements: ReadonlyMap<PlacementId, Placement>
  readonly #tagged: ReadonlySet<PlacementId>

  constructor({ placements, steps }: Plan) {
    this.#placements = new Map(placements.map((placement) => [placement.id, placement]))
    this.#tagged = new Set(steps.flatMap(({ kind, placement }) => (kind === 'tag' ? [placement] : [])))
  }

  /** Whether the plan writes a tag of this placement. */
  hasTag(placement: PlacementId): boolean {
    return this.#tagged.has(placement)
  }

  /**
   * The fields of a step. The step that makes the image visible has the results of its gates: each
   * tag, or the copy of an image that gets no tag. Its intent has them too, so that they are on
   * record before anything is visible, also if the run is killed then.
   * @param refused the results by which the gates refused the image during the execution
   */
  ofStep(step: Step, refused?: readonly GateResult[]): RecordFields {
    const placement = this.#placements.get(step.placement)
    const isVisible = step.kind === 'tag' || (step.kind === 'copy' && !this.hasTag(step.placement))
    const gates = isVisible ? (refused ?? placement?.gates) : undefined
    return {
      step,
      ...(placement !== undefined && { image: placement.image }),
      ...environmentOf(placement),
      ...originOf(placement),
      ...(gates !== undefined && { gates }),
      ...sparseOf(step, placement),
    }
  }

  ofRefusal({ image, placement: id, error }: Refusal): RecordFields {
    const placements = [...this.#placements.values()]
    const placement = placements.find((one) => (id === undefined ? one.image === image : one.id === id))
    const gates = placement?.gates
    return {
      image,
      ...environmentOf(placement),
      ...originOf(placement),
      error,
      ...(gates !== undefined && { gates }),
    }
  }
}

/** The platforms of a sparse index, in the records of its copy and of its tags. */
function sparseOf({ kind }: Step, placement: Placement | undefined): Partial<Pick<RecordFields, 'sparse'>> {
  const platforms = placement?.platforms
  return platforms !== undefined && (kind === 'copy' || kind === 'tag') ? { sparse: { platforms } } : {}
}

/** The rule or the bundle that an image comes from. */
function originOf({ rule, bundle }: Partial<Placement> = {}): Pick<RecordFields, 'rule' | 'bundle'> {
  return { ...(rule !== undefined && { rule }), ...(bundle !== undefined && { bundle }) }
}

/** The environments that an image is promoted between. */
function environmentOf(placement: Placement | undefined): Pick<RecordFields, 'environment'> {
  const { environment: from } = placement?.from ?? {}
  const { environment: to } = placement?.to ?? {}
  if (from === undefined && to === undefined) return {}
  return { environment: { ...(from !== undefined && { from }), ...(to !== undefined && { to }) } }
}
