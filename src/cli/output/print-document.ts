import { escapeJson, printDocument, type ResultDocument } from '../command/result-document.ts'
import type { OutputFormat } from './formats.ts'

/** Formats the one document of a run. */
export type PrintDocument = (document: ResultDocument) => string

/** Loads what prints documents in a format. Only YAML needs a package. */
export async function loadDocumentPrinter(format: OutputFormat): Promise<PrintDocument> {
  if (format !== 'yaml') return printDocument
  const { formatYaml } = await import('../../lib/format-yaml.ts')
  // The YAML has what JSON would have, without members that are undefined.
  return (document) => formatYaml(JSON.parse(JSON.stringify(document)), escapeJson)
}
