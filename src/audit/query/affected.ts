import type { Digest } from '../../oci/digest.ts'
import type { RepositoryName } from '../../oci/reference.ts'
import type { AuditRecord, RecordedStep } from '../log/record.ts'

/** What in a registry a step changes, as others ask for it. */
export interface Affected {
  readonly repository: RepositoryName
  readonly tag?: string
  /** that go with the digest that is deleted */
  readonly lostTags?: readonly string[]
  readonly digest: Digest
  /** where its content comes from; a statement is made here */
  readonly from?: RepositoryName
}

/** What the record's step changes; undefined where an image was refused before there was a step. */
export function affectedBy(record: AuditRecord): Affected | undefined {
  return record.step === undefined ? undefined : affectedByStep(record.step)
}

function affectedByStep(step: RecordedStep): Affected {
  switch (step.kind) {
    case 'copy':
      return { repository: step.to, digest: step.root.digest, from: step.from }
    case 'attach':
      return {
        repository: step.to,
        ...(step.tag !== undefined && { tag: step.tag }),
        digest: step.manifest.digest,
        from: step.from,
      }
    case 'attest':
      return { repository: step.repository, digest: step.subject.digest }
    case 'tag':
      return { repository: step.repository, tag: step.tag, digest: step.target.digest, from: step.from }
    case 'deleteManifest':
      return { repository: step.repository, lostTags: step.losesTags, digest: step.target.digest }
    case 'deleteTag':
      return { repository: step.repository, tag: step.tag, digest: step.digest }
  }
}

/** How it ended, in one word: a refusal as `refused`; undefined for an intent. */
export function resultOf(record: AuditRecord): 'refused' | NonNullable<AuditRecord['result']> | undefined {
  return record.phase === 'refused' ? 'refused' : record.result
}
