import * as fc from 'fast-check'
import { stringify } from 'yaml'
import { describe, expect, it } from 'vitest'
import { buildRepository } from '../../support/retention/repository-builder.ts'
import { ManifestHistory } from '../../support/retention/manifest-history.ts'
import { verdictsOf } from '../../support/retention/oracle.ts'
import { findFailure } from '../../support/retention/find-failure.ts'
import { readPolicy } from '../../support/retention/policy-data.ts'
import { now } from '../../support/retention/recipes.ts'
import { scenarios } from '../../support/retention/scenarios.ts'
import { repository, SimulatedRegistry } from '../../support/retention/simulated-registry.ts'
import { snapshotOver } from '../../support/retention/snapshot.ts'
import { watchedRegistry } from '../../support/world.ts'

/**
 * The tests run a sample. `scripts/sweep.ts` runs thousands of scenarios. A failing scenario is
 * printed in its smallest form, with its seed.
 */
const seed = 20_261_125

describe('in any repository with any policy', () => {
  it('a prune deletes what the oracle selects and the registry can delete, and nothing else', async () => {
    expect(await findFailure(scenarios(30, { isDisturbed: false }), { seed, numRuns: 90 })).toBeUndefined()
  })

  it('a prune does the same in repositories with hundreds of manifests', async () => {
    expect(await findFailure(scenarios(250, { isDisturbed: false }), { seed, numRuns: 4 })).toBeUndefined()
  })
})

describe('with any concurrent changes', () => {
  it('a prune deletes nothing that one of its reads showed as needed, and a further prune deletes all that the oracle selects', async () => {
    expect(await findFailure(scenarios(30, { isDisturbed: true }), { seed, numRuns: 120 })).toBeUndefined()
  })
})

describe('the oracle', () => {
  it('has the same result from plain HTTP and a policy in YAML as from the storage of the registry', async () => {
    const property = fc.asyncProperty(fc.noBias(scenarios(20, { isDisturbed: false })), async (scenario) => {
      const { recipe, policy, reading } = scenario
      const registry = new SimulatedRegistry({})
      await registry.load(buildRepository(recipe, true))
      await using running = await watchedRegistry({ storage: registry.storage })
      const known = await new ManifestHistory(registry).now()
      const seen = await snapshotOver(running.host, repository, [...known.manifests.keys()])
      const others = { reading, now, inUse: [], moves: [], firstSeen: new Map() }
      const fromYaml = readPolicy(stringify({ retention: policy }))
      expect(verdictsOf(seen, { policy: fromYaml, ...others })).toEqual(
        verdictsOf(known, { policy, ...others }),
      )
    })
    expect((await fc.check(property, { seed, numRuns: 20 })).failed).toBe(false)
  })
})
