import type { ErrorInfo } from '../../../lib/errors.ts'
import { isIndexType } from '../../../oci/media-types.ts'
import { lastPushOf } from '../../../images/inventory/last-pulls.ts'
import type { Inventory, InventoryEntry } from '../../../images/inventory/inventory.ts'
import type { CheckResult } from '../../../images/registry-facts.ts'
import type { Finding } from '../doctor.ts'
import type { ListComparison } from './compare-lists.ts'

/** Names that one finding lists. */
const namesAtMost = 5

/** The comparison of a vendor's list with the OCI API, for a person who reports a problem. */
export interface InventoryDiagnosis {
  readonly inventory: {
    readonly kind: Inventory['kind']
    readonly name: string
    readonly knows: Inventory['knows']
    readonly deletes: Inventory['deletes']
  }
  /** the version of dray */
  readonly tool: string
  /** host and path; null: hidden */
  readonly repository: string | null
  readonly findings: readonly Finding[]
}

export interface ComparedInventory {
  readonly inventory: Pick<Inventory, 'kind' | 'name' | 'knows' | 'deletes'>
  /** what a token of the vendor needs, and where a person creates it */
  readonly token: { readonly permissions: string; readonly create: string }
  readonly tool: string
  /** host and path, shown only with `hasNames` */
  readonly repository: string
  readonly lists: CheckResult<ListComparison>
  /** shows the names of the host, the repository and tags, and the messages of errors */
  readonly hasNames: boolean
}

/**
 * Returns the findings about an inventory: pure. Without `hasNames` they have no name of a host,
 * repository or tag, no digest and no text of a server. `now` in milliseconds since 1970.
 */
export function diagnoseInventory(facts: ComparedInventory, now: number): InventoryDiagnosis {
  const { inventory, lists, tool, repository, hasNames } = facts
  const { kind, name, knows, deletes } = inventory
  const findings =
    'error' in lists
      ? [unreadable(lists.error, facts), permissionFinding(facts, false)]
      : [...listFindings(facts, lists.value, now), permissionFinding(facts, true)]
  return {
    inventory: { kind, name, knows, deletes },
    tool,
    repository: hasNames ? repository : null,
    findings,
  }
}

function unreadable(error: ErrorInfo, { hasNames, token }: ComparedInventory): Finding {
  const hint = `The token needs ${token.permissions}. Create it: ${token.create}`
  return { check: 'vendorList', state: 'problem', saw: describeError(error, hasNames), hint }
}

/** The text of a server can have any name in it. */
function describeError({ code, status, registryCode, message, why }: ErrorInfo, hasNames: boolean): string {
  if (hasNames) return why === undefined ? message : `${message}: ${why}`
  const details = [status, registryCode].filter((part) => part !== undefined)
  return ['cannot be read', code, ...details].join(', ')
}

function listFindings(facts: ComparedInventory, lists: ListComparison, now: number): readonly Finding[] {
  const entries = [...lists.snapshot.entries.values()]
  return [
    {
      check: 'vendorList',
      state: 'ok',
      saw: `${count(entries.length, 'manifest')}, ${count(lists.snapshot.tags.size, 'tag')}, read in ${lists.durationMs} ms`,
    },
    tagFinding(facts, lists),
    digestFinding(facts, lists),
    untaggedFinding(facts, lists),
    pushFinding(facts, entries, now),
    pullFinding(facts, entries),
    contentFinding(facts, entries),
    lockFinding(facts, entries),
  ]
}

function tagFinding(facts: ComparedInventory, lists: ListComparison): Finding {
  const { ociTags, onlyOci, onlyOciEvidence, onlyVendor, snapshot } = lists
  if ('error' in ociTags) {
    const saw = `the OCI list ${describeError(ociTags.error, facts.hasNames)}`
    return { check: 'vendorTags', state: 'unknown', saw }
  }
  const evidence =
    onlyOciEvidence === 0 ? '' : `; ${onlyOciEvidence} of attached artifacts only in the OCI list`
  const totals = `${snapshot.tags.size} in the vendor's list, ${ociTags.value.length} in the OCI list${evidence}`
  if (onlyOci.length + onlyVendor.length === 0) return { check: 'vendorTags', state: 'ok', saw: totals }
  const parts = [
    ...(onlyOci.length === 0 ? [] : [`${onlyOci.length} only in the OCI list${names(onlyOci, facts)}`]),
    ...(onlyVendor.length === 0
      ? []
      : [`${onlyVendor.length} only in the vendor's list${names(onlyVendor, facts)}`]),
  ]
  return { check: 'vendorTags', state: 'note', saw: `${totals}; ${parts.join(', ')}`, hint: late }
}

