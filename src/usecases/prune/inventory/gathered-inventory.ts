import type { Call } from '../../../lib/call.ts'
import type { RepositoryGraph } from '../../../images/graph/repository-graph.ts'
import type { RepositoryReader } from '../../../images/graph/repository-reader.ts'
import type { RepositoryScan } from '../../../images/graph/repository-scan.ts'
import { deleteApiOf } from '../../../images/inventory/delete-api.ts'
import type { InventorySnapshot } from '../../../images/inventory/inventory-snapshot.ts'
import { lastPushOf } from '../../../images/inventory/last-pulls.ts'
import type { Digest } from '../../../oci/digest.ts'
import type { RepositoryPolicy } from '../policy/policy.ts'
import type { RuleOptions } from '../policy/rules/rule-options.ts'
import type { HistorySources } from '../records/history.ts'
import type { RepositorySnapshot } from '../snapshot.ts'
import { createImageUses } from './image-uses.ts'
import { ListedReading } from './listed-reading.ts'
import { findObstacles, type InventoryReading, type RuleObstacle } from './obstacles.ts'

type InventoryFacts = Pick<
  RepositorySnapshot,
  'inventory' | 'deletesBy' | 'obstacles' | 'watchedSince' | 'disputed' | 'warnings'
>

/** The inventory of a repository during its reading. */
export interface GatheredInventory {
  /** undefined: the tags are listed and resolved through the OCI API */
  readonly listed: ListedReading | undefined
  /** the parts of the snapshot that are known until now */
  readonly facts: InventoryFacts
  /** the vendor's API deletes single tags */
  readonly canUntag: boolean
  /** when a manifest was pushed last, in milliseconds since 1970 */
  pushed(digest: Digest): number | undefined
  ruleOptions(graph: RepositoryGraph, now: number): Pick<RuleOptions, 'uses' | 'notApplied'>
}

interface InventoryOptions {
  readonly policy: RepositoryPolicy
  readonly inventory?: InventoryReading
  readonly sources?: HistorySources
  readonly now: () => number
}

/**
 * Adds the inventory to a scan, if it was read, and finds the rules that dray cannot apply.
 * @throws what the sources and the store throw.
 */
export async function beginInventory(
  reader: RepositoryReader,
  scan: RepositoryScan,
  { policy, inventory = { kind: 'none' }, sources, now }: InventoryOptions,
  call: Call,
): Promise<GatheredInventory> {
  const { rules } = policy
  const obstacles = findObstacles(rules, reader.store.repository, inventory)
  if (inventory.kind !== 'read') return withoutInventory(obstacles)
  const { snapshot } = inventory
  const isByUse = rules.some(({ notPulledFor }) => notPulledFor !== undefined)
  const isGetCounted = snapshot.knows.pulledAt !== 'no' || reader.store.capability('freeReads') === 'no'
  const watchedSince = isByUse ? await sources?.watchedSince?.(now(), call) : undefined
  const untagged = rules.find(({ kind }) => kind === 'untagged')?.name
  const hasUntagged = [...snapshot.entries.values()].some(({ tags }) => tags.length === 0)
  const findsUntagged = untagged !== undefined && !obstacles.has(untagged) && hasUntagged
  const listed = new ListedReading(reader, scan, snapshot, { isGetCounted, findsUntagged })
  // These kinds find what is missing by the content of all tagged images.
  if (rules.some(({ kind }) => kind === 'orphaned' || kind === 'broken')) await listed.readTagged(call)
  return {
    listed,
    get facts() {
      const { whyIncomplete } = listed
      const isBlocked = untagged !== undefined && whyIncomplete !== undefined && !obstacles.has(untagged)
      const gets = isByUse && isGetCounted ? reader.requested.size : 0
      return {
        inventory: snapshot,
        deletesBy: deleteApiOf('deleteManifest', snapshot, reader.store.capability('deleteManifest')),
        obstacles: isBlocked ? new Map([...obstacles, [untagged, { text: whyIncomplete }]]) : obstacles,
        ...(watchedSince !== undefined && { watchedSince }),
        disputed: listed.disputed,
        warnings: [
          ...listed.warnings,
          ...(isBlocked ? [warnAboutUnread(untagged, whyIncomplete)] : []),
          ...(gets > 0 ? [warnAboutGets(gets, snapshot)] : []),
        ],
      }
    },
    canUntag: snapshot.deletes.tags !== 'no',
    pushed: (digest) => {
      const entry = snapshot.entries.get(digest)
      return entry === undefined ? undefined : lastPushOf(entry)
    },
    ruleOptions: (graph, at) => {
      const uses = isByUse
        ? createImageUses({
            inventory: snapshot,
            graph,
            now: at,
            ...(watchedSince !== undefined && { watchedSince }),
          })
        : undefined
      return { ...(uses !== undefined && { uses }), notApplied: textsOf(obstacles) }
    },
  }
}

function withoutInventory(obstacles: ReadonlyMap<string, RuleObstacle>): GatheredInventory {
  return {
    listed: undefined,
    facts: obstacles.size === 0 ? {} : { obstacles },
    canUntag: false,
    pushed: () => undefined,
    ruleOptions: () => ({ notApplied: textsOf(obstacles) }),
  }
}

function textsOf(obstacles: ReadonlyMap<string, RuleObstacle>): ReadonlyMap<string, string> {
  return new Map([...obstacles].map(([name, { text }]) => [name, text]))
}

function warnAboutUnread(rule: string, why: string): string {
  return `the rule ${JSON.stringify(rule)} deletes nothing, because dray ${why}. Run the command again. If the failure remains, push the image again or delete it.`
}

function warnAboutGets(gets: number, { name }: InventorySnapshot): string {
  const manifests = gets === 1 ? '1 manifest' : `${gets} manifests`
  return `dray read ${manifests} with GET, which ${name} can count as a pull. This run uses the pull times from before it. Keep the cache folder between runs: then dray reads each manifest once.`
}
