import { retentionOf } from '../../../config/retention/retention.ts'
import type { Limits } from '../../../config/retention/policy.ts'
import { inParallel } from '../../../images/parallel.ts'
import type { Call } from '../../../lib/call.ts'
import { DrayError, toErrorInfo } from '../../../lib/errors.ts'
import { digestOf, type Digest } from '../../../oci/digest.ts'
import { formatAt, formatRepository, type RepositoryName } from '../../../oci/reference.ts'
import type { BundleDocument, BundleTag } from '../../../plan/bundle/bundle-document.ts'
import { canonicalJson } from '../../../plan/canonical-json.ts'
import type { StepId } from '../../../plan/plan.ts'
import type { PrunePlan, PruneRefusal, RepositoryPlan } from '../../../plan/prune/prune-plan.ts'
import type { DeletedByBundle } from '../../../usecases/bundle/apply/next-receipt.ts'
import type { ChosenTags } from '../../prune/chosen-tags/delete-policy.ts'
import { planDeletes, type PlannedTagDeletes } from '../../prune/chosen-tags/plan-deletes.ts'
import type { Context } from '../../wiring/context.ts'
import type { BundleDestination } from './destination.ts'

/** HEAD requests at once. */
const readsAtOnce = 16
/** How often dray plans again because a tag moved while it read. */
const attempts = 3

export interface BundleDeletes extends PlannedTagDeletes {
  /** Returns what is gone once these steps of the plan were executed. */
  readonly deletedBy: (steps: ReadonlySet<StepId>) => DeletedByBundle
}

/** A tag to delete at one repository of the destination. */
interface PlacedTag {
  readonly of: BundleTag
  readonly repository: RepositoryName
  /** undefined: it is gone */
  readonly at: Digest | undefined
}

/**
 * Plans the deletes of a bundle: a prune of the tags that are still where the base put them. The
 * protections and limits of the retention policies in `dray.yaml` apply.
 * @throws `conflict` if tags move again and again; what the registries and the sources of images in
 * use throw.
 */
export async function planBundleDeletes(
  { deletes, sequence }: Pick<BundleDocument, 'deletes' | 'sequence'>,
  { repositoriesAt }: BundleDestination,
  auditFile: string | undefined,
  context: Context,
  call: Call,
): Promise<BundleDeletes> {
  const limits = strictest(retentionOf(await context.config()).map((policy) => policy.limits))
  const named = { policy: digestOf(canonicalJson(deletes)), policyName: `bundle ${sequence}` }
  for (let attempt = 1; ; attempt++) {
    let tags: readonly PlacedTag[] = []
    const planned = await planDeletes(
      named,
      async () => {
        tags = await resolveTags(deletes, repositoriesAt, context, call)
        return chosenOf(tags, named.policyName, named.policy, limits)
      },
      { auditFile, cache: true },
      context,
      call,
    )
    const moved = tags.find((one) => !isAsRead(one, planned.plan))
    if (moved === undefined) {
      const refusals = tags.flatMap(conflictOf)
      const plan = { ...planned.plan, refusals: [...planned.plan.refusals, ...refusals] }
      return { ...planned, plan, deletedBy: (steps) => deletedContent(tags, plan, steps) }
    }
    if (attempt === attempts) throw movedAgain(moved)
  }
}

async function resolveTags(
  deletes: readonly BundleTag[],
  repositoriesAt: BundleDestination['repositoriesAt'],
  context: Context,
  call: Call,
): Promise<readonly PlacedTag[]> {
  const stores = await context.stores()
  const all = deletes.flatMap((of) => repositoriesAt(of.repository).map((repository) => ({ of, repository })))
  return await inParallel(all, readsAtOnce, call, async (one, c) => ({
    ...one,
    at: (await stores.source(one.repository).resolve({ tag: one.of.tag }, c))?.digest,
  }))
}

