import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { extname, resolve } from 'node:path'
import type { Call } from '../../lib/call.ts'
import { DrayError, isDrayError } from '../../lib/errors.ts'
import { explainFailure } from '../../lib/files/io-error.ts'
import { filesMatching, isPattern } from './glob.ts'
import { checkNotBlank, decodeText, tooLarge } from './text.ts'

const maxFileBytes = 16 * 1024 * 1024
const maxReads = 8
/** The files that a wildcard matches. Others need their extension in the glob, such as `*.sops`. */
const extensions: ReadonlySet<string> = new Set(['.yaml', '.yml', '.json'])

/** The results for the files of one glob, sorted by name. */
export interface GlobResult<T> {
  readonly glob: string
  readonly files: readonly T[]
}

/**
 * Reads the files that globs match, each once, and parses each. Few are in memory at a time.
 * @param folder absolute; relative globs begin here
 * @param parse gets the text, and the name as the glob begins it
 * @throws `refused` for a glob that matches no file; `io` for a file that cannot be read;
 * `malformed` for one that is empty, too large or no text; what `parse` throws.
 */
export async function readFiles<T>(
  globs: readonly string[],
  folder: string,
  parse: (text: string, name: string) => T,
  call: Call,
): Promise<readonly GlobResult<T>[]> {
  const matches: { readonly glob: string; readonly names: readonly string[] }[] = []
  for (const glob of globs) {
    const names = (await filesMatching(glob, folder, call)).filter((name) => isTaken(name, glob))
    if (names.length === 0) throw noFile(glob, folder)
    matches.push({ glob, names })
  }
  const results = new Map<string, T>()
  const queue = [...new Set(matches.flatMap(({ names }) => names))].values()
  await Promise.all(
    Array.from({ length: maxReads }, async () => {
      // All workers share one queue.
      for (const name of queue) {
        call.signal.throwIfAborted()
        results.set(name, parse(await readText(resolve(folder, name), name), name))
      }
    }),
  )
  return matches.map(({ glob, names }) => ({
    glob,
    files: names.flatMap((name) => (results.has(name) ? [results.get(name) as T] : [])),
  }))
}

function isTaken(name: string, glob: string): boolean {
  const extension = extname(name).toLowerCase()
  if (extensions.has(extension) || !isPattern(glob)) return true
  const named = extname(glob)
  return named !== '' && !isPattern(named) && named.toLowerCase() === extension
}

async function readText(path: string, name: string): Promise<string> {
  const text = decodeText(await readBytes(path, name), name)
  checkNotBlank(text, name)
  return text
}

async function readBytes(path: string, name: string): Promise<Uint8Array> {
  try {
    // O_NONBLOCK never waits for a pipe.
    await using handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const stats = await handle.stat()
    if (!stats.isFile()) throw notRead(name, 'it is not a regular file')
    if (stats.size > maxFileBytes) throw tooLarge(name, maxFileBytes)
    const bytes = await handle.readFile()
    if (bytes.byteLength > maxFileBytes) throw tooLarge(name, maxFileBytes)
    return bytes
  } catch (cause) {
    if (isDrayError(cause)) throw cause
    throw notRead(name, explainFailure(cause), cause)
  }
}

function notRead(name: string, why: string, cause?: unknown): DrayError {
  return new DrayError('io', `cannot read ${name}`, {
    subject: name,
    why,
    hint: 'Make the file readable. dray deletes nothing while the images in use are unknown.',
    cause,
  })
}

function noFile(glob: string, folder: string): DrayError {
  return new DrayError('refused', `no file matches ${JSON.stringify(glob)}`, {
    subject: glob,
    why: `globs begin at ${folder}; a wildcard matches YAML and JSON files`,
    hint: 'Correct the glob. dray deletes nothing while the images in use are unknown.',
  })
}
