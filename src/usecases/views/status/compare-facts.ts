import { type SyncComparison, compareSides, findGravest, type Side } from './compare-sides.ts'
import type { CellFacts } from './facts.ts'

/** Returns the facts of a cell for a comparison. */
export function sideOf(fact: CellFacts): Side {
  switch (fact.state) {
    case 'unreachable':
    case 'not-deployed':
      return { state: fact.state }
    case 'present': {
      const { tags, highest, digests } = fact
      const { reading } = fact.target
      const current = { digest: fact.digest, version: fact.version?.version ?? null }
      return { state: 'deployed', current, reading, tags, highest, digests }
    }
    case 'no-current-tag': {
      const { tags, highest, digests } = fact
      const { reading } = fact.target
      return { state: 'deployed', current: null, reading, tags, highest, digests }
    }
  }
}

/**
 * Compares a target with each target of its source environment, and returns the gravest result.
 * Targets of the source that lack the image count only if all of them lack it.
 */
export function compareWithSource(source: readonly CellFacts[], to: CellFacts): SyncComparison {
  const deployed = source.filter(({ state }) => state !== 'not-deployed')
  const compared = deployed.length > 0 ? deployed : source
  return findGravest(compared.map((from) => compareSides(sideOf(from), sideOf(to))))
}
