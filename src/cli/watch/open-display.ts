import type { Page } from '../../render/text/style.ts'
import { canRedraw } from '../terminal/terminal.ts'
import { Screen } from './screen.ts'
import { LinesDisplay, renderPass, RowsDisplay, ScreenDisplay, type StatusDisplay } from './status-display.ts'

export interface DisplayOptions {
  readonly output: NodeJS.WriteStream
  readonly page: Page
  readonly env: NodeJS.ProcessEnv
  /** for a person, such as `30s` */
  readonly interval: string
  /** closes the screen at once: a second signal may end the process before the watch does */
  readonly signal: AbortSignal
  /** writes a line on stderr */
  readonly warn: (text: string) => void
  /** formats one object per line; undefined for text */
  readonly formatRows: ((rows: readonly unknown[]) => string) | undefined
}

/** A display, and what remains on stdout after the watch. */
interface OpenedDisplay {
  readonly display: StatusDisplay
  /** whether other output would damage the display */
  readonly isScreen: boolean
  /** Restores the terminal, and returns the last status if the terminal does not show it. */
  readonly close: () => string
}

/** Opens a screen on a terminal that can redraw; else writes lines or objects of changes. */
export function openStatusDisplay(options: DisplayOptions): OpenedDisplay {
  const { output, page, env, interval, signal, warn, formatRows } = options
  if (formatRows !== undefined) {
    const write = (rows: readonly unknown[]): void => void output.write(formatRows(rows))
    return { display: new RowsDisplay(write, warn), isScreen: false, close: () => '' }
  }
  if (!canRedraw(output) || env['TERM'] === 'dumb') {
    const display = new LinesDisplay(page, (text) => void output.write(text), warn)
    return { display, isScreen: false, close: () => '' }
  }
  const screen = new Screen(output)
  const pageNow = (): Page => ({ style: page.style, width: output.columns })
  const display = new ScreenDisplay(screen, pageNow, interval)
  const redraw = (): void => display.redraw()
  const leave = (): void => {
    output.off('resize', redraw)
    screen.close()
  }
  signal.addEventListener('abort', leave, { once: true })
  output.on('resize', redraw)
  display.redraw()
  const close = (): string => {
    leave()
    const { last } = display
    return last === undefined ? '' : renderPass(last, pageNow())
  }
  return { display, isScreen: true, close }
}
