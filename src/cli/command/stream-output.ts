import type { Writable } from 'node:stream'
import { ioError, systemCode } from '../../lib/files/io-error.ts'

/** The reader has gone, such as `| head`. */
const gone: ReadonlySet<string | undefined> = new Set(['EPIPE', 'ERR_STREAM_DESTROYED'])

/**
 * Writes chunks to a stream, each after the stream accepts the one before, so that memory stays
 * constant. Ends without an error if the reader has gone. @throws `io`; what `chunks` throws; the
 * signal's reason.
 */
export async function streamOutput(
  chunks: AsyncIterable<Uint8Array | string>,
  output: Writable,
  signal: AbortSignal,
): Promise<void> {
  for await (const chunk of chunks) {
    signal.throwIfAborted()
    if (!(await write(chunk, output, signal))) return
  }
}

/** Whether the stream accepted the chunk. A signal ends the wait for a reader. */
async function write(chunk: Uint8Array | string, output: Writable, signal: AbortSignal): Promise<boolean> {
  return await new Promise((resolve, reject) => {
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- the caller's reason
    const leave = (): void => reject(signal.reason)
    signal.addEventListener('abort', leave, { once: true })
    output.write(chunk, (error) => {
      signal.removeEventListener('abort', leave)
      if (error === null || error === undefined) resolve(true)
      else if (gone.has(systemCode(error))) resolve(false)
      else reject(toError(ioError(error, 'cannot write the output', 'stdout')))
    })
  })
}

function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown))
}