function digestFinding(facts: ComparedInventory, { compared, different }: ListComparison): Finding {
  const tags = different.map(({ tag }) => tag)
  const saw = `${count(compared, 'tag')} compared, ${different.length} differ${names(tags, facts)}`
  if (different.length === 0) return { check: 'vendorDigests', state: compared === 0 ? 'unknown' : 'ok', saw }
  return { check: 'vendorDigests', state: 'note', saw, hint: late }
}

function untaggedFinding({ inventory }: ComparedInventory, { untagged }: ListComparison): Finding {
  const check = 'vendorUntagged'
  if (!inventory.knows.untagged)
    return { check, state: 'note', saw: 'the API lists no untagged manifests', hint: noUntagged }
  const { count: all, checked, missing } = untagged
  if (missing === 0) return { check, state: 'ok', saw: `${all}; ${checked} checked, all exist` }
  const saw = `${all}; ${missing} of ${checked} checked do not exist`
  return { check, state: 'note', saw, hint: late }
}

function pushFinding(
  { inventory }: ComparedInventory,
  entries: readonly InventoryEntry[],
  now: number,
): Finding {
  const check = 'vendorPushes'
  if (!inventory.knows.pushedAt) return { check, state: 'note', saw: 'the API has no push times' }
  const times = entries.map(lastPushOf)
  const missing = times.filter((time) => time === undefined).length
  const future = times.filter((time) => time !== undefined && time > now).length
  const saw = `${entries.length - missing} of ${entries.length} manifests have one${future === 0 ? '' : `, ${future} in the future`}`
  return { check, state: missing + future === 0 ? 'ok' : 'note', saw }
}

function pullFinding({ inventory }: ComparedInventory, entries: readonly InventoryEntry[]): Finding {
  const check = 'vendorPulls'
  const { pulledAt: precision } = inventory.knows
  if (precision === 'no') return { check, state: 'note', saw: 'the API has no pull times' }
  const pulls = entries.flatMap(
    ({ pulledAt, tags }) => pulledAt ?? tags.find((tag) => tag.pulledAt)?.pulledAt ?? [],
  )
  const never = pulls.filter((time) => time === 'never').length
  const saw = `${pulls.length} of ${entries.length} manifests have one, ${never} never pulled${precision === 'day' ? ', precision: a day' : ''}`
  return { check, state: 'ok', saw }
}

function contentFinding({ inventory }: ComparedInventory, entries: readonly InventoryEntry[]): Finding {
  const typed = entries.filter(({ mediaType }) => mediaType !== undefined)
  const indexes = typed.filter(({ mediaType = '' }) => isIndexType(mediaType))
  const withChildren = indexes.filter(({ children }) => children !== undefined).length
  const sized = entries.filter(({ bytes }) => bytes !== undefined).length
  const children = inventory.knows.children
    ? `, ${withChildren} of ${indexes.length} indexes with children`
    : ''
  const saw = `media types: ${typed.length}, sizes: ${sized} of ${entries.length}${children}`
  return { check: 'vendorContent', state: 'ok', saw }
}

function lockFinding({ inventory }: ComparedInventory, entries: readonly InventoryEntry[]): Finding {
  const check = 'vendorLocks'
  if (!inventory.knows.locks) return { check, state: 'note', saw: 'the API shows no locks' }
  const locked = entries.filter((one) => one.locked !== undefined || one.tags.some((tag) => tag.locked))
  return { check, state: 'ok', saw: `${locked.length} locked or immutable` }
}

function permissionFinding({ inventory, token }: ComparedInventory, isReadable: boolean): Finding {
  const { manifests, tags } = inventory.deletes
  const ways = [`manifests: ${describeSize(manifests)}`, `tags: ${describeSize(tags)}`]
  const list = isReadable
    ? 'the token may read the list'
    : 'the token may not read the list, or there is none'
  return {
    check: 'vendorToken',
    state: 'note',
    saw: `${list}; deletes were not tested, because dray writes nothing here (deletes by this API: ${ways.join(', ')})`,
    hint: `Reads and deletes need ${token.permissions}.`,
  }
}

function describeSize(size: number | 'no'): string {
  if (size === 'no') return 'none'
  return size === 1 ? 'one in a request' : `up to ${size} in a request`
}

function names(tags: readonly string[], { hasNames }: ComparedInventory): string {
  if (!hasNames || tags.length === 0) return ''
  const more = tags.length > namesAtMost ? ', …' : ''
  return ` (${tags.slice(0, namesAtMost).join(', ')}${more})`
}

function count(n: number, what: string): string {
  return n === 1 ? `1 ${what}` : `${n} ${what}s`
}

const late = 'The list of the vendor can be late. Run the command again in a minute.'
const noUntagged = 'Rules with untagged: true are errors in this repository.'
