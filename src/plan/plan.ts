import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import { type RepositoryName, sameRepository } from '../oci/reference.ts'
import type { ErrorInfo } from '../lib/errors.ts'
import type { DeleteStep } from './prune/prune-plan.ts'

export type Operation = 'promote' | 'copy' | 'tag' | 'rollback' | 'prune'
/** Those that put images at targets; `prune` has a plan of its own (`PrunePlan`). */
export type PlacementOperation = Exclude<Operation, 'prune'>
export type StepId = string
export type PlacementId = string
/** `sha256:` and hex */
export type Hash = string

/** All that will be changed, in an order that `after` gives; made by a pure function, carried out as it is. */
export interface Plan {
  readonly schema: 'dray.plan/1'
  readonly operation: PlacementOperation
  /** ISO 8601, UTC */
  readonly createdAt: string
  /** the version of dray that decided */
  readonly tool: string
  /** hash of the configuration and flags that decided */
  readonly policy: Hash
  /** what is promoted where: the subject of the steps */
  readonly placements: readonly Placement[]
  readonly steps: readonly Step[]
  readonly refusals: readonly Refusal[]
}

/** One image at one target. */
export interface Placement {
  readonly id: PlacementId
  /** as the person named it, such as `api:1.4.2` */
  readonly image: string
  readonly from: PlacementEnd
  readonly to: PlacementEnd
  readonly root: Descriptor
  /** every tag that was asked for, also the one that is as it should be already */
  readonly tags: readonly PlannedTag[]
  /** tags of the same version that stay where they are */
  readonly held?: readonly HeldTag[]
  readonly evidence: { readonly found: number; readonly missing: number }
  /** of the whole image without its evidence: bytes of all distinct blobs and manifests; absent where only its tags were looked at */
  readonly size?: number
}

/** A repository and, where it is one of an environment's, that environment; `tag` is what the source was resolved by. */
export interface PlacementEnd {
  readonly environment?: string
  readonly repository: RepositoryName
  readonly tag?: string
}

export interface PlannedTag {
  readonly tag: string
  /** null: the tag is not there */
  readonly before: Digest | null
  readonly change: 'create' | 'move' | 'unchanged'
  /** why it moves, where it follows from a version: `the highest 1.4` */
  readonly reason?: string
  readonly override?: TagOverride
}

/** A tag that would move with the version and does not, with the reason. */
export interface HeldTag {
  readonly tag: string
  /** what it points at; null: it is not there */
  readonly at: Digest | null
  readonly reason: string
}

/** A tag is moved against the rule because a person said so: an exact or immutable tag, or a floating tag to a lower version. */
export type TagOverride = 'moveTag' | 'allowBackward' | 'rollback'

export interface Refusal {
  readonly image: string
  /** where only one target is concerned */
  readonly placement?: PlacementId
  readonly error: ErrorInfo
}

interface StepBase {
  readonly id: StepId
  readonly placement: PlacementId
  /** steps that must have succeeded before this one */
  readonly after: readonly StepId[]
  /** what must still be so just before this one: else `conflict` */
  readonly expect: readonly Precondition[]
}

export type Precondition = TagPrecondition | HighestPrecondition

/** The tag points at `digest`, or is not there (null). */
export interface TagPrecondition {
  readonly kind: 'tag'
  readonly repository: RepositoryName
  readonly tag: string
  readonly digest: Digest | null
}

/** No tag of the repository is a higher version of the line than `version`: of `1` or `1.4`, of all, or of the pre-releases of a channel. */
export interface HighestPrecondition {
  readonly kind: 'highest'
  readonly repository: RepositoryName
  readonly line: { readonly major?: number; readonly minor?: number; readonly channel?: string }
  readonly version: string
  /** `1.4.1_build.7` is read as the version 1.4.1+build.7 */
  readonly buildMetadata: boolean
}

/** The graph of `root`: its blobs, its children, and itself by digest; or all but itself where the `tag` step that follows puts it (one PUT instead of two). */
export interface CopyStep extends StepBase {
  readonly kind: 'copy'
  readonly root: Descriptor
  readonly from: RepositoryName
  readonly to: RepositoryName
  readonly rootBy: 'digest' | 'tag'
  /** it is there and not whole: put all of it, whatever the destination says that it has */
  readonly repair?: true
}

/** One piece of evidence with its own graph: a referrer of `subject`, or what stands under one of cosign's tags. */
export interface AttachStep extends StepBase {
  readonly kind: 'attach'
  readonly subject: Digest
  readonly manifest: Descriptor
  readonly from: RepositoryName
  readonly to: RepositoryName
  readonly via: 'subject' | 'tag'
  /** with `via: 'tag'` */
  readonly tag?: string
  /** as with `CopyStep` */
  readonly repair?: true
}

export interface TagStep extends StepBase {
  readonly kind: 'tag'
  readonly repository: RepositoryName
  readonly tag: string
  readonly target: Descriptor
  /** where the bytes of `target` are to be had */
  readonly from: RepositoryName
  readonly override?: TagOverride
}

/** A statement about `subject`, put beside it: that it was about to be promoted here, by whom, from where, on what grounds. */
export interface AttestStep extends StepBase {
  readonly kind: 'attest'
  readonly subject: Descriptor
  readonly repository: RepositoryName
}

export type Step = CopyStep | AttachStep | AttestStep | TagStep

/** Whether a precondition is what the plan saw of one tag. */
export function isOfTag(one: Precondition, repository: RepositoryName, tag: string): one is TagPrecondition {
  return one.kind === 'tag' && one.tag === tag && sameRepository(one.repository, repository)
}

/** The repository that a step changes. */
export function targetOf(step: Step | DeleteStep): RepositoryName {
  return step.kind === 'copy' || step.kind === 'attach' ? step.to : step.repository
}
