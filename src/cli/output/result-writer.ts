import { streamOutput } from '../command/stream-output.ts'
import type { ResultDocument } from '../command/result-document.ts'
import type * as pagers from '../terminal/pager.ts'
import { isDocument, type OutputFormat } from './formats.ts'
import { loadDocumentPrinter, type PrintDocument } from './print-document.ts'
import { formatLines, type ResultLines } from './result-lines.ts'

type Pager = typeof pagers

/** A result in every format that its command has. Only the chosen one is made. */
export interface FormattedResult {
  readonly text: () => string
  readonly document: () => ResultDocument
  readonly lines: ResultLines
}

/** Writes the result of a command to stdout. */
export class ResultWriter {
  readonly #format: OutputFormat
  readonly #print: PrintDocument
  readonly #pager: Pager | undefined
  readonly #options: pagers.PagerOptions
  #longText: string | undefined
  readonly #afterText: (() => void)[] = []

  private constructor(
    format: OutputFormat,
    print: PrintDocument,
    pager: Pager | undefined,
    options: pagers.PagerOptions,
  ) {
    this.#format = format
    this.#print = print
    this.#pager = pager
    this.#options = options
  }

  /** Loads what the format needs, and the pager for text on a terminal. */
  static async open(format: OutputFormat, options: pagers.PagerOptions): Promise<ResultWriter> {
    const mayPage = format === 'text' && options.output.isTTY === true
    const [print, pager] = await Promise.all([
      loadDocumentPrinter(format),
      mayPage ? import('../terminal/pager.ts') : undefined,
    ])
    return new ResultWriter(format, print, pager, options)
  }

  /** Writes a result. Text for a pager waits for `end`. */
  write({ text, document, lines }: FormattedResult): void {
    const { output } = this.#options
    if (this.#format === 'text') {
      const rendered = text()
      if (rendered === '') return
      if (this.#mayNeedPager(rendered, output)) this.#longText = `${rendered}\n`
      else output.write(`${rendered}\n`)
    } else {
      output.write(isDocument(this.#format) ? this.#print(document()) : formatLines(this.#format, lines))
    }
  }

  /** Writes text as fast as it is read. @throws what `chunks` throws; `io`; the signal's reason. */
  async pour(chunks: AsyncIterable<string>): Promise<void> {
    if (this.#pager === undefined) await streamOutput(chunks, this.#options.output, this.#options.signal)
    else await this.#pager.printPaged(chunks, this.#options)
  }

  /** Runs `print` at once, or after the text that waits for the pager. */
  after(print: () => void): void {
    if (this.#longText === undefined) print()
    else this.#afterText.push(print)
  }

  /** Opens a long text in the pager. A person may read it for hours, so call it last. */
  async end(): Promise<void> {
    // The result of a run that was stopped is printed as well.
    const options = { ...this.#options, signal: new AbortController().signal }
    if (this.#longText !== undefined) await this.#pager?.printPaged(this.#longText, options)
    for (const print of this.#afterText) print()
  }

  #mayNeedPager(text: string, output: pagers.PagedOutput): boolean {
    if (this.#pager?.findPager(this.#options) === undefined) return false
    return this.#pager.isLongerThanScreen(text, output)
  }
}
