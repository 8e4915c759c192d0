import { parseArgs } from 'node:util'
import { findFailure } from '../test/support/retention/find-failure.ts'
import { scenarios } from '../test/support/retention/scenarios.ts'
import type { SimulationResult } from '../test/support/retention/simulation-result.ts'

/**
 * Runs thousands of random prunes against the oracle of retention, and as many with concurrent
 * changes, and prints the totals. Ends at the first scenario that breaks a promise, and prints it
 * in its smallest form.
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

const figures = [
  'requests',
  'deletes',
  'untags',
  'locked',
  'unseenLosses',
  'conflicts',
  'isKilled',
  'isRefused',
  'isInvalid',
] as const

async function sweep(kind: string, isDisturbed: boolean): Promise<boolean> {
  const sums = new Map<string, number>()
  const begin = performance.now()
  let done = 0
  const failure = await findFailure(scenarios(pieces, { isDisturbed }), {
    seed,
    numRuns: runs,
    onResult: (result) => {
      done += 1
      add(sums, result)
    },
  })
  const seconds = ((performance.now() - begin) / 1000).toFixed(1)
  const totals = [...sums].map(([name, sum]) => `${sum} ${name}`).join(', ')
  process.stdout.write(`${kind}: ${done} scenarios in ${seconds} s, seed ${seed}: ${totals}\n`)
  if (failure !== undefined) process.stdout.write(`${failure}\n`)
  return failure === undefined
}

function add(sums: Map<string, number>, result: SimulationResult): void {
  for (const name of figures) sums.set(name, (sums.get(name) ?? 0) + Number(result[name]))
}

const undisturbed = await sweep('undisturbed', false)
const disturbed = await sweep('disturbed', true)
process.exitCode = undisturbed && disturbed ? 0 : 1
