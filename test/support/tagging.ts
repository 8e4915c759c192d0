import { systemClock } from '../../src/lib/clock.ts'
import type { RepositoryName, TagOrDigest } from '../../src/oci/reference.ts'
import type { Plan } from '../../src/plan/plan.ts'
import { defaultTagPolicy, type TagPolicy } from '../../src/semver/tag-policy.ts'
import { parseVersion, plainReading, type VersionReading } from '../../src/semver/version.ts'
import { decide } from '../../src/usecases/tag/decide.ts'
import { gather } from '../../src/usecases/tag/gather.ts'
import type { TagRequest, TagChoice } from '../../src/usecases/tag/request.ts'
import { type Bench, executePlan, type ExecutedPlan } from './promotion.ts'

export interface Tagging {
  readonly in: RepositoryName
  readonly at: TagOrDigest
  /** a version, or another `Wish` */
  readonly as: string | TagChoice
  readonly policy?: Partial<TagPolicy>
  readonly immutable?: readonly string[]
  readonly moveTags?: boolean
}

/** Plans like `dray tag`. */
export async function planTags(run: Bench, ...taggings: readonly Tagging[]): Promise<Plan> {
  const requests = taggings.map(({ in: repository, at, as, policy, immutable = [] }): TagRequest => ({
    image: `${repository.path}${'tag' in at ? `:${at.tag}` : `@${at.digest}`}`,
    targets: [repository],
    at,
    choice: typeof as === 'string' ? versionWish(as, { ...plainReading, ...policy }) : as,
    policy: { ...defaultTagPolicy, ...policy },
    immutable,
  }))
  const gathered = await gather(requests, run.stores, { clock: systemClock }, run.call)
  const moveTags = taggings.some((one) => one.moveTags === true)
  return decide(gathered, { moveTags, partial: false, hash: '', tool: '0' }, new Date())
}

/** Plans and executes like `dray tag --yes`. */
export async function tag(run: Bench, ...taggings: readonly Tagging[]): Promise<ExecutedPlan> {
  const readAt = Date.now()
  return await executePlan(run, await planTags(run, ...taggings), { readAt })
}

function versionWish(text: string, reading: VersionReading): TagChoice {
  const version = parseVersion(text, reading)
  if (version === undefined) throw new Error(`${text} is not a version`)
  return { kind: 'version', given: { tag: text, version, hasV: text.startsWith('v') } }
}
