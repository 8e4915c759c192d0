import type { PolicyPlan, RetentionReport } from '../../../usecases/report/report.ts'
import { countImages, Refused, totalsOf } from '../../prune/prune-totals.ts'
import { formatBytes, formatCount } from '../../text/format.ts'
import { type Content, markup, type Markup } from '../markup.ts'
import { renderNumbers } from '../parts/numbers.ts'
import type { ReportTone } from '../parts/icons.ts'
import { code, renderNote, renderSource } from '../parts/texts.ts'
import { renderRefusals } from './retention-refusals.ts'
import { renderReasonTable } from './retention-reasons.ts'
import { renderRepositories } from './retention-repositories.ts'
import type { RenderedSection, RowLimits } from './section.ts'

/** Renders the plan of each policy: what a prune would delete, and why it keeps the rest. */
export function renderRetentionSection({ policies }: RetentionReport, limits: RowLimits): RenderedSection {
  const [first] = policies
  const isOne = policies.length === 1
  const headlines = policies.map(({ plan }) => {
    const name = plan.policyName === undefined || isOne ? '' : `${plan.policyName}: `
    return `${name}${headlineOf(plan)}`
  })
  const isRefused = policies.some(({ plan }) => plan.refusals.length > 0)
  const repositories = policies.map(({ plan }) => totalsOf(plan).repositories)
  const name = isOne && first?.plan.policyName !== undefined ? `, policy ${first.plan.policyName}` : ''
  return {
    tone: policies.some(({ plan }) => new Refused(plan).isAll) ? 'bad' : isRefused ? 'notice' : 'good',
    headline: headlines.join('; '),
    detail: `${formatCount(Math.max(0, ...repositories), 'repository', 'repositories')}${name}`,
    body: markup`<p class="lead">
        What <code>dray prune --apply</code> would delete now. This report deleted nothing.
      </p>
      ${policies.map((policy, i) => renderPolicy(policy, `retention-${i + 1}`, isOne, limits))}`,
  }
}

function headlineOf(plan: PolicyPlan['plan']): string {
  const { deleted, superseded, untaggedManifests, manifests, untagged, freed, refused } = totalsOf(plan)
  if (new Refused(plan).isAll) return 'Refused: dray would delete nothing'
  const parts = [
    ...(deleted + superseded + untaggedManifests > 0
      ? [`${countImages(deleted, superseded, untaggedManifests)} to delete`]
      : manifests > 0
        ? [`${formatCount(manifests, 'manifest')} to delete`]
        : []),
    ...(untagged > 0 ? [`${formatCount(untagged, 'tag')} to delete`] : []),
    ...(freed > 0 ? [formatBytes(freed)] : []),
    ...(refused > 0 ? [`${formatCount(refused, 'repository', 'repositories')} refused`] : []),
  ]
  return parts.length === 0 ? 'Nothing to delete' : parts.join(', ')
}

function renderPolicy(policy: PolicyPlan, id: string, isOne: boolean, limits: RowLimits): Markup {
  const { plan, warnings } = policy
  const { policyName } = plan
  const { images, deleted, superseded, untaggedManifests, untagged, freed, kept } = totalsOf(plan)
  const command = `dray prune${policyName === undefined ? '' : ` --policy ${policyName}`}`
  return markup`${!isOne && markup`<h3>Policy ${policyName ?? 'without a name'}</h3>`} ${renderRefusals(plan)}
  ${renderNumbers([
    ['Images', String(images)],
    ['Kept', String(kept)],
    ['To delete', String(deleted)],
    ...some('Superseded to delete', superseded),
    ...some('Untagged to delete', untaggedManifests),
    ...some('Tags to delete', untagged),
    ['Freed', formatBytes(freed)],
  ])}
  ${renderReasonTable(plan)} ${renderRepositories(policy, id, limits)}
  ${renderWarnings(warnings)}${renderInUse(plan)}
  ${renderSource(command, [markup`policy ${code(plan.policy)}`, 'the registry frees bytes at its next garbage collection'])}`
}

function some(name: string, count: number): readonly (readonly [string, string])[] {
  return count === 0 ? [] : [[name, String(count)]]
}

function renderWarnings(warnings: readonly string[]): Content {
  if (warnings.length === 0) return ''
  const tone: ReportTone = 'notice'
  const list = markup`<ul>
    ${warnings.map((text) => markup`<li>${text}</li>`)}
  </ul>`
  return renderNote(tone, formatCount(warnings.length, 'warning'), list)
}

function renderInUse({ inUse }: PolicyPlan['plan']): Content {
  if (inUse.length === 0) return ''
  const texts = inUse.map(({ name, images }) => `${name} (${formatCount(images, 'image')})`)
  return markup`<p class="small muted">Images in use are from ${texts.join(', ')}.</p>`
}
