import { join } from 'node:path'
import type { LogEntry } from '../../test/support/docker-registry.ts'
import type { Contestant } from './contestants.ts'
import { type Ended, type Invocation, run } from './process.ts'
import type { Stage } from './stage.ts'

/** One measurement: its entrants and what each of them runs. */
export interface Contest {
  readonly name: string
  readonly title: string
  /** added round-trip times in milliseconds; the caller may name others */
  readonly rtts: readonly number[]
  /** independent of the distance */
  readonly isLocal?: boolean
  /** measures CPU and memory */
  readonly watch?: boolean
  /** multiplies the number of runs; by default 1 */
  readonly timesRuns?: number
  readonly goals: readonly Goal[]
  /** Sets up what must exist before the first run. */
  prepare(stage: Stage, rtts: readonly number[]): Promise<void>
  entrants(): readonly Entrant[]
}

export interface Entrant {
  readonly name: string
  /** `floor`: the minimum for every contestant */
  readonly kind: Contestant['kind'] | 'floor'
  /** The programs of one run, and a check after it. */
  attempt(stage: Stage, rtt: number): Promise<Attempt>
}

export interface Attempt {
  readonly programs: readonly Invocation[]
  /** the number of concurrent programs */
  readonly atOnce?: number
  /** The requests to a registry other than those of the stage, since the last call. */
  takeRequests?(): readonly { readonly method: string }[]
  /** Returns a note about the figures, or undefined if all is well. */
  check?(ended: readonly Ended[]): Promise<string | undefined>
}

/** A goal for dray: an absolute bound, or a multiple of the figure of others. */
export interface Goal {
  readonly of: string
  readonly rtt: number
  readonly what: 'ms' | 'requests' | 'writes' | 'maxRss'
  readonly atMost: number
  readonly times?: 'best peer' | 'best tuned peer' | 'crane' | 'bare node'
  /** added to the multiple */
  readonly plus?: number
}

export interface Row {
  readonly contest: string
  readonly rtt: number
  readonly name: string
  readonly kind: Entrant['kind']
  readonly runs: number
  /** median and minimum */
  readonly ms: number
  readonly leastMs: number
  /** medians */
  readonly requests: number
  readonly writes: number
  readonly cpuSeconds?: number
  readonly maxRss?: number
  readonly notes: readonly string[]
}

interface Sample {
  readonly ms: number
  readonly requests: number
  readonly writes: number
  readonly ended: readonly Ended[]
  readonly note: string | undefined
}

/**
 * Runs a contest at one distance: one warm-up, then all entrants in turn, each round beginning with
 * another one.
 */
export async function hold(
  contest: Contest,
  stage: Stage,
  rtt: number,
  runs: number,
): Promise<readonly Row[]> {
  const entrants = contest.entrants()
  const samples = entrants.map((): Sample[] => [])
  for (let round = 0; round <= runs; round++) {
    for (const [turn] of entrants.entries()) {
      const index = (turn + round) % entrants.length
      const entrant = entrants[index]
      if (entrant === undefined) continue
      const sample = await measure(await entrant.attempt(stage, rtt), stage, contest.watch ?? false)
      if (round > 0) samples[index]?.push(sample)
    }
  }
  return entrants.map((entrant, index) => rowOf(contest, entrant, rtt, samples[index] ?? []))
}

async function measure(attempt: Attempt, stage: Stage, watch: boolean): Promise<Sample> {
  await drain(stage)
  attempt.takeRequests?.()
  const began = performance.now()
  const ended = await runAll(attempt, stage, watch)
  // A single program is timed without the work of this process.
  const ms = ended.length === 1 ? (ended[0]?.ms ?? 0) : performance.now() - began
  const log = [...(await drain(stage)), ...(attempt.takeRequests?.() ?? [])]
  const failed = ended.find((one) => one.code !== 0)
  const note = failed === undefined ? await attempt.check?.(ended) : `failed: ${failed.output.split('\n')[0]}`
  await drain(stage)
  return {
    ms,
    ended,
    note,
    requests: log.length,
    writes: log.filter(({ method }) => method !== 'GET' && method !== 'HEAD').length,
  }
}

async function runAll(
  { programs, atOnce = 1 }: Attempt,
  stage: Stage,
  watch: boolean,
): Promise<readonly Ended[]> {
  const ended: Ended[] = []
  const waiting = [...programs]
  const lane = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const env = { ...stage.env, XDG_DATA_HOME: join(stage.folder, stage.newName()), ...next.env }
      ended.push(await run({ cwd: stage.folder, ...next, env }, watch))
    }
  }
  await Promise.all(Array.from({ length: atOnce }, lane))
  return ended
}

async function drain(stage: Stage): Promise<readonly LogEntry[]> {
  return [...(await stage.source.requests()), ...(await stage.target.requests())]
}

function rowOf(contest: Contest, entrant: Entrant, rtt: number, samples: readonly Sample[]): Row {
  const usages = samples.flatMap(({ ended }) => ended.flatMap((one) => one.usage ?? []))
  const notes = new Set(samples.flatMap(({ note }) => note ?? []))
  return {
    contest: contest.name,
    rtt,
    name: entrant.name,
    kind: entrant.kind,
    runs: samples.length,
    ms: median(samples.map(({ ms }) => ms)),
    leastMs: Math.min(...samples.map(({ ms }) => ms)),
    requests: median(samples.map(({ requests }) => requests)),
    writes: median(samples.map(({ writes }) => writes)),
    ...(usages.length > 0 && {
      cpuSeconds: median(usages.map(({ cpuSeconds }) => cpuSeconds)),
      maxRss: median(usages.map(({ maxRss }) => maxRss)),
    }),
    notes: [...notes],
  }
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = (sorted.length - 1) / 2
  return ((sorted[Math.floor(middle)] ?? Number.NaN) + (sorted[Math.ceil(middle)] ?? Number.NaN)) / 2
}
