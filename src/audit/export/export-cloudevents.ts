import { formatRepository } from '../../oci/reference.ts'
import { affectedBy, resultOf } from '../query/affected.ts'
import type { AuditRecord, LogRecord } from '../log/record.ts'

/** An event in the JSON format of CloudEvents 1.0. `source` and `id` together are unique. */
export interface CloudEvent {
  readonly specversion: '1.0'
  readonly id: string
  /** the machine that dray ran on, as a URN */
  readonly source: string
  /** `dev.dray.<operation>.<result>`, such as `dev.dray.promote.done` or `dev.dray.copy.refused` */
  readonly type: string
  /**
   * the tag or content that was changed, with its repository; for an edit, the file; for a refusal,
   * the image in the plan
   */
  readonly subject?: string
  readonly time: string
  readonly datacontenttype: 'application/json'
  readonly data: AuditRecord
}

/** The event of an outcome or a refusal; undefined for an intent or a recovered tail. */
export function cloudEventOf(record: LogRecord): CloudEvent | undefined {
  if (record.phase !== 'outcome' && record.phase !== 'refused') return undefined
  const subject = subjectOf(record)
  return {
    specversion: '1.0',
    id: record.id,
    source: `urn:dray:host:${encodeURIComponent(record.actor.host.toWellFormed())}`,
    type: `dev.dray.${record.operation}.${resultOf(record) ?? 'unknown'}`,
    ...(subject !== undefined && { subject }),
    time: record.time,
    datacontenttype: 'application/json',
    data: record,
  }
}

/** The specification does not allow an empty subject. */
function subjectOf(record: AuditRecord): string | undefined {
  if (record.step?.kind === 'edit') return record.step.file
  const affected = affectedBy(record)
  if (affected === undefined) return record.image === '' ? undefined : record.image
  const repository = formatRepository(affected.repository)
  return affected.tag === undefined ? `${repository}@${affected.digest}` : `${repository}:${affected.tag}`
}
