import type { Verdict } from '../../plan/prune/prune-plan.ts'
import type {
  ConditionResult,
  ExplainedListing,
  ExplainedTime,
  Explanation,
  RuleResult,
} from '../../usecases/prune/policy/explanation.ts'
import { formatAt } from '../../oci/reference.ts'
import { escapeText } from '../text/escape.ts'
import { formatDigestOn, formatAge } from '../text/format.ts'
import { renderResults, type RenderedResult } from './policy-results.ts'
import { breakLines, narrowPage, renderSection } from '../text/section.ts'
import type { Page, Style } from '../text/style.ts'

/** The manifests that need it, and the other tags, that are shown. */
const shownAtMost = 20
const day = 86_400_000

const tones: Readonly<Record<Verdict, keyof Style>> = { delete: 'red', untag: 'yellow', keep: 'green' }

/** Why an image is kept or deleted: the verdict first, then everything that it depends on. */
export function renderExplanation(explanation: Explanation, page: Page): string {
  const { digest, time, reachedBy, otherTags } = explanation
  const section = narrowPage(page)
  const others = otherTags.slice(0, shownAtMost).map(({ tag, verdict, why }): RenderedResult => ({
    word: verdict,
    tone: tones[verdict],
    name: escapeText(tag),
    text: escapeText(why.text),
  }))
  return [
    heading(explanation, page),
    digest === null ? '' : renderSection('Time', timeText(time, section), page),
    renderSection('Inventory', listingText(explanation, section), page),
    renderSection('Version', versionText(explanation, section), page),
    digest === null ? '' : renderSection('Protections', protectionsText(explanation, section), page),
    renderSection('Rules', rulesText(explanation, section), page),
    digest === null ? '' : renderSection('Needed by', reachText(reachedBy, section), page),
    renderSection(
      'Other tags of the digest',
      [renderResults(others, section), ...more(otherTags.length)].filter((text) => text !== '').join('\n'),
      page,
    ),
  ]
    .filter((block) => block !== '')
    .join('\n\n')
}

function heading(explanation: Explanation, page: Page): string {
  const { image, tag, digest, repository, verdict } = explanation
  const { style, width } = page
  const name = escapeText(tag === undefined ? image : `${image}:${tag}`)
  const at = digest === null ? 'no manifest' : formatDigestOn(page, digest)
  const full = digest === null ? formatAt(repository, { tag: tag ?? '' }) : formatAt(repository, { digest })
  return [
    ...breakLines(`${name}  ${at}`, width).map((line) => style.bold(line)),
    // It stays in one line, so that a person can copy it.
    style.dim(escapeText(full)),
    '',
    ...breakLines(sentence(explanation), width).map((line) => style[tones[verdict]](line)),
    ...refusalText(explanation)
      .flatMap((text) => breakLines(text, width))
      .map((line) => style.yellow(line)),
  ].join('\n')
}

function sentence({ tag, verdict, why }: Explanation): string {
  const what = tag === undefined ? 'The digest' : `The tag ${escapeText(tag)}`
  const becomes: Readonly<Record<Verdict, string>> = {
    delete: tag === undefined ? 'is deleted' : 'is deleted together with its image',
    untag: 'is deleted, and its image is kept',
    keep: 'is kept',
  }
  return `${what} ${becomes[verdict]}: ${escapeText(why.text)}.`
}

function refusalText({ refusal }: Explanation): readonly string[] {
  if (refusal === undefined) return []
  const why = refusal.why === undefined ? '' : `: ${refusal.why}`
  const cause = escapeText(`${refusal.message}${why}`)
  return [`dray prune deletes nothing in this repository, because ${cause}.`]
}

function timeText({ created, age, text, now }: ExplainedTime, page: Page): string {
  const old = age === undefined ? '' : `, ${formatDays(age)} old`
  const made = created === undefined ? 'unknown' : `${shortTime(created)}${old}`
  return renderResults(
    [
      { word: 'time', tone: 'dim', name: '', text: made },
      { word: created === undefined ? 'because' : 'source', tone: 'dim', name: '', text: escapeText(text) },
      { word: 'as of', tone: 'dim', name: '', text: shortTime(now) },
    ],
    page,
  )
}

