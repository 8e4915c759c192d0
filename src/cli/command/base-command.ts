import type { ArgInput, FlagInput, Input, OutputArgs, OutputFlags, ParserOutput } from '@oclif/core/parser'
import type { Call, ProgressEvent } from '../../lib/call.ts'
import { systemClock } from '../../lib/clock.ts'
import { DrayError, isDrayError, toDrayError } from '../../lib/errors.ts'
import { escapeText } from '../../render/text/escape.ts'
import { renderWarning } from '../../render/error.ts'
import { type Page, plainStyle } from '../../render/text/style.ts'
import { type PromptTerminal, confirm, type Questions, createQuestions } from '../terminal/ask.ts'
import { version } from '../program/about.ts'
import { Command } from '../program/command-class.ts'
import { Context } from '../wiring/context.ts'
import { type ExitCode, exitCodes, isOk } from './exit-codes.ts'
import { credentialOf } from '../wiring/given-credential.ts'
import { durationsOf, type GlobalFlags, globalFlags, verbosityOf } from './global-flags.ts'
import { listPositionals, refuseBooleanValues } from '../dispatch/positionals.ts'
import { endProcess, type Interrupt, watchInterrupts } from '../terminal/interrupt.ts'
import { streamOutput } from './stream-output.ts'
import { createSpinner, Progress, type Verbosity } from '../terminal/progress.ts'
import { chooseFormat, errorFormat, isDocument, lacksErrors, type OutputFormat } from '../output/formats.ts'
import { loadDocumentPrinter } from '../output/print-document.ts'
import type { ResultLines } from '../output/result-lines.ts'
import { ResultWriter } from '../output/result-writer.ts'
import { reportError } from './report.ts'
import { createErrorDocument, createResultDocument } from './result-document.ts'
import { canRedraw, createPage, isInteractive } from '../terminal/terminal.ts'
import { warnAboutVariables } from './variables.ts'
import { type CommandUsage, fromOclif, usageOf } from './usage-error.ts'

/** The state after `parse`. */
interface Running {
  readonly page: Page
  readonly errorPage: Page
  readonly progress: Progress
  readonly interrupt: Interrupt
  readonly context: Context
  readonly verbosity: Verbosity
  readonly writer: ResultWriter
}

/**
 * The base of every command. `run` calls `this.parse(ItsClass)`, which prepares the rest, then one
 * use case with `this.call`, then `this.finish(result, text, exitCode)`. Errors are shown here,
 * with their exit code.
 */
export abstract class BaseCommand extends Command {
  static override baseFlags = globalFlags

  /** Whether the first Ctrl-C lets the current step finish. The use case checks `this.stop`. */
  protected readonly graceful: boolean = false

  /** Whether the command itself handles --username and a missing password. */
  protected readonly takesLogin: boolean = false

  readonly #warnings: string[] = []
  #format: OutputFormat | undefined
  #running: Running | undefined

