import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import { type RepositoryName, sameRepository } from '../oci/reference.ts'
import type { ErrorInfo } from '../lib/errors.ts'
import type { Line } from '../semver/line.ts'
import { formatVersion, plainReading, type Version, type VersionReading } from '../semver/version.ts'
import type { GateResult } from './gates/gate-result.ts'

export type OperationName = 'promote' | 'copy' | 'tag' | 'rollback' | 'sync' | 'bundle' | 'gitops' | 'prune'
/** The operations of audit records: those with plans, and those that attach a statement. */
export type RecordedOperation = OperationName | StatementOperation
export type StatementOperation = 'approve' | 'hold'
/** The operations with placements; `prune` has a plan of its own (`PrunePlan`). */
export type PlacementOperation = Exclude<OperationName, 'prune'>
export type StepId = string
export type PlacementId = string
/** `sha256:` and hex */
export type Hash = string

/** All changes of a run; `after` of each step gives their order. */
export interface Plan {
  readonly schema: 'dray.plan/1'
  readonly operation: PlacementOperation
  /** ISO 8601, UTC */
  readonly createdAt: string
  /** the version of dray that decided */
  readonly tool: string
  /** hash of the configuration and flags that decided */
  readonly policy: Hash
  readonly placements: readonly Placement[]
  readonly steps: readonly Step[]
  readonly refusals: readonly Refusal[]
}

/** One image at one target. */
export interface Placement {
  readonly id: PlacementId
  /** as the user named it, such as `api:1.4.2` */
  readonly image: string
  readonly from: PlacementEnd
  readonly to: PlacementEnd
  readonly root: Descriptor
  /** every requested tag, also those that are up to date */
  readonly tags: readonly PlannedTag[]
  /** tags of the same version that do not move */
  readonly keptTags?: readonly KeptTag[]
  readonly evidence: { readonly found: number; readonly missing: number }
  /** bytes of distinct blobs and manifests, without attached artifacts; absent if only tags move */
  readonly size?: number
  /** the results of the gates of the target; absent if none was evaluated */
  readonly gates?: readonly GateResult[]
  /** the rule of the section `sync` that selects the image */
  readonly rule?: string
  /** the bundle that the image comes from: the id of its document */
  readonly bundle?: Hash
  /** of a sparse index: the platforms that are copied, such as `linux/arm64` */
  readonly platforms?: readonly string[]
  /** of a sparse index: the number of platforms that it lists */
  readonly ofPlatforms?: number
}

/** A repository, and its environment if it has one. */
export interface PlacementEnd {
  readonly environment?: string
  readonly repository: RepositoryName
  /** the tag that the source was resolved by */
  readonly tag?: string
}

export interface PlannedTag {
  readonly tag: string
  /** null: there is no such tag */
  readonly before: Digest | null
  readonly change: 'create' | 'move' | 'unchanged'
  /** why a floating tag moves: `highest 1.4` */
  readonly reason?: string
  readonly override?: TagOverride
  /** of a version tag that is not obvious: `version 1.4.2 of the variant alpine` */
  readonly readAs?: string
  /** the registry deletes `before` when the tag moves, because no other tag is on it (zot) */
  readonly deletesBefore?: true
}

/** A floating tag of the version that does not move. */
export interface KeptTag {
  readonly tag: string
  /** null: there is no such tag */
  readonly at: Digest | null
  readonly reason: string
}

/**
 * The option by which a user moves a version tag or immutable tag, or a floating tag backward.
 * `movedTags` is the key of a sync rule by which version tags follow the source.
 */
export type TagOverride = 'moveTag' | 'allowBackward' | 'rollback' | 'movedTags'

export interface Refusal {
  readonly image: string
  /** absent: the refusal concerns every target */
  readonly placement?: PlacementId
  /** of a sync: the name of the rule that selects the image */
  readonly rule?: string
  readonly error: ErrorInfo
}

