import type { ErrorInfo } from '../../lib/errors.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import type { Digest } from '../../oci/digest.ts'
import type { RepositoryName } from '../../oci/reference.ts'
import type { Hash, StepId } from '../plan.ts'

/**
 * The content to delete, in the order of `after`, and to keep, each with the reason. A pure
 * function makes it, and it is executed unchanged.
 */
export interface PrunePlan {
  readonly schema: 'dray.plan/1'
  readonly operation: 'prune'
  /** ISO 8601, UTC */
  readonly createdAt: string
  /** the version of dray that decided */
  readonly tool: string
  /** hash of the retention policy and of what it was applied to */
  readonly policy: Hash
  /** the name of the policy, if dray.yaml has several */
  readonly policyName?: string
  /** the sources of images in use */
  readonly inUse: readonly InUseSource[]
  /** in the order in which they were named */
  readonly repositories: readonly RepositoryPlan[]
  readonly refusals: readonly PruneRefusal[]
}

/** A glob, list or cluster, and how many images in use it names. */
export interface InUseSource {
  readonly name: string
  readonly images: number
}

/**
 * One repository: its tags and manifests with their verdicts, and the deletes. A repository that is
 * refused has no steps.
 */
export interface RepositoryPlan {
  readonly repository: RepositoryName
  /** the short name: `@dev/api`, or `registry.example.com/dev/api` outside environments */
  readonly image: string
  readonly environment?: string
  /** of the deletes of a sync: the rule that has this destination */
  readonly rule?: string
  /**
   * the time that ages are relative to: the earlier of the clocks of this machine and the registry,
   * ISO 8601, UTC
   */
  readonly now: string
  /** every tag of the repository with its digest; compared again before deletes */
  readonly tags: readonly TagVerdict[]
  /**
   * manifests without an image tag: those that are deleted, and those that a deleted manifest
   * reaches and something else keeps
   */
  readonly others: readonly ManifestVerdict[]
  /** digests in use; they are kept even without a tag */
  readonly roots: readonly Digest[]
  readonly steps: readonly DeleteStep[]
  /**
   * digests with an image tag: all of them, and those that are deleted; and the superseded digests
   * and the untagged manifests that a rule deletes, if there are any
   */
  readonly count: {
    readonly images: number
    readonly deleted: number
    readonly superseded?: number
    readonly untaggedManifests?: number
  }
  /**
   * bytes of blobs and manifests that nothing which remains of this repository refers to; the
   * registry frees them at its next garbage collection
   */
  readonly freed: number
  /** not all kept images were read, and they may refer to some of these blobs: it is less then */
  readonly isFreedMost?: true
  /**
   * whether the lists of referrers were all read for this plan, or some are known from an earlier
   * run: then they are read again before the first delete
   */
  readonly referrers: 'read' | 'remembered'
  /** the kind of the inventory that tags and digests are from; absent: the OCI API listed them */
  readonly inventory?: string
  /** where and for how long the vendor keeps deleted content: `in the settings for 30 days` */
  readonly restorableBy?: string
}

export type Verdict =
  /** it is kept */
  | 'keep'
  /** its digest is deleted with all tags on it */
  | 'delete'
  /** the tag is deleted, its digest is kept */
  | 'untag'

export interface TagVerdict {
  readonly tag: string
  /** null: it is listed and has no manifest */
  readonly digest: Digest | null
  readonly verdict: Verdict
  readonly why: Why
  /** the time of the image, ISO 8601, UTC, if it was read */
  readonly created?: string
  /** bytes of the whole image without attached artifacts; absent if it was not read */
  readonly size?: number
  /** the missing children of a broken index */
  readonly missingChildren?: readonly MissingChild[]
}

/** A manifest that an index lists and that does not exist. */
export interface MissingChild {
  readonly digest: Digest
  /** `linux/arm64`, if the index has it */
  readonly platform?: string
}

