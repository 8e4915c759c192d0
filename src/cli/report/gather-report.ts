import { hashOfConfig } from '../../config/hash.ts'
import type { RetentionPolicy } from '../../config/retention/policy.ts'
import { findPolicy, retentionOf } from '../../config/retention/retention.ts'
import type { AnomalyReport } from '../../audit/anomalies/finding.ts'
import { readHead } from '../../audit/log/head.ts'
import type { Call } from '../../lib/call.ts'
import { dayMs } from '../../lib/day.ts'
import { type ErrorCode, isDrayError, toDrayError, toErrorInfo } from '../../lib/errors.ts'
import type { Report, ReportedLog, ReportSection, ReportSectionName } from '../../usecases/report/report.ts'
import type { UsageReport } from '../../usecases/usage/usage-report.ts'
import type { Timeline } from '../../usecases/report/timeline/timeline.ts'
import type { StatusView } from '../../usecases/views/status/status.ts'
import { resolveStatusRequest } from '../arguments/status-request.ts'
import type { Context } from '../wiring/context.ts'
import { planRetention } from './plan-retention.ts'

export interface ReportRequest {
  readonly sections: ReadonlySet<ReportSectionName>
  /** milliseconds since 1970 */
  readonly since: number
  /** undefined: all policies */
  readonly policy: string | undefined
  /** files with images in use */
  readonly inUse: readonly string[]
  readonly cache: boolean
  readonly auditFile: string | undefined
  /** without secrets */
  readonly command: string
}

/**
 * Reads all sections, one after another. A section that cannot be read has the error in its place.
 * Sends only reads to registries, and writes no audit record.
 * @throws `usage` for an unknown policy; `config` and `io` for the configuration and the path of
 * the audit log; `interrupted`.
 */
export async function gatherReport(request: ReportRequest, context: Context, call: Call): Promise<Report> {
  const loaded = await context.config()
  if (request.policy !== undefined) findPolicy(retentionOf(loaded), request.policy, loaded.file)
  const path = await context.auditPath(request.auditFile)
  const time = new Date(context.clock.now()).toISOString()
  const read = async <T>(
    name: ReportSectionName,
    values: () => Promise<T>,
  ): Promise<ReportSection<T> | undefined> =>
    request.sections.has(name) ? await readSection(values, call) : undefined
  const status = await read('status', () => readStatus(context, call))
  const timeline = await read('timeline', () => readAuditLog(path, request, context, call))
  const anomalies = await read('anomalies', () => readAnomalies(path, request, context, call))
  const retention = await read('retention', async () =>
    planRetention({ ...request, policies: await selectPolicies(request, context) }, context, call),
  )
  const usage = await read('usage', () => readUsage(request, context, call))
  return {
    time,
    tool: context.version,
    command: request.command,
    ...(loaded.name !== undefined && {
      configuration: { file: loaded.name, hash: hashOfConfig(loaded.config) },
    }),
    auditLog: await readLogHead(path),
    sections: {
      ...(status !== undefined && { status }),
      ...(timeline !== undefined && { timeline }),
      ...(anomalies !== undefined && { anomalies }),
      ...(retention !== undefined && { retention }),
      ...(usage !== undefined && { usage }),
    },
  }
}

/** The age after which the usage counts an image as unpulled. */
const unpulledMs = 90 * dayMs

/** The run ends for these, and no report is written. */
const endsRun: ReadonlySet<ErrorCode> = new Set(['interrupted', 'cancelled', 'internal'])

/** Arguments are checked before: wrong usage in a section is a missing part of `dray.yaml`. */
async function readSection<T>(read: () => Promise<T>, { signal }: Call): Promise<ReportSection<T>> {
  try {
    return { state: 'read', value: await read() }
  } catch (thrown) {
    const error = toDrayError(signal.aborted ? signal.reason : thrown)
    if (endsRun.has(error.code)) throw error
    if (error.code !== 'usage') return { state: 'failed', error: toErrorInfo(error) }
    const { message, why, hint = '' } = error
    return { state: 'notConfigured', why: why === undefined ? message : `${message}: ${why}`, fix: hint }
  }
}

