import type { ProgressEvent } from '../../lib/call.ts'
import type { Clock } from '../../lib/clock.ts'
import { escapeText } from '../../render/text/escape.ts'
import { formatDuration } from '../../render/text/format.ts'
import type { Style } from '../../render/text/style.ts'
import { Quotas } from './quotas.ts'
import { Tally } from './tally.ts'
import type { Output } from './terminal.ts'

/** Where there is no terminal: a line at most this often, in milliseconds. */
const lineEveryMs = 5_000
/** Waits that are shorter are not worth a line, in milliseconds. */
const toldWaitMs = 5_000
/** A spinner's text changes at most this often, in milliseconds. */
const textEveryMs = 100

/** How much is told while a command runs: nothing, the progress, or each request. */
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
  /** makes the spinner of a terminal, stopped; undefined where lines are to be written */
  readonly spinner?: () => Promise<Spinner>
}

/** Tells a person on stderr what goes on: by a spinner, or by a line now and then. */
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

  /** Takes an event in; quick, and never throws. Warnings are not shown here. */
  readonly notify = (event: ProgressEvent): void => {
    if (this.#ended || this.#options.verbosity === 'quiet') return
    const now = this.#options.clock.now()
    this.#tally.add(event, now)
    if (event.kind === 'wait' && event.ms >= toldWaitMs)
      this.print(this.#describeWait(event.registry, event.ms))
    if (this.#options.verbosity === 'verbose') this.#showExchange(event)
    else if (this.#tally.isEmpty) return
    else if (this.#options.spinner === undefined) this.#showLine(this.#describe, now)
    else this.#spin(this.#options.spinner, this.#describe, now)
  }

  /** Tells how far something other than a transfer is: `text` is escaped already. */
  report(text: string): void {
    if (this.#ended || this.#options.verbosity === 'quiet') return
    const now = this.#options.clock.now()
    if (this.#options.spinner === undefined) this.#showLine(() => text, now)
    else this.#spin(this.#options.spinner, () => text, now)
  }

  /** Tells how many bytes there will be in all, for the time left. */
  expect(bytes: number): void {
    this.#tally.expect(bytes)
  }

  /** Writes a line of its own above the spinner; `text` is escaped already. */
  print(text: string): void {
    this.#spinner?.clear()
    this.#options.output.write(`${text}\n`)
  }

  /** Takes the spinner away until the next event: a question or the result comes. */
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
      `${escapeText(registry)} asks to be left alone: it goes on in ${formatDuration(ms)}`,
    )
  }

  readonly #describe = (now: number): string => this.#tally.describe(now)

  #spin(make: () => Promise<Spinner>, describe: (now: number) => string, now: number): void {
    if (this.#spinner !== undefined) {
      if (now - this.#lastShown < textEveryMs) return
      this.#lastShown = now
      this.#spinner.text = describe(now)
      return
    }
    if (this.#loading) return
    this.#loading = true
    make().then(
      (spinner) => {
        this.#loading = false
        if (this.#ended) return
        this.#spinner = spinner
        spinner.text = describe(this.#options.clock.now())
        spinner.start()
      },
      () => undefined, // no spinner is no reason to fail
    )
  }

  #showLine(describe: (now: number) => string, now: number): void {
    if (now - this.#lastShown < lineEveryMs) return
    this.#lastShown = now
    this.print(describe(now))
  }

  #showExchange(event: ProgressEvent): void {
    const { style } = this.#options
    if (event.kind === 'request') {
      const { method, url, status, ms } = event
      this.print(style.dim(`${method} ${escapeText(url)} ${status} ${formatDuration(ms)}`))
    }
    if (event.kind === 'quota') {
      const line = this.#quotas.note(event)
      if (line !== undefined) this.print(style.dim(line))
    }
    if (event.kind === 'proxied')
      this.print(
        style.dim(
          `${escapeText(event.origin)} goes by the proxy ${escapeText(event.proxy)} (${event.variable})`,
        ),
      )
    if (event.kind === 'retry') {
      const { method, url, attempt, waitMs, why } = event
      const again = `again (${attempt}) in ${formatDuration(waitMs)}`
      this.print(style.dim(`${method} ${escapeText(url)} ${again}: ${escapeText(why)}`))
    }
  }
}

/** ora, on a stream that is a terminal; it leaves stdin alone, so that Ctrl-C comes through. */
export async function oraSpinner(stream: NodeJS.WritableStream): Promise<Spinner> {
  const { default: ora } = await import('ora')
  return ora({ stream, discardStdin: false })
}
