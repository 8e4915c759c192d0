import type { ReportSectionName } from '../../../usecases/report/report.ts'
import type { Markup } from '../markup.ts'
import type { ReportTone } from '../parts/icons.ts'

/** A section of the report, and its line in the summary. Texts are not escaped. */
export interface RenderedSection {
  readonly tone: ReportTone
  /** the state in a few words: `2 images behind` */
  readonly headline: string
  /** the scale: `12 images, 3 environments` */
  readonly detail: string
  readonly body: Markup
}

/** A section with the name that is its anchor. */
export interface NamedSection {
  readonly name: ReportSectionName
  readonly section: RenderedSection
}

/** The most rows of a table and bars of a chart; the rest is one row or bar. */
export interface RowLimits {
  readonly rows: number
  readonly bars: number
}

export const usualLimits: RowLimits = { rows: 200, bars: 30 }
export const noLimits: RowLimits = { rows: Infinity, bars: Infinity }
