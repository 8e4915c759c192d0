import type { TimelineEvent, TimelineTag } from '../../../usecases/report/timeline/timeline.ts'
import { formatReason } from '../../error.ts'
import { type Content, markup, type Markup } from '../markup.ts'
import { code, linkOrText, shortDigest } from '../parts/texts.ts'

/** The user of the CI job, or of the machine. */
export function actorOf({ actor }: Pick<TimelineEvent, 'actor'>): string {
  return actor.ci?.user ?? actor.user
}

/** Renders who changed it: the user, the name that `--actor` added, and the run of the CI job. */
export function renderActor({ actor }: TimelineEvent): Markup {
  const { ci, says, host } = actor
  const place =
    ci === undefined ? host : ci.run === undefined ? ci.service : linkOrText(ci.run, `${ci.service}\u00a0run`)
  return markup`${actorOf({ actor })}${says !== undefined && markup`<small>says ${says}</small>`}<small
      >${place}</small
    >`
}

export function renderJustification({ reason, ticket }: TimelineEvent): Markup {
  return markup`${reason}${ticket !== undefined && markup`<small>${linkOrText(ticket)}</small>`}`
}

/** Everything that the log has about the change, to compare it with the log. */
export function renderEventDetails(event: TimelineEvent): Markup {
  const { operation, digest, tags, error, run, plan, policy, records, actor } = event
  const reason = error === undefined ? undefined : formatReason(error)
  const rows: readonly (readonly [string, Content] | undefined)[] = [
    digest === undefined ? undefined : ['Digest', code(digest)],
    tags.length === 0 ? undefined : ['Tags', tags.map((tag) => markup`<div>${renderTag(tag)}</div>`)],
    error === undefined ? undefined : ['Error', error.message],
    reason === undefined ? undefined : ['Why', reason],
    error?.hint === undefined ? undefined : ['Fix', error.hint],
    ['Log lines', lineRange(records)],
    ['Run', code(run)],
    ['Plan', code(plan)],
    policy === '' ? undefined : ['Configuration', code(policy)],
    ['Machine', `${actor.user} on ${actor.host}`],
    actor.ci?.job === undefined ? undefined : ['Job', actor.ci.job],
    actor.ci?.commit === undefined ? undefined : ['Commit', code(actor.ci.commit)],
  ]
  const list = rows.flatMap((row) =>
    row === undefined
      ? []
      : [
          markup`<dt>${row[0]}</dt>
            <dd>${row[1]}</dd>`,
        ],
  )
  return markup`<details>
    <summary class="small">${operation}</summary>
    <dl class="facts small">${list}</dl>
  </details>`
}

function lineRange({ first, last, count }: TimelineEvent['records']): string {
  if (count === 1) return String(first)
  return last - first + 1 === count ? `${first} to ${last}` : `${count} lines from ${first} to ${last}`
}

function renderTag({ repository, tag, before, after }: TimelineTag): Markup {
  const name = code(`${repository}:${tag}`)
  const from = before === null ? 'new' : shortDigest(before)
  const to = after === null ? 'not written' : shortDigest(after)
  return markup`${name} ${from} → ${to}`
}
