import { formatRepository } from '../../../oci/reference.ts'
import type { PrunePlan, RepositoryPlan, Verdict, Why } from '../../../plan/prune/prune-plan.ts'
import { Refused } from '../../prune/prune-totals.ts'
import { reasonOf } from '../../prune/prune-verdicts.ts'
import { formatFirst } from '../../text/format.ts'
import { markup, type Markup } from '../markup.ts'
import { renderDataTable } from '../parts/data-table.ts'
import { type ReportTone, toneWords } from '../parts/icons.ts'

/** A delete that a limit refuses is no delete. */
type ShownVerdict = Verdict | 'refused'

/** Tags and untagged manifests with the same verdict for the same reason. */
interface SharedReason {
  readonly verdict: ShownVerdict
  readonly reason: string
  /** by repository */
  readonly names: ReadonlyMap<string, readonly string[]>
  readonly count: number
}

const verdicts: readonly ShownVerdict[] = ['delete', 'untag', 'refused', 'keep']
const verdictTones: Readonly<Record<ShownVerdict, ReportTone>> = {
  delete: 'bad',
  untag: 'notice',
  refused: 'notice',
  keep: 'good',
}
/** Examples of each reason in a repository. */
const maxExamples = 8

function verdictWords(verdict: ShownVerdict): Markup {
  return toneWords(verdictTones[verdict], verdict)
}

/** Renders how many tags each rule deletes and each protection keeps, in all repositories. */
export function renderReasonTable(plan: PrunePlan): Markup {
  const refused = new Refused(plan)
  return renderDataTable({
    caption: 'Verdicts by rule and protection',
    columns: [
      { title: 'Rule or protection' },
      { title: 'Verdict' },
      { title: 'Tags', isNumber: true },
      { title: 'Repositories', isNumber: true },
    ],
    rows: shareReasons(plan.repositories, refused).map(({ verdict, reason, names, count }) => [
      reason,
      verdictWords(verdict),
      count,
      names.size,
    ]),
  })
}

/** Renders the reasons of one repository with the first tags of each. */
export function renderReasonList(plan: RepositoryPlan, refused: Refused): Markup {
  const items = shareReasons([plan], refused).map(({ verdict, reason, names, count }) => {
    const examples = formatFirst([...names.values()].flat(), maxExamples)
    return markup`<dt>${verdictWords(verdict)} ${count}</dt>
      <dd>${reason}: ${examples}</dd>`
  })
  return markup`<dl class="facts small">${items}</dl>`
}

/** Deletes first, and the most frequent reasons first. */
function shareReasons(repositories: readonly RepositoryPlan[], refused: Refused): readonly SharedReason[] {
  const all = repositories.flatMap((plan) =>
    verdictsOf(plan).map(({ verdict, ...one }) => ({
      ...one,
      verdict: verdict !== 'keep' && refused.has(plan.repository) ? ('refused' as const) : verdict,
      repository: formatRepository(plan.repository),
    })),
  )
  const groups = Map.groupBy(all, ({ verdict, why }) => JSON.stringify([verdict, reasonOf(why)]))
  const shared = [...groups.values()].flatMap((those): readonly SharedReason[] => {
    const [first] = those
    if (first === undefined) return []
    const byRepository = Map.groupBy(those, ({ repository }) => repository)
    const names = new Map([...byRepository].map(([name, some]) => [name, some.map((one) => one.name)]))
    return [{ verdict: first.verdict, reason: reasonOf(first.why), names, count: those.length }]
  })
  return verdicts.flatMap((verdict) =>
    shared.filter((one) => one.verdict === verdict).toSorted((a, b) => b.count - a.count),
  )
}

/** Tags, and manifests without a tag that a rule decides about: not the parts of an image. */
function verdictsOf({
  tags,
  others,
}: RepositoryPlan): readonly { readonly verdict: Verdict; readonly why: Why; readonly name: string }[] {
  const alone = others.filter(({ role }) => role !== 'child' && role !== 'evidence')
  return [
    ...tags.map(({ verdict, why, tag }) => ({ verdict, why, name: tag })),
    ...alone.map(({ verdict, why, digest }) => ({ verdict, why, name: digest.slice(0, 19) })),
  ]
}
