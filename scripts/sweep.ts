import { parseArgs } from 'node:util'
import * as fc from 'fast-check'
import { type SimulationResult, simulatePrune } from '../test/support/retention/simulation.ts'
import { type Scenario, scenarios } from '../test/support/retention/scenarios.ts'

/**
 * Runs thousands of random prunes against the oracle of retention, half of them with concurrent
 * changes, and prints the totals. Ends at the first scenario that breaks a promise, and prints it
 * shrunk, with its events.
 *
 *     node scripts/sweep.ts --runs 5000 --seed 7 --pieces 40
 */
const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '2000' },
    seed: { type: 'string', default: `${Date.now() % 2 ** 31}` },
    /** the most artifacts of a repository */
    pieces: { type: 'string', default: '30' },
  },
})
const [runs, seed, pieces] = [Number(values.runs), Number(values.seed), Number(values.pieces)]

const figures = ['requests', 'deletes', 'unseenLosses', 'conflicts', 'isKilled', 'isRefused'] as const

async function sweep(kind: string, isDisturbed: boolean): Promise<boolean> {
  const sums = new Map<string, number>()
  const begin = performance.now()
  const property = fc.asyncProperty(fc.noBias(scenarios(pieces, { isDisturbed })), async (scenario) => {
    const account = await simulatePrune(scenario)
    add(sums, account)
    if (account.complaints.length > 0) throw new Error(account.complaints.join('\n'))
  })
  const found = await fc.check(property, { seed, numRuns: runs })
  const seconds = ((performance.now() - begin) / 1000).toFixed(1)
  const totals = [...sums].map(([name, sum]) => `${sum} ${name}`).join(', ')
  process.stdout.write(`${kind}: ${found.numRuns} scenarios in ${seconds} s, seed ${seed}: ${totals}\n`)
  const [scenario] = found.counterexample ?? []
  if (scenario === undefined) return true
  process.stdout.write(`${JSON.stringify(scenario)}\n${await describeScenario(scenario)}\n`)
  return false
}

function add(sums: Map<string, number>, account: SimulationResult): void {
  for (const name of figures) sums.set(name, (sums.get(name) ?? 0) + Number(account[name]))
}

async function describeScenario(scenario: Scenario): Promise<string> {
  const { events, complaints } = await simulatePrune(scenario)
  return [...events, ...complaints.map((one) => `BROKEN: ${one}`)].join('\n')
}

const undisturbed = await sweep('undisturbed', false)
const disturbed = await sweep('disturbed', true)
process.exitCode = undisturbed && disturbed ? 0 : 1
