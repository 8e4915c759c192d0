import { formatRepository } from '../../oci/reference.ts'
import type { InUseSource, PrunePlan, RepositoryPlan } from '../../plan/prune/prune-plan.ts'
import { renderConfigurationLine } from '../configuration.ts'
import { escapeText } from '../text/escape.ts'
import { formatBytes, formatCount } from '../text/format.ts'
import { problemsOf, renderProblems, renderWholeRefusals } from './prune-refusals.ts'
import { renderVerdicts } from './prune-rows.ts'
import { countImages, countSteps, joinAnd, Refused, totalsOf } from './prune-totals.ts'
import { type Folding, isNotable, listVerdicts } from './prune-verdicts.ts'
import { breakLines, narrowPage } from '../text/section.ts'
import type { Page } from '../text/style.ts'
import { displayWidth } from '../text/width.ts'

/** Kept tags in all shown repositories. If there are more, they are folded in each repository. */
const keptRowsInAll = 200
/** Up to so many repositories without anything to do are named. */
const idleNames = 3

/**
 * A plan to delete as text: a table for each repository with the verdict and reason of each tag,
 * then the refusals and the sum. Many kept tags are folded to a line for each reason.
 * @param options.all nothing is folded
 * @param options.configuration name of the configuration file in use
 */
export function renderPrunePlan(
  plan: PrunePlan,
  page: Page,
  options: { readonly all: boolean; readonly configuration?: string | undefined } = { all: false },
): string {
  const { style } = page
  const refused = new Refused(plan)
  const { repositories } = plan
  const busy = options.all || repositories.length === 1 ? repositories : repositories.filter(isBusy)
  const isShown = new Set(busy)
  const idle = repositories.filter((one) => !isShown.has(one) && !refused.isItself(one.repository))
  const kept = busy.reduce(
    (sum, { tags }) => sum + tags.filter(({ verdict }) => verdict === 'keep').length,
    0,
  )
  const folding = { all: options.all, kept: kept > keptRowsInAll }
  const images = new Map(
    plan.repositories.map(({ repository, image }) => [formatRepository(repository), image]),
  )
  return [
    ...busy.map((one) => renderRepository(one, refused.has(one.repository), folding, page)),
    ...idleLine(idle, page),
    ...renderProblems('refused', problemsOf(plan.refusals, images), style),
    ...renderWholeRefusals(plan.refusals, style),
    [summary(plan, page), ...renderConfigurationLine(options.configuration, style)].join('\n'),
  ].join('\n\n')
}

/**
 * The deletes that a limit of the policy refuses, for the outcome of a run: the refusal is about
 * them.
 */
export function renderRefusedRepositories(plan: PrunePlan, page: Page): readonly string[] {
  const refused = new Refused(plan)
  const folding = { all: false, kept: true }
  return plan.repositories
    .filter((one) => refused.has(one.repository) && isBusy(one))
    .map((one) => `${renderRepository(one, true, folding, page)}\n`)
}

function isBusy(plan: RepositoryPlan): boolean {
  return (
    plan.count.deleted > 0 ||
    plan.others.some(({ verdict }) => verdict === 'delete') ||
    plan.tags.some((tag) => tag.verdict !== 'keep' || isNotable(tag))
  )
}

function renderRepository(plan: RepositoryPlan, isRefused: boolean, folding: Folding, page: Page): string {
  const section = narrowPage(page)
  const table = renderVerdicts(listVerdicts(plan, folding, section), section)
  const counts = breakLines(countsOf(plan, isRefused), section.width)
  const body = [...counts, ...(table === '' ? [] : [table])].join('\n')
  return `${heading(plan, page).join('\n')}\n${body.replaceAll(/^/gm, '  ')}`
}

function heading({ image, repository }: RepositoryPlan, page: Page): readonly string[] {
  const { style, width } = page
  const name = escapeText(image)
  const address = escapeText(formatRepository(repository))
  if (name === address) return breakLines(name, page.width).map((line) => style.bold(line))
  const whole = `${name}  ${address}`
  if (width === undefined || displayWidth(whole) <= width)
    return [`${style.bold(name)}  ${style.dim(address)}`]
  return [
    ...breakLines(name, page.width).map((line) => style.bold(line)),
    ...breakLines(address, narrowPage(page).width).map((line) => `  ${style.dim(line)}`),
  ]
}

