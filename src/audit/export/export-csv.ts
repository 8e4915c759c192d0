import { formatRepository } from '../../oci/reference.ts'
import { affectedBy, resultOf } from '../query/affected.ts'
import type { GateResult } from '../../plan/gates/gate-result.ts'
import type { AuditRecord, LogEntry, LogRecord } from '../log/record.ts'

type CsvValue = string | number | null | undefined

/** The columns in order. New columns are added at the end. */
const columns = [
  'seq',
  'time',
  'run',
  'id',
  'phase',
  'operation',
  'result',
  'step',
  'image',
  'from',
  'to',
  'source',
  'repository',
  'tag',
  'digest',
  'before',
  'after',
  'user',
  'host',
  'ciService',
  'ciUser',
  'ciRun',
  'ciJob',
  'ciCommit',
  'ciRepository',
  'says',
  'reason',
  'ticket',
  'errorCode',
  'errorMessage',
  'errorWhy',
  'resolvedBy',
  'plan',
  'policy',
  'tool',
  'gates',
  'platforms',
  'rule',
  'bundle',
  'file',
  'places',
  'commit',
] as const

/** Control characters except the line feed. */
const controls = /[\p{Cc}--\n]/gv

type Row = { readonly [column in (typeof columns)[number]]?: CsvValue }

/** The header line, with its line end. */
export const csvHeader: string = `${columns.join(',')}\r\n`

/** Formats any record, also an intent, as a line of CSV with its line end (RFC 4180). */
export function formatCsvLine(record: LogRecord | LogEntry): string {
  const row = rowOf(record)
  return `${columns.map((column) => formatCell(row[column])).join(',')}\r\n`
}

function rowOf(record: LogRecord | LogEntry): Row {
  const { time, run, id, phase } = record
  const position = 'seq' in record ? { seq: record.seq } : {}
  if (record.phase === 'recovered') return { ...position, time, run, id, phase }
  return { ...position, time, run, id, phase, ...whatOf(record), ...whoOf(record), ...whyOf(record) }
}

function whatOf(record: AuditRecord): Row {
  const affected = affectedBy(record)
  return {
    operation: record.operation,
    result: resultOf(record),
    step: record.step?.kind,
    image: record.image,
    from: record.environment?.from,
    to: record.environment?.to,
    ...(affected !== undefined && {
      source: affected.from === undefined ? undefined : formatRepository(affected.from),
      repository: formatRepository(affected.repository),
      // A tag contains no spaces.
      tag: affected.tag ?? affected.lostTags?.join(' '),
      digest: affected.digest,
    }),
    before: record.before,
    after: record.after,
    ...editOf(record),
  }
}

/** An edit has its images, and the places of its values in the file. */
function editOf({ image, step, commit }: AuditRecord): Row {
  if (step?.kind !== 'edit') return {}
  return {
    image: image ?? step.images.map((one) => one.image).join(' '),
    digest: step.images.map((one) => one.digest).join(' '),
    file: step.file,
    places: step.edits.map(({ place }) => place).join('\n'),
    commit,
  }
}

function whoOf({ actor }: AuditRecord): Row {
  const { ci, host, says, user } = actor
  return {
    user,
    host,
    ciService: ci?.service,
    ciUser: ci?.user,
    ciRun: ci?.run,
    ciJob: ci?.job,
    ciCommit: ci?.commit,
    ciRepository: ci?.repository,
    says,
  }
}

function whyOf(record: AuditRecord): Row {
  const { bundle, error, gates, plan, policy, reason, resolvedBy, rule, sparse, ticket, tool } = record
  return {
    reason,
    ticket,
    errorCode: error?.code,
    errorMessage: error?.message,
    errorWhy: error?.why,
    resolvedBy,
    plan,
    policy,
    tool,
    gates: gates?.map(formatGateResult).join(' '),
    platforms: sparse?.platforms.join(' '),
    rule,
    bundle,
  }
}

/** `scan=fail(overridden)`: what matters of a gate. A name of a gate contains no spaces. */
function formatGateResult({ name, result, effect }: GateResult): string {
  return effect === 'none' ? `${name}=${result}` : `${name}=${result}(${effect})`
}

/** Text that begins like a formula, in half or full width. */
const formula = /^\s*[=+\-@\uff1d\uff0b\uff0d\uff20]/
/** Text that begins like a formula after a character that can begin a new cell. */
const innerFormula = /([;\n]["\s]*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20])/g

/**
 * Formats a cell so that no spreadsheet takes it for a formula: an apostrophe precedes text that
 * begins like one. That also applies after a semicolon or a line feed. A spreadsheet that separates
 * cells by semicolons, as in many languages, begins a new cell there. Replaces control characters
 * except line feeds, and quotes everything but plain text.
 */
function formatCell(cell: CsvValue): string {
  if (cell === undefined || cell === null) return ''
  const text = String(cell).toWellFormed().replaceAll(controls, '\ufffd')
  const outer = formula.test(text) || text.startsWith('\n') ? `'${text}` : text
  const harmless = outer.replaceAll(innerFormula, "$1'")
  return /^[\w.:/@-]*$/.test(harmless) ? harmless : `"${harmless.replaceAll('"', '""')}"`
}
