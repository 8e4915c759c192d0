import type { Call } from '../../../lib/call.ts'
import type { ErrorInfo } from '../../../lib/errors.ts'
import type { Digest } from '../../../oci/digest.ts'
import { formatAt } from '../../../oci/reference.ts'
import type { DeleteStep, DeleteTagStep, RepositoryPlan } from '../../../plan/prune/prune-plan.ts'
import type { ManifestReader } from '../../../images/ports.ts'

/** Keeps the last tag of each manifest at a registry that deletes the manifest with it. */
export class LastTags {
  /** by digest, the tags that stay */
  readonly #staying: ReadonlyMap<Digest | null, readonly string[]>
  /** by digest, the deletes of single tags, in the order of the plan */
  readonly #deletes: ReadonlyMap<Digest, readonly DeleteTagStep[]>
  readonly #isPending: (step: DeleteStep) => boolean

  constructor({ tags, steps }: RepositoryPlan, isPending: (step: DeleteStep) => boolean) {
    const staying = tags.filter(({ verdict }) => verdict === 'keep')
    const byDigest = Map.groupBy(staying, ({ digest }) => digest)
    this.#staying = new Map([...byDigest].map(([digest, those]) => [digest, those.map(({ tag }) => tag)]))
    const deletes = steps.filter((step) => step.kind === 'deleteTag')
    this.#deletes = Map.groupBy(deletes, ({ digest }) => digest)
    this.#isPending = isPending
  }

  /**
   * Why a tag must stay: no other tag is on the manifest now. If all tags of the manifest are to be
   * deleted, the last one of the plan stays, also if several of them are deleted at once.
   * @throws what the store throws
   */
  async findReason(step: DeleteTagStep, store: ManifestReader, call: Call): Promise<ErrorInfo | undefined> {
    const { repository, tag, digest } = step
    const deletes = this.#deletes.get(digest) ?? []
    const reserved = deletes.at(-1)
    // The delete of another tag may have been refused.
    const possible = reserved?.id === step.id ? deletes.filter((one) => !this.#isPending(one)) : [reserved]
    const others = [...(this.#staying.get(digest) ?? []), ...possible.flatMap((one) => one?.tag ?? [])]
    for (const other of others)
      if (other !== tag && (await store.resolve({ tag: other }, call))?.digest === digest) return undefined
    const subject = formatAt(repository, { tag })
    return {
      code: 'unsupported',
      message: `cannot delete the tag ${subject} alone`,
      subject,
      why: `no other tag is on ${digest}, and ${repository.registry} deletes a manifest with its last tag`,
      hint: 'Keep the tag, or delete the image.',
    }
  }
}
