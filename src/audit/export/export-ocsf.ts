import { formatRepository } from '../../oci/reference.ts'
import { type Affected, affectedBy, resultOf } from '../query/affected.ts'
import type { AuditRecord, LogEntry, LogRecord } from '../log/record.ts'

/** The OCSF version with this class API Activity. */
const schemaVersion = '1.8.0'
const classUid = 6003

/** By `activity_id`: the name in the class, and the name that dray uses for `Other`. */
const activities = {
  1: { caption: 'Create', name: 'Create' },
  3: { caption: 'Update', name: 'Update' },
  4: { caption: 'Delete', name: 'Delete' },
  99: { caption: 'Other', name: 'Refuse' },
} as const
const severities = { 1: 'Informational', 2: 'Low', 3: 'Medium' } as const

type ActivityId = keyof typeof activities
type SeverityId = keyof typeof severities

/** An event of OCSF, class API Activity [6003] of category Application Activity [6]. */
export type OcsfEvent = Readonly<Record<string, unknown>>

/** The event of an outcome or a refusal; undefined for an intent or a recovered tail. */
export function ocsfEventOf(record: LogRecord | LogEntry): OcsfEvent | undefined {
  if (record.phase !== 'outcome' && record.phase !== 'refused') return undefined
  const activity = activityOf(record)
  const result = resultOf(record) ?? 'unknown'
  const isSuccess = result === 'done' || result === 'unchanged'
  // A registry that deleted more than the step needs attention.
  const severity = isSuccess && record.error !== undefined && result === 'done' ? 3 : severityOf(result)
  const affected = affectedBy(record)
  return {
    activity_id: activity,
    activity_name: activities[activity].name,
    actor: { user: { name: record.actor.ci?.user ?? record.actor.user } },
    api: apiOf(record),
    category_name: 'Application Activity',
    category_uid: 6,
    class_name: 'API Activity',
    class_uid: classUid,
    ...(affected !== undefined && { dst_endpoint: { name: affected.repository.registry } }),
    message: messageOf(record, result),
    metadata: metadataOf(record),
    ...(affected !== undefined && { resources: resourcesOf(affected) }),
    ...(record.step?.kind === 'edit' && { resources: fileOf(record.step.file) }),
    severity: severities[severity],
    severity_id: severity,
    src_endpoint: { name: record.actor.host },
    status: isSuccess ? 'Success' : 'Failure',
    ...(record.error !== undefined && { status_code: record.error.code }),
    status_detail: result,
    status_id: isSuccess ? 1 : 2,
    time: Date.parse(record.time),
    type_name: `API Activity: ${activities[activity].caption}`,
    type_uid: classUid * 100 + activity,
    unmapped: unmappedOf(record),
  }
}

/** Content and new tags are created, tags and files updated, pruned content deleted. */
function activityOf(record: AuditRecord): ActivityId {
  if (record.phase === 'refused') return 99
  const { before, step } = record
  if (step?.kind === 'deleteManifest' || step?.kind === 'deleteTag') return 4
  if (step?.kind === 'edit') return 3
  return step?.kind === 'tag' && typeof before === 'string' ? 3 : 1
}

/** The file that an edit changes. */
function fileOf(file: string): readonly OcsfEvent[] {
  return [{ name: file, role: 'Target', role_id: 1, type: 'file' }]
}

/** A refusal means that a check worked. A failure or conflict needs attention. */
function severityOf(result: string): SeverityId {
  if (result === 'done' || result === 'unchanged') return 1
  return result === 'refused' ? 2 : 3
}

function apiOf(record: AuditRecord): OcsfEvent {
  const { error, operation, step } = record
  return {
    operation: step === undefined ? operation : `${operation}.${step.kind}`,
    service: { name: 'dray', version: record.tool },
    ...(error !== undefined && { response: { error: error.code, error_message: error.message } }),
  }
}

function metadataOf(record: AuditRecord): OcsfEvent {
  return {
    correlation_uid: record.run,
    log_name: 'dray audit log',
    log_version: record.schema,
    original_time: record.time,
    product: { name: 'dray', version: record.tool },
    ...('seq' in record && { sequence: record.seq }),
    uid: record.id,
    version: schemaVersion,
  }
}

function resourcesOf(affected: Affected): readonly OcsfEvent[] {
  const repository = formatRepository(affected.repository)
  const name = affected.tag === undefined ? repository : `${repository}:${affected.tag}`
  const names = [name, ...(affected.lostTags ?? []).map((tag) => `${repository}:${tag}`)]
  const targets = names.map((one) => ({
    name: one,
    role: 'Target',
    role_id: 1,
    type: 'container image',
    uid: affected.digest,
  }))
  if (affected.from === undefined) return targets
  const from = formatRepository(affected.from)
  return [...targets, { name: from, role: 'Related', role_id: 4, type: 'container repository' }]
}

function messageOf(record: AuditRecord, result: string): string {
  const { environment, error, image, operation } = record
  const way = environment?.to === undefined ? '' : ` to ${environment.to}`
  const why = error === undefined ? '' : `: ${error.message}`
  return `${operation}${image === undefined ? '' : ` ${image}`}${way}: ${result}${why}`
}

/** Fields that the class does not define, under their names in the audit record. */
function unmappedOf(record: AuditRecord): OcsfEvent {
  const { actor, after, before, environment, image, phase, plan, policy, reason, resolvedBy, ticket } = record
  const { bundle, by, commit, gates, losesTags, rule, sparse, step } = record
  return {
    phase,
    plan,
    policy,
    actor,
    image,
    environment,
    before,
    after,
    losesTags,
    by,
    bundle,
    ...(step?.kind === 'edit' && { edits: step.edits, commit }),
    gates,
    sparse,
    rule,
    reason,
    ticket,
    resolvedBy,
  }
}
