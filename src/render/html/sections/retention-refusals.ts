import { formatRepository } from '../../../oci/reference.ts'
import type { PrunePlan } from '../../../plan/prune/prune-plan.ts'
import { formatReason } from '../../error.ts'
import { problemsOf, type RepositoryProblem } from '../../prune/prune-refusals.ts'
import { formatCount } from '../../text/format.ts'
import { markup, type Markup } from '../markup.ts'
import { renderErrorNote, renderNote } from '../parts/texts.ts'

/** Repositories of one note that are named. */
const maxNames = 10

/** Renders why the run or single repositories are refused, those with the same message together. */
export function renderRefusals(plan: PrunePlan): readonly Markup[] {
  const images = new Map(
    plan.repositories.map(({ repository, image }) => [formatRepository(repository), image]),
  )
  const whole = plan.refusals.filter(({ repository, rule }) => repository === undefined && rule === undefined)
  const ofRules = plan.refusals.filter(({ rule }) => rule !== undefined)
  const problems = problemsOf(
    plan.refusals.filter(({ rule }) => rule === undefined),
    images,
  )
  const same = Map.groupBy(problems, ({ error }) =>
    JSON.stringify([error.code, isLimit(error) ? error.message : [error.why, error.hint]]),
  )
  return [
    ...whole.map(({ error }) =>
      renderErrorNote(error, 'bad', 'Refused: dray would delete nothing in any repository'),
    ),
    ...[...same.values()].map(renderProblems),
    ...renderRuleProblems(ofRules),
  ]
}

/** A rule that cannot be applied keeps what it selects; the other rules delete. */
function renderRuleProblems(refusals: PrunePlan['refusals']): readonly Markup[] {
  const same = Map.groupBy(refusals, ({ rule, error: { subject: _subject, ...error } }) =>
    JSON.stringify([rule, error]),
  )
  return [...same.values()].flatMap((those) => {
    const [first] = those
    if (first === undefined) return []
    const { subject: _subject, ...error } = first.error
    const count = formatCount(those.length, 'repository', 'repositories')
    return [renderErrorNote(error, 'bad', `The rule ${first.rule} is not applied in ${count}`)]
  })
}

/** A limit of the policy refuses deletes. Every other error means that a read failed. */
function isLimit({ code }: RepositoryProblem['error']): boolean {
  return code === 'refused'
}

function renderProblems(those: readonly RepositoryProblem[]): Markup {
  const [first] = those
  if (first === undefined) return markup``
  const { error, image } = first
  const [tone, words] = isLimit(error) ? (['notice', 'refused'] as const) : (['bad', 'not read'] as const)
  if (those.length === 1) return renderErrorNote(error, tone, `${image} ${words}`)
  const more = those.length - maxNames
  const items = those.slice(0, maxNames).map((one) => {
    const reason = formatReason(one.error)
    return markup`<li><b>${one.image}</b>: ${isLimit(error) ? reason : one.error.message}</li>`
  })
  const reason = isLimit(error) ? error.message : formatReason(error)
  const body = markup`<p>${reason}</p>
    <ul>
      ${items}${more > 0 && markup`<li>and ${more} more</li>`}
    </ul>
    ${error.hint !== undefined && markup`<p><b>Fix:</b> ${error.hint}</p>`}`
  return renderNote(tone, `${formatCount(those.length, 'repository', 'repositories')} ${words}`, body)
}
