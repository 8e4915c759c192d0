import type { AuditRecord, LogRecord } from '../log/record.ts'
import { affectedBy } from '../query/affected.ts'
import type { CloudEvent } from './cloud-event.ts'
import { hostUrn } from './export-cloudevents.ts'
import { formatPackageUrl } from './package-url.ts'

/** The version of CDEvents, and its versions of the events (github.com/cdevents/spec, v0.5.1). */
const cdevents = {
  version: '0.5.1',
  published: 'dev.cdevents.artifact.published.0.3.0',
  deleted: 'dev.cdevents.artifact.deleted.0.2.0',
} as const

/** An event of CDEvents: `schemas/artifactpublished.json` and `schemas/artifactdeleted.json`. */
export interface CdEvent {
  readonly context: {
    readonly specversion: string
    /** the id of the record */
    readonly id: string
    /** the run */
    readonly chainId: string
    readonly source: string
    readonly type: string
    readonly timestamp: string
  }
  readonly subject: {
    /** a package URL */
    readonly id: string
    readonly content: { readonly user?: string }
  }
  readonly customData: AuditRecord
  readonly customDataContentType: 'application/json'
}

/**
 * The event of a tag that was written or of content that was deleted, as the data of a CloudEvent
 * (CDEvents, CloudEvents Binding). All other records have no event: copied content gets its tags in
 * later steps, and neither a tag nor an edit of a file is a deployment.
 */
export function cdEventOf(record: LogRecord): CloudEvent<CdEvent> | undefined {
  if (record.phase !== 'outcome' || record.result !== 'done') return undefined
  const type = typeOf(record)
  const affected = affectedBy(record)
  if (type === undefined || affected === undefined) return undefined
  const { repository, tag, digest } = affected
  const id = formatPackageUrl({ ...repository, ...(tag !== undefined && { tag }), digest })
  const source = hostUrn(record)
  const user = record.actor.ci?.user ?? record.actor.user
  return {
    specversion: '1.0',
    id: record.id,
    source,
    type,
    subject: id,
    time: record.time,
    datacontenttype: 'application/json',
    data: {
      context: {
        specversion: cdevents.version,
        id: record.id,
        chainId: record.run,
        source,
        type,
        timestamp: record.time,
      },
      subject: { id, content: user === '' ? {} : { user } },
      customData: record,
      customDataContentType: 'application/json',
    },
  }
}

function typeOf({ step }: AuditRecord): string | undefined {
  switch (step?.kind) {
    case 'tag':
      return cdevents.published
    case 'deleteManifest':
    case 'deleteTag':
      return cdevents.deleted
    default:
      return undefined
  }
}
