import type { Call } from '../../../lib/call.ts'
import type { Digest } from '../../../oci/digest.ts'
import { inParallel } from '../../../images/parallel.ts'
import type { Inventories } from '../../../images/inventory/inventory.ts'
import type { Repositories } from '../../../images/ports.ts'
import type { CreatedOptions } from '../../../images/config/image-time.ts'
import { explainUnreached, readUntilTimeout, UnreachableRegistries } from '../reach.ts'
import { listTagsToResolve } from './compare-sides.ts'
import { sideOf } from './compare-facts.ts'
import type { CellFacts, PromotionPath, StatusTarget } from './facts.ts'
import { TargetReader } from './target-reader.ts'

/** Repositories of one registry that are read in parallel. Registries do not delay each other. */
const targetsAtOnce = 16
/** Tags of one repository that are resolved in parallel. */
const tagsAtOnce = 16

/**
 * Reads each repository: the manifest of the current-version tag and the tag list in parallel, then
 * the tag of the highest version and up to eight more. If two environments do not both have the
 * current-version tag, it also reads the tags by which they are compared. Reads the config of each
 * image once. A repository that fails, or that the run does not reach in time, is `unreachable`.
 * @throws `interrupted`.
 */
export async function gatherStatus(
  stores: Repositories,
  targets: readonly StatusTarget[],
  paths: readonly PromotionPath[],
  { inventory, ...options }: CreatedOptions & { readonly inventory?: Inventories['inventory'] },
  call: Call,
): Promise<readonly CellFacts[]> {
  const [reach, reader] = [new UnreachableRegistries(), new TargetReader(stores, options, inventory)]
  const readAll = async (
    work: ReadonlyMap<StatusTarget, (call: Call) => Promise<CellFacts>>,
  ): Promise<ReadonlyMap<StatusTarget, CellFacts>> => {
    const found = new Map<StatusTarget, CellFacts>()
    const registries = [...Map.groupBy(work, ([target]) => target.repository.registry).values()]
    const readGroup = async (group: (typeof registries)[number], inner: Call): Promise<void> => {
      await inParallel(group, targetsAtOnce, inner, async ([target, read], c) => {
        const { value, error } = await reach.read(target.repository, c, () => read(c))
        found.set(target, value ?? { target, state: 'unreachable', error })
      })
    }
    await readUntilTimeout(call, () => inParallel(registries, registries.length, call, readGroup))
    return found
  }

  const unreached = (target: StatusTarget): CellFacts => ({
    target,
    state: 'unreachable',
    error: explainUnreached(target.repository, call),
  })
  const first = await readAll(new Map(targets.map((target) => [target, (c) => reader.read(target, c)])))
  const facts = targets.map((target) => first.get(target) ?? unreached(target))
  const needed = listNeededTags(facts, paths)
  const second = await readAll(
    new Map(
      [...needed].map(([fact, tags]) => [fact.target, (c: Call) => resolveAlso(reader, fact, tags, c)]),
    ),
  )
  return facts.map((fact) => (needed.has(fact) ? (second.get(fact.target) ?? unreached(fact.target)) : fact))
}

/** Returns the tags to resolve for comparisons, of the targets that need any. */
function listNeededTags(
  facts: readonly CellFacts[],
  paths: readonly PromotionPath[],
): ReadonlyMap<CellFacts, ReadonlySet<string>> {
  const needed = new Map<CellFacts, Set<string>>()
  const add = (fact: CellFacts, tags: readonly string[]): void => {
    if (fact.state !== 'present' && fact.state !== 'no-current-tag') return
    for (const tag of tags.filter((one) => !fact.digests.has(one)))
      needed.set(fact, (needed.get(fact) ?? new Set()).add(tag))
  }
  for (const all of Map.groupBy(facts, ({ target }) => target.image).values()) {
    for (const path of paths) {
      const of = (name: string): readonly CellFacts[] =>
        all.filter(({ target }) => target.environment === name)
      for (const from of of(path.from)) {
        for (const to of of(path.to)) {
          const tags = listTagsToResolve(sideOf(from), sideOf(to))
          add(from, tags.from)
          add(to, tags.to)
        }
      }
    }
  }
  return needed
}

async function resolveAlso(
  reader: TargetReader,
  fact: CellFacts,
  tags: ReadonlySet<string>,
  call: Call,
): Promise<CellFacts> {
  if (fact.state !== 'present' && fact.state !== 'no-current-tag') return fact
  const resolved = await inParallel([...tags], tagsAtOnce, call, async (tag, c) => {
    return [tag, await reader.resolve(fact.target, tag, c)] as const
  })
  return { ...fact, digests: new Map<string, Digest | null>([...fact.digests, ...resolved]) }
}
