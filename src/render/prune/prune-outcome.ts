import type { ErrorInfo } from '../../lib/errors.ts'
import { isEvidenceTag } from '../../oci/evidence-tags.ts'
import { formatRepository } from '../../oci/reference.ts'
import type { PruneOutcome, RepositoryOutcome } from '../../plan/prune/prune-outcome.ts'
import type { PrunePlan, RepositoryPlan } from '../../plan/prune/prune-plan.ts'
import { renderErrorBelow } from '../error.ts'
import { statusTexts } from '../operation.ts'
import { escapeText } from '../text/escape.ts'
import { formatCount, formatDuration, formatFirst, shortenDigest } from '../text/format.ts'
import { renderFreed, renderRefusedRepositories } from './prune-plan.ts'
import { problemsOf, renderProblems, renderWholeRefusals } from './prune-refusals.ts'
import { countDeleted, outcomeTotalsOf } from './prune-totals.ts'
import { describeLocked } from './locked-items.ts'
import { breakLines } from '../text/section.ts'
import type { Page, Style } from '../text/style.ts'

type Status = RepositoryOutcome['status']

/** Tags of deleted images that are listed. */
const namedAtMost = 10
/** Errors of one repository that are listed. */
const errorsAtMost = 10

function statusText(status: Status): { readonly text: string; readonly tone: keyof Style } {
  return status === 'pruned' ? { text: 'pruned', tone: 'green' } : statusTexts[status]
}

export interface PruneOutcomeOptions {
  readonly durationMs: number
  /** the name of a vendor by the kind of its API */
  readonly vendorName?: (kind: string) => string
}

/** Renders the deleted and kept images of each repository, then the next action and the sum. */
export function renderPruneOutcome(
  plan: PrunePlan,
  outcome: PruneOutcome,
  page: Page,
  options: PruneOutcomeOptions,
): string {
  const { style } = page
  const plans = new Map(plan.repositories.map((one) => [formatRepository(one.repository), one]))
  const repositories = withoutWhole(outcome)
  const groups = Map.groupBy(repositories, kindOf)
  const nameOf = options.vendorName ?? ((kind) => kind)
  const blocks = [...groups.values()].flatMap((those) => renderGroup(those, plans, nameOf, page))
  const known = new Set(repositories.map(({ repository }) => formatRepository(repository)))
  const unread = outcome.refusals.filter(
    ({ repository }) => repository !== undefined && !known.has(formatRepository(repository)),
  )
  return [
    ...renderRefusedRepositories(plan, page),
    ...blocks,
    ...renderProblems('refused', problemsOf(unread, new Map()), style),
    ...renderWholeRefusals(outcome.refusals, style),
    [
      ...advice(outcome, page),
      ...renderFreed(
        outcomeTotalsOf(plan, outcome).freed,
        'No remaining image',
        page,
        plan.repositories.some(({ isFreedMost }) => isFreedMost === true),
      ),
      ...renderRestorable(repositories, plans, page),
      ...summary(plan, outcome, options.durationMs, page),
    ].join('\n'),
  ].join('\n')
}

/** Where a vendor keeps deleted content, once for each text. */
function renderRestorable(
  repositories: readonly RepositoryOutcome[],
  plans: ReadonlyMap<string, RepositoryPlan>,
  page: Page,
): readonly string[] {
  const changed = repositories.filter(({ deleted, untagged }) => deleted + untagged > 0)
  const texts = changed.flatMap(
    ({ repository }) => plans.get(formatRepository(repository))?.restorableBy ?? [],
  )
  return [...new Set(texts)].flatMap((text) =>
    breakLines(`Deleted content can be restored ${text}.`, page.width),
  )
}

/** A refusal of the whole run is shown once, not in each repository. */
function withoutWhole({ repositories, refusals }: PruneOutcome): readonly RepositoryOutcome[] {
  const whole = new Set(
    refusals.flatMap(({ repository, error }) => (repository === undefined ? [JSON.stringify(error)] : [])),
  )
  return repositories.map((one) => ({
    ...one,
    errors: one.errors.filter((error) => !whole.has(JSON.stringify(error))),
  }))
}

/** Groups repositories in which nothing has changed for the same reason. */
function kindOf(one: RepositoryOutcome): string {
  if (hasChanged(one) || one.kept > 0) return formatRepository(one.repository)
  return [one.status, ...one.errors.map((error) => JSON.stringify({ ...error, subject: undefined }))].join()
}

