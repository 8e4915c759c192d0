import { parseArgs } from 'node:util'
import { canBeTwice, faultKinds, twice } from '../test/support/faults/fault-kinds.ts'
import {
  type FaultRunResult,
  applies,
  describeKey,
  promoteWithFaults,
  type RequestKey,
} from '../test/support/faults/fault-run.ts'
import { dockerRegistry } from '../test/support/docker-registry.ts'
import { closeSources, realSetUps, type SetUp, setUps, syncSetUps } from '../test/support/faults/set-ups.ts'
import { runOnHostOfProgram } from '../test/support/program-host.ts'

/**
 * The single-fault sweep: records the requests of a promotion, then promotes once for each request
 * and each fault, with that fault at that request. Prints the results, and ends with 1 if a promise
 * was broken.
 *
 *     node scripts/sweep-faults.ts --only "with tokens" --fault "503" --at "GET /token"
 *
 * With `DRAY_PROGRAM`, everything runs on the Bun of that executable.
 */
const { values } = parseArgs({
  options: {
    /** the name of a set-up */
    only: { type: 'string' },
    /** the name of a fault */
    fault: { type: 'string' },
    /** a part of the request's name, as it is printed */
    at: { type: 'string', default: '' },
    /** each fault at two consecutive requests */
    twice: { type: 'boolean', default: false },
    /** prints successes too */
    verbose: { type: 'boolean', default: false },
  },
})

const runLimitMs = 60_000
const kinds = (values.twice ? faultKinds.filter(canBeTwice).map(twice) : faultKinds).filter(
  ({ name }) => values.fault === undefined || name === values.fault,
)
const all = [...setUps, ...syncSetUps, ...(dockerRegistry.available ? realSetUps : [])]
const chosen = all.filter(({ name }) => values.only === undefined || name === values.only)

interface Row {
  runs: number
  survived: number
  cleanErrors: number
  broken: number
}

let isBroken = false

async function sweep(setUp: SetUp): Promise<void> {
  const clean = await promoteWithFaults(setUp, undefined)
  if (clean.verdict !== 'survived')
    throw new Error(`${setUp.name}: ${clean.failure} ${clean.complaints.join('; ')}`)
  const rows = new Map<string, Row>()
  const begin = performance.now()
  let total = 0
  for (const kind of kinds) {
    const row: Row = { runs: 0, survived: 0, cleanErrors: 0, broken: 0 }
    rows.set(kind.name, row)
    for (const key of clean.keys) {
      if (!applies(kind, key, setUp) || !describeKey(key).includes(values.at)) continue
      const account = await limited(setUp, key, kind)
      if (!account.hasOccurred) continue
      row.runs++
      total++
      const isFine =
        account.verdict === 'survived' || (account.verdict === 'clean error' && kind.is !== 'transient')
      if (account.verdict === 'survived') row.survived++
      else if (isFine) row.cleanErrors++
      else row.broken++
      isBroken ||= !isFine
      if (isFine && !values.verbose) continue
      print(`  ${isFine ? 'fine' : 'BROKEN'}: ${account.complaints.join('; ')} ${account.failure}`)
      print(
        `    node scripts/sweep-faults.ts${values.twice ? ' --twice' : ''} --only "${setUp.name}" --fault "${kind.name}" --at "${describeKey(key)}"`,
      )
    }
  }
  const seconds = ((performance.now() - begin) / 1000).toFixed(0)
  print(`${setUp.name}: ${clean.requests} requests, ${total} runs in ${seconds} s`)
  for (const [name, { runs, survived, cleanErrors, broken }] of rows) {
    if (runs === 0) continue
    print(
      `  ${name.padEnd(32)} ${String(runs).padStart(4)} runs: ${survived} survived, ${cleanErrors} clear errors, ${broken} broken`,
    )
  }
}

async function limited(
  setUp: SetUp,
  at: RequestKey,
  kind: (typeof faultKinds)[number],
): Promise<FaultRunResult> {
  let timer: NodeJS.Timeout | undefined
  const hang = new Promise<FaultRunResult>((resolve) => {
    timer = setTimeout(
      () =>
        resolve({
          verdict: 'broken',
          complaints: ['it hangs'],
          failure: '',
          requests: 0,
          keys: [],
          hasOccurred: true,
        }),
      runLimitMs,
    )
  })
  try {
    return await Promise.race([promoteWithFaults(setUp, { at, kind }), hang])
  } finally {
    clearTimeout(timer)
  }
}

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

runOnHostOfProgram(import.meta.filename)
for (const setUp of chosen) await sweep(setUp)
await closeSources()
process.exit(isBroken ? 1 : 0)
