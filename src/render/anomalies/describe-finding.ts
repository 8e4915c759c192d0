import type {
  AnomalyFinding,
  AnomalyReport,
  AnomalyRule,
  ChangeFinding,
  FindingRecords,
} from '../../audit/anomalies/finding.ts'
import { formatCount } from '../text/format.ts'

/** The rules in words, as the heads of findings. */
export const ruleTitles: Readonly<Record<AnomalyRule, string>> = {
  newActor: 'New actor',
  newActorInEnvironment: 'New actor in an environment',
  newHost: 'New host',
  newWorkflow: 'New CI workflow',
  unusualHour: 'Unusual hour',
  volume: 'Unusual volume',
  downgrade: 'Downgrade',
  rollback: 'Rollback',
  allowBackward: '--allow-backward',
  moveTag: '--move-tag',
  overriddenGate: 'Overridden gate',
  refusals: 'Refusals in a row',
  prune: 'Large prune',
}

/** A finding in words. The texts are not escaped. */
export interface DescribedFinding {
  /** the actor, host or change */
  readonly subject: string
  /** what is unusual, and against which numbers; whole sentences */
  readonly detail: string
}

/** Describes a finding. @param timezone of the hours */
export function describeFinding(finding: AnomalyFinding, timezone: string): DescribedFinding {
  switch (finding.rule) {
    case 'newActor':
    case 'newHost':
    case 'newWorkflow': {
      const { name, actor, runs, baselineRuns } = finding
      const by = actor === undefined || actor === name ? '' : ` by ${actor}`
      const detail = `${formatCount(runs, 'run')}${by}. The baseline has ${formatCount(baselineRuns, 'run')}, none of them with this name.`
      return { subject: name, detail }
    }
    case 'newActorInEnvironment': {
      const { name, environment = '', runs } = finding
      return {
        subject: `${name}, ${environment}`,
        detail: `${formatCount(runs, 'run')}. The baseline has runs by ${name}, none of them to ${environment}.`,
      }
    }
    case 'unusualHour': {
      const { actor, date, hour, runs, nearby, baselineRuns } = finding
      return {
        subject: `${actor}, ${date} ${twoDigits(hour)}:00`,
        detail: `${formatCount(runs, 'run')} between ${twoDigits(hour)}:00 and ${twoDigits(hour)}:59 (${timezone}). ${nearby} of ${formatCount(baselineRuns, 'run')} in the baseline ${nearby === 1 ? 'was' : 'were'} within an hour of this time.`,
      }
    }
    case 'volume': {
      const {
        actor,
        operation = '',
        environment = '',
        date,
        observed,
        median,
        limit,
        days,
        kindOfDay,
      } = finding
      const series = actor ?? `${operation} to ${environment}`
      return {
        subject: `${series}, ${date}`,
        detail: `${formatCount(observed, 'image')}. The usual number on a ${kindOfDay} is ${number(median)}, and the limit is ${number(limit)} (${days} days).`,
      }
    }
    case 'prune': {
      const { repository, observed, median, limit, runs } = finding
      return {
        subject: repository,
        detail: `${formatCount(observed, 'delete')}. The usual number is ${number(median)}, and the limit is ${number(limit)} (${runs} earlier prunes).`,
      }
    }
    case 'refusals': {
      const { actor, runs, error } = finding
      const last = error === undefined ? '' : ` The last error: ${error.message}.`
      return { subject: actor, detail: `${formatCount(runs, 'run')} in a row were refused.${last}` }
    }
    case 'downgrade':
    case 'rollback':
    case 'allowBackward':
    case 'moveTag':
    case 'overriddenGate':
      return describeChange(finding)
  }
}

const resultWords = { done: 'done', failed: 'failed', refused: 'refused', open: 'no outcome' } as const

function describeChange(finding: ChangeFinding): DescribedFinding {
  const { operation, image, environment, actor, versions, gates, tags, result } = finding
  const to = environment === undefined ? '' : ` to ${environment}`
  const parts = [
    `${operation} by ${actor}: ${resultWords[result]}`,
    ...(versions === undefined ? [] : [`version ${versions.from} to ${versions.to}`]),
    ...(gates.length === 0 ? [] : [`gates: ${gates.join(', ')}`]),
    ...(tags.length === 0 ? [] : [`tags: ${tags.join(', ')}`]),
  ]
  return { subject: `${image ?? 'unknown image'}${to}`, detail: `${parts.join('; ')}.` }
}

/** `lines 4, 5 and 17 others of ci-1`: the lines in the log, or those of the log before a merge. */
export function describeRecords({ count, lines }: FindingRecords): string {
  const named = lines
    .slice(0, maxLines)
    .map(({ seq, origin }) => (origin === undefined ? String(seq) : `${seq} (${origin.log} ${origin.seq})`))
  const others = count - named.length
  return `${count === 1 ? 'line' : 'lines'} ${named.join(', ')}${others > 0 ? ` and ${others} more` : ''}`
}

const maxLines = 5

/** The rules that compared nothing or omitted a part, by their reasons. */
export function groupReasons({
  rules,
}: Pick<AnomalyReport, 'rules'>): readonly { readonly reason: string; readonly titles: readonly string[] }[] {
  const all = rules.flatMap(({ rule, reasons }) =>
    reasons.map((reason) => ({ reason, title: ruleTitles[rule] })),
  )
  return [...Map.groupBy(all, ({ reason }) => reason)].map(([reason, list]) => ({
    reason,
    titles: list.map(({ title }) => title),
  }))
}

/** Whether no rule could compare anything with the baseline. */
export function comparesNothing({ rules }: Pick<AnomalyReport, 'rules'>): boolean {
  return rules.some(({ rule, state }) => rule === 'newActor' && state === 'notEnoughData')
}

function twoDigits(hour: number): string {
  return String(hour).padStart(2, '0')
}

function number(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toFixed(1)
}
