import { onTestFinished } from 'vitest'
import { noMoves, type RepositoryMoves } from '../../src/audit/moves/tag-moves.ts'
import { formatRepository, type RepositoryName } from '../../src/oci/reference.ts'
import { decideFrom, type RepositoryDecision } from '../../src/usecases/prune/decide-repository.ts'
import { type Evaluation, evaluatePolicy } from '../../src/usecases/prune/evaluate.ts'
import { gather, type PruneGatherOptions } from '../../src/usecases/prune/gather.ts'
import type { RepositoryPolicy } from '../../src/usecases/prune/policy/policy.ts'
import { noSources } from '../../src/usecases/prune/records/history-reader.ts'
import type { HistorySources } from '../../src/usecases/prune/records/history.ts'
import type { PruneRequest } from '../../src/usecases/prune/snapshot.ts'
import type { Promotion } from '../../src/audit/attestation/promotion-statement.ts'
import { plainReading } from '../../src/semver/version.ts'
import type { SigningKey } from '../../src/signing/signing-keys.ts'
import { attestationContent, promotionOf } from './attestations.ts'
import { type Content, image } from './images.ts'
import { bench, type Bench } from './promotion.ts'
import { rule } from './repository-graphs.ts'
import { type RegistryKind, watchedRegistry, type WatchedRegistry } from './world.ts'

const now = Date.parse('2026-06-01T00:00:00Z')
const dayMs = 86_400_000

/** The time of so many days ago. */
export function ago(days: number): number {
  return now - days * dayMs
}

export function isoAgo(days: number): string {
  return new Date(ago(days)).toISOString()
}

/** An image that was built so many days ago. */
export function built(label: string, days: number): Content {
  return image({ label, layers: 0, created: isoAgo(days) })
}

export const policyOf = (over: Partial<RepositoryPolicy> = {}): RepositoryPolicy => ({
  protect: [],
  rules: [rule('old', { days: 14 })],
  limits: {},
  timeFrom: ['promoted', 'annotation', 'config'],
  reading: plainReading,
  ...over,
})

export interface RecordScene {
  readonly registry: WatchedRegistry
  readonly run: Bench
  readonly repository: RepositoryName
  readonly push: (content: Content, ...tags: readonly string[]) => Promise<void>
  /** attaches an attestation that dray put tags on the image so many days ago */
  readonly attest: (
    content: Content,
    days: number,
    over?: Partial<Promotion>,
    key?: SigningKey,
  ) => Promise<Content>
  readonly evaluate: (
    policy?: RepositoryPolicy,
    options?: Partial<PruneGatherOptions> & Partial<HistorySources> & Partial<Pick<PruneRequest, 'inUse'>>,
  ) => Promise<Evaluation>
  readonly decide: (
    policy?: RepositoryPolicy,
    options?: Partial<PruneGatherOptions> & Partial<HistorySources> & Partial<Pick<PruneRequest, 'inUse'>>,
  ) => Promise<RepositoryDecision & { readonly deletedTags: readonly string[] }>
  /** the number of requests by `METHOD kind`, since `forget` */
  readonly counts: () => Readonly<Record<string, number>>
}

export function movesOf(over: Partial<RepositoryMoves>): Partial<HistorySources> {
  return { moves: async () => await Promise.resolve({ ...noMoves, ...over }) }
}

/** The repository `prod/api` of a registry, and what a prune finds in it. */
export async function recordScene(kind: RegistryKind = 'oci-1.1'): Promise<RecordScene> {
  const registry = await watchedRegistry(kind)
  const run = await bench()
  onTestFinished(async () => {
    await run[Symbol.asyncDispose]()
    await registry[Symbol.asyncDispose]()
  })
  const repository = { registry: registry.host, path: 'prod/api' }
  const push: RecordScene['push'] = async (content, ...tags) =>
    void (await registry.oracle.push(content, repository.path, ...tags))
  const evaluate: RecordScene['evaluate'] = async (
    policy = policyOf(),
    { inUse = [], moves, identify = formatRepository, keys, remember, ...options } = {},
  ) => {
    const sources: HistorySources = {
      ...noSources,
      identify,
      ...(moves !== undefined && { moves }),
      ...(keys !== undefined && { keys }),
      ...(remember !== undefined && { remember }),
    }
    const request = { repository, image: '@prod/api', inUse, orphaned: [] }
    const { snapshot } = await gather(
      run.freshStores().source(repository),
      request,
      { policy, now: () => now, sources, ...options },
      run.call,
    )
    return evaluatePolicy(snapshot, policy)
  }
  return {
    registry,
    run,
    repository,
    push,
    attest: async (content, days, over = {}, key) => {
      const promotion = promotionOf(content.root.digest, {
        to: { environment: 'prod', repository },
        time: isoAgo(days),
        ...over,
      })
      const attestation = attestationContent(content, promotion, key)
      await push(attestation)
      return attestation
    },
    evaluate,
    decide: async (...args) => {
      const decision = decideFrom(await evaluate(...args))
      const deletedTags = decision.plan.tags.flatMap(({ tag, verdict }) =>
        verdict === 'delete' ? [tag] : [],
      )
      return { ...decision, deletedTags: deletedTags.toSorted() }
    },
    counts: () => {
      const kinds = registry.requests.map(({ method, kind: what }) => `${method} ${what}`)
      return Object.fromEntries(
        [...Map.groupBy(kinds, (name) => name)].map(([name, all]) => [name, all.length]),
      )
    },
  }
}
