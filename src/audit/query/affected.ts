import type { Digest } from '../../oci/digest.ts'
import type { RepositoryName } from '../../oci/reference.ts'
import type { AuditRecord, RecordedStep } from '../log/record.ts'

/** The content of a registry that a step changes. */
export interface Affected {
  readonly repository: RepositoryName
  readonly tag?: string
  /** the tags that are deleted together with the digest */
  readonly lostTags?: readonly string[]
  readonly digest: Digest
  /** the source of the content; absent for an attestation, which dray makes itself */
  readonly from?: RepositoryName
}

/**
 * The content that a record shows as changed; undefined if the image was refused before it had a
 * step, and for an edit, which changes no registry. If a registry deleted an image together with a
 * tag, that is the image with all its tags.
 */
export function affectedBy({ step, losesTags }: AuditRecord): Affected | undefined {
  if (step === undefined) return undefined
  const affected = affectedByStep(step)
  if (affected === undefined || losesTags === undefined || step.kind !== 'deleteTag') return affected
  return { repository: affected.repository, lostTags: losesTags, digest: affected.digest }
}

function affectedByStep(step: RecordedStep): Affected | undefined {
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
    case 'edit':
      return undefined
  }
}

/** The result in one word: `refused` for a refusal, undefined for an intent. */
export function resultOf(record: AuditRecord): 'refused' | NonNullable<AuditRecord['result']> | undefined {
  return record.phase === 'refused' ? 'refused' : record.result
}
