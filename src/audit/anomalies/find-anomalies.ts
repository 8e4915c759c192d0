import { selectLines } from '../query/select-lines.ts'
import { AnomalyDetector, type AnomalyOptions } from './detector.ts'
import type { AnomalyReport } from './finding.ts'

/**
 * Finds unusual changes in the log at `path`. Reads the records since the start of the baseline
 * once, and keeps none. Does not verify the chain: see `verifyLog`. @throws `not-found`, `io`;
 * `malformed` for a line that is not a record.
 */
export async function findAnomalies(
  path: string,
  options: AnomalyOptions,
  signal: AbortSignal,
): Promise<AnomalyReport> {
  const detector = new AnomalyDetector(options)
  const all = { matches: () => true, since: options.baseline, until: options.until }
  await using selection = await selectLines(path, all, signal)
  for await (const batch of selection.batches) for (const { entry } of batch) detector.add(entry)
  return { log: path, ...detector.result() }
}
