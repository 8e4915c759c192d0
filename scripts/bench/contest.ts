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
  /** measures the memory of programs that run alone */
  readonly measuresMemory?: boolean
  /** multiplies the number of runs; by default 1 */
  readonly timesRuns?: number
  readonly goals: readonly Goal[]
  /** Sets up what must exist before the first run. */
  prepare(stage: Stage, rtts: readonly number[]): Promise<void>
  entrants(): readonly Entrant[]
}

export interface Entrant {
  readonly name: string
  readonly kind: Contestant['kind']
  /** what it does, if the entrants of the contest do several things */
  readonly variant?: string
  /** The programs of one run, and a check after it. */
  attempt(stage: Stage, rtt: number): Promise<Attempt>
}

export interface Attempt {
  /** one after the other */
  readonly programs: readonly Invocation[]
  /** The requests to a registry other than those of the stage, since the last call. */
  takeRequests?(): readonly { readonly method: string }[]
  /** Returns a note about the figures, or undefined if all is well. */
  check?(ended: readonly Ended[]): Promise<string | undefined>
}

export type Figure = 'ms' | 'cpuMs' | 'requests' | 'writes' | 'maxRss'

/** A goal for dray: an absolute bound, or a multiple of the figure of others. */
export interface Goal {
  readonly of: string
  readonly variant?: string
  readonly rtt: number
  readonly what: Figure
  readonly atMost: number
  /** a group of entrants, of which the best counts, or the name of an entrant */
  readonly times?: string
  /** added to the multiple */
  readonly plus?: number
  /** subtracts the figure of this variant of the same entrant */
  readonly without?: string
}

export interface Row extends Pick<Entrant, 'name' | 'kind' | 'variant'> {
  readonly contest: string
  readonly rtt: number
  readonly runs: number
  /** median and minimum */
  readonly ms: number
  readonly leastMs: number
  /** medians */
  readonly cpuMs: number
  readonly requests: number
  readonly writes: number
  readonly maxRss?: number
  readonly notes: readonly string[]
}

interface Sample extends Pick<Row, 'ms' | 'cpuMs' | 'requests' | 'writes'> {
  readonly maxRss: number | undefined
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
      const sample = await measure(await entrant.attempt(stage, rtt), stage, contest.measuresMemory ?? false)
      if (round > 0) samples[index]?.push(sample)
    }
  }
  return entrants.map((entrant, index) => rowOf(contest, entrant, rtt, samples[index] ?? []))
}

async function measure(attempt: Attempt, stage: Stage, measuresMemory: boolean): Promise<Sample> {
  await drain(stage)
  attempt.takeRequests?.()
  const ended: Ended[] = []
  for (const program of attempt.programs) {
    const env = { ...stage.env, XDG_DATA_HOME: join(stage.folder, stage.newName()), ...program.env }
    ended.push(await run({ cwd: stage.folder, ...program, env }, measuresMemory))
  }
  const log = [...(await drain(stage)), ...(attempt.takeRequests?.() ?? [])]
  const failed = ended.find((one) => one.code !== 0)
  const note = failed === undefined ? await attempt.check?.(ended) : `failed: ${failed.output.split('\n')[0]}`
  await drain(stage)
  const sum = (of: (one: Ended) => number): number => ended.reduce((total, one) => total + of(one), 0)
  const peaks = ended.flatMap(({ maxRss }) => maxRss ?? [])
  return {
    ms: sum(({ ms }) => ms),
    cpuMs: sum(({ cpuMs }) => cpuMs),
    maxRss: peaks.length === 0 ? undefined : Math.max(...peaks),
    note,
    requests: log.length,
    writes: log.filter(({ method }) => method !== 'GET' && method !== 'HEAD').length,
  }
}

async function drain(stage: Stage): Promise<readonly LogEntry[]> {
  return [...(await stage.source.requests()), ...(await stage.target.requests())]
}

function rowOf(contest: Contest, entrant: Entrant, rtt: number, samples: readonly Sample[]): Row {
  const medianOf = (of: 'ms' | 'cpuMs' | 'requests' | 'writes'): number =>
    median(samples.map((sample) => sample[of]))
  const peaks = samples.flatMap(({ maxRss }) => maxRss ?? [])
  const notes = new Set(samples.flatMap(({ note }) => note ?? []))
  return {
    contest: contest.name,
    rtt,
    name: entrant.name,
    kind: entrant.kind,
    ...(entrant.variant !== undefined && { variant: entrant.variant }),
    runs: samples.length,
    ms: medianOf('ms'),
    leastMs: Math.min(...samples.map(({ ms }) => ms)),
    cpuMs: medianOf('cpuMs'),
    requests: medianOf('requests'),
    writes: medianOf('writes'),
    ...(peaks.length > 0 && { maxRss: median(peaks) }),
    notes: [...notes],
  }
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = (sorted.length - 1) / 2
  return ((sorted[Math.floor(middle)] ?? Number.NaN) + (sorted[Math.ceil(middle)] ?? Number.NaN)) / 2
}
