import { dayMs } from '../../lib/day.ts'
import { localTimes } from '../../lib/zones/local-time.ts'
import type { LogEntry } from '../log/record.ts'
import { bounds, RecentKeys } from './bounds.ts'
import {
  type AnomalyFinding,
  type AnomalyReport,
  type AnomalyRule,
  anomalyRules,
  type RuleState,
} from './finding.ts'
import { actorName } from './names.ts'
import type { BaselineFacts, RuleDetector, AnomalyRuleResult } from './observation.ts'
import { ListedChanges } from './rules/listed-changes.ts'
import { NewActorsInEnvironments, NewNames } from './rules/new-names.ts'
import { Prunes } from './rules/prunes.ts'
import { Refusals } from './rules/refusals.ts'
import { UnusualHours } from './rules/unusual-hours.ts'
import { Volumes } from './rules/volumes.ts'

/** A baseline needs this much, or everything would be new. */
const leastBaseline = { days: 14, runs: 20 } as const

const rules: Readonly<Record<AnomalyRule, () => RuleDetector>> = {
  newActor: () => new NewNames('newActor'),
  newActorInEnvironment: () => new NewActorsInEnvironments(),
  newHost: () => new NewNames('newHost'),
  newWorkflow: () => new NewNames('newWorkflow'),
  unusualHour: () => new UnusualHours(),
  volume: () => new Volumes(),
  downgrade: () => new ListedChanges('downgrade'),
  rollback: () => new ListedChanges('rollback'),
  allowBackward: () => new ListedChanges('allowBackward'),
  moveTag: () => new ListedChanges('moveTag'),
  overriddenGate: () => new ListedChanges('overriddenGate'),
  refusals: () => new Refusals(),
  prune: () => new Prunes(),
}

/** Times in milliseconds since 1970. */
export interface AnomalyOptions {
  /** start of the baseline */
  readonly baseline: number
  /** start of the period that is checked */
  readonly since: number
  /** its end, exclusive; absent: the present */
  readonly until?: number | undefined
  readonly now: number
  /** IANA name */
  readonly timezone: string
  /** Chooses the records that findings are about. The baseline has all records. */
  readonly matches: (entry: LogEntry) => boolean
}

/**
 * Finds unusual changes in a stream of records: pure, in one pass, with bounded memory. Runs may be
 * in any order, as in a merged log; the records of a run are in theirs.
 */
export class AnomalyDetector {
  readonly #options: AnomalyOptions
  readonly #local: ReturnType<typeof localTimes>
  readonly #rules = anomalyRules.map((rule) => ({ rule, detector: rules[rule]() }))
  readonly #runs = new RecentKeys()
  readonly #changes = new RecentKeys()
  readonly #counts = { records: 0, matching: 0, recovered: 0, later: 0 }
  readonly #baseline = { records: 0, runs: 0, first: Infinity }

  /** @throws RangeError for an unknown time zone. */
  constructor(options: AnomalyOptions) {
    this.#options = options
    this.#local = localTimes(options.timezone)
  }

  add(entry: LogEntry): void {
    const { baseline, since, until, now, matches } = this.#options
    const time = Date.parse(entry.time)
    if (!(time >= baseline)) return
    if (time >= (until ?? now)) {
      if (until === undefined) this.#counts.later++
      return
    }
    const isScored = time >= since
    if (entry.phase === 'recovered') {
      if (isScored) this.#counts.recovered++
      return
    }
    const isNewRun = this.#runs.add(entry.run)
    const isShown = isScored && matches(entry)
    this.#count(time, { isScored, isShown, isNewRun })
    const change = JSON.stringify([entry.run, entry.image, entry.environment?.to])
    const observation = {
      entry,
      time,
      local: this.#local(time),
      actor: actorName(entry.actor),
      isScored,
      isShown,
      isNewRun,
      isNewChange: entry.phase !== 'refused' && this.#changes.add(change),
    }
    for (const { detector } of this.#rules) detector.add(observation)
  }

  /** The findings of all records so far, by rule and time. */
  result(): Omit<AnomalyReport, 'log'> {
    const { baseline, since, now, until = now, timezone } = this.#options
    const facts: BaselineFacts = {
      runs: this.#baseline.runs,
      since,
      sinceDay: this.#local(since).day,
      tooShort: this.#tooShort(),
    }
    const results = this.#rules.map(({ rule, detector }) => ({ rule, result: detector.result(facts) }))
    return {
      timezone,
      since: new Date(since).toISOString(),
      until: new Date(until).toISOString(),
      ...this.#counts,
      baseline: {
        since: new Date(baseline).toISOString(),
        records: this.#baseline.records,
        runs: this.#baseline.runs,
        ...(this.#baseline.records > 0 && { first: new Date(this.#baseline.first).toISOString() }),
      },
      findings: results.flatMap(({ result }) => shownOf(result)),
      rules: results.map(({ rule, result }) => stateOf(rule, result)),
    }
  }

  #count(
    time: number,
    is: { readonly isScored: boolean; readonly isShown: boolean; readonly isNewRun: boolean },
  ): void {
    if (is.isScored) {
      this.#counts.records++
      if (is.isShown) this.#counts.matching++
      return
    }
    this.#baseline.records++
    if (is.isNewRun) this.#baseline.runs++
    this.#baseline.first = Math.min(this.#baseline.first, time)
  }

  #tooShort(): string | undefined {
    const { records, runs, first } = this.#baseline
    if (records === 0) return 'the baseline has no records'
    const days = Math.floor((this.#options.since - first) / dayMs)
    if (days < leastBaseline.days)
      return `the baseline has records of ${days === 1 ? '1 day' : `${days} days`}, and ${leastBaseline.days} days are needed`
    if (runs < leastBaseline.runs)
      return `the baseline has ${runs === 1 ? '1 run' : `${runs} runs`}, and ${leastBaseline.runs} are needed`
    return undefined
  }
}

function shownOf({ findings }: AnomalyRuleResult): readonly AnomalyFinding[] {
  return findings
    .toSorted((a, b) => (a.from < b.from ? -1 : Number(a.from > b.from)))
    .slice(0, bounds.findings)
}

function stateOf(
  rule: AnomalyRule,
  { findings, notEnoughData, omissions = [] }: AnomalyRuleResult,
): RuleState {
  const isPartly = omissions.length > 0
  return {
    rule,
    state: notEnoughData !== undefined ? 'notEnoughData' : isPartly ? 'partly' : 'checked',
    reasons: notEnoughData === undefined ? omissions : [notEnoughData, ...omissions],
    findings: Math.min(findings.length, bounds.findings),
    omitted: Math.max(0, findings.length - bounds.findings),
  }
}
