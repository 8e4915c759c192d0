import { cdEventOf } from './export-cdevents.ts'
import { cloudEventOf } from './export-cloudevents.ts'
import { csvHeader, formatCsvLine } from './export-csv.ts'
import { ocsfEventOf } from './export-ocsf.ts'
import { withoutPosition } from '../log/open-intents.ts'
import type { LogEntry, LogRecord } from '../log/record.ts'
import type { Selection } from '../query/select-lines.ts'

export const exportFormats = ['cloudevents', 'cdevents', 'ocsf', 'csv'] as const

export type ExportFormat = (typeof exportFormats)[number]
/** The formats with one event for a record. */
export type EventFormat = Exclude<ExportFormat, 'csv'>

/** The result of an export. `count` grows while `chunks` is read. */
export interface Export {
  readonly chunks: AsyncIterable<Buffer>
  readonly count: () => number
}

/** Exports lines of a log: JSON Lines, or CSV with a header. */
export function exportLines(selection: Selection, format: ExportFormat): Export {
  let count = 0
  async function* chunks(): AsyncGenerator<Buffer, void, undefined> {
    if (format === 'csv') yield Buffer.from(csvHeader)
    for await (const batch of selection.batches) {
      const lines = batch.map(({ entry }) => lineOf(entry, format)).filter((text) => text !== '')
      count += lines.length
      if (lines.length > 0) yield Buffer.from(lines.join(''))
    }
  }
  return { chunks: chunks(), count: () => count }
}

/** The line of a record with its line end; empty for a record that the format does not have. */
function lineOf(entry: LogEntry, format: ExportFormat): string {
  if (format === 'csv') return formatCsvLine(entry)
  const line = formatEventLine(format === 'ocsf' ? entry : (withoutPosition(entry) as LogRecord), format)
  return line === undefined ? '' : `${line}\n`
}

/** The event of a record as JSON on one line; undefined if the record has none. */
export function formatEventLine(record: LogRecord | LogEntry, format: EventFormat): string | undefined {
  const event = eventOf(record, format)
  return event === undefined ? undefined : JSON.stringify(event)
}

/** The event of a record; undefined for an intent, and if the format does not have the record. */
export function eventOf(record: LogRecord | LogEntry, format: EventFormat): object | undefined {
  switch (format) {
    case 'cloudevents':
      return cloudEventOf(record)
    case 'cdevents':
      return cdEventOf(record)
    case 'ocsf':
      return ocsfEventOf(record)
  }
}
