import type { GateResult, GateSubjectResult } from '../../plan/gates/gate-result.ts'
import type { ErrorInfo } from '../../lib/errors.ts'
import { escapeText } from '../text/escape.ts'
import { shortenDigest } from '../text/format.ts'
import { breakLines } from '../text/section.ts'
import type { Style } from '../text/style.ts'
import type { Cell } from '../text/table.ts'
import { displayWidth, pad } from '../text/width.ts'

/** Names of gates are padded up to this many columns. */
const widestName = 24
/** The label column of a plan with the gap after it. */
const labelWidth = 10
/** Text that would be in a narrower column than this goes below the name and the result. */
const narrowest = 20
/** The indentation of that text. */
const below = 2
/** The beginning of the line with the fix of a failure. */
const fix = 'fix: '
/** A fix with a command, which a person could not copy if its line were broken. */
const hasCommand = /^fix: (?:Run\b|.* run: )/

/** The word for a result; capitals are for what a person must see. */
export function formatGateVerdict({ result, effect }: Pick<GateResult, 'result' | 'effect'>): string {
  if (result === 'pass') return 'pass'
  if (result === 'skipped') return 'skipped'
  if (effect === 'overridden') return 'OVERRIDDEN'
  if (effect === 'warned') return 'WARN'
  return result === 'error' ? 'ERROR' : 'FAIL'
}

function toneOf({ result, effect }: GateResult): keyof Style {
  if (result === 'pass') return 'green'
  if (result === 'skipped') return 'dim'
  return effect === 'warned' ? 'yellow' : 'red'
}

/**
 * Returns the rows of gates for a table with a label column: for each gate its name, its result,
 * and lines that say why, how long a pass lasts, and what to do.
 * @param page columns of the table; undefined: lines are not broken. A fix with a command never is.
 * @param all the gates of the image at the target, if not all have rows
 */
export function gateRows(
  gates: readonly GateResult[],
  page: number | undefined,
  all: readonly GateResult[] = gates,
): Cell[][] {
  const nameOf = gateNames(all)
  const nameWidth = Math.min(widestName, widestOf(gates.map((gate) => escapeText(nameOf(gate)))))
  const verdictWidth = widestOf(gates.map(formatGateVerdict))
  const beside = nameWidth + verdictWidth + 4
  const isNarrow = page !== undefined && page - labelWidth - beside < narrowest
  const start = isNarrow ? below : beside
  const width = page === undefined ? undefined : Math.max(narrowest, page - labelWidth - start)
  return gates.flatMap((gate): Cell[][] => {
    const tone = toneOf(gate)
    const head = `${pad(escapeText(nameOf(gate)), nameWidth)}  ${pad(formatGateVerdict(gate), verdictWidth)}`
    const lines = gateLines(gate).flatMap((line) => {
      const isWhole = hasCommand.test(line)
      return breakLines(escapeText(line), isWhole ? undefined : width).map((text) => ({ text, isWhole }))
    })
    const [first, ...more] = isNarrow ? [{ text: '' }, ...lines] : lines
    return [
      ['gate', { text: `${head}  ${first?.text ?? ''}`.trimEnd(), tone }],
      ...more.map((line): Cell[] => ['', { ...line, text: ' '.repeat(start) + line.text, tone }]),
    ]
  })
}

/**
 * Returns how the gates of an image at one target are named: with their environment if several
 * environments have gates there. No name is escaped.
 */
export function gateNames(gates: readonly GateResult[]): (gate: GateResult) => string {
  const isOne = new Set(gates.map(({ environment }) => environment)).size <= 1
  return ({ name, environment }) => (isOne ? name : `${name} of ${environment}`)
}

function widestOf(texts: readonly string[]): number {
  return Math.max(0, ...texts.map(displayWidth))
}

/** Returns the lines of text about a gate: the reasons, then what to do. None is escaped. */
export function gateLines(gate: GateResult): readonly string[] {
  const { result, override, warnings = [], hint, validUntil } = gate
  const end = result === 'pass' && validUntil !== undefined ? `valid until ${formatMinute(validUntil)}` : ''
  return [
    ...reasonLines(gate),
    ...(end === '' ? [] : [end]),
    ...(override === undefined ? [] : [`overridden: ${override.reason}`]),
    ...warnings.map((text) => `warning: ${text}`),
    ...(hint === undefined || result === 'pass' ? [] : [`${fix}${hint}`]),
  ]
}

/**
 * One line for each reason of the platform images, failures first. The reason of the gate stands
 * alone if no platform image explains it: all may pass by artifacts that would not be copied.
 */
function reasonLines({ result: verdict, reason, subjects }: GateResult): readonly string[] {
  const named = subjects.filter(({ platform }) => platform !== undefined)
  if (named.length === 0 || (named.length === 1 && subjects.length === 1)) return [reason]
  const failed = subjects.filter(({ result }) => result !== 'pass')
  if (verdict !== 'pass' && failed.length === 0) return [reason]
  const ordered = [...failed, ...subjects.filter(({ result }) => result === 'pass')]
  const byReason = Map.groupBy(ordered, (one) => JSON.stringify([one.result, one.reason]))
  return [...byReason.values()].flatMap((same) => {
    const [first] = same
    if (first === undefined) return []
    const passed = first.result === 'pass' && !first.reason.startsWith('pass') ? 'pass, ' : ''
    return [`${same.map(labelOf).join(', ')}: ${passed}${first.reason}`]
  })
}

function labelOf({ platform, digest }: GateSubjectResult): string {
  return platform ?? shortenDigest(digest)
}

/** Whether the rows of the gates have everything that an error about them says. */
export function isInGateRows({ why }: ErrorInfo, gates: readonly GateResult[] = []): boolean {
  const names = gates.filter(({ effect }) => effect === 'refused').flatMap(startsOf)
  return why !== undefined && why.split('\n').every((line) => names.some((name) => line.startsWith(name)))
}

/** The beginning of the line about a gate in an error, with and without its environment. */
function startsOf({ name, environment }: GateResult): readonly string[] {
  return [`${name}: `, `${name} of ${environment}: `]
}

/** `2026-11-25 09:14 UTC` */
export function formatMinute(time: string): string {
  return `${time.slice(0, 10)} ${time.slice(11, 16)} UTC`
}