function hasChanged({ deleted, untagged }: RepositoryOutcome): boolean {
  return deleted + untagged > 0
}

function renderGroup(
  those: readonly RepositoryOutcome[],
  plans: ReadonlyMap<string, RepositoryPlan>,
  nameOf: (kind: string) => string,
  page: Page,
): readonly string[] {
  const [first, ...more] = those
  if (first === undefined) return []
  if (more.length === 0)
    return [renderRepository(first, plans.get(formatRepository(first.repository)), nameOf, page)]
  const { text, tone } = statusText(first.status)
  if (first.errors.length === 0)
    return [page.style[tone](`${text}  ${formatCount(those.length, 'repository', 'repositories')}`)]
  const problems = first.errors.flatMap((_, i) =>
    those.flatMap(({ image, errors }) => {
      const error = errors[i]
      return error === undefined ? [] : [{ image, error }]
    }),
  )
  return renderProblems(text, problems, page.style)
}

function renderRepository(
  outcome: RepositoryOutcome,
  plan: RepositoryPlan | undefined,
  nameOf: (kind: string) => string,
  page: Page,
): string {
  const { style, width } = page
  const { text, tone } = statusText(outcome.status)
  const head = `${style[tone](text)}  ${style.bold(escapeText(outcome.image))}`
  const textWidth = width === undefined ? undefined : width - 2
  const lines = [
    countsOf(outcome, nameOf),
    imagesOf(outcome, plan),
    ...lockedLines(outcome),
    ...keptLines(outcome),
  ]
    .filter((line) => line !== '')
    .flatMap((line) => breakLines(line, textWidth))
    .map((line) => `  ${line}`)
  return [head, ...lines, ...errorLines(outcome.errors, style)].join('\n')
}

function countsOf(outcome: RepositoryOutcome, nameOf: (kind: string) => string): string {
  const { images, superseded, untaggedManifests, deleted, untagged, absent, locked } = outcome
  const through = vendorApis(outcome, nameOf)
  const counts = [
    ...(deleted === 0
      ? []
      : [
          countDeleted(
            { images, superseded, untaggedManifests, manifests: deleted },
            (text) => `${text} deleted`,
          ),
        ]),
    ...(untagged === 0 ? [] : [`${formatCount(untagged, 'tag')} deleted`]),
  ]
  return [
    ...(counts.length === 0 ? [] : [`${counts.join(', ')}${through}`]),
    ...(absent === 0 ? [] : [`${absent} already absent`]),
    ...(locked === 0 ? [] : [`${locked} locked`]),
    ...problemCounts(outcome),
  ].join(', ')
}

/** The vendor's API, if one deleted; the OCI API is the usual one and is not named. */
function vendorApis({ deletedBy }: RepositoryOutcome, nameOf: (kind: string) => string): string {
  const { oci = 0, ...vendors } = deletedBy
  return Object.entries(vendors)
    .map(([kind, count]) => {
      const api = `through the API of ${nameOf(kind)}`
      return oci === 0 ? ` ${api}` : `, ${count} of them ${api}`
    })
    .join('')
}

function problemCounts({
  conflicts,
  failed,
  notAttempted,
}: Pick<RepositoryOutcome, 'conflicts' | 'failed' | 'notAttempted'>): readonly string[] {
  return [
    ...(conflicts === 0 ? [] : [formatCount(conflicts, 'conflict')]),
    ...(failed === 0 ? [] : [`${failed} failed`]),
    ...(notAttempted === 0 ? [] : [`${notAttempted} not attempted`]),
  ]
}

/** The deleted tags. If the plan was not done completely, only the audit log knows them. */
function imagesOf(outcome: RepositoryOutcome, plan: RepositoryPlan | undefined): string {
  const { status, kept, locked, lockedItems } = outcome
  if (status !== 'pruned' || kept > locked || plan === undefined) return ''
  const stay = new Set<string>(lockedItems.flatMap(({ tags, digest }) => [...tags, digest]))
  const tags = plan.steps.flatMap((step) => (step.kind === 'deleteManifest' ? step.losesTags : []))
  const superseded = plan.steps.flatMap((step) =>
    step.kind === 'deleteManifest' && step.formerTags !== undefined && step.losesTags.length === 0
      ? [step]
      : [],
  )
  const names = [
    ...tags.filter((tag) => !isEvidenceTag(tag) && !stay.has(tag)),
    ...superseded
      .filter(({ target }) => !stay.has(target.digest))
      .map(({ target, formerTags = [] }) => `${shortenDigest(target.digest)} (was ${formerTags.join(', ')})`),
  ].map(escapeText)
  return formatFirst(names, namedAtMost)
}

