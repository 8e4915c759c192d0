import type { Digest } from '../../oci/digest.ts'
import type { RepositoryName } from '../../oci/reference.ts'
import type { Step } from '../plan.ts'

/** A tag, and the digest that a step puts it on. */
export interface WrittenTag {
  readonly repository: RepositoryName
  readonly tag: string
  readonly digest: Digest
}

/** The tag that a step writes; undefined if it writes none. */
export function writtenTag(step: Step): WrittenTag | undefined {
  if (step.kind === 'tag') return { repository: step.repository, tag: step.tag, digest: step.target.digest }
  if (step.kind !== 'attach' || step.tag === undefined) return undefined
  return { repository: step.to, tag: step.tag, digest: step.manifest.digest }
}
