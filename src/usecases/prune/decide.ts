import type { Limits } from '../../config/retention/policy.ts'
import { DrayError, type ErrorInfo, toErrorInfo } from '../../lib/errors.ts'
import { formatAt, formatRepository, type RepositoryName } from '../../oci/reference.ts'
import type { Hash } from '../../plan/plan.ts'
import type { InUseSource, PrunePlan, PruneRefusal, RepositoryPlan } from '../../plan/prune/prune-plan.ts'
import type { UnreadTarget } from '../../images/graph/unread.ts'
import type { MissingChildOfIndex, RepositoryDecision } from './decide-repository.ts'
import { joinFirst } from '../../lib/join-first.ts'
import { countDeletes } from '../../plan/prune/count-deletes.ts'
import { checkRepositoryLimits, checkRunLimits } from './policy/limits.ts'

/** The decision about one repository, or why it could not be read. */
export type RepositoryResult =
  | { readonly kind: 'decided'; readonly decision: RepositoryDecision }
  | UnreadTarget

export interface RunPolicy {
  readonly name?: string
  readonly hash: Hash
  /** the version of dray that decides */
  readonly tool: string
  readonly limits: Limits
  /**
   * all protections of the policy, also those of other repositories; `optional`: it may match
   * nothing
   */
  readonly protections: readonly { readonly name: string; readonly optional: boolean }[]
  readonly inUse: readonly InUseSource[]
  /** all repositories of the policy were read: a protection that matches nothing is an error */
  readonly isFullRun: boolean
}

export interface PruneDecision {
  readonly plan: PrunePlan
  /** printed for the user; they stop nothing */
  readonly warnings: readonly string[]
}

/**
 * Combines the decisions of all repositories. A repository that could not be read or breaks a limit
 * is refused and has no steps. Pure.
 */
export function decide(results: readonly RepositoryResult[], run: RunPolicy, now: Date): PruneDecision {
  const decisions = results.flatMap((one) => (one.kind === 'decided' ? [one.decision] : []))
  const refusals: PruneRefusal[] = results.flatMap((one): readonly PruneRefusal[] => {
    if (one.kind === 'unread') return [{ repository: one.repository, error: toErrorInfo(one.error) }]
    const { repository, count } = one.decision.plan
    const breach = checkRepositoryLimits(repository, count, run.limits)
    return breach === undefined ? [] : [{ repository, error: toErrorInfo(breach) }]
  })
  const refused = new Set(refusals.map(({ repository }) => repository && formatRepository(repository)))
  const isRefused = ({ repository }: RepositoryPlan): boolean =>
    refused.has(undefined) || refused.has(formatRepository(repository))
  const idle = findUnmatched(run, decisions)
  const remaining = decisions.map(({ plan: one }) => one).filter((one) => !isRefused(one))
  const ofTheRun = [...(run.isFullRun ? idle.map(unmatchedProtection) : []), ...checkRun(run, remaining)]
  for (const error of ofTheRun) {
    refusals.push({ error })
    refused.add(undefined)
  }
  refusals.push(...decisions.flatMap((one) => one.refusals))
  const plan: PrunePlan = {
    schema: 'dray.plan/1',
    operation: 'prune',
    createdAt: now.toISOString(),
    tool: run.tool,
    policy: run.hash,
    ...(run.name !== undefined && { policyName: run.name }),
    inUse: run.inUse,
    repositories: decisions.map(({ plan: one }) => (isRefused(one) ? { ...one, steps: [], freed: 0 } : one)),
    refusals,
  }
  return { plan, warnings: collectWarnings(decisions, run.isFullRun ? [] : idle) }
}

/** Checks the deletes of all repositories together. */
function checkRun({ limits }: RunPolicy, plans: readonly RepositoryPlan[]): readonly ErrorInfo[] {
  const deleted = plans.reduce((sum, { count }) => sum + countDeletes(count), 0)
  const breach = checkRunLimits(deleted, limits)
  return breach === undefined ? [] : [toErrorInfo(breach)]
}

