import { DrayError } from '../../lib/errors.ts'
import { didYouMean } from '../../lib/nearest.ts'
import { type ReportSectionName, reportSectionNames } from '../../usecases/report/report.ts'

/** Parses a list such as `usage,retention`; all sections by default. @throws `usage`. */
export function parseSections(text: string | undefined): ReadonlySet<ReportSectionName> {
  if (text === undefined) return new Set(reportSectionNames)
  const words = text.split(',').map((word) => word.trim())
  return new Set(words.map(parseSection))
}

function parseSection(word: string): ReportSectionName {
  const name = reportSectionNames.find((one) => one === word)
  if (name !== undefined) return name
  const near = didYouMean(word, reportSectionNames)
  throw new DrayError('usage', `--sections has no section ${JSON.stringify(word)}`, {
    hint: [near, `The sections are ${reportSectionNames.join(', ')}.`].filter(Boolean).join(' '),
  })
}
