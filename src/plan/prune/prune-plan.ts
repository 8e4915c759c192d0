import type { ErrorInfo } from '../../lib/errors.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import type { Digest } from '../../oci/digest.ts'
import type { RepositoryName } from '../../oci/reference.ts'
import type { Hash, StepId } from '../plan.ts'

/** What will be deleted, in an order that `after` gives, and what stays, each with its reason; made by a pure function, carried out as it is. */
export interface PrunePlan {
  readonly schema: 'dray.plan/1'
  readonly operation: 'prune'
  /** ISO 8601, UTC */
  readonly createdAt: string
  /** the version of dray that decided */
  readonly tool: string
  /** hash of the retention policy and of what it was applied to */
  readonly policy: Hash
  /** what the policy is called, where dray.yaml has several */
  readonly policyName?: string
  /** what said which images run */
  readonly inUse: readonly InUseSource[]
  /** in the order in which they were named */
  readonly repositories: readonly RepositoryPlan[]
  readonly refusals: readonly PruneRefusal[]
}

/** A file, a list or a cluster that was asked, and how many images it names. */
export interface InUseSource {
  readonly name: string
  readonly images: number
}

/** One repository: all that it shows, what becomes of each, and the deletes. A repository that is refused has no steps. */
export interface RepositoryPlan {
  readonly repository: RepositoryName
  /** as a person would name it: `@dev/api`, else `registry.example.com/dev/api` */
  readonly image: string
  readonly environment?: string
  /** what ages are counted to: the earlier of this machine's and the registry's clock, ISO 8601, UTC */
  readonly now: string
  /** every tag of the repository with what it was on: what is compared with before deletes */
  readonly tags: readonly TagVerdict[]
  /** manifests that are known by something other than a tag of a person: those that die, and those that are kept for a reason worth telling */
  readonly others: readonly ManifestVerdict[]
  /** digests that are kept though no tag leads to them: in use somewhere */
  readonly roots: readonly Digest[]
  readonly steps: readonly DeleteStep[]
  /** digests with a tag of a person: all of them, and those that die */
  readonly count: { readonly images: number; readonly deleted: number }
  /** bytes of blobs and manifests that nothing which remains of this repository refers to; the registry frees them at its own garbage collection */
  readonly freed: number
  /** whether the lists of referrers were all read for this plan, or some are known from an earlier run: then they are read again before the first delete */
  readonly referrers: 'read' | 'remembered'
}

export type Verdict =
  /** it stays */
  | 'keep'
  /** its digest is deleted with all tags on it */
  | 'delete'
  /** the tag goes, its digest stays */
  | 'untag'

export interface TagVerdict {
  readonly tag: string
  /** null: it is listed, and there is no manifest under it */
  readonly digest: Digest | null
  readonly verdict: Verdict
  readonly why: Why
  /** when the image was made, ISO 8601, UTC, where that was looked for and found */
  readonly created?: string
  /** of the whole image, evidence apart, bytes; absent where it was not read */
  readonly size?: number
}

export interface ManifestVerdict {
  readonly digest: Digest
  readonly role: 'child' | 'evidence' | 'leftover'
  /** what lists it or what it refers to, as far as that is known */
  readonly of: readonly Digest[]
  readonly verdict: 'keep' | 'delete'
  readonly why: Why
  /** of the manifest and its blobs, bytes */
  readonly size: number
}

/** The reason of a verdict, for a program and for a person. */
export interface Why {
  readonly kind:
    /** a rule selects it and nothing holds it: `by` is the rule's name */
    | 'rule'
    /** a protection holds it, by its own tag or by its digest: `by` is the protection's name */
    | 'protection'
    /** something runs it: `by` is what said so */
    | 'inUse'
    /** no rule selects it */
    | 'unmatched'
    /** a rule selects it and a condition of that rule spares it: `by` is the rule's name */
    | 'spared'
    /** a rule by time selects it, and its time is not known or not to be believed: `by` is the rule's name */
    | 'undated'
    /** a rule by version or group selects it, and it has none: `by` is the rule's name */
    | 'unparsable'
    /** something that stays reaches it: `by` is a tag or digest */
    | 'reached'
    /** evidence whose subject does not die, or is not there */
    | 'evidence'
    /** the registry cannot delete a tag, and its digest stays */
    | 'cannotUntag'
    /** there is no manifest under it */
    | 'dangling'
    /** what it belonged to is deleted: `by` is a digest */
    | 'orphan'
  readonly by?: string
  /** one line, such as `nightlies: 41d old, older than 30d` */
  readonly text: string
}

export interface PruneRefusal {
  /** where only one repository is concerned; else nothing at all is deleted */
  readonly repository?: RepositoryName
  readonly error: ErrorInfo
}

interface DeleteStepBase {
  readonly id: StepId
  readonly repository: RepositoryName
  /** steps that must have succeeded before this one: what reaches a manifest goes before it, so that nothing that is there lacks a part */
  readonly after: readonly StepId[]
  readonly why: Why
}

/** A manifest with all tags on it. */
export interface DeleteManifestStep extends DeleteStepBase {
  readonly kind: 'deleteManifest'
  readonly target: Descriptor
  /** every tag on it, evidence tags too: they go with it */
  readonly losesTags: readonly string[]
  /** the subject that it speaks of */
  readonly subject?: Digest
}

/** A tag alone; its digest stays. */
export interface DeleteTagStep extends DeleteStepBase {
  readonly kind: 'deleteTag'
  readonly tag: string
  /** what it is on */
  readonly digest: Digest
}

export type DeleteStep = DeleteManifestStep | DeleteTagStep