/** `12 images: 2 to delete (6 manifests, 1.2 GiB), 1 tag to delete, 10 to keep`. */
function countsOf(plan: RepositoryPlan, isRefused: boolean): string {
  const { images, deleted, superseded = 0, untaggedManifests = 0 } = plan.count
  if (isRefused) return `${formatCount(images, 'image')}: ${deleted} to delete, refused (nothing is deleted)`
  const tags = countSteps(plan, 'deleteTag')
  const manifests = countSteps(plan, 'deleteManifest')
  const which = joinAnd([
    ...(deleted > 0 || superseded + untaggedManifests === 0 ? [`${deleted} to delete`] : []),
    ...(superseded === 0 ? [] : [`${superseded} superseded to delete`]),
    ...(untaggedManifests === 0 ? [] : [`${untaggedManifests} untagged to delete`]),
  ])
  const parts = [
    ...(manifests === 0
      ? []
      : [
          `${which} (${formatCount(manifests, 'manifest')}, ${upTo(plan.isFreedMost)}${formatBytes(plan.freed)})`,
        ]),
    ...(tags === 0 ? [] : [`${formatCount(tags, 'tag')} to delete`]),
    `${images - deleted} to keep`,
  ]
  return `${formatCount(images, 'image')}: ${parts.join(', ')}`
}

function idleLine(idle: readonly RepositoryPlan[], page: Page): readonly string[] {
  const [first] = idle
  if (first === undefined) return []
  const images = idle.reduce((sum, { count }) => sum + count.images, 0)
  const names = idle.length > idleNames ? '' : `: ${idle.map(({ image }) => escapeText(image)).join(', ')}`
  const where = formatCount(idle.length, 'repository', 'repositories')
  const text = `Nothing to delete in ${where}, ${formatCount(images, 'image')} to keep${names}`
  return [
    breakLines(text, page.width)
      .map((line) => page.style.dim(line))
      .join('\n'),
  ]
}

function summary(plan: PrunePlan, page: Page): string {
  const { style } = page
  const totals = totalsOf(plan)
  const { deleted, superseded, untaggedManifests, manifests, untagged, kept, freed, repositories, refused } =
    totals
  const by = plan.policyName === undefined ? '' : ` by the policy ${escapeText(plan.policyName)}`
  const parts = [
    ...(manifests === 0
      ? []
      : [
          `${countImages(deleted, superseded, untaggedManifests)} to delete (${formatCount(manifests, 'manifest')})`,
        ]),
    ...(untagged === 0 ? [] : [`${formatCount(untagged, 'tag')} to delete`]),
    `${formatCount(kept, 'image')} to keep`,
    ...(refused === 0 ? [] : [`${formatCount(refused, 'repository', 'repositories')} refused`]),
  ]
  const isIdle = manifests + untagged + refused === 0
  const where = formatCount(repositories, 'repository', 'repositories')
  const head = `Plan for ${where}${by}: ${(isIdle ? ['nothing to delete', ...parts] : parts).join(', ')}.`
  return [
    ...inUseLines(plan.inUse, page),
    ...(plan.repositories.some(isRemembered)
      ? breakLines(
          'Some lists of referrers are from an earlier run. dray reads them again before the first delete.',
          page.width,
        ).map((line) => style.dim(line))
      : []),
    ...breakLines(head, page.width).map((line) => style.bold(line)),
    ...renderFreed(freed, 'After the deletes, no image', page, plan.repositories.some(isMost)),
  ].join('\n')
}

function upTo(isUpperBound = false): string {
  return isUpperBound ? 'up to ' : ''
}

/** Whether the plan does not know exactly what its deletes free. */
function isMost({ isFreedMost, steps }: RepositoryPlan): boolean {
  return isFreedMost === true && steps.length > 0
}

function isRemembered({ referrers, steps }: RepositoryPlan): boolean {
  return referrers === 'remembered' && steps.length > 0
}

/**
 * The registry keeps the bytes until its own garbage collection.
 * @param subject begins the sentence
 * @param isUpperBound dray has not read all kept images
 */
export function renderFreed(
  freed: number,
  subject: string,
  page: Page,
  isUpperBound = false,
): readonly string[] {
  if (freed === 0) return []
  const bytes = formatBytes(freed)
  const text = isUpperBound
    ? `The registry frees at most ${bytes} at its next garbage collection: kept images that dray did not read can share content with the deleted ones.`
    : `${subject} refers to ${bytes}. The registry frees this space at its next garbage collection.`
  return breakLines(text, page.width)
}

/** The confirmation of a plan: `Delete 3 images and 1 tag?` */
export function deleteQuestion(plan: PrunePlan): string {
  const { deleted, superseded, untaggedManifests, manifests, untagged } = totalsOf(plan)
  const what =
    deleted + superseded + untaggedManifests > 0
      ? countImages(deleted, superseded, untaggedManifests)
      : formatCount(manifests, 'manifest')
  const parts = [
    ...(manifests === 0 ? [] : [what]),
    ...(untagged === 0 ? [] : [formatCount(untagged, 'tag')]),
  ]
  return `Delete ${parts.join(' and ')}?`
}

/** `In use: 30 images by gitops/*.yaml, 7 by context prod`. */
function inUseLines(sources: readonly InUseSource[], page: Page): readonly string[] {
  const [first, ...more] = sources
  if (first === undefined) return []
  const texts = [
    `${formatCount(first.images, 'image')} by ${escapeText(first.name)}`,
    ...more.map(({ name, images }) => `${images} by ${escapeText(name)}`),
  ]
  return breakLines(`In use: ${texts.join(', ')}`, page.width)
}
