import { stripVTControlCharacters } from 'node:util'
import { displayWidth } from '../../render/text/width.ts'
import type { Output } from '../terminal/terminal.ts'

/** Control sequences of xterm (ctlseqs.txt). Terminals ignore those that they do not know. */
const codes = {
  enterScreen: '\x1b[?1049h\x1b[?25l',
  leaveScreen: '\x1b[?25h\x1b[?1049l',
  /** The terminal shows all changes between these at once. */
  beginUpdate: '\x1b[?2026h',
  endUpdate: '\x1b[?2026l',
  home: '\x1b[H',
  clearLine: '\x1b[K',
  clearBelow: '\x1b[J',
} as const

type ScreenOutput = Output & { readonly rows?: number }

/** A second screen of the terminal, which is redrawn in place. The cursor is hidden. */
export class Screen {
  readonly #output: ScreenOutput
  #isOpen = false

  constructor(output: ScreenOutput) {
    this.#output = output
  }

  /** Replaces the content. Lines that do not fit are counted in the last one. */
  draw(text: string): void {
    const lines = fitRows(text.split('\n'), this.#output)
    const { beginUpdate, endUpdate, enterScreen, home, clearLine, clearBelow } = codes
    const begin = this.#isOpen ? beginUpdate : enterScreen + beginUpdate
    this.#isOpen = true
    const body = lines.map((line) => line + clearLine).join('\r\n')
    this.#output.write(`${begin}${home}${body}${clearBelow}${endUpdate}`)
  }

  /** Shows the first screen and the cursor again. */
  close(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#output.write(codes.leaveScreen)
  }
}

/** Returns the lines that fit. A line that is too wide takes several rows. */
function fitRows(lines: readonly string[], { columns = 80, rows = 24 }: ScreenOutput): readonly string[] {
  const rowsOf = (line: string): number =>
    Math.max(1, Math.ceil(displayWidth(stripVTControlCharacters(line)) / Math.max(1, columns)))
  const total = lines.reduce((sum, line) => sum + rowsOf(line), 0)
  if (total <= rows) return lines
  let used = 1
  const end = lines.findIndex((line) => {
    used += rowsOf(line)
    return used > rows
  })
  const shown = lines.slice(0, Math.max(0, end))
  return [...shown, `${lines.length - shown.length} lines do not fit.`]
}