export interface ManifestVerdict {
  readonly digest: Digest
  readonly role: 'child' | 'evidence' | 'orphaned' | 'superseded' | 'untagged'
  /** the known indexes that list it and its known subject */
  readonly of: readonly Digest[]
  readonly verdict: 'keep' | 'delete'
  readonly why: Why
  /** of the manifest and its blobs, bytes; of a superseded digest those of the whole image */
  readonly size: number
  /** of a superseded digest: the tags that pointed to it before, the newest move first */
  readonly formerTags?: readonly string[]
  /** and when a tag was last on it, ISO 8601, UTC */
  readonly lastTaggedAt?: string
  /** of an untagged manifest: the time that its age counts from, ISO 8601, UTC */
  readonly pushedAt?: string
}

/** The reason of a verdict, for a program and for a person. */
export interface Why {
  readonly kind:
    /** a rule deletes it and nothing protects it: `by` is the rule's name */
    | 'rule'
    /** a protection keeps it, by its own tag or by its digest: `by` is the protection's name */
    | 'protection'
    /** it is in use: `by` is the source */
    | 'inUse'
    /** a person holds it: `by` is the tag or the statement */
    | 'hold'
    /** the registry does not allow its delete: `by` is the name of the vendor */
    | 'locked'
    /**
     * the inventory and the OCI API show different content, or dray cannot read it: `by` is the
     * name of the vendor
     */
    | 'disputed'
    /** dray cannot apply the rule that selects it: `by` is the rule's name */
    | 'notApplied'
    /** no rule selects it */
    | 'unmatched'
    /** a rule selects it and a condition of that rule keeps it: `by` is the rule's name */
    | 'kept'
    /**
     * a rule by time selects it, and its time is unknown or not plausible: `by` is the rule's name
     */
    | 'undated'
    /**
     * it is a version-like tag, and a protection or rule by version keeps it: `by` is its name
     */
    | 'versionLike'
    /** a rule by version, order or group selects it, and it has none: `by` is the rule's name */
    | 'unparsable'
    /** something that is kept reaches it: `by` is a tag or digest */
    | 'reached'
    /** an attached artifact whose subject is kept, or does not exist */
    | 'evidence'
    /** the registry cannot delete a tag, and its digest is kept */
    | 'cannotUntag'
    /** it has no manifest */
    | 'dangling'
    /** its index or subject is deleted: `by` is a digest */
    | 'orphan'
  readonly by?: string
  /** one line, such as `nightlies: 41d old, older than 30d` */
  readonly text: string
}

export interface PruneRefusal {
  /** the repository that is refused; undefined: nothing at all is deleted */
  readonly repository?: RepositoryName
  /**
   * the rule that dray cannot apply in the repository: what it selects is kept, and other rules
   * delete
   */
  readonly rule?: string
  readonly error: ErrorInfo
}

interface DeleteStepBase {
  readonly id: StepId
  readonly repository: RepositoryName
  /**
   * steps that must have succeeded before this one: a parent is deleted before what it reaches, so
   * that no image lacks a part
   */
  readonly after: readonly StepId[]
  readonly why: Why
  /**
   * manifests that must still be missing just before the step: the subject of an orphaned artifact,
   * the missing children of a broken index
   */
  readonly absent?: readonly Digest[]
}

/** A manifest with all tags on it. */
export interface DeleteManifestStep extends DeleteStepBase {
  readonly kind: 'deleteManifest'
  readonly target: Descriptor
  /** every tag on it, including evidence tags: they are deleted with it */
  readonly losesTags: readonly string[]
  /** its field `subject` */
  readonly subject?: Digest
  /** of a superseded digest: tags that must still point to others just before the step */
  readonly formerTags?: readonly string[]
  /**
   * a rule selects it because no tag, index or kept subject reaches it: that must still hold just
   * before the step
   */
  readonly untagged?: true
}

/** A tag alone; its digest is kept. */
export interface DeleteTagStep extends DeleteStepBase {
  readonly kind: 'deleteTag'
  readonly tag: string
  /** the digest that the tag is on */
  readonly digest: Digest
}

export type DeleteStep = DeleteManifestStep | DeleteTagStep
