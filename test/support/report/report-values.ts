import type { AnomalyReport } from '../../../src/audit/anomalies/finding.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import type { RepositoryName } from '../../../src/oci/reference.ts'
import type { PrunePlan, RepositoryPlan } from '../../../src/plan/prune/prune-plan.ts'
import type { PolicyPlan, Report } from '../../../src/usecases/report/report.ts'
import type { Timeline, TimelineEvent, TimelineLog } from '../../../src/usecases/report/timeline/timeline.ts'
import type {
  RepositoryUsage,
  StoredBytes,
  UsageHistory,
  UsageReport,
} from '../../../src/usecases/usage/usage-report.ts'
import { buildStatus, type StatusView } from '../../../src/usecases/views/status/status.ts'
import { manifestVerdict, prunePlan, repositoryPlan, tagVerdict, whys } from '../prune-plans.ts'
import { type FactsOf, statusFacts } from '../status-facts.ts'
import { dailyRuns, detect, entry, since as anomaliesSince } from '../anomalies/entries.ts'

/** The time of these reports. */
const reportTime = '2026-11-25T05:02:00.000Z'
const now = Date.parse(reportTime)
const dayMs = 86_400_000
const mebi = 1024 ** 2

/** `2026-11-20T05:02:00.000Z`: the time of the report minus days. */
export function daysBefore(days: number): string {
  return new Date(now - days * dayMs).toISOString()
}

/** A report with every section, as a team with three environments has it. */
export function fullReport(over: Partial<Report['sections']> = {}): Report {
  return {
    time: reportTime,
    tool: '1.2.3',
    command: 'dray report --out report.html',
    configuration: { file: 'dray.yaml', hash: digestOf('configuration') },
    auditLog: { path: '/home/ada/audit.jsonl', head: { seq: 42, hash: digestOf('head') } },
    sections: {
      status: { state: 'read', value: statusOf() },
      timeline: { state: 'read', value: timelineOf() },
      anomalies: { state: 'read', value: anomaliesOf() },
      retention: { state: 'read', value: { policies: [policyPlan()] } },
      usage: { state: 'read', value: usageOf() },
      ...over,
    },
  }
}

/** Images in dev, staging and prod: in sync, behind, drifted, unreachable, not deployed. */
export function statusOf(
  images: readonly (readonly [name: string, ...has: readonly string[]])[] = usualImages,
) {
  const environments = ['dev', 'staging', 'prod']
  const facts = images.flatMap(([image, ...has]) =>
    environments.map((environment, i) => {
      const options: FactsOf = { environment, image, has: has[i] ?? '-', created: daysBefore(9 + i) }
      return statusFacts(options)
    }),
  )
  const paths = [
    { from: 'dev', to: 'staging' },
    { from: 'staging', to: 'prod' },
  ]
  return buildStatus(environments, paths, facts) satisfies StatusView
}

const usualImages = [
  ['api', 'latest=b 1.5.0=b', 'latest=b 1.5.0=b', 'latest=a 1.4.2=a'],
  ['web', 'latest=b 2.0.0=b', 'latest=b 2.0.0=b', 'latest=b 2.0.0=b'],
  ['search', 'latest=b 1.0.0=b', 'latest=x', '!'],
  ['reports', 'latest=b 1.0.0=b', '-', '-'],
] as const

export function eventOf(over: Partial<TimelineEvent> = {}): TimelineEvent {
  const digest = digestOf('image')
  return {
    time: daysBefore(3),
    operation: 'promote',
    image: 'api:1.4.2',
    from: 'staging',
    lane: 'prod',
    result: 'done',
    digest,
    tags: [
      { repository: 'r.example.com/prod/api', tag: '1.4.2', before: null, after: digest, result: 'done' },
      {
        repository: 'r.example.com/prod/api',
        tag: 'latest',
        before: digestOf('former'),
        after: digest,
        result: 'done',
      },
    ],
    actor: { user: 'ada', host: 'build-7' },
    overriddenGates: [],
    run: 'run-1',
    plan: digestOf('plan'),
    policy: digestOf('policy'),
    records: { first: 39, last: 42, count: 4 },
    ...over,
  }
}

const usualEvents: readonly TimelineEvent[] = [
  eventOf({ reason: 'Weekly release', ticket: 'https://tickets.example.com/OPS-1' }),
  eventOf({ time: daysBefore(8), operation: 'rollback', image: 'web:1.9.0', reason: 'Login timeout' }),
  eventOf({
    time: daysBefore(20),
    result: 'refused',
    digest: digestOf('unsigned'),
    tags: [],
    error: { code: 'refused', message: 'api:1.4.1 does not pass the gate "signed"', why: 'no signature' },
    actor: {
      user: 'runner',
      host: 'ci',
      ci: { service: 'github', user: 'grace', run: 'https://ci.example.com/runs/7', job: 'promote' },
    },
  }),
  eventOf({ time: daysBefore(33), result: 'failed', lane: 'staging', from: 'dev' }),
  eventOf({ time: daysBefore(60), operation: 'tag', lane: 'dev' }),
]

const intactLog: TimelineLog = {
  path: '/home/ada/audit.jsonl',
  isAbsent: false,
  records: 42,
  hash: digestOf('head'),
  span: { first: daysBefore(200), last: daysBefore(3) },
  head: 'agrees',
  torn: 0,
  mergedFrom: [],
}

