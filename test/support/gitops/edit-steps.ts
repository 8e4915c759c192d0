import type { AuditRecord } from '../../../src/audit/log/record.ts'
import { digestOf, parseDigest } from '../../../src/oci/digest.ts'
import type { EditStep } from '../../../src/plan/edits/edit-step.ts'
import { record } from '../audit-log.ts'

export const newDigest = parseDigest(`sha256:${'5'.repeat(64)}`)

/** An edit of `clusters/prod/api.yaml` that moves `api` to 1.5.0. */
export function editStep(more: Partial<EditStep> = {}): EditStep {
  return {
    id: 'edit1',
    kind: 'edit',
    file: 'clusters/prod/api.yaml',
    fileHash: digestOf('before'),
    resultHash: digestOf('after'),
    edits: [
      {
        document: 1,
        place: 'spec.template.spec.containers[0].image',
        line: 12,
        before: 'r.example.com/prod/api:1.4.2',
        after: `r.example.com/prod/api:1.5.0@${newDigest}`,
      },
    ],
    images: [
      {
        image: 'api',
        environment: 'prod',
        repository: { registry: 'r.example.com', path: 'prod/api' },
        digest: newDigest,
        tag: '1.5.0',
      },
    ],
    ...more,
  }
}

/** The record of an edit. */
export function editRecord(more: Partial<AuditRecord> = {}): AuditRecord {
  return record({
    operation: 'gitops',
    step: editStep(),
    image: 'api:1.5.0',
    environment: { to: 'prod' },
    ...more,
  })
}
