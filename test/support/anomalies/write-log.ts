import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { LogEntry, LogRecord } from '../../../src/audit/log/record.ts'
import { chained } from '../log-lines.ts'
import { tempFolder } from '../temp.ts'

/** Writes a log with these records as a chain, and text after its last line break. */
export async function writeLog(entries: readonly LogEntry[], torn = ''): Promise<string> {
  const path = join(await tempFolder(), 'audit.jsonl')
  const lines = chained(entries.map(withoutPosition)).map((line) => `${line}\n`)
  await writeFile(path, lines.join('') + torn)
  return path
}

function withoutPosition({ seq: _seq, prev: _prev, ...record }: LogEntry): LogRecord {
  return record
}
