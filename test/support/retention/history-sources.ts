import type { SupersededDigest, RepositoryMoves } from '../../../src/audit/moves/tag-moves.ts'
import type { Digest } from '../../../src/oci/digest.ts'
import type { HistorySources } from '../../../src/usecases/prune/records/history.ts'
import { noSources } from '../../../src/usecases/prune/records/history-reader.ts'
import type { PruneInput } from './oracle/facts.ts'

/** The records of a scenario, in the form in which dray reads them from its audit log. */
export function historyOf({ moves, firstSeen }: PruneInput): HistorySources {
  const puts = new Map<Digest, { readonly tag: string; readonly at: number }>()
  const superseded = new Map<string, SupersededDigest>()
  const byTime = moves.filter(({ repository }) => repository === 'this').toSorted((a, b) => a.at - b.at)
  for (const { tag, before, after, at } of byTime) {
    puts.set(after as Digest, { tag, at })
    if (before !== undefined) superseded.set(`${tag} ${before}`, { tag, digest: before as Digest, at })
  }
  return {
    ...noSources,
    moves: async (): Promise<RepositoryMoves> => ({
      puts,
      superseded: [...superseded.values()],
      sparse: new Set(),
    }),
    remember: async ({ sightings, now }) =>
      sightings.map((one) => ({ ...one, since: firstSeen.get(one.digest) ?? now })),
  }
}
