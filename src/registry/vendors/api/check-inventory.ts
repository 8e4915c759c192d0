import type { Call } from '../../../lib/call.ts'
import { DrayError } from '../../../lib/errors.ts'
import type { BeforeAttempt } from '../../../lib/freshness.ts'
import type {
  Inventory,
  InventoryEntry,
  Removal,
  RemovalOutcome,
} from '../../../images/inventory/inventory.ts'
import { isDigest } from '../../../oci/digest.ts'
import { formatRepository, isRepositoryPath, isTag, type RepositoryName } from '../../../oci/reference.ts'
import { redactErrors } from '../../client/redact-errors.ts'
import type { Secrets } from '../../http/secrets.ts'

/**
 * Returns an inventory without secrets in its errors and outcomes, whose entries were checked: a
 * name or time that no registry has is a mistake of the API or an attack.
 */
export function checkInventory(inventory: Inventory, secrets: Secrets): Inventory {
  const { kind, name, knows, deletes } = inventory
  const checked: Inventory = {
    kind,
    name,
    knows,
    deletes,
    entries: (repository, call) => checkedEntries(inventory, repository, call),
    ...(inventory.repositories !== undefined && {
      repositories: (prefix, call) => checkedPaths(inventory, prefix, call),
    }),
    ...(inventory.remove !== undefined && {
      remove: (...of) => redactedOutcomes(inventory, secrets, of),
    }),
  }
  return redactErrors(checked, secrets)
}

async function* checkedEntries(
  inventory: Inventory,
  repository: RepositoryName,
  call: Call,
): AsyncGenerator<InventoryEntry, void> {
  for await (const entry of inventory.entries(repository, call)) {
    const why = mistakeOf(entry)
    if (why !== undefined) throw invalidEntry(inventory, formatRepository(repository), why)
    yield entry
  }
}

/** A tag that is dropped would make its manifest look untagged, so it is an error. */
function mistakeOf(entry: InventoryEntry): string | undefined {
  const { digest, tags, subject, children = [], pushedAt, pulledAt, bytes } = entry
  const digests = [digest, ...children, ...(subject === undefined ? [] : [subject])]
  const notDigest = digests.find((one) => !isDigest(one))
  if (notDigest !== undefined) return `${quoted(notDigest)} is not a digest`
  const notTag = tags.find(({ name }) => !isTag(name))
  if (notTag !== undefined) return `${quoted(notTag.name)} is not a tag`
  const times = [pushedAt, pulledAt, ...tags.flatMap((tag) => [tag.pushedAt, tag.pulledAt])]
  if (!times.every(isTime)) return `a time of ${digest} is not a time`
  return bytes === undefined || (Number.isSafeInteger(bytes) && bytes >= 0)
    ? undefined
    : `the size of ${digest} is not a size`
}

function isTime(time: number | 'never' | undefined): boolean {
  return time === undefined || time === 'never' || (Number.isFinite(time) && time > 0)
}

async function* checkedPaths(inventory: Inventory, prefix: string, call: Call): AsyncGenerator<string, void> {
  for await (const path of inventory.repositories?.(prefix, call) ?? []) {
    if (!isRepositoryPath(path))
      throw invalidEntry(inventory, prefix, `${quoted(path)} is not the name of a repository`)
    if (path.startsWith(prefix)) yield path
  }
}

type RemoveArguments = [
  repository: RepositoryName,
  batch: readonly Removal[],
  call: Call,
  beforeAttempt?: BeforeAttempt | undefined,
]

async function* redactedOutcomes(
  inventory: Inventory,
  secrets: Secrets,
  of: RemoveArguments,
): AsyncGenerator<RemovalOutcome, void> {
  for await (const outcome of inventory.remove?.(...of) ?? []) {
    if (outcome.result === 'protected') yield { ...outcome, text: secrets.redact(outcome.text) }
    else if (outcome.result === 'failed') yield { ...outcome, error: secrets.redactError(outcome.error) }
    else yield outcome
  }
}

function invalidEntry({ name }: Inventory, subject: string, why: string): DrayError {
  return new DrayError(
    'protocol',
    `cannot read the inventory of ${subject}: the list of ${name} is invalid`,
    {
      subject,
      why,
    },
  )
}

function quoted(text: unknown): string {
  return JSON.stringify(String(text).slice(0, 200))
}