/** The names of protections that match nothing although they are not optional. */
function findUnmatched(
  { protections }: RunPolicy,
  decisions: readonly RepositoryDecision[],
): readonly string[] {
  const matched = new Set(decisions.flatMap((decision) => [...decision.matched]))
  return protections.flatMap(({ name, optional }) => (optional || matched.has(name) ? [] : [name]))
}

function unmatchedProtection(name: string): ErrorInfo {
  return toErrorInfo(
    new DrayError('refused', `the protection ${JSON.stringify(name)} matches no tag and no image`, {
      why: 'a protection without a match is usually a typing mistake, and dray would delete too much',
      hint: 'Correct the protection in dray.yaml. If it may match nothing, set "optional: true" for it.',
    }),
  )
}

function collectWarnings(
  decisions: readonly RepositoryDecision[],
  idle: readonly string[],
): readonly string[] {
  return [
    ...idle.map(
      (name) => `the protection ${JSON.stringify(name)} matches nothing in the repositories of this run`,
    ),
    ...decisions.flatMap(({ plan: { repository }, absent }) =>
      absent.map(({ at, by }) => `${formatAt(repository, at)} is in use (${by}) but does not exist`),
    ),
    ...warnOfOtherHosts(decisions),
    ...warnOfRepositories(decisions),
    ...decisions
      .filter(({ missing }) => missing.length > 0)
      .map(({ plan: { repository }, missing }) => warnOfMissing(repository, missing)),
  ]
}

/** One line for each warning, with the repositories that it is about. */
function warnOfRepositories(decisions: readonly RepositoryDecision[]): readonly string[] {
  const all = decisions.flatMap(({ plan, warnings }) =>
    warnings.map((text) => ({ text, repository: formatRepository(plan.repository) })),
  )
  return [...Map.groupBy(all, ({ text }) => text)].map(
    ([text, those]) => `${joinFirst(those.map(({ repository }) => repository))}: ${text}`,
  )
}

/** Missing manifests that a warning names. */
const missingShown = 3
const brokenRule = '{ name: broken, kind: broken, olderThan: 30d }'

function warnOfMissing(repository: RepositoryName, missing: readonly MissingChildOfIndex[]): string {
  const shown = missing.slice(0, missingShown).map(({ index, tags, digest, platform }) => {
    const child = platform === undefined ? digest : `${platform} (${digest})`
    const name = tags.length === 0 ? index : `${tags.join(', ')} (${index})`
    return `${name} with the missing child ${child}`
  })
  const more = missing.length > missingShown ? `; and ${missing.length - missingShown} more` : ''
  return `${formatRepository(repository)}: broken indexes: ${shown.join('; ')}${more}. Push the images again, or delete their tags with the rule ${brokenRule}.`
}

/** One warning for each host that may serve the same repositories as another. */
function warnOfOtherHosts(decisions: readonly RepositoryDecision[]): readonly string[] {
  const found = decisions.flatMap(({ plan: { repository }, atOtherHosts }) =>
    atOtherHosts.flatMap(({ otherHost, by }) =>
      otherHost === undefined || otherHost.isIgnored
        ? []
        : [{ here: repository.registry, there: otherHost.registry, text: `${otherHost.reference} (${by})` }],
    ),
  )
  const pairs = Map.groupBy(found, ({ here, there }) => JSON.stringify([here, there]))
  return [...pairs.values()].flatMap((all) => {
    const [first] = all
    if (first === undefined) return []
    const { here, there } = first
    const images = all.length === 1 ? 'an image' : `${all.length} images`
    const references = joinFirst(all.map(({ text }) => text))
    return [
      `dray keeps ${images} of ${here} because the same path and tag or digest is in use at ${there}: ${references}. If ${there} serves the same repositories, add to dray.yaml: registries: { ${JSON.stringify(here)}: { aliases: [${JSON.stringify(there)}] } }`,
    ]
  })
}
