import { formatRepository } from '../../oci/reference.ts'
import { affectedBy, resultOf } from '../query/affected.ts'
import type { AuditRecord, LogRecord } from '../log/record.ts'
import type { CloudEvent } from './cloud-event.ts'

/** The event of an outcome or a refusal; undefined for an intent or a recovered tail. */
export function cloudEventOf(record: LogRecord): CloudEvent<AuditRecord> | undefined {
  if (record.phase !== 'outcome' && record.phase !== 'refused') return undefined
  const subject = subjectOf(record)
  return {
    specversion: '1.0',
    id: record.id,
    source: hostUrn(record),
    type: `dev.dray.${record.operation}.${resultOf(record) ?? 'unknown'}`,
    ...(subject !== undefined && { subject }),
    time: record.time,
    datacontenttype: 'application/json',
    data: record,
  }
}

/** The machine that dray ran on. */
export function hostUrn({ actor }: AuditRecord): string {
  return `urn:dray:host:${encodeURIComponent(actor.host.toWellFormed())}`
}

/** The specification does not allow an empty subject. */
function subjectOf(record: AuditRecord): string | undefined {
  if (record.step?.kind === 'edit') return record.step.file
  const affected = affectedBy(record)
  if (affected === undefined) return record.image === '' ? undefined : record.image
  const repository = formatRepository(affected.repository)
  return affected.tag === undefined ? `${repository}@${affected.digest}` : `${repository}:${affected.tag}`
}
