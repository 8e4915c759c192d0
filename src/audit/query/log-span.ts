import { ioError } from '../../lib/files/io-error.ts'
import { parseEntry, type Position } from '../log/chain.ts'
import { lineBefore, openLog, readLines } from './read-log.ts'

/** The times of the first and last record, ISO 8601. */
export interface LogSpan {
  readonly first: string
  readonly last: string
}

/**
 * The span of a log up to `end`, the end of its verified chain; undefined if there is no record.
 * @throws `not-found`, `io`.
 */
export async function logSpan(path: string, end: Position): Promise<LogSpan | undefined> {
  if (end.seq === 0) return undefined
  const handle = await openLog(path)
  try {
    const last = await lineBefore(handle, end.size)
    for await (const [line] of readLines(handle, 0, end.size)) {
      const first = line === undefined ? undefined : parseEntry(line.raw)?.time
      const time = last === undefined ? undefined : parseEntry(last)?.time
      return first === undefined || time === undefined ? undefined : { first, last: time }
    }
    return undefined
  } catch (cause) {
    throw ioError(cause, `${path} cannot be read`, path)
  } finally {
    await handle.close()
  }
}
