import type { ProgressEvent } from '../../lib/call.ts'
import type { Clock } from '../../lib/clock.ts'
import { escapeText } from '../../render/text/escape.ts'
import { formatDuration, formatLatency } from '../../render/text/format.ts'
import type { Style } from '../../render/text/style.ts'
import { cut } from '../../render/text/width.ts'
import { Quotas } from './quotas.ts'
import { Tally } from './tally.ts'
import type { Output } from './terminal.ts'

/** Without a terminal: the shortest interval between lines, milliseconds. */
const lineEveryMs = 5_000
/** Shorter waits are not shown, milliseconds. */
const shownWaitMs = 5_000
/** The shortest interval between changes of the spinner's text, milliseconds. */
const textEveryMs = 100

/** The columns of a line that the text of the spinner cannot use: the picture, a blank, the end. */
const spinnerColumns = 3

/** The display during a command: nothing, the progress, or each request. */
export type Verbosity = 'quiet' | 'normal' | 'verbose'

export interface Spinner {
  text: string
  start(): unknown
  stop(): unknown
  clear(): unknown
}

export interface ProgressOptions {
  readonly output: Output
  readonly style: Style
  readonly verbosity: Verbosity
  readonly clock: Pick<Clock, 'now'>
  /** makes a stopped spinner for a terminal; undefined to write lines */
  readonly spinner?: () => Promise<Spinner>
}

/** Shows progress on stderr: with a spinner, or with a line at most every few seconds. */
export class Progress {
  readonly #options: ProgressOptions
  readonly #tally = new Tally()
  readonly #quotas = new Quotas()
  #spinner: Spinner | undefined
  #loading = false
  #ended = false
  #lastShown: number

  constructor(options: ProgressOptions) {
    this.#options = options
    this.#lastShown = options.clock.now()
  }

  /** Handles an event. Fast, and never throws. Does not show warnings. */
  readonly notify = (event: ProgressEvent): void => {
    if (this.#ended || this.#options.verbosity === 'quiet') return
    const now = this.#options.clock.now()
    this.#tally.add(event, now)
    if (event.kind === 'wait' && event.ms >= shownWaitMs)
      this.print(this.#describeWait(event.registry, event.ms))
    if (event.kind === 'waitForRun') this.print(this.#describeWaitForRun(event.tag))
    if (this.#options.verbosity === 'verbose') this.#showRequest(event)
    else if (this.#tally.isEmpty) return
    else this.#show((at) => this.#tally.describe(at), now)
  }

  /** Shows progress other than transfers. `text` is escaped. */
  report(text: string): void {
    if (this.#ended || this.#options.verbosity === 'quiet') return
    this.#show(() => text, this.#options.clock.now())
  }

  /** Sets the number of bytes to transfer, to estimate the time left. */
  expect(bytes: number): void {
    this.#tally.expect(bytes)
  }

  /** Writes a line above the spinner. `text` is escaped. */
  print(text: string): void {
    this.#spinner?.clear()
    this.#options.output.write(`${text}\n`)
  }

  /** Removes the spinner until the next event, before a question or the result. */
  hide(): void {
    this.#spinner?.stop()
    this.#spinner = undefined
  }

  end(): void {
    if (!this.#ended && this.#options.verbosity === 'verbose')
      for (const line of this.#quotas.rest()) this.print(this.#options.style.dim(line))
    this.#ended = true
    this.hide()
  }

  #describeWait(registry: string, ms: number): string {
    return this.#options.style.dim(
      `${escapeText(registry)} limits requests. dray continues in ${formatDuration(ms)}.`,
    )
  }

  #describeWaitForRun(tag: string): string {
    return this.#options.style.dim(
      `Another run on this machine is writing ${escapeText(tag)}. dray waits at most 2 minutes.`,
    )
  }

  #show(describe: (now: number) => string, now: number): void {
    const { spinner } = this.#options
    if (spinner !== undefined) this.#spin(spinner, describe, now)
    else if (now - this.#lastShown >= lineEveryMs) {
      this.#lastShown = now
      this.print(describe(now))
    }
  }

  #spin(make: () => Promise<Spinner>, describe: (now: number) => string, now: number): void {
    if (this.#spinner !== undefined) {
      if (now - this.#lastShown < textEveryMs) return
      this.#lastShown = now
      this.#spinner.text = this.#fit(describe(now))
      return
    }
    if (this.#loading) return
    this.#loading = true
    make().then(
      (spinner) => {
        this.#loading = false
        if (this.#ended) return
        this.#spinner = spinner
        spinner.text = this.#fit(describe(this.#options.clock.now()))
        spinner.start()
      },
      () => undefined, // the run continues without a spinner
    )
  }

  /** A line that wraps would leave its beginning on the screen at each change. */
  #fit(text: string): string {
    return cut(text, (this.#options.output.columns ?? 80) - spinnerColumns)
  }

  #showRequest(event: ProgressEvent): void {
    const { style } = this.#options
    if (event.kind === 'request') {
      const { method, url, status, ms } = event
      this.print(style.dim(`${method} ${escapeText(url)} ${status} ${formatLatency(ms)}`))
    }
    if (event.kind === 'quota') {
      const line = this.#quotas.note(event)
      if (line !== undefined) this.print(style.dim(line))
    }
    if (event.kind === 'note') this.print(style.dim(escapeText(event.text)))
    if (event.kind === 'proxied')
      this.print(
        style.dim(
          `Requests to ${escapeText(event.origin)} use the proxy ${escapeText(event.proxy)} (${event.variable})`,
        ),
      )
    if (event.kind === 'retry') {
      const { method, url, attempt, waitMs, why } = event
      const retry = `attempt ${attempt} in ${formatDuration(waitMs)}`
      this.print(style.dim(`${method} ${escapeText(url)} ${retry}: ${escapeText(why)}`))
    }
  }
}

/** Creates a spinner of ora. It does not read stdin, so that Ctrl-C works. */
export async function createSpinner(stream: NodeJS.WritableStream): Promise<Spinner> {
  const { default: ora } = await import('ora')
  return ora({ stream, discardStdin: false })
}
