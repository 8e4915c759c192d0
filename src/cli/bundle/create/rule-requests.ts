import type { LoadedConfig } from '../../../config/parse.ts'
import type { SyncRule } from '../../../config/sync/sync-rule.ts'
import { syncRulesOf } from '../../../config/sync/sync-rules.ts'
import { inParallel } from '../../../images/parallel.ts'
import type { Call } from '../../../lib/call.ts'
import type { Platform } from '../../../oci/platform.ts'
import { formatRepository } from '../../../oci/reference.ts'
import type { DeletingRule } from '../../../usecases/bundle/create/decide-deletes.ts'
import type { PackRequest } from '../../../usecases/bundle/create/request.ts'
import { gather } from '../../../usecases/sync/gather.ts'
import type { SyncSnapshot } from '../../../usecases/sync/snapshot.ts'
import { openContents } from '../../sync/state/open-contents.ts'
import { noTag, resolveSyncScope, type ScopedSync } from '../../sync/sync-scope.ts'
import type { Context } from '../../wiring/context.ts'
import { sourceOf } from './pack-requests.ts'

/** Source repositories that are read at once. */
const repositoriesAtOnce = 4

export interface SelectedByRules {
  readonly requests: readonly PackRequest[]
  readonly deletingRules: readonly DeletingRule[]
}

/** Returns the rules of `dray.yaml` by their names. @throws `config`. */
export function rulesByName(loaded: LoadedConfig, now: number): ReadonlyMap<string, SyncRule> {
  return new Map(syncRulesOf(loaded, now).map((rule) => [rule.name, rule]))
}

/**
 * Selects the images of rules as a sync does, without a destination. A bundle is complete or does
 * not exist: the first repository or image that cannot be read fails.
 * @throws `refused` for a rule that selects nothing; what the sources throw.
 */
export async function selectByRules(
  rules: readonly SyncRule[],
  platforms: readonly Platform[] | undefined,
  context: Context,
  call: Call,
): Promise<SelectedByRules> {
  const { config } = await context.config()
  const catalog: Parameters<typeof resolveSyncScope>[2]['catalog'] = (...of) => context.repositories(...of)
  const scope = await resolveSyncScope(rules, undefined, { config, catalog }, call)
  const [failure] = scope.failures
  if (failure !== undefined) throw failure.error
  await context.expectRepositories(
    [],
    scope.repositories.map(({ source }) => source.repository),
    'read',
  )
  const stores = await context.stores()
  const inventories = { inventory: (registry: string) => context.inventory(registry) }
  const options = { clock: context.clock, evidence: false, full: false }
  const contents = await openContents(rules, context, call)
  const snapshots = await inParallel(scope.repositories, repositoriesAtOnce, call, (one, c) =>
    gather({ ...one, destinations: [] }, { stores, inventories, contents }, options, c),
  )
  await contents?.flush()
  for (const text of scope.warnings) call.notify({ kind: 'warning', text })
  for (const snapshot of snapshots) checkSnapshot(snapshot, call)
  for (const rule of rules) checkSelection(rule, scope.repositories, snapshots)
  return {
    requests: snapshots.flatMap((snapshot) => requestsOf(snapshot, platforms)),
    deletingRules: rules.flatMap((rule) => deletingRuleOf(rule, snapshots)),
  }
}

/** @throws the error of the first image that cannot be read. */
function checkSnapshot({ request, selection, unread }: SyncSnapshot, call: Call): void {
  const [failed] = unread.values()
  if (failed !== undefined) throw failed
  const from = formatRepository(request.source.repository)
  for (const text of selection.warnings) call.notify({ kind: 'warning', text, from })
}

function checkSelection(
  rule: SyncRule,
  repositories: readonly ScopedSync[],
  snapshots: readonly SyncSnapshot[],
): void {
  const isEmpty = !snapshots.some(({ request, source }) => request.rule === rule && source.size > 0)
  if (!isEmpty || rule.optional) return
  const sources = repositories.filter((one) => one.rule === rule).map(({ source }) => source.repository)
  throw noTag(rule, sources)
}

/** One image for each digest, with its tags. */
function requestsOf(
  { request: { rule, path, source: place }, source }: SyncSnapshot,
  platforms: readonly Platform[] | undefined,
): readonly PackRequest[] {
  const wanted = platforms ?? rule.platforms
  return [...Map.groupBy(source, ([, digest]) => digest)].map(([digest, entries]) => {
    const tags = entries.map(([tag]) => tag)
    return {
      image: `${path}:${tags[0]}`,
      repository: place.repository,
      at: { digest },
      path,
      source: sourceOf(place.repository),
      tags,
      rule: rule.name,
      ...(rule.movedTags === 'follow' && { followsSource: true }),
      ...(wanted !== undefined && { platforms: wanted }),
    }
  })
}

/** In a repository whose source has no tag at all, nothing is deleted. */
function deletingRuleOf(rule: SyncRule, snapshots: readonly SyncSnapshot[]): readonly DeletingRule[] {
  if (rule.delete === undefined) return []
  const { maxDeletes, maxPercent } = rule.delete
  const read = snapshots.filter(({ request, sourceTags }) => request.rule === rule && sourceTags.length > 0)
  return [
    {
      rule: rule.name,
      paths: new Set(read.map(({ request }) => request.path)),
      ...(maxDeletes !== undefined && { maxDeletes }),
      ...(maxPercent !== undefined && { maxPercent }),
    },
  ]
}
