import type { RetentionPolicy, Rule } from '../../config/retention/policy.ts'
import type { Call } from '../../lib/call.ts'
import { type ErrorCode, type ErrorInfo, toDrayError } from '../../lib/errors.ts'
import type { Digest } from '../../oci/digest.ts'
import { isEvidenceTag } from '../../oci/evidence-tags.ts'
import { formatRepository } from '../../oci/reference.ts'
import type { PrunePlan, RepositoryPlan } from '../../plan/prune/prune-plan.ts'
import { decide, type RepositoryResult } from '../../usecases/prune/decide.ts'
import { decideFrom } from '../../usecases/prune/decide-repository.ts'
import type { ImageVerdict } from '../../usecases/usage/contents/repository-contents.ts'
import type { PolicyJudgement } from '../../usecases/usage/contents/reduce-repository.ts'
import type { PolicyFacts } from '../../usecases/usage/facts.ts'
import type { KnownRepository } from '../../usecases/usage/gather.ts'
import { gatherPruneInputs, type PruneArguments } from '../prune/prune-inputs.ts'
import { evaluateRepository, type PruneInputs } from '../prune/prune-run.ts'
import type { ScopedRepository } from '../prune/prune-scope.ts'
import type { Context } from '../wiring/context.ts'

/** About the policy or files of this machine: the repository itself may be readable. */
const policyFailures: ReadonlySet<ErrorCode> = new Set(['refused', 'audit', 'io'])

/** A rule that selects no tag: protections decide, and the planner reads the inventory. */
const keepsEverything: Rule = {
  name: 'keep',
  kind: 'tags',
  orderBy: { by: 'time' },
  tags: { kind: 'glob', globs: [] },
}

/** The repository as the planner read it, and its decision. */
export interface PlannedRepository {
  readonly known: KnownRepository
  readonly judgement: PolicyJudgement
}

/** Prune's planner for the repositories of a usage report. It reads and deletes nothing. */
export class UsagePlanner {
  readonly #inputs: PruneInputs
  readonly #scoped: ReadonlyMap<string, ScopedRepository>
  readonly #isWhatIf: boolean
  readonly #context: Context
  readonly #results = new Map<string, RepositoryResult>()

  private constructor(inputs: PruneInputs, isWhatIf: boolean, context: Context) {
    this.#inputs = inputs
    this.#isWhatIf = isWhatIf
    this.#context = context
    const { repositories } = inputs.scope
    this.#scoped = new Map(repositories.map((one) => [formatRepository(one.repository), one]))
  }

  /**
   * @param isWhatIf rules decide what is deleted; otherwise only protections are applied
   * @throws as `gatherPruneInputs`.
   */
  static async open(
    args: Omit<PruneArguments, 'exclude' | 'shard'>,
    isWhatIf: boolean,
    context: Context,
    call: Call,
  ): Promise<UsagePlanner> {
    const inputs = await gatherPruneInputs({ ...args, exclude: [], shard: undefined }, context, call)
    return new UsagePlanner(inputs, isWhatIf, context)
  }

  get retention(): RetentionPolicy {
    return this.#inputs.retention
  }

  /**
   * Plans one repository. Undefined: the policy cannot be applied to it, which is a refusal.
   * @throws what the registry throws.
   */
  async plan(scoped: ScopedRepository, call: Call): Promise<PlannedRepository | undefined> {
    const { repository } = scoped
    const name = formatRepository(repository)
    const own = this.#scoped.get(name) ?? scoped
    const isApplied = this.#isWhatIf && own.policy.rules.length > 0
    const applied = isApplied ? own : { ...own, policy: { ...own.policy, rules: [keepsEverything] } }
    try {
      const evaluation = await evaluateRepository(applied, this.#inputs, this.#context, call)
      const decision = decideFrom(evaluation)
      this.#results.set(name, { kind: 'decided', decision })
      const { graph, inventory } = evaluation.snapshot
      return {
        known: { graph, ...(inventory !== undefined && { inventory }) },
        judgement: judge(decision.plan, this.#isWhatIf),
      }
    } catch (error) {
      call.signal.throwIfAborted()
      const failure = toDrayError(error)
      this.#results.set(name, { kind: 'unread', repository, error: failure })
      if (policyFailures.has(failure.code)) return undefined
      throw failure
    }
  }

  /** The plan of all repositories that were planned. */
  finish(): { readonly plan: PrunePlan; readonly warnings: readonly string[]; readonly facts: PolicyFacts } {
    const { retention, scope, inUse } = this.#inputs
    const results = [...this.#scoped.keys()].flatMap((name) => this.#results.get(name) ?? [])
    const { plan, warnings } = decide(
      results,
      {
        ...(retention.name !== undefined && { name: retention.name }),
        hash: retention.hash,
        tool: this.#context.version,
        limits: retention.limits,
        protections: scope.protections,
        inUse: inUse.sources,
        isFullRun: false,
      },
      new Date(this.#context.clock.now()),
    )
    return { plan, warnings, facts: factsOf(plan) }
  }
}

/** A refusal of one rule keeps what that rule selects, and the other rules delete. */
function factsOf({ policyName, refusals }: PrunePlan): PolicyFacts {
  const whole = refusals.filter(({ rule }) => rule === undefined)
  const refusedRun = whole.find(({ repository }) => repository === undefined)?.error
  const refused = whole.flatMap(({ repository, error }) =>
    repository === undefined ? [] : [[formatRepository(repository), error] as const],
  )
  return {
    ...(policyName !== undefined && { name: policyName }),
    refused: new Map<string, ErrorInfo>(refused),
    ...(refusedRun !== undefined && { refusedRun }),
  }
}

function judge(plan: RepositoryPlan, isWhatIf: boolean): PolicyJudgement {
  const images = new Map<Digest, ImageVerdict>()
  for (const { tag, digest, verdict, why } of plan.tags) {
    if (digest === null || isEvidenceTag(tag)) continue
    // The tag that keeps a digest explains it.
    if (images.get(digest)?.verdict !== 'keep') images.set(digest, { verdict, why })
  }
  if (!isWhatIf) return { images }
  const { deleted, superseded = 0, untaggedManifests = 0 } = plan.count
  const manifests = plan.steps.flatMap((step) => (step.kind === 'deleteManifest' ? [step.target.digest] : []))
  return {
    images,
    deletes: { images: deleted + superseded + untaggedManifests, manifests: new Set(manifests) },
  }
}