interface StepBase {
  readonly id: StepId
  readonly placement: PlacementId
  /** steps that must have succeeded before this one */
  readonly after: readonly StepId[]
  /** checked just before this step; if one does not hold, the step is a `conflict` */
  readonly expect: readonly Precondition[]
}

export type Precondition = TagPrecondition | HighestPrecondition

/** The tag is on `digest`, or there is no such tag (null). */
export interface TagPrecondition {
  readonly kind: 'tag'
  readonly repository: RepositoryName
  readonly tag: string
  readonly digest: Digest | null
}

/**
 * No tag of the repository is a higher version of the line than `version`. Of the reading of tags,
 * it has `buildMetadata` and what differs from the defaults.
 */
export interface HighestPrecondition extends Partial<Omit<VersionReading, 'buildMetadata'>> {
  readonly kind: 'highest'
  readonly repository: RepositoryName
  readonly line: Line
  readonly version: string
  readonly buildMetadata: boolean
}

/** Copies the graph of `root`. With `rootBy: 'tag'`, the tag step pushes the root: one PUT less. */
export interface CopyStep extends StepBase {
  readonly kind: 'copy'
  readonly root: Descriptor
  readonly from: RepositoryName
  readonly to: RepositoryName
  readonly rootBy: 'digest' | 'tag'
  /** the target lacks some of it: push all content, even if the target claims to have it */
  readonly repair?: true
  /** of an index: copy only the children of these platforms; absent: all */
  readonly platforms?: readonly string[]
}

/** Copies an attached artifact with its graph: a referrer of `subject`, or that of a cosign tag. */
export interface AttachStep extends StepBase {
  readonly kind: 'attach'
  readonly subject: Digest
  readonly manifest: Descriptor
  readonly from: RepositoryName
  readonly to: RepositoryName
  readonly via: 'subject' | 'tag'
  /** with `via: 'tag'` */
  readonly tag?: string
  /** as in `CopyStep` */
  readonly repair?: true
}

export interface TagStep extends StepBase {
  readonly kind: 'tag'
  readonly repository: RepositoryName
  readonly tag: string
  readonly target: Descriptor
  /** the repository that has the bytes of `target` */
  readonly from: RepositoryName
  readonly override?: TagOverride
}

/** Attaches an attestation of the promotion to `subject`: by whom, from where and why. */
export interface AttestStep extends StepBase {
  readonly kind: 'attest'
  readonly subject: Descriptor
  readonly repository: RepositoryName
}

export type Step = CopyStep | AttachStep | AttestStep | TagStep

/** Expects that no version of a line is higher than this one. */
export function expectHighest(
  { repository, line }: Pick<HighestPrecondition, 'repository' | 'line'>,
  version: Version,
  { scheme, variants, ignoreVersions, buildMetadata, twoNumbers }: VersionReading,
): HighestPrecondition {
  return {
    kind: 'highest',
    repository,
    line,
    version: formatVersion(version),
    buildMetadata,
    ...(scheme !== plainReading.scheme && { scheme }),
    ...(variants.length > 0 && { variants }),
    ...(ignoreVersions.length > 0 && { ignoreVersions }),
    ...(twoNumbers && { twoNumbers }),
  }
}

/** Returns how a precondition reads the tags of its repository. */
export function readingOf({
  scheme = plainReading.scheme,
  variants = plainReading.variants,
  ignoreVersions = plainReading.ignoreVersions,
  buildMetadata,
  twoNumbers = plainReading.twoNumbers,
}: HighestPrecondition): VersionReading {
  return { scheme, variants, ignoreVersions, buildMetadata, twoNumbers }
}

/** Whether a precondition is about this tag. */
export function isOfTag(one: Precondition, repository: RepositoryName, tag: string): one is TagPrecondition {
  return one.kind === 'tag' && one.tag === tag && sameRepository(one.repository, repository)
}

/** The repository that a step changes, of a plan of any operation. */
export function targetOf(
  step: { readonly to: RepositoryName } | { readonly repository: RepositoryName },
): RepositoryName {
  return 'to' in step ? step.to : step.repository
}