export function timelineOf(
  events: readonly TimelineEvent[] = usualEvents,
  log: Partial<TimelineLog> = {},
): Timeline {
  return {
    since: daysBefore(90),
    until: reportTime,
    log: { ...intactLog, ...log },
    lanes: ['dev', 'staging', 'prod'],
    events,
    others: [{ operation: 'prune', runs: 2, records: 30 }],
  }
}

/** A policy that deletes nightlies and keeps releases. */
export function policyPlan(
  repositories: readonly RepositoryPlan[] = [usualPlan('@dev/api'), usualPlan('@dev/web')],
  over: Partial<PrunePlan> = {},
): PolicyPlan {
  return {
    plan: prunePlan(repositories, over),
    sizes: repositories.map(({ repository, freed }, i) => ({
      repository,
      stored: freed + (i + 1) * 300 * mebi,
      freed,
    })),
    warnings: [],
  }
}

export function usualPlan(image: string): RepositoryPlan {
  const tags = [
    tagVerdict('nightly-1', 'delete', whys.rule, { days: 41 }),
    tagVerdict('nightly-2', 'delete', whys.rule, { days: 40 }),
    tagVerdict('nightly-9', 'keep', whys.young, { days: 3 }),
    tagVerdict('1.4.2', 'keep', whys.protected, { days: 90 }),
    tagVerdict('main', 'keep', whys.unmatched, { days: 1 }),
  ]
  return repositoryPlan(image, tags, { others: [manifestVerdict('nightly-1', 'amd64', 'child')] })
}

export function repositoryUsage(name: string, over: Partial<RepositoryUsage> = {}): RepositoryUsage {
  const repository: RepositoryName = { registry: 'r.example.com', path: name }
  const bytes = { unique: 400, shared: 120, crossRepository: 60, untagged: 90 } as const
  const parts: StoredBytes = {
    unique: bytes.unique * mebi,
    shared: bytes.shared * mebi,
    crossRepository: bytes.crossRepository * mebi,
    untagged: bytes.untagged * mebi,
    stored: 670 * mebi,
  }
  return {
    repository,
    image: `@${name}`,
    inventory: 'harbor',
    images: 12,
    tags: 15,
    manifests: 40,
    bytes: parts,
    sumOfImages: 2_000 * mebi,
    lastPulledAt: daysBefore(2),
    growth: { bytes: 70 * mebi, from: '2026-10-26', days: 30, source: 'history' },
    wouldFree: { bytes: 200 * mebi, images: 4, manifests: 9 },
    ...over,
  }
}

export function usageOf(
  repositories: readonly RepositoryUsage[] = [
    repositoryUsage('dev/api'),
    repositoryUsage('dev/web', { growth: 'unknown', lastPulledAt: 'never' }),
  ],
  over: Partial<UsageReport> = {},
): UsageReport {
  const sum = (of: (one: RepositoryUsage) => number): number =>
    repositories.reduce((total, one) => total + of(one), 0)
  const part = (name: keyof StoredBytes): number =>
    sum(({ bytes }) => (bytes[name] === 'unknown' ? 0 : bytes[name]))
  return {
    at: reportTime,
    by: 'repository',
    sinceDays: 90,
    policy: { name: 'nightly' },
    repositories,
    unreachable: [],
    totals: {
      repositories: repositories.length,
      unreachable: 0,
      images: sum(({ images }) => images),
      tags: sum(({ tags }) => tags),
      manifests: sum(({ manifests }) => manifests),
      sumOfImages: sum(({ sumOfImages }) => sumOfImages),
      bytes: {
        unique: part('unique'),
        shared: part('shared'),
        crossRepository: part('crossRepository'),
        untagged: part('untagged'),
        stored: part('stored'),
      },
      growth: { bytes: 140 * mebi, from: '2026-10-26', days: 30, source: 'history' },
      wouldFree: { bytes: 400 * mebi, images: 8, manifests: 18 },
    },
    pulls: {
      sources: ['Harbor'],
      buckets: [
        { fromDays: 0, toDays: 7, images: 10, bytes: 500 * mebi },
        { fromDays: 7, toDays: 30, images: 6, bytes: 300 * mebi },
        { fromDays: 30, images: 8, bytes: 540 * mebi },
      ],
      unknown: { images: 0, bytes: 0 },
    },
    history: historyOf(['@dev/api', '@dev/web'], 30),
    notes: [],
    ...over,
  }
}

/** Bytes of each series that grow every day. */
function historyOf(series: readonly string[], days: number): UsageHistory {
  const points = Array.from({ length: days }, (_, i) => ({
    day: daysBefore(days - 1 - i).slice(0, 10),
    bytes: series.map((_name, at) => (i < at * 3 ? null : (400 + at * 90 + i * 9) * mebi)),
  }))
  return { series, points }
}

/** A new actor with a rollback of an image, and rules without enough data. */
export function anomaliesOf(text = 'mallory'): AnomalyReport {
  const run = { actor: { user: text, host: `${text}-laptop` }, image: text, environment: { to: text } }
  const rollback = entry(anomaliesSince, { ...run, operation: 'rollback' })
  const entries = [...dailyRuns(), rollback].map((one, i) => ({ ...one, seq: i + 1 }))
  return { log: '/home/ada/audit.jsonl', ...detect(entries) }
}
