/** The result of a scenario. */
export interface SimulationResult {
  /** broken promises */
  readonly complaints: readonly string[]
  /** every request and every concurrent change, in order */
  readonly events: readonly string[]
  readonly requests: number
  /** manifests that were deleted */
  readonly deletes: number
  /** tags that were deleted alone */
  readonly untags: number
  /** deletes that the registry refused because the content is locked */
  readonly locked: number
  /** needed manifests that were deleted before a response showed that they were needed */
  readonly unseenLosses: number
  readonly conflicts: number
  readonly isKilled: boolean
  readonly isRefused: boolean
  /** dray refuses the policy, because a rule or protection has no effect */
  readonly isInvalid: boolean
}

/** The result if dray refuses the policy. */
export const refusedPolicy: SimulationResult = {
  complaints: [],
  events: [],
  requests: 0,
  deletes: 0,
  untags: 0,
  locked: 0,
  unseenLosses: 0,
  conflicts: 0,
  isKilled: false,
  isRefused: false,
  isInvalid: true,
}

export function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0)
}
