import { milliseconds, type RuleData } from '../policy-data.ts'
import type { RecordedMove } from './facts.ts'
import { selects } from './selectors.ts'
import type { ReadingData } from './versions.ts'

export interface SupersededFacts {
  readonly reading: ReadingData
  readonly now: number
  /** the moves of this repository */
  readonly moves: readonly RecordedMove[]
  /** when dray last put a tag on a digest */
  readonly promoted: ReadonlyMap<string, number>
  /** whether a digest exists, has no tag, and is not protected */
  readonly isCandidate: (digest: string) => boolean
}

export interface SupersededVerdicts {
  readonly deleted: ReadonlySet<string>
  /** digests that a condition of a rule keeps */
  readonly kept: ReadonlySet<string>
  /** everything that a tag left which a rule selects, whether it exists or not */
  readonly nominated: ReadonlySet<string>
}

/**
 * What rules of the kind `superseded` delete before the graph decides (retention.md, Kinds of
 * rules).
 */
export function supersededDigests(rules: readonly RuleData[], facts: SupersededFacts): SupersededVerdicts {
  const [deleted, kept, nominated] = [new Set<string>(), new Set<string>(), new Set<string>()]
  const movesOfTags = Map.groupBy(facts.moves, ({ tag }) => tag)
  for (const [tag, moves] of movesOfTags) {
    const rule = rules.find((one) => selects(one.tags, tag, { reading: facts.reading, isKept: false }))
    if (rule === undefined) continue
    for (const { before } of moves) if (before !== undefined) nominated.add(before)
    const lastMove = new Map<string, number>()
    for (const { before, at } of moves)
      if (before !== undefined && facts.isCandidate(before))
        lastMove.set(before, Math.max(at, lastMove.get(before) ?? at))
    for (const [digest, at] of lastMove) {
      const newer = [...lastMove.values()].filter((other) => other > at)
      const isNewest = rule.keepNewest !== undefined && newer.length < rule.keepNewest
      // Another tag may have left it later.
      const left = facts.moves.filter(({ before }) => before === digest).map((move) => move.at)
      const lastUse = Math.max(...left, facts.promoted.get(digest) ?? 0)
      const isRecent = rule.olderThan !== undefined && facts.now - lastUse <= milliseconds(rule.olderThan)
      ;(isNewest || isRecent ? kept : deleted).add(digest)
    }
  }
  return { deleted: new Set([...deleted].filter((digest) => !kept.has(digest))), kept, nominated }
}
