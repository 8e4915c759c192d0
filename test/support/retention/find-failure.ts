import * as fc from 'fast-check'
import { describeScenario } from './describe-scenario.ts'
import type { Scenario } from './scenarios.ts'
import { shrinkScenario } from './shrink-scenario.ts'
import { simulatePrune } from './simulation.ts'
import type { SimulationResult } from './simulation-result.ts'

export interface FindOptions {
  readonly seed: number
  readonly numRuns: number
  /** called with the result of each scenario */
  readonly onResult?: (result: SimulationResult) => void
}

/**
 * Runs random scenarios. Returns the first one that breaks a promise, as small as possible and as
 * text, with the seed; undefined if all hold.
 */
export async function findFailure(
  random: fc.Arbitrary<Scenario>,
  { seed, numRuns, onResult }: FindOptions,
): Promise<string | undefined> {
  const property = fc.asyncProperty(fc.noBias(random), async (scenario) => {
    const result = await simulatePrune(scenario)
    onResult?.(result)
    return result.complaints.length === 0
  })
  const found = await fc.check(property, { seed, numRuns, endOnFailure: true })
  const [scenario] = found.counterexample ?? []
  if (scenario === undefined) return undefined
  const kinds = new Set((await complaintsAbout(scenario)).map(kindOf))
  const smallest = await shrinkScenario(scenario, async (smaller) =>
    (await complaintsAbout(smaller)).some((one) => kinds.has(kindOf(one))),
  )
  const complaints = await complaintsAbout(smallest)
  return [
    `seed ${seed}, path ${found.counterexamplePath ?? ''}`,
    await describeScenario(smallest),
    ...complaints.map((one) => `BROKEN: ${one}`),
    JSON.stringify(smallest),
  ].join('\n')
}

/** The broken promises, or the error that the scenario throws. */
async function complaintsAbout(scenario: Scenario): Promise<readonly string[]> {
  try {
    return (await simulatePrune(scenario)).complaints
  } catch (error) {
    return [`it throws: ${error instanceof Error ? error.message : String(error)}`]
  }
}

/** A complaint without the names and digests that it is about. */
function kindOf(complaint: string): string {
  return complaint
    .replace(/[0-9a-f]{8,}/g, '')
    .replace(/\(.*\)/, '')
    .replace(/ tag \S+|plan: \S+|^\S+ remains/, '')
}