  /** Cancellation (the second Ctrl-C, `--timeout`) and progress, for every async port. */
  protected get call(): Call {
    return { signal: this.#ready.interrupt.signal, notify: this.#notify }
  }

  /** Aborted by the first Ctrl-C or SIGTERM and by `--timeout`: start no further step. */
  protected get stop(): AbortSignal {
    return this.#ready.interrupt.stop
  }

  /** The format that `--output` or `--json` chose. */
  protected get format(): OutputFormat {
    return this.#format ?? errorFormat(this.argv)
  }

  /** The style and width of text for stdout. */
  protected get page(): Page {
    return this.#ready.page
  }

  /** The style and width of text for stderr, for questions and notices. */
  protected get errorPage(): Page {
    return this.#ready.errorPage
  }

  /** The composition root: configuration, stores, signing key. */
  protected get context(): Context {
    return this.#ready.context
  }

  /** Sets the number of bytes to transfer, to estimate the time left. */
  protected expectBytes(bytes: number): void {
    this.#ready.progress.expect(bytes)
  }

  /** Reports progress other than transfers on stderr. `text` is escaped. */
  protected report(text: string): void {
    this.#ready.progress.report(text)
  }

  /**
   * Writes a long result to stdout, as fast as it is read, and stops if the reader has gone.
   * Replaces `finish`. @throws `io`; what `chunks` throws.
   */
  protected async pour(chunks: AsyncIterable<Uint8Array | string>): Promise<void> {
    this.#ready.progress.hide()
    await streamOutput(chunks, process.stdout, this.call.signal)
  }

  /** As `pour`, for text: on a terminal, a long one is opened in a pager. */
  protected async pourText(chunks: AsyncIterable<string>): Promise<void> {
    this.#ready.progress.hide()
    await this.#ready.writer.pour(chunks)
  }

  /** Prints a notice on stderr, if the format is text, unless `--quiet`. `text` is escaped. */
  protected say(text: string): void {
    if (this.format === 'text' && this.#ready.verbosity !== 'quiet') this.#print(text)
  }

  /**
   * Prints on stderr what a person has to see, also with `--quiet`: an error of a part of the
   * result, or a plan to confirm. Documents have both. `text` is escaped.
   */
  protected printAside(text: string): void {
    if (lacksErrors(this.format)) this.#print(text)
  }

  #print(text: string): void {
    const { writer, progress } = this.#ready
    writer.after(() => progress.print(text))
  }

  /** Prints a warning on stderr and adds it to the JSON document. Escapes it. */
  protected warn(text: string): void {
    this.#warn(text)
  }

  /**
   * Asks yes or no on the terminal; Enter alone is no. Show the subject of the question before.
   * @throws `usage` if the run is non-interactive; `interrupted`.
   */
  protected async ask(question: string): Promise<boolean> {
    const { progress, interrupt } = this.#ready
    progress.hide()
    return await confirm(question, this.#terminal, interrupt.stop)
  }

  /** The questions for a person at the terminal; undefined if the run is non-interactive. */
  protected get questions(): Questions | undefined {
    const { progress, interrupt } = this.#ready
    const terminal = this.#terminal
    if (!terminal.possible) return undefined
    progress.hide()
    return createQuestions(terminal, interrupt.stop)
  }

  get #terminal(): PromptTerminal {
    return {
      possible: lacksErrors(this.format) && isInteractive(process.stderr, process.env),
      input: () => process.stdin,
      output: process.stderr,
    }
  }

  /**
   * Prints the result on stdout in the chosen format, and sets the exit code. Call it once, last.
   * `text` and `lines` are functions, so that nothing is rendered in vain.
   */
  protected finish(
    result: unknown,
    text: (page: Page) => string,
    exitCode: ExitCode = exitCodes.done,
    lines: ResultLines = {},
  ): void {
    const { page, progress, writer } = this.#ready
    progress.hide()
    process.exitCode = exitCode
    writer.write({
      text: () => text(page),
      document: () => createResultDocument(this.#usage.name, isOk(exitCode), result, this.#warnings),
      lines,
    })
  }

  protected override async parse<
    F extends OutputFlags<FlagInput>,
    B extends OutputFlags<FlagInput>,
    A extends OutputArgs<ArgInput>,
  >(options: Input<F, B, A>): Promise<ParserOutput<F, B, A>> {
    const { name, formats } = this.#usage
    this.#format = chooseFormat(this.argv, name, formats)
    refuseBooleanValues(this.argv, { ...this.ctor.baseFlags, ...this.ctor.flags })
    const parsed = await super.parse(options)
    await this.#begin(parsed.flags as unknown as GlobalFlags)
    return { ...parsed, argv: [...listPositionals(parsed.raw)] }
  }

  protected override async showError(thrown: unknown): Promise<void> {
    this.#running?.progress.end()
    const error = toDrayError(fromOclif(this.#reasonOf(thrown), this.#usage))
    const { format } = this
    if (isDocument(format)) {
      const print = await loadDocumentPrinter(format)
      process.stdout.write(print(createErrorDocument(this.#usage.name, error, this.#warnings)))
    }
    await reportError(error, { quiet: isDocument(format), page: this.#running?.errorPage })
    if (error.code === 'usage' && !isDocument(format)) {
      const help = await import('../help/incomplete.ts')
      await help.showUsageIfIncomplete(this.id, this.argv, this.program)
    }
  }

  protected override async end(): Promise<void> {
    this.#running?.progress.end()
    this.#running?.interrupt.dispose()
    await this.#running?.context.close()
    await this.#running?.writer.end()
  }

  readonly #notify = (event: ProgressEvent): void => {
    if (event.kind === 'warning')
      this.#warn(event.from === undefined ? event.text : `${event.from}: ${event.text}`)
    this.#running?.progress.notify(event)
  }

  get #ready(): Running {
    if (this.#running === undefined)
      throw new DrayError('internal', 'the command did not parse its arguments')
    return this.#running
  }

  get #usage(): CommandUsage {
    return usageOf(this.id, { ...this.ctor.baseFlags, ...this.ctor.flags })
  }

  async #begin(flags: GlobalFlags): Promise<void> {
    const { timeoutMs, maxWaitMs } = durationsOf(flags)
    const given = this.takesLogin ? undefined : credentialOf(flags, process.env, () => process.stdin)
    const [page, errorPage] = await Promise.all([
      createPage(process.stdout, flags.color, process.env),
      createPage(process.stderr, flags.color, process.env),
    ])
    const verbosity = verbosityOf(flags)
    const progress = new Progress({
      output: process.stderr,
      style: errorPage.style,
      verbosity,
      clock: systemClock,
      ...(canRedraw(process.stderr) && { spinner: async () => await createSpinner(process.stderr) }),
    })
    // The timer of --timeout keeps the process alive, so all that can be wrong was checked before.
    const interrupt = watchInterrupts({
      source: process,
      clock: systemClock,
      graceful: this.graceful,
      ...(timeoutMs !== undefined && { timeoutMs }),
      say: (text) => progress.print(text),
      leave: endProcess,
    })
    const context = new Context({
      configFile: flags.config,
      env: process.env,
      cwd: process.cwd(),
      version,
      onConfig: ({ name, warnings }) => {
        for (const text of warnings) this.#warn(text)
        if (verbosity === 'verbose') progress.print(`Configuration: ${escapeText(name ?? 'none')}`)
      },
      ...(maxWaitMs !== undefined && { maxWaitMs }),
      ...(given !== undefined && { given }),
    })
    const writer = await ResultWriter.open(this.format, {
      output: process.stdout,
      env: process.env,
      isDisabled: flags['no-pager'],
      signal: interrupt.signal,
    })
    this.#running = { page, errorPage, progress, interrupt, context, verbosity, writer }
    for (const text of warnAboutVariables(process.env)) this.warn(text)
  }

  /** The reason why the run was asked to end, instead of the error of an interrupted wait. */
  #reasonOf(thrown: unknown): unknown {
    const signal = this.#running?.interrupt.signal
    return signal?.aborted === true && !isDrayError(thrown) ? signal.reason : thrown
  }

  #warn(text: string): void {
    this.#warnings.push(text)
    if (this.#running?.verbosity === 'quiet') return
    const line = renderWarning(text, this.#running?.errorPage.style ?? plainStyle)
    if (this.#running === undefined) process.stderr.write(`${line}\n`)
    else this.#running.progress.print(line)
  }
}
