import type { Rule } from '../../../config/retention/policy.ts'
import type { InventorySnapshot } from '../../../images/inventory/inventory-snapshot.ts'
import type { InventoryEntry } from '../../../images/inventory/inventory.ts'
import { isOwnRead } from '../../../images/inventory/own-reads.ts'
import { DrayError, type ErrorInfo, toErrorInfo } from '../../../lib/errors.ts'
import { formatRepository, type RepositoryName } from '../../../oci/reference.ts'

/** The inventory of a repository, or why dray has none. */
export type InventoryReading =
  | { readonly kind: 'read'; readonly snapshot: InventorySnapshot }
  /** dray knows no inventory of the registry, or dray.yaml switches it off */
  | { readonly kind: 'none' }
  | { readonly kind: 'unread'; readonly name: string; readonly error: DrayError }

/** Why dray cannot apply a rule in a repository: the rule keeps everything that it selects. */
export interface RuleObstacle {
  /** after `dray cannot apply the rule: ` */
  readonly text: string
  /** absent: it is a warning of its own */
  readonly error?: ErrorInfo
}

/** A crawler pulls whole repositories; fewer images show no pattern. */
const minCrawled = 5
const dayMs = 86_400_000

/** Finds the rules that dray cannot apply, by name. Pure. */
export function findObstacles(
  rules: readonly Rule[],
  repository: RepositoryName,
  reading: InventoryReading,
): ReadonlyMap<string, RuleObstacle> {
  const found = rules.flatMap((rule): readonly (readonly [string, RuleObstacle])[] => {
    const error = findObstacle(rule, repository, reading)
    if (error === undefined) return []
    return [[rule.name, { text: error.why ?? error.message, error: toErrorInfo(error) }]]
  })
  return new Map(found)
}

function findObstacle(
  rule: Rule,
  repository: RepositoryName,
  reading: InventoryReading,
): DrayError | undefined {
  const isUntagged = rule.kind === 'untagged'
  if (!isUntagged && rule.notPulledFor === undefined) return undefined
  const { registry } = repository
  const needs = isUntagged ? 'untagged' : 'notPulledFor'
  const refuse = (why: string, hint: string, code: DrayError['code'] = 'config'): DrayError =>
    new DrayError(code, `cannot apply the rule ${JSON.stringify(rule.name)}`, {
      subject: formatRepository(repository),
      why,
      hint,
    })
  if (reading.kind === 'none') {
    const line = `registries: { ${JSON.stringify(registry)}: { kind: harbor } }`
    return refuse(
      `\`${needs}\` needs an inventory, and dray has none of ${registry}`,
      `Name the vendor of the registry in dray.yaml: ${line}. If it has no inventory, remove the repository from the rule.`,
    )
  }
  if (reading.kind === 'unread') {
    const { code, message, why, hint } = reading.error
    const cause = why === undefined ? message : `${message}: ${why}`
    return refuse(
      `\`${needs}\` needs the inventory of ${reading.name}, and dray cannot read it: ${cause}`,
      hint ?? 'Run the command again.',
      code,
    )
  }
  const { name, knows } = reading.snapshot
  const remove = 'Remove the repository from the rule.'
  if (isUntagged && !knows.untagged) return refuse(`${name} does not list untagged manifests`, remove)
  if (isUntagged && !knows.pushedAt) return refuse(`${name} gives no push times`, remove)
  if (rule.notPulledFor === undefined) return undefined
  if (knows.pulledAt === 'no') return refuse(`${name} gives no pull times`, remove)
  const crawled = describeCrawler(reading.snapshot)
  if (crawled === undefined) return undefined
  return refuse(
    crawled,
    'Exclude the client that pulls everything, if you can, or use `olderThan` instead.',
    'refused',
  )
}

/**
 * Describes the day on which more than half of the entries were pulled last, if there is one: a
 * crawler or a mirror pulled them, and its pulls show no use. Pulls that can be dray's own reads do
 * not count.
 */
function describeCrawler(snapshot: InventorySnapshot): string | undefined {
  const entries = [...snapshot.entries.values()].filter(
    (entry) => !isOwnRead(snapshot, entry.digest, lastOwnPull(entry)),
  )
  const days = Map.groupBy(
    entries.flatMap((entry) => {
      const at = lastOwnPull(entry)
      return at === undefined ? [] : [{ day: Math.floor(at / dayMs), by: entry.pulledBy }]
    }),
    ({ day }) => day,
  )
  const [largest] = [...days].toSorted(([, a], [, b]) => b.length - a.length)
  if (largest === undefined) return undefined
  const [day, pulls] = largest
  if (pulls.length < minCrawled || pulls.length * 2 <= entries.length) return undefined
  const date = new Date(day * dayMs).toISOString().slice(0, 10)
  const agents = Map.groupBy(
    pulls.flatMap(({ by }) => by ?? []),
    (by) => by,
  )
  const [agent] = [...agents].toSorted(([, a], [, b]) => b.length - a.length)
  const by = agent === undefined ? '' : `, most by ${agent[0]}`
  return `${pulls.length} of ${entries.length} manifests were pulled last on ${date}${by}: a client that pulls everything hides which images are used`
}

function lastOwnPull({ pulledAt, tags }: InventoryEntry): number | undefined {
  const times = [pulledAt, ...tags.map((tag) => tag.pulledAt)].filter((at) => typeof at === 'number')
  return times.length === 0 ? undefined : Math.max(...times)
}
