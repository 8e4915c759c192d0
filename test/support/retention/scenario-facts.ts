import type { PruneInput, RecordedMove } from './oracle/facts.ts'
import { now } from './recipes.ts'
import type { Scenario } from './scenarios.ts'
import type { LockRefusal } from './locks.ts'
import type { Snapshot } from './snapshot.ts'

const day = 86_400_000

/** What a scenario says about the manifests and tags of the repository that it begins with. */
export interface ScenarioFacts extends PruneInput {
  /** by digest or tag */
  readonly locks: ReadonlyMap<string, LockRefusal>
  readonly unreadable?: string
}

export function factsOf(
  { policy, reading, recipe, inUse, locks, unreadable }: Scenario,
  { manifests, tags }: Snapshot,
): ScenarioFacts {
  const [digests, names] = [[...manifests.keys()], [...tags.keys()]]
  const digest = (n: number): string => digests[n % digests.length] ?? ''
  const move = ({ tag, before, after, daysAgo, isHere }: (typeof recipe.moves)[number]): RecordedMove => ({
    tag,
    ...(before !== 'none' && { before: digest(before) }),
    after: digest(after),
    at: now - daysAgo * day,
    repository: isHere ? 'this' : 'another',
  })
  return {
    policy,
    reading,
    now,
    ...(unreadable !== undefined && { unreadable: digest(unreadable) }),
    inUse: [...new Set(inUse.map(digest))],
    moves: recipe.moves.map(move).filter(({ before, after }) => before !== after),
    firstSeen: new Map(
      digests.flatMap((one, i) => {
        const seen = recipe.sightings[i % recipe.sightings.length] ?? 'never'
        return seen === 'never' ? [] : [[one, now - seen * day] as const]
      }),
    ),
    locks: new Map(
      locks.flatMap(({ what, which, refusal }) => {
        const locked = what === 'manifest' ? digest(which) : names[which % names.length]
        return locked === undefined ? [] : [[locked, refusal] as const]
      }),
    ),
  }
}
