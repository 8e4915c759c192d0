import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import type { Call } from '../call.ts'
import { DrayError } from '../errors.ts'
import { Semaphore } from '../semaphore.ts'
import { decodeText, maxTextBytes, parseDocuments } from './documents.ts'
import { findFiles, type FoundFile, unreadable } from './find-files.ts'
import type { References } from './found.ts'
import { checkNotEmpty, ImageCollection, type NamedImages } from './gather-images.ts'
import { checkRenames } from './kustomize.ts'
import { referencesIn } from './references-in.ts'

const filesAtOnce = 16

/**
 * Reads the files that globs find, and gives the images that each glob's files name. A file may name none; all files of a glob together may not.
 * What kustomize renames is renamed in the files of all globs.
 * @param folder what the globs are relative to
 * @throws `refused` for a glob without a file or an image, and for an image that cannot be known; `malformed`, `io` for a file that cannot be read.
 */
export async function readFiles(
  globs: readonly string[],
  folder: string,
  call: Call,
): Promise<readonly NamedImages[]> {
  const slots = new Semaphore(filesAtOnce)
  const read = new Map<string, Promise<References>>()
  const readOnce = (file: FoundFile): Promise<References> => {
    const known = read.get(file.path)
    if (known !== undefined) return known
    const reading = inSlot(slots, call, () => readOne(file, call))
    read.set(file.path, reading)
    return reading
  }
  const sets: { readonly glob: string; readonly collection: ImageCollection }[] = []
  for (const glob of globs) {
    const collection = new ImageCollection()
    const files = await findFiles(glob, folder, call)
    for (const references of await Promise.all(files.map(readOnce))) collection.add(references)
    sets.push({ glob, collection })
  }
  const renames = sets.flatMap(({ collection }) => collection.renames)
  checkRenames(
    sets.flatMap(({ collection }) => collection.written),
    renames,
  )
  return sets.map(({ glob, collection }) => {
    const named = { name: glob, images: collection.imagesUnder(renames) }
    checkNotEmpty(named)
    return named
  })
}

async function readOne({ path, name }: FoundFile, call: Call): Promise<References> {
  const text = decodeText(await readBounded(path, call), name)
  const all: References = { images: [], renames: [] }
  for (const { value, where } of parseDocuments(text, name)) {
    const { images, renames } = referencesIn(value, where)
    all.images.push(...images)
    all.renames.push(...renames)
  }
  return all
}

/** @throws `io` for what is not there or no regular file; `malformed` for what is too large. */
async function readBounded(path: string, { signal }: Call): Promise<Uint8Array> {
  try {
    // a pipe would be waited for
    const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      const stats = await handle.stat()
      if (!stats.isFile()) throw new DrayError('io', `${path} is not a regular file`, { subject: path })
      if (stats.size > maxTextBytes)
        throw new DrayError('malformed', `${path} is larger than ${maxTextBytes} bytes`, { subject: path })
      return await handle.readFile({ signal })
    } finally {
      await handle.close()
    }
  } catch (cause) {
    signal.throwIfAborted()
    throw unreadable(path, cause)
  }
}

async function inSlot<T>(slots: Semaphore, call: Call, work: () => Promise<T>): Promise<T> {
  const free = await slots.acquire(call.signal)
  try {
    return await work()
  } finally {
    free()
  }
}