/** The tags that are where the base put them, by the rules that no longer select them. */
function chosenOf(
  tags: readonly PlacedTag[],
  policyName: string,
  hash: string,
  limits: Limits,
): readonly ChosenTags[] {
  const there = tags.filter(({ of, at }) => at === of.digest)
  return [...Map.groupBy(there, ({ of }) => of.rule)].map(([rule, those]) => {
    const byName = Map.groupBy(those, ({ repository }) => formatRepository(repository))
    const repositories = [...byName.values()].flatMap(([first, ...more]) =>
      first === undefined
        ? []
        : [
            {
              repository: first.repository,
              tags: [first, ...more].map(({ of }) => of.tag),
              explain: (plan: RepositoryPlan) => ({ ...plan, rule }),
            },
          ],
    )
    const reason = `the sync rule ${rule} no longer selects it`
    return { rule, reason, policyName, hash, limits, repositories }
  })
}

/** Whether the reading for the plan found a chosen tag on the digest of its choice. */
function isAsRead({ of, repository, at }: PlacedTag, { repositories }: PrunePlan): boolean {
  if (at !== of.digest) return true
  const name = formatRepository(repository)
  return repositories
    .filter((one) => formatRepository(one.repository) === name && one.steps.length > 0)
    .every(({ tags }) => tags.every(({ tag, digest }) => tag !== of.tag || digest === of.digest))
}

function conflictOf({ of, repository, at }: PlacedTag): readonly PruneRefusal[] {
  if (at === undefined || at === of.digest) return []
  const reference = formatAt(repository, { tag: of.tag })
  const error = new DrayError('conflict', `${reference} was changed since the last bundle`, {
    subject: reference,
    why: `it is on ${at}, and the last bundle put it on ${of.digest}; dray does not delete it`,
    hint: 'Check who changed the tag. To delete it anyway, use dray prune.',
  })
  return [{ repository, error: toErrorInfo(error) }]
}

function movedAgain({ of, repository }: PlacedTag): DrayError {
  const reference = formatAt(repository, { tag: of.tag })
  return new DrayError('conflict', `${reference} moves while dray reads it`, {
    subject: reference,
    hint: 'Run the command again when no other client writes to the repository.',
  })
}

/** Each limit as the strictest policy has it. */
function strictest(all: readonly Limits[]): Limits {
  const lowest = (name: 'maxDeletes' | 'maxPercent'): number =>
    Math.min(...all.map((limits) => limits[name] ?? Infinity))
  const minRemaining = Math.max(0, ...all.map((limits) => limits.minRemaining ?? 0))
  const [maxDeletes, maxPercent] = [lowest('maxDeletes'), lowest('maxPercent')]
  return {
    ...(maxDeletes < Infinity && { maxDeletes }),
    ...(maxPercent < Infinity && { maxPercent }),
    ...(minRemaining > 0 && { minRemaining }),
  }
}

/** A tag is gone if no repository of the destination has it any more. */
function deletedContent(
  tags: readonly PlacedTag[],
  { repositories }: PrunePlan,
  done: ReadonlySet<StepId>,
): DeletedByBundle {
  const gone = new Set<string>()
  const manifests = new Map<string, Digest[]>()
  for (const step of repositories.flatMap(({ steps }) => steps).filter(({ id }) => done.has(id))) {
    const name = formatRepository(step.repository)
    for (const tag of step.kind === 'deleteTag' ? [step.tag] : step.losesTags) gone.add(`${name}:${tag}`)
    if (step.kind === 'deleteTag') continue
    manifests.set(name, [...(manifests.get(name) ?? []), step.target.digest])
  }
  const isGone = ({ of, repository, at }: PlacedTag): boolean =>
    at === undefined || gone.has(`${formatRepository(repository)}:${of.tag}`)
  const byTag = Map.groupBy(tags, ({ of }) => `${of.repository}:${of.tag}`)
  return {
    tags: new Set([...byTag].flatMap(([name, places]) => (places.every(isGone) ? [name] : []))),
    manifests: new Set(
      tags.flatMap(({ of, repository }) =>
        (manifests.get(formatRepository(repository)) ?? []).map((digest) => `${of.repository}@${digest}`),
      ),
    ),
  }
}
