import { quoteWord } from '../../lib/quote-word.ts'
import { selectLines } from '../query/select-lines.ts'
import { AnomalyDetector, type AnomalyOptions } from './detector.ts'
import type { AnomalyFinding, AnomalyReport } from './finding.ts'

interface AnomalySearch extends AnomalyOptions {
  /** the file that a person named, for the commands of findings; absent: the usual log */
  readonly auditFile?: string | undefined
}

/**
 * Finds unusual changes in the log at `path`. Reads the records since the start of the baseline
 * once, and keeps none. Does not verify the chain: see `verifyLog`. @throws `not-found`, `io`;
 * `malformed` for a line that is not a record.
 */
export async function findAnomalies(
  path: string,
  { auditFile, ...options }: AnomalySearch,
  signal: AbortSignal,
): Promise<AnomalyReport> {
  const detector = new AnomalyDetector(options)
  const all = { matches: () => true, since: options.baseline, until: options.until }
  await using selection = await selectLines(path, all, signal)
  for await (const batch of selection.batches) for (const { entry } of batch) detector.add(entry)
  const { findings, ...result } = detector.result()
  return { log: path, ...result, findings: findings.map((finding) => ofFile(finding, auditFile)) }
}

function ofFile(finding: AnomalyFinding, file: string | undefined): AnomalyFinding {
  if (file === undefined) return finding
  return { ...finding, command: `${finding.command} --audit-file ${quoteWord(file)}` }
}
