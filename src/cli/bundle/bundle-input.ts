import { createReadStream } from 'node:fs'
import { ioError } from '../../lib/files/io-error.ts'

/** Bytes of one read. */
const chunkSize = 256 * 1024

const stdinName = 'from stdin'

/** Returns the name of a bundle for messages, behind "the bundle". */
export function bundleName(file: string): string {
  return file === '-' ? stdinName : file
}

/** Returns the name of a tar for messages that begin with it. */
export function tarName(name: string): string {
  return name === stdinName ? `the bundle ${name}` : name
}

/**
 * Reads a file, a named pipe, or stdin for `-`, forward once. A reader that stops early closes it.
 * @throws `not-found`, `io`.
 */
export async function* readInput(file: string): AsyncGenerator<Uint8Array, void> {
  const stream = file === '-' ? process.stdin : createReadStream(file, { highWaterMark: chunkSize })
  try {
    yield* stream as AsyncIterable<Uint8Array>
  } catch (cause) {
    throw ioError(cause, `cannot read the bundle ${bundleName(file)}`, file)
  } finally {
    stream.destroy()
  }
}
