import { chmod } from 'node:fs/promises'
import { writeFileAtomic } from '../../lib/files/atomic.ts'
import { ioError } from '../../lib/files/io-error.ts'

/** node_exporter reads the file as another user. */
const mode = 0o644

/** Labels with braces, escaped, and the value. */
export type MetricSample = readonly [labels: string, value: number]

/**
 * Formats a family, by default of gauges; none without samples (Exposition formats, Text-based
 * format).
 */
export function formatFamily(
  name: string,
  help: string,
  samples: readonly MetricSample[],
  type: 'gauge' | 'counter' = 'gauge',
): readonly string[] {
  if (samples.length === 0) return []
  return [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} ${type}`,
    ...samples.map(([labels, value]) => `${name}${labels} ${value}`),
  ]
}

/** Escapes backslash, quote and line feed (Text-based format, Line format). */
export function escapeLabel(text: string): string {
  return text
    .replaceAll('\\', '\\\\')
    .replaceAll('"', String.raw`\"`)
    .replaceAll('\n', String.raw`\n`)
}

/**
 * Writes metrics for the textfile collector of node_exporter by rename, so that it never reads half
 * a file. @throws `io`, `not-found`.
 */
export async function writeExposition(path: string, lines: readonly string[]): Promise<void> {
  await writeFileAtomic(path, `${lines.join('\n')}\n`, { mode })
  try {
    // The umask of a job may have removed the permission to read.
    await chmod(path, mode)
  } catch (cause) {
    throw ioError(cause, `cannot make ${path} readable for other users`, path)
  }
}
