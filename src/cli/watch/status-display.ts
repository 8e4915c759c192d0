import type { StatusView } from '../../usecases/views/status/status.ts'
import { selectChangedRows, selectChanges } from '../../usecases/views/status/changes.ts'
import { renderStatus, renderStatusLines, renderStatusSummary } from '../../render/views/status.ts'
import { listUnreachable, renderUnreachable } from '../../render/views/unreachable.ts'
import { formatShortTime } from '../../render/text/format.ts'
import { type Page, plainStyle } from '../../render/text/style.ts'
import { renderWarning } from '../../render/error.ts'
import type { Screen } from './screen.ts'

/** One pass of a watch. */
export interface StatusPass {
  readonly view: StatusView
  readonly warnings: readonly string[]
  readonly at: Date
}

/** Where a watch shows its passes. */
export interface StatusDisplay {
  show(pass: StatusPass, before: StatusPass | undefined): void
}

/** Redraws the whole status, with a line about the watch above it. */
export class ScreenDisplay implements StatusDisplay {
  readonly #screen: Screen
  readonly #page: () => Page
  readonly #interval: string
  #last: StatusPass | undefined

  /** The pass that is shown. */
  get last(): StatusPass | undefined {
    return this.#last
  }

  /** @param interval such as `30s` */
  constructor(screen: Screen, page: () => Page, interval: string) {
    this.#screen = screen
    this.#page = page
    this.#interval = interval
  }

  show(pass: StatusPass): void {
    this.#last = pass
    this.redraw()
  }

  /** Draws the last pass again, for a terminal of another size. */
  redraw(): void {
    const page = this.#page()
    const pass = this.#last
    const updated = pass === undefined ? 'reading' : `updated ${formatTime(pass.at)} UTC`
    const header = page.style.dim(`Every ${this.#interval}, ${updated}. Press Ctrl-C to stop.`)
    this.#screen.draw(pass === undefined ? header : `${header}\n\n${renderPass(pass, page)}`)
  }
}

/** Renders a whole status with its warnings and the reasons of unreachable targets. */
export function renderPass({ view, warnings, at }: StatusPass, page: Page): string {
  return [
    renderStatus(view, at, page),
    renderStatusSummary(view, page.style, page.width),
    ...renderUnreachable(listUnreachable(view), page.style),
    ...warnings.map((text) => renderWarning(text, page.style)),
  ].join('\n')
}

/** Writes the first status whole, and after that a line for each target that changed. */
export class LinesDisplay implements StatusDisplay {
  readonly #page: Page
  readonly #write: (text: string) => void
  readonly #warn: (text: string) => void

  /** @param warn writes a line on stderr */
  constructor(page: Page, write: (text: string) => void, warn: (text: string) => void) {
    this.#page = page
    this.#write = write
    this.#warn = warn
  }

  show(pass: StatusPass, before: StatusPass | undefined): void {
    const { view, at } = pass
    const { style } = this.#page
    const changes = before === undefined ? view : selectChanges(view, before.view)
    if (changes !== undefined) {
      const lines = renderStatusLines(changes, at, this.#page, { time: formatTime(at) })
      // Only the first lines have a heading.
      const text = before === undefined ? lines : lines.slice(lines.indexOf('\n') + 1)
      this.#write(`${text}\n${before === undefined ? `${renderStatusSummary(view, style)}\n` : ''}`)
    }
    warnOfNew(pass, before, style, this.#warn)
  }
}

/** Writes an object for each image, and after the first pass only those of images that changed. */
export class RowsDisplay implements StatusDisplay {
  readonly #write: (rows: readonly unknown[]) => void
  readonly #warn: (text: string) => void

  /** @param write writes one object per line */
  constructor(write: (rows: readonly unknown[]) => void, warn: (text: string) => void) {
    this.#write = write
    this.#warn = warn
  }

  show(pass: StatusPass, before: StatusPass | undefined): void {
    const { view } = pass
    const rows = before === undefined ? view.images : selectChangedRows(view, before.view)
    if (rows.length > 0) this.#write(rows)
    warnOfNew(pass, before, plainStyle, this.#warn)
  }
}

function warnOfNew(
  pass: StatusPass,
  before: StatusPass | undefined,
  style: Page['style'],
  warn: (text: string) => void,
): void {
  const linesOf = (one: StatusPass): readonly string[] => [
    ...renderUnreachable(listUnreachable(one.view), style),
    ...one.warnings.map((text) => renderWarning(text, style)),
  ]
  for (const line of newIn(linesOf(pass), before && linesOf(before))) warn(line)
}

function newIn(lines: readonly string[], before: readonly string[] = []): readonly string[] {
  return lines.filter((line) => !before.includes(line))
}

function formatTime(at: Date): string {
  return formatShortTime(at.toISOString())
}
