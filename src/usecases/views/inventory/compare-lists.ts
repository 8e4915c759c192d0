import type { Call } from '../../../lib/call.ts'
import type { Digest } from '../../../oci/digest.ts'
import { isEvidenceTag } from '../../../oci/evidence-tags.ts'
import { inParallel } from '../../../images/parallel.ts'
import type { Inventory } from '../../../images/inventory/inventory.ts'
import { type InventorySnapshot, readInventory } from '../../../images/inventory/inventory-snapshot.ts'
import type { SourceRepository } from '../../../images/ports.ts'
import { type CheckResult, runCheck } from '../../../images/registry-facts.ts'
import { findTags, resolveTags } from '../../../images/tags/tags.ts'

/** Tags whose digests are compared. */
const comparedTags = 100
/** Untagged manifests that are looked up through the OCI API. */
const checkedUntagged = 20
/** Tags of one list alone that are looked up through the OCI API. */
const checkedDifferences = 100
const manifestsAtOnce = 16

/** A tag with another digest in each list; null: the OCI API does not have the tag. */
interface DifferentTag {
  readonly tag: string
  readonly vendor: Digest
  readonly oci: Digest | null
}

/** The comparison of the vendor's list of a repository with the OCI API. */
export interface ListComparison {
  readonly snapshot: InventorySnapshot
  /** milliseconds to read the vendor's list */
  readonly durationMs: number
  /** all tags of the OCI list; an error if it cannot be read */
  readonly ociTags: CheckResult<readonly string[]>
  /**
   * tags that the registry has and the vendor does not list, without those of attached artifacts,
   * which some vendors do not list
   */
  readonly onlyOci: readonly string[]
  readonly onlyOciEvidence: number
  /** tags of the vendor's list that the OCI API does not have now */
  readonly onlyVendor: readonly string[]
  readonly compared: number
  readonly different: readonly DifferentTag[]
  readonly untagged: { readonly count: number; readonly checked: number; readonly missing: number }
}

/**
 * Reads the tags through the OCI API and the list of the vendor, and compares them. Sends reads
 * only. Digests of at most 100 tags are compared, evenly spread.
 * @throws what reading the vendor's list throws, and the signal's reason
 */
export async function compareLists(
  store: SourceRepository,
  inventory: Inventory,
  clock: { now(): number },
  call: Call,
): Promise<ListComparison> {
  const ociTags = await runCheck(call, async () => (await findTags(store, call)) ?? [])
  const began = clock.now()
  const snapshot = await readInventory(inventory, store.repository, call)
  const durationMs = clock.now() - began
  const oci = new Set('value' in ociTags ? ociTags.value : [])
  const vendor = [...snapshot.tags.keys()]
  const onlyOci = [...oci].filter((tag) => !snapshot.tags.has(tag))
  const differences = 'value' in ociTags ? vendor.filter((tag) => !oci.has(tag)) : []
  const both = vendor.filter((tag) => oci.has(tag))
  const sample = spread(both, comparedTags)
  const named = onlyOci.filter((tag) => !isEvidenceTag(tag))
  // A tag can be new, or be deleted, since its list was read.
  const now = await resolveTags(
    store,
    [...sample, ...spread(named, checkedDifferences), ...spread(differences, checkedDifferences)],
    call,
  )
  return {
    snapshot,
    durationMs,
    ociTags,
    onlyOci: named.filter((tag) => now.get(tag) !== null),
    onlyOciEvidence: onlyOci.length - named.length,
    onlyVendor: differences.filter((tag) => (now.get(tag) ?? null) === null),
    compared: sample.length,
    different: sample.flatMap((tag) => {
      const [listed, found] = [snapshot.tags.get(tag), now.get(tag) ?? null]
      return listed === undefined || listed === found ? [] : [{ tag, vendor: listed, oci: found }]
    }),
    untagged: await checkUntagged(store, snapshot, call),
  }
}

async function checkUntagged(
  store: SourceRepository,
  { entries }: InventorySnapshot,
  call: Call,
): Promise<ListComparison['untagged']> {
  const untagged = [...entries.values()].filter(({ tags }) => tags.length === 0)
  const sample = spread(untagged, checkedUntagged)
  const missing = await inParallel(sample, manifestsAtOnce, call, async ({ digest }, c) =>
    (await store.resolve({ digest }, c)) === undefined ? [digest] : [],
  )
  return { count: untagged.length, checked: sample.length, missing: missing.flat().length }
}

/** At most `most` of them, evenly spread. */
function spread<T>(all: readonly T[], most: number): readonly T[] {
  const step = Math.max(1, all.length / most)
  return Array.from({ length: Math.min(most, all.length) }, (_, i) => all[Math.floor(i * step)] as T)
}