/** A line for each locked item with the registry's reason. */
function lockedLines({ lockedItems }: RepositoryOutcome): readonly string[] {
  const lines = lockedItems.slice(0, namedAtMost).map((item) => `locked: ${describeLocked(item)}`)
  const more = lockedItems.length - lines.length
  return [...lines, ...(more > 0 ? [`and ${more} more locked: see the audit log or --json`] : [])]
}

function keptLines({ kept, locked, keptWithLocked }: RepositoryOutcome): readonly string[] {
  const others = kept - locked - keptWithLocked
  return [
    ...(keptWithLocked === 0
      ? []
      : [
          `${formatCount(keptWithLocked, 'manifest')} kept: a locked image needs ${keptWithLocked === 1 ? 'it' : 'them'}`,
        ]),
    ...(others === 0
      ? []
      : [`${others} kept: this registry does not delete single tags, or children of an index`]),
  ]
}

function errorLines(errors: readonly ErrorInfo[], style: Style): readonly string[] {
  const more = errors.length - errorsAtMost
  return [
    ...errors.slice(0, errorsAtMost).map((error) => renderErrorBelow(error, style, '  ')),
    ...(more > 0 ? [style.dim(`  and ${more} more errors: see the audit log or --json`)] : []),
  ]
}

/** The next action, if something was not done. */
function advice({ repositories }: PruneOutcome, page: Page): readonly string[] {
  const some = (of: (one: RepositoryOutcome) => number): boolean => repositories.some((one) => of(one) > 0)
  const texts = [
    ...(some(({ conflicts }) => conflicts)
      ? ['dray kept images that changed since the plan was made. To plan again, run dray prune.']
      : []),
    ...(some(({ locked }) => locked)
      ? [
          'The registry refused to delete locked items, and dray keeps them. With --strict, the exit code is 4.',
        ]
      : []),
    ...(some(({ notAttempted, failed }) => notAttempted + failed)
      ? ['Some deletes were not executed. Fix the problem above. Then run the command again.']
      : []),
  ]
  return texts.flatMap((text) => breakLines(text, page.width))
}

/** `Deleted 12 images (31 manifests) in 2 of 5 repositories, 1 tag deleted, in 9 s.` */
function summary(plan: PrunePlan, outcome: PruneOutcome, durationMs: number, page: Page): readonly string[] {
  const totals = outcomeTotalsOf(plan, outcome)
  const {
    deleted,
    superseded,
    untaggedManifests,
    manifests,
    untagged,
    absent,
    keptByRegistry,
    locked,
    keptWithLocked,
    refused,
  } = totals
  const others = keptByRegistry - locked - keptWithLocked
  const changed = outcome.repositories.filter(hasChanged).length
  const where = `${changed} of ${formatCount(totals.repositories, 'repository', 'repositories')}`
  const parts = [
    changed === 0
      ? `Nothing deleted in ${formatCount(totals.repositories, 'repository', 'repositories')}`
      : `Deleted ${countDeleted({ images: deleted, superseded, untaggedManifests, manifests })} in ${where}`,
    ...(untagged === 0 ? [] : [`${formatCount(untagged, 'tag')} deleted`]),
    ...(absent === 0 ? [] : [`${absent} already absent`]),
    ...(locked === 0 ? [] : [`${locked} locked`]),
    ...(keptWithLocked === 0 ? [] : [`${formatCount(keptWithLocked, 'manifest')} kept with them`]),
    ...(others === 0 ? [] : [`${others} kept by the registry`]),
    ...problemCounts(totals),
    ...(refused === 0 ? [] : [`${formatCount(refused, 'repository', 'repositories')} refused`]),
    `in ${formatDuration(durationMs)}`,
  ]
  return breakLines(`${parts.join(', ')}.`, page.width).map((line) => page.style.bold(line))
}
