import * as fc from 'fast-check'
import { stringify } from 'yaml'
import { describe, expect, it } from 'vitest'
import { buildRepository } from '../../support/retention/repository-builder.ts'
import { ManifestHistory } from '../../support/retention/manifest-history.ts'
import { retentionOracle, verdictsOf } from '../../support/retention/oracle.ts'
import { simulatePrune } from '../../support/retention/simulation.ts'
import { policies } from '../../support/retention/policies.ts'
import { now, recipes } from '../../support/retention/recipes.ts'
import { type Scenario, scenarios } from '../../support/retention/scenarios.ts'
import { repository, SimulatedRegistry } from '../../support/retention/simulated-registry.ts'
import { snapshotOver } from '../../support/retention/snapshot.ts'
import { watchedRegistry } from '../../support/world.ts'

/**
 * The tests run a sample. `scripts/sweep.ts` runs thousands of scenarios and shrinks a failing one.
 * The seed and the path in a failure's message reproduce its scenario.
 */
const seed = 20_261_125

/** The complaints about the first failing scenario. */
async function complaintsOf(scenario: fc.Arbitrary<Scenario>, numRuns: number): Promise<readonly string[]> {
  const property = fc.asyncProperty(fc.noBias(scenario), async (one) => {
    const { complaints } = await simulatePrune(one)
    if (complaints.length > 0) throw new Error(complaints.join('\n'))
  })
  const found = await fc.check(property, { seed, numRuns, endOnFailure: true })
  return found.failed ? [fc.defaultReportMessage(found) ?? 'it failed'] : []
}

describe('in any repository with any policy', () => {
  it('a prune deletes what the oracle selects and the registry can delete, and nothing else', async () => {
    expect(await complaintsOf(scenarios(30, { isDisturbed: false }), 90)).toEqual([])
  })

  it('a prune does the same in repositories with hundreds of manifests', async () => {
    expect(await complaintsOf(scenarios(250, { isDisturbed: false }), 4)).toEqual([])
  })
})

describe('with any concurrent changes', () => {
  it('a prune deletes nothing that one of its reads showed as needed, and a further prune deletes all that the oracle selects', async () => {
    expect(await complaintsOf(scenarios(30, { isDisturbed: true }), 120)).toEqual([])
  })
})

describe('the oracle', () => {
  it('has the same result from plain HTTP and a policy in YAML as from the storage of the registry', async () => {
    const property = fc.asyncProperty(fc.noBias(recipes(20)), policies, async (recipe, policy) => {
      const registry = new SimulatedRegistry({})
      await registry.load(buildRepository(recipe, true))
      await using running = await watchedRegistry({ storage: registry.storage })
      const seen = await snapshotOver(running.host, repository)
      const known = await new ManifestHistory(registry).now()
      const yaml = stringify({ retention: policy })
      expect(retentionOracle(seen, yaml, now)).toEqual(verdictsOf(known, { policy, now }))
    })
    expect((await fc.check(property, { seed, numRuns: 20 })).failed).toBe(false)
  })
})
