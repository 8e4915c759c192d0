import { BoundedMap, bounds, cutName, omission } from '../bounds.ts'
import type { RefusalsFinding } from '../finding.ts'
import type { Observation, RuleDetector, AnomalyRuleResult } from '../observation.ts'
import { RecordLinks } from '../record-links.ts'

/** Fewer refused runs in a row are a part of daily work. */
const leastRuns = 3

interface CheckedRun {
  readonly time: number
  isRefused: boolean
  isDone: boolean
  readonly links: RecordLinks
  error: RefusalsFinding['error']
}

/** Runs of one actor in a row of which everything was refused. */
export class Refusals implements RuleDetector {
  #ignored = 0
  #runs = 0
  readonly #actors = new BoundedMap<string, Map<string, CheckedRun>>(bounds.names, () => new Map())

  add(one: Observation): void {
    if (!one.isShown) return
    const run = this.#runOf(one)
    if (run === undefined) return
    const { phase, error } = one.entry
    if (phase !== 'refused') {
      run.isDone = true
      return
    }
    run.isRefused = true
    run.links.add(one)
    if (error !== undefined) run.error ??= { code: error.code, message: cutName(error.message) }
  }

  result(): AnomalyRuleResult {
    const findings = [...this.#actors.entries()].flatMap(([actor, runs]) =>
      rowsOf(runs).flatMap((row) => findingOf(actor, row)),
    )
    const { omissions = [] } = omission(this.#actors.ignored + this.#ignored, 'runs')
    return { findings, omissions }
  }

  #runOf(one: Observation): CheckedRun | undefined {
    const runs = this.#actors.at(one.actor)
    const id = cutName(one.entry.run)
    const known = runs?.get(id)
    if (runs === undefined || known !== undefined) return known
    if (runs.size >= bounds.runsOfActor || this.#runs >= bounds.runs) {
      this.#ignored++
      return undefined
    }
    this.#runs++
    const made = {
      time: one.time,
      isRefused: false,
      isDone: false,
      links: new RecordLinks(),
      error: undefined,
    }
    runs.set(id, made)
    return made
  }
}

/** The rows of refused runs, in the order of time. */
function rowsOf(runs: ReadonlyMap<string, CheckedRun>): readonly (readonly CheckedRun[])[] {
  const rows: CheckedRun[][] = []
  let row: CheckedRun[] = []
  for (const run of [...runs.values()].toSorted((a, b) => a.time - b.time)) {
    if (run.isRefused && !run.isDone) {
      row.push(run)
      continue
    }
    rows.push(row)
    row = []
  }
  return [...rows, row]
}

function findingOf(actor: string, row: readonly CheckedRun[]): readonly RefusalsFinding[] {
  if (row.length < leastRuns) return []
  const error = row.at(-1)?.error
  const links = RecordLinks.of(row.map((run) => run.links))
  return [
    {
      rule: 'refusals',
      actor,
      runs: row.length,
      ...(error !== undefined && { error }),
      ...links.fields({ by: ['actor', 'refused'] }),
    },
  ]
}
