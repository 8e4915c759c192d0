/**
 * Compares dray with similar programs: `npm run bench -- [--only CONTEST,...] [--rtt 0,20,80]
 * [--runs N] [--large] [--against FOLDER] [--json]`. `--large`: a blob of 1 GiB instead of 256 MiB.
 * `--against`: also measures the dray that is built in that folder. `--only growth` measures how
 * the cost of commands grows, and exits with 1 if it is not linear; `--only signatures` measures
 * the verification of signatures, and exits with 1 if it is too slow. docs/performance.md explains
 * the measurements.
 */
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { batch, largeBlob } from './bench/bulk.ts'
import { type Contest, hold, type Row } from './bench/contest.ts'
import { missingPeers } from './bench/contestants.ts'
import { nothingToDo, platforms, promotion } from './bench/copies.ts'
import { deletes } from './bench/deletes.ts'
import { isLinear, measureGrowth } from './bench/growth.ts'
import { markdownTable } from './bench/markdown-table.ts'
import { judge, renderContest, type Verdict } from './bench/report.ts'
import { isFast, measureSignatures } from './bench/signatures.ts'
import { openStage, type Stage } from './bench/stage.ts'
import { dating, pruning } from './bench/retention.ts'
import { startUp } from './bench/start-up.ts'
import { incrementalBundle, syncCold, syncNothing } from './bench/syncs.ts'
import { fourTags } from './bench/tags.ts'
import { dockerRegistry } from '../test/support/docker-registry.ts'

const defaultRuns = 3
/** Measure dray alone. */
const growth = 'growth'
const signatures = 'signatures'
const smallBlob = 256 * 1024 * 1024
const largestBlob = 1024 * 1024 * 1024

const { values: flags } = parseArgs({
  options: {
    only: { type: 'string' },
    rtt: { type: 'string' },
    runs: { type: 'string' },
    large: { type: 'boolean', default: false },
    against: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
})

interface Choice {
  readonly contests: readonly Contest[]
  readonly withGrowth: boolean
  readonly withSignatures: boolean
}

function choose(): Choice {
  const { against } = flags
  const all = [
    startUp(against),
    promotion(against),
    nothingToDo(against),
    platforms(against),
    fourTags(against),
    batch(against),
    largeBlob(against, flags.large ? largestBlob : smallBlob),
    deletes(against),
    dating(against),
    pruning(against),
    syncNothing(against),
    syncCold(against),
    incrementalBundle(against),
  ]
  const names = [...all.map(({ name }) => name), growth, signatures]
  const wanted = flags.only?.split(',') ?? names
  const unknown = wanted.filter((name) => !names.includes(name))
  if (unknown.length > 0) throw new Error(`no contest ${unknown.join(', ')}: there are ${names.join(', ')}`)
  return {
    contests: all.filter(({ name }) => wanted.includes(name)),
    withGrowth: wanted.includes(growth),
    withSignatures: wanted.includes(signatures),
  }
}

function numbersOf(flag: 'rtt' | 'runs', least: number): readonly number[] | undefined {
  const numbers = flags[flag]?.split(',').map(Number)
  if (numbers?.some((number) => !Number.isInteger(number) || number < least) === true)
    throw new Error(`--${flag} takes whole numbers from ${least}`)
  return numbers
}

async function holdAll(
  contest: Contest,
  stage: Stage,
): Promise<{ rows: readonly Row[]; verdicts: readonly Verdict[] }> {
  const runs = Math.ceil((numbersOf('runs', 1)?.[0] ?? defaultRuns) * (contest.timesRuns ?? 1))
  const rtts = contest.isLocal === true ? contest.rtts : (numbersOf('rtt', 0) ?? contest.rtts)
  await contest.prepare(stage, rtts)
  const rows: Row[] = []
  for (const rtt of rtts) rows.push(...(await hold(contest, stage, rtt, runs)))
  return { rows, verdicts: judge(contest, rows) }
}

async function main(): Promise<void> {
  const { contests, withGrowth, withSignatures } = choose()
  const machine = `${cpus().length} cores, ${cpus()[0]?.model ?? 'unknown'}, Node ${process.versions.node}`
  const missing = missingPeers()
  const say = (text: string): void => void (flags.json ? undefined : process.stdout.write(`${text}\n`))
  say(machine)
  if (contests.length > 0 && missing.length > 0)
    say(`not on the PATH, so not measured: ${missing.join(', ')}`)
  say('')
  const { rows, verdicts } = await compare(contests, say)
  if (rows.length > 0) say(markdownTable(rows))
  const exponents = withGrowth ? await measureGrowth(numbersOf('runs', 1)?.[0], say) : []
  const verifications = withSignatures ? await measureSignatures(say) : []
  if (flags.json)
    process.stdout.write(
      `${JSON.stringify({ machine, missing, rows, verdicts, growth: exponents, signatures: verifications }, null, 2)}\n`,
    )
  if (!isLinear(exponents) || !isFast(verifications)) process.exitCode = 1
}

async function compare(
  contests: readonly Contest[],
  say: (text: string) => void,
): Promise<{ rows: readonly Row[]; verdicts: readonly Verdict[] }> {
  if (contests.length === 0) return { rows: [], verdicts: [] }
  if (!dockerRegistry.available)
    throw new Error('docker-registry is not on the PATH: there is nothing to copy from')
  await using stage = await openStage()
  const rows: Row[] = []
  const verdicts: Verdict[] = []
  for (const contest of contests) {
    const held = await holdAll(contest, stage)
    rows.push(...held.rows)
    verdicts.push(...held.verdicts)
    say(renderContest(contest, held.rows, held.verdicts))
  }
  return { rows, verdicts }
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
await main()
