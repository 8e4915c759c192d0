import type { AuditRecord, LogEntry, RecordedStep, RecoveredTail } from '../../audit/log/record.ts'
import { formatRepository } from '../../oci/reference.ts'
import type { Digest } from '../../oci/digest.ts'
import { escapeText } from '../text/escape.ts'
import { formatFirst, formatShortTime, shortenDigest } from '../text/format.ts'
import type { Page, Style } from '../text/style.ts'
import { type Cell, type Column, renderTable, textOf } from '../text/table.ts'
import { displayWidth } from '../text/width.ts'

const columns: readonly Column[] = [
  { title: 'TIME (UTC)' },
  { title: 'ACTOR', flexible: true },
  { title: 'OPERATION' },
  { title: 'CHANGE', flexible: true },
  { title: 'FROM -> TO', flexible: true },
  { title: 'RESULT' },
]

/** The number of tags of a deleted image that a terminal shows. */
const maxTags = 3

/** Formats a log as a table in parts. Only the first has a heading; columns never get narrower. */
export function logTable(page: Page): (entries: readonly LogEntry[]) => string {
  let least: readonly number[] = columns.map(({ title }) => displayWidth(title))
  let isFirst = true
  return (entries) => {
    const rows = entries.map((entry) => rowOf(entry, page))
    least = least.map((width, i) =>
      rows.reduce((widest, row) => Math.max(widest, displayWidth(textOf(row[i] ?? ''))), width),
    )
    const wide = columns.map((column, i): Column => ({
      ...column,
      title: isFirst ? column.title : '',
      least: least[i] ?? 0,
    }))
    isFirst = false
    return renderTable(wide, rows, page)
  }
}

function rowOf(entry: LogEntry, page: Page): readonly Cell[] {
  const time = page.width === undefined ? escapeText(entry.time) : formatShortTime(entry.time)
  if (entry.phase === 'recovered') return [time, '', '', recoveredText(entry), '', 'recovered']
  return [
    time,
    escapeText(entry.actor.ci?.user ?? entry.actor.user),
    escapeText(entry.operation),
    whatOf(entry, page),
    formatEnds(entry),
    resultCell(entry),
  ]
}

function recoveredText({ writtenBy }: RecoveredTail): string {
  if (writtenBy === undefined) return 'an incomplete line after a crash'
  return `a late line of the suspended run ${escapeText(writtenBy)}`
}

/** The change, after the image of the plan. */
function whatOf({ by, commit, image, step, losesTags }: AuditRecord, page: Page): string {
  const name = escapeText(image ?? '')
  if (step === undefined) return name === '' ? '-' : name
  const api = by === undefined || by === 'oci' ? '' : ` (API: ${escapeText(by)})`
  const committed = commit === undefined ? '' : ` in ${escapeText(commit.slice(0, 12))}`
  const change = `${changeOf(step, losesTags, page)}${api}${committed}`
  return name === '' ? change : `${name}: ${change}`
}

/** @param losesTags the tags of an image that the registry deleted together with a tag */
function changeOf(step: RecordedStep, losesTags: readonly string[] | undefined, page: Page): string {
  const show = (digest: Digest): string =>
    escapeText(page.width === undefined ? digest : shortenDigest(digest))
  switch (step.kind) {
    case 'tag':
      return `tag ${escapeText(step.tag)} -> ${show(step.target.digest)}`
    case 'copy':
      return `content ${show(step.root.digest)}`
    case 'attach':
      return `attached artifact ${show(step.manifest.digest)}`
    case 'attest':
      return `${statementName(step)} of ${show(step.subject.digest)}`
    case 'deleteManifest':
      return `delete ${show(step.target.digest)}${lostTags(step.losesTags, page)}`
    case 'deleteTag':
      return losesTags === undefined
        ? `delete tag ${escapeText(step.tag)} of ${show(step.digest)}`
        : `delete tag ${escapeText(step.tag)}; the registry deleted ${show(step.digest)}${lostTags(losesTags, page)}`
    case 'edit':
      return `edit ${escapeText(step.file)} -> ${step.images.map(({ digest }) => show(digest)).join(', ')}`
  }
  return escapeText(String((step as { readonly kind: unknown }).kind))
}

/** Names the attestation of a promotion, or a statement by its decision. */
function statementName(step: Extract<RecordedStep, { kind: 'attest' }>): string {
  if (!('predicateType' in step)) return 'attestation'
  return escapeText(step.decision ?? `statement ${step.predicateType}`)
}

/** A terminal shows only the first few, because an image may have a hundred. */
function lostTags(tags: readonly string[], page: Page): string {
  if (tags.length === 0) return ''
  return ` with ${formatFirst(tags.map(escapeText), page.width === undefined ? tags.length : maxTags)}`
}

function formatEnds({ environment, step }: AuditRecord): string {
  const ends = step === undefined ? {} : endsOf(step)
  const from = environment?.from ?? ends.from
  const to = environment?.to ?? ends.to
  if (to === undefined) return from === undefined ? '-' : escapeText(from)
  if (from === to) return escapeText(to)
  return escapeText(from === undefined ? `-> ${to}` : `${from} -> ${to}`)
}

function endsOf(step: RecordedStep): { readonly from?: string; readonly to?: string } {
  switch (step.kind) {
    case 'tag':
      return { from: formatRepository(step.from), to: formatRepository(step.repository) }
    case 'copy':
    case 'attach':
      return { from: formatRepository(step.from), to: formatRepository(step.to) }
    case 'attest':
    case 'deleteManifest':
    case 'deleteTag':
      return { to: formatRepository(step.repository) }
    case 'edit':
      return {}
  }
  return {}
}

const tones: Readonly<Record<string, keyof Style>> = {
  done: 'green',
  unchanged: 'dim',
  conflict: 'yellow',
  refused: 'yellow',
  failed: 'red',
}

/** An intent is shown only if it has no outcome. */
function resultCell({ phase, result, resolvedBy }: AuditRecord): Cell {
  if (phase === 'intent') return { text: 'open', tone: 'yellow' }
  const text = phase === 'refused' ? 'refused' : (result ?? 'unknown')
  // Marks an outcome that a later run found.
  const shown = escapeText(resolvedBy === undefined ? text : `${text} (resolved)`)
  return { text: shown, tone: tones[text] ?? 'bold' }
}
