import { lstat } from 'node:fs/promises'
import { DrayError } from '../../lib/errors.ts'
import { writeStreamAtomic } from '../../lib/files/atomic.ts'
import { ioError, systemCode } from '../../lib/files/io-error.ts'
import { startOfChain } from '../log/chain.ts'
import { headPath, writeHead } from '../log/head.ts'
import { linesOf } from '../query/log-lines.ts'
import { mergeLogs, surveyLogs } from './merge.ts'
import { OpenIntents } from '../log/open-intents.ts'

const newline = Buffer.from('\n')
/** Lines are written in chunks of this many bytes. */
const chunkSize = 256 * 1024

export interface MergedFile {
  /** in all source logs */
  readonly lines: number
  /** in the merged log */
  readonly merged: number
}

/**
 * Merges the logs at `paths` into a new log at `out` with its own head. Each source is named by its
 * path. Writes nothing if a log cannot be merged completely. @throws `usage` if `out` or its head
 * exists; `not-found`, `io`; see `surveyLogs` and `mergeLogs`.
 */
export async function mergeFiles(
  paths: readonly string[],
  out: string,
  signal: AbortSignal,
): Promise<MergedFile> {
  for (const path of [out, headPath(out)]) await checkFree(path)
  const sources = paths.map((path) => ({ name: path, lines: () => linesOf(path, signal) }))
  const survey = await surveyLogs(sources)
  const open = new OpenIntents()
  let end = startOfChain
  async function* chunks(): AsyncGenerator<Uint8Array, void, undefined> {
    let waiting: Buffer[] = []
    let size = 0
    for await (const { line, record, position } of mergeLogs(survey)) {
      open.note({ ...record, seq: position.seq, prev: end.hash }, end.size)
      end = position
      waiting.push(line, newline)
      size += line.byteLength + 1
      if (size < chunkSize) continue
      yield Buffer.concat(waiting)
      waiting = []
      size = 0
    }
    if (size > 0) yield Buffer.concat(waiting)
  }
  await writeStreamAtomic(out, chunks(), signal, { mode: 0o600, mustBeNew: true })
  if (end.hash !== null) await writeHead(out, { ...end, settled: open.settled(end) })
  return { lines: survey.lines, merged: end.seq }
}

/** A symbolic link counts as a file, even if its target does not exist. */
async function checkFree(path: string): Promise<void> {
  const found = await lstat(path).catch((cause: unknown) => {
    if (systemCode(cause) === 'ENOENT') return undefined
    throw ioError(cause, `cannot write ${path}`, path)
  })
  if (found === undefined) return
  throw new DrayError('usage', `${path} already exists`, {
    subject: path,
    hint: 'Merge into a new file. dray does not overwrite logs.',
  })
}
