import { isDrayError } from '../../lib/errors.ts'
import type { Digest } from '../../oci/digest.ts'
import type { EditStep } from '../../plan/edits/edit-step.ts'
import { parseEntry } from '../log/chain.ts'
import { readBackwards } from '../query/read-backwards.ts'
import { openLog } from '../query/read-log.ts'

/** The bytes that are read from the end of a log at most. */
const maxBytesRead = 32 * 1024 * 1024

export interface BegunEditsOptions {
  readonly environment: string
  /** of the images that the files get */
  readonly digests: ReadonlySet<Digest>
  readonly signal: AbortSignal
}

/**
 * Finds the edits of deployment files that have an intent in the log at `path`, newest first. Their
 * outcomes do not count. A log that does not exist has none.
 * @throws `io`, `malformed`; the signal's reason.
 */
export async function findBegunEdits(
  path: string,
  { environment, digests, signal }: BegunEditsOptions,
): Promise<readonly EditStep[]> {
  const handle = await openLog(path).catch((error: unknown) => {
    if (isDrayError(error) && error.code === 'not-found') return undefined
    throw error
  })
  if (handle === undefined) return []
  const steps: EditStep[] = []
  try {
    const { size } = await handle.stat()
    for await (const lines of readBackwards(handle, size)) {
      signal.throwIfAborted()
      for (const line of lines) {
        const entry = parseEntry(line)
        if (entry?.phase !== 'intent' || entry.step?.kind !== 'edit') continue
        const { images } = entry.step
        if (images.some((one) => one.environment === environment && digests.has(one.digest)))
          steps.push(entry.step)
      }
      const oldest = lines.at(-1)
      if (oldest !== undefined && size - oldest.offset > maxBytesRead) break
    }
    return steps
  } finally {
    await handle.close()
  }
}