async function readStatus(context: Context, call: Call): Promise<StatusView> {
  const { config } = await context.config()
  const { environments, paths, targets } = resolveStatusRequest([], [], config)
  const [{ gatherStatus }, { buildStatus }] = await Promise.all([
    import('../../usecases/views/status/gather-status.ts'),
    import('../../usecases/views/status/status.ts'),
  ])
  const repositories = targets.map(({ repository }) => repository)
  await context.expectRepositories([], repositories, 'read')
  const options = { now: new Date(context.clock.now()), children: true }
  const facts = await gatherStatus(await context.stores(), targets, paths, options, call)
  return buildStatus(environments, paths, facts)
}

async function readAuditLog(
  path: string,
  { since }: ReportRequest,
  context: Context,
  { signal }: Call,
): Promise<Timeline> {
  const { config } = await context.config()
  const { readTimeline } = await import('../../usecases/report/timeline/read-timeline.ts')
  return await readTimeline(
    { path, since, environments: [...config.environments.keys()] },
    context.clock,
    signal,
  )
}

/** The age from which on changes are checked, and the length of the baseline before. */
const checkedMs = 7 * dayMs
const baselineMs = 90 * dayMs

/** Without a log there is nothing to compare. */
async function readAnomalies(
  path: string,
  { since: reported, auditFile }: ReportRequest,
  context: Context,
  { signal }: Call,
): Promise<AnomalyReport> {
  const { config } = await context.config()
  const now = context.clock.now()
  const since = Math.max(reported, now - checkedMs)
  const { timezone = 'UTC' } = config.audit
  const options = { baseline: since - baselineMs, since, now, timezone, matches: () => true }
  const [{ findAnomalies }, { AnomalyDetector }] = await Promise.all([
    import('../../audit/anomalies/find-anomalies.ts'),
    import('../../audit/anomalies/detector.ts'),
  ])
  try {
    return await findAnomalies(path, { ...options, auditFile }, signal)
  } catch (error) {
    if (!isDrayError(error) || error.code !== 'not-found') throw error
    return { log: path, ...new AnomalyDetector(options).result() }
  }
}

/** With one policy, the usage has what a prune would free. */
async function readUsage(
  { since, policy, inUse, cache, auditFile }: ReportRequest,
  context: Context,
  call: Call,
): Promise<UsageReport> {
  const isWhatIf = policy !== undefined || retentionOf(await context.config()).length === 1
  const sinceDays = Math.max(1, Math.round((context.clock.now() - since) / dayMs))
  const { gatherUsageReport } = await import('../usage/gather-usage.ts')
  const { report, warnings } = await gatherUsageReport(
    { patterns: [], policy, isWhatIf, inUse, cache, auditFile },
    { by: 'repository', limit: 0, sinceDays, notPulledFor: unpulledMs },
    context,
    call,
  )
  return { ...report, notes: [...report.notes, ...warnings] }
}

/** @throws `usage` without a policy, `config` for mistakes in policies. */
async function selectPolicies(
  { policy }: ReportRequest,
  context: Context,
): Promise<readonly RetentionPolicy[]> {
  const loaded = await context.config()
  const all = retentionOf(loaded)
  return policy === undefined && all.length > 1 ? all : [findPolicy(all, policy, loaded.file)]
}

/** A head that cannot be read is none: the timeline has the error. */
async function readLogHead(path: string): Promise<ReportedLog> {
  const head = await readHead(path).catch((error: unknown) => {
    if (isDrayError(error)) return 'damaged' as const
    throw error
  })
  return typeof head === 'string' ? { path } : { path, head: { seq: head.seq, hash: head.hash } }
}