/** The facts of the vendor, and the API that would delete the image. */
function listingText({ listing }: Explanation, page: Page): string {
  if (listing === undefined) return ''
  const { vendor, pushedAt, deletesBy } = listing
  const row = { tone: 'dim', name: '' } as const
  return renderResults(
    [
      { ...row, word: 'source', text: escapeText(vendor) },
      { ...row, word: 'pushed', text: pushedAt === undefined ? 'unknown' : shortTime(pushedAt) },
      { ...row, word: 'pulled', text: pullText(listing) },
      {
        ...row,
        word: 'deletes',
        text: deletesBy === 'oci' ? 'through the OCI API' : `through the API of ${escapeText(vendor)}`,
      },
    ],
    page,
  )
}

function pullText({ pulls, pulledAt, pulledBy, precision }: ExplainedListing): string {
  if (pulls !== 'pulled' || pulledAt === undefined) return pulls
  const by = pulledBy === undefined ? '' : ` by ${escapeText(pulledBy)}`
  const late = precision === 'day' ? ', or up to 24 hours later' : ''
  return `${shortTime(pulledAt)}${by}${late}`
}

function versionText({ version }: Explanation, page: Page): string {
  if (version === undefined) return ''
  const { scheme, text } = version
  return renderResults(
    [
      { word: 'read as', tone: 'dim', name: '', text: escapeText(text) },
      { word: 'scheme', tone: 'dim', name: '', text: scheme },
    ],
    page,
  )
}

/** In days, as in policies; a younger age in a smaller unit. */
function formatDays(age: number): string {
  return age < 2 * day ? formatAge(age) : `${Math.floor(age / day)}d`
}

function protectionsText({ protections }: Explanation, page: Page): string {
  if (protections.length === 0) return 'The policy protects nothing in this repository.'
  return renderResults(
    protections.map((one) => ({
      ...named(one),
      word: one.matches ? 'protects' : 'no match',
      tone: one.matches ? 'green' : 'dim',
    })),
    page,
  )
}

const ruleWords: Readonly<Record<RuleResult['verdict'], Pick<RenderedResult, 'word' | 'tone'>>> = {
  delete: { word: 'deletes', tone: 'red' },
  keep: { word: 'keeps', tone: 'green' },
  notSelected: { word: 'no match', tone: 'dim' },
  skipped: { word: 'skipped', tone: 'dim' },
}

function rulesText({ tag, rules }: Explanation, page: Page): string {
  if (tag === undefined && rules.length === 0) return 'Rules apply to tags. Explain a tag of this digest.'
  if (rules.length === 0) return 'No rule of the policy applies to this tag.'
  const results = rules.flatMap((rule): readonly RenderedResult[] => [
    { ...ruleWords[rule.verdict], ...named(rule) },
    ...placeOf(rule),
    ...rule.conditions.map((one) => condition(one)),
  ])
  return renderResults(results, page)
}

/** The group, and the place in the order of the rule. */
function placeOf({ group, position }: RuleResult): readonly RenderedResult[] {
  const row = { word: '', tone: 'dim' } as const
  const values = Object.entries(group ?? {}).map(
    ([name, value]) => `${name} ${value === '' ? '(none)' : value}`,
  )
  return [
    ...(values.length === 0 ? [] : [{ ...row, name: '  group', text: escapeText(values.join(', ')) }]),
    ...(position === undefined
      ? []
      : [
          {
            ...row,
            name: '  place',
            text: escapeText(`${position.place} of ${position.of} by ${position.by}: ${position.value}`),
          },
        ]),
  ]
}

/** A condition can keep the tag that the rule selects. */
function condition(one: ConditionResult): RenderedResult {
  const result = named(one)
  return {
    ...result,
    word: one.keeps ? '  keeps' : '  deletes',
    tone: one.keeps ? 'green' : 'dim',
    name: `  ${result.name}`,
  }
}

function named({
  name,
  text,
}: {
  readonly name: string
  readonly text: string
}): Pick<RenderedResult, 'name' | 'text'> {
  return { name: escapeText(name), text: escapeText(text) }
}

function reachText(reachedBy: readonly string[], page: Page): string {
  if (reachedBy.length === 0) return 'No kept tag or manifest.'
  const texts = reachedBy.slice(0, shownAtMost).flatMap((text) => breakLines(escapeText(text), page.width))
  return [...texts, ...more(reachedBy.length)].join('\n')
}

function more(count: number): readonly string[] {
  return count > shownAtMost ? [`and ${count - shownAtMost} more`] : []
}

/** `2026-03-04 05:06:07 UTC` */
function shortTime(time: string): string {
  return escapeText(`${time.slice(0, 10)} ${time.slice(11, 19)} UTC`)
}
