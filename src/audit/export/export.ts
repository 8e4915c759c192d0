import { cloudEventLine } from './export-cloudevents.ts'
import { csvHeader, csvLine } from './export-csv.ts'
import { ocsfLine } from './export-ocsf.ts'
import type { LogEntry } from '../log/record.ts'
import type { Selection } from '../query/select-lines.ts'

export const exportFormats = ['cloudevents', 'ocsf', 'csv'] as const

export type ExportFormat = (typeof exportFormats)[number]

interface Mapping {
  readonly header: string
  /** with its line end; empty for a record that the format does not have */
  readonly line: (entry: LogEntry) => string
}

const mappings: Readonly<Record<ExportFormat, Mapping>> = {
  cloudevents: { header: '', line: (entry) => ended(cloudEventLine(recordOf(entry))) },
  ocsf: { header: '', line: (entry) => ended(ocsfLine(entry)) },
  csv: { header: csvHeader, line: (entry) => csvLine(entry) },
}

/** The result of an export. `count` grows while `chunks` is read. */
export interface Export {
  readonly chunks: AsyncIterable<Buffer>
  readonly count: () => number
}

/** Exports lines of a log: JSON Lines, or CSV with a header. */
export function exportLines(selection: Selection, format: ExportFormat): Export {
  const { header, line } = mappings[format]
  let count = 0
  async function* chunks(): AsyncGenerator<Buffer, void, undefined> {
    if (header !== '') yield Buffer.from(header)
    for await (const batch of selection.batches) {
      const lines = batch.map(({ entry }) => line(entry)).filter((text) => text !== '')
      count += lines.length
      if (lines.length > 0) yield Buffer.from(lines.join(''))
    }
  }
  return { chunks: chunks(), count: () => count }
}

/** The record without its position in the chain. */
function recordOf(entry: LogEntry): LogEntry {
  const { seq: _, prev: __, origin: ___, ...record } = entry
  return record as LogEntry
}

function ended(line: string | undefined): string {
  return line === undefined ? '' : `${line}\n`
}
