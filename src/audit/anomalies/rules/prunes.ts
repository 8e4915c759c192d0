import { formatRepository } from '../../../oci/reference.ts'
import { affectedBy } from '../../query/affected.ts'
import { BoundedMap, bounds, cutName, omission } from '../bounds.ts'
import type { PruneFinding } from '../finding.ts'
import type { BaselineFacts, Observation, RuleDetector, AnomalyRuleResult } from '../observation.ts'
import { RecordLinks } from '../record-links.ts'
import { usualCount } from '../statistics.ts'

/** A run that deletes less is never unusual. */
const leastDeletes = 5
/** The earlier runs that deleted something in the repository. */
const leastRuns = 5

interface PrunedRun {
  deletes: number
  isScored: boolean
  readonly links: RecordLinks
}

/**
 * Prunes that delete far more from a repository than earlier runs. The log has no number of images
 * of a repository, and the rule therefore compares counts.
 */
export class Prunes implements RuleDetector {
  /** by repository and run */
  readonly #runs = new BoundedMap<string, PrunedRun>(bounds.runs, () => ({
    deletes: 0,
    isScored: false,
    links: new RecordLinks(),
  }))

  add(one: Observation): void {
    const { entry, isScored, isShown } = one
    if (entry.operation !== 'prune' || entry.phase !== 'outcome' || entry.result !== 'done') return
    const repository = affectedBy(entry)?.repository
    if (repository === undefined) return
    const run = this.#runs.at(JSON.stringify([cutName(formatRepository(repository)), cutName(entry.run)]))
    if (run === undefined) return
    run.deletes++
    run.isScored ||= isScored
    if (isShown) run.links.add(one)
  }

  result({ tooShort }: BaselineFacts): AnomalyRuleResult {
    const byRepository = Map.groupBy(
      [...this.#runs.entries()].map(([key, run]) => ({ repository: repositoryOf(key), run })),
      ({ repository }) => repository,
    )
    const findings: PruneFinding[] = []
    let unknown = 0
    let compared = 0
    for (const [repository, all] of byRepository) {
      const earlier = all.flatMap(({ run }) => (run.isScored ? [] : [run.deletes]))
      const shown = all.filter(({ run }) => run.links.count > 0)
      if (earlier.length < leastRuns) {
        unknown += shown.length > 0 ? 1 : 0
        continue
      }
      compared += shown.length
      const { median, limit } = usualCount(earlier)
      for (const { run } of shown) {
        const observed = run.deletes
        if (observed < leastDeletes || observed <= limit) continue
        const fields = run.links.fields({ by: ['operation', 'actor'] })
        findings.push({ rule: 'prune', repository, observed, median, limit, runs: earlier.length, ...fields })
      }
    }
    const { omissions = [] } = omission(this.#runs.ignored, 'prunes')
    if (unknown === 0) return { findings, omissions }
    const reason = `fewer than ${leastRuns} earlier prunes deleted something in ${unknown === 1 ? 'a repository' : `${unknown} repositories`}`
    if (compared === 0) return { findings, notEnoughData: tooShort ?? reason }
    return { findings, omissions: [reason, ...omissions] }
  }
}

function repositoryOf(key: string): string {
  return String((JSON.parse(key) as unknown[])[0])
}
