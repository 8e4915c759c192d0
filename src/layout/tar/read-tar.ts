import { DrayError } from '../../lib/errors.ts'
import { ForwardReader } from './forward-reader.ts'
import { blockSize, encodeHeader, paddingOf } from './header.ts'
import { type ParsedBlock, parseBlock, parsePaxRecords } from './parse-header.ts'

/** A path and a size are below 250 bytes. */
const maxPaxSize = blockSize

/** A file in a tar. */
export interface TarFile {
  readonly name: string
  /** bytes */
  readonly size: number
  /** the position of the first byte of its content in the tar */
  readonly offset: number
  /** seconds since 1970 */
  readonly mtime: number
  /** The content, to be read before the next file. dray skips content that is not read. */
  readonly bytes: AsyncIterable<Uint8Array>
}

/**
 * Reads the files of a tar forward, once, with the memory of one chunk. It accepts only the bytes
 * that `tarChunks` writes for the same files, with the names below the folder of an image layout.
 * @param archive its name, for messages
 * @throws `corrupt` for a tar that is damaged, cut, or has bytes after its end; `refused` for a
 * path out of the folder, a link, a device, a folder or a second file of the same name.
 */
export async function* readTar(
  input: AsyncIterable<Uint8Array>,
  archive: string,
): AsyncGenerator<TarFile, void> {
  const reader = new ForwardReader(input)
  try {
    yield* readFiles(reader, archive)
  } finally {
    await reader.close()
  }
}

async function* readFiles(reader: ForwardReader, archive: string): AsyncGenerator<TarFile, void> {
  const names = new Set<string>()
  for (;;) {
    const header = await readHeader(reader, archive)
    if (header === undefined) return
    const { name, size, mtime } = header
    if (names.has(name)) {
      throw new DrayError('refused', `${archive} contains ${name} twice`, { subject: archive })
    }
    names.add(name)
    let rest = size
    const bytes = async function* (): AsyncGenerator<Uint8Array, void> {
      while (rest > 0) {
        for await (const chunk of reader.stream(rest)) {
          rest -= chunk.byteLength
          yield chunk
        }
        if (rest > 0) throw cut(archive, reader, `in ${name}, which has ${size} bytes`)
      }
    }
    yield { name, size, mtime, offset: reader.position, bytes: bytes() }
    for await (const _ of bytes());
    await readZeros(reader, paddingOf(size), archive, `after ${name}`)
  }
}

/** Returns the header of the next file; undefined at the end of the tar. */
async function readHeader(reader: ForwardReader, archive: string): Promise<ParsedBlock | undefined> {
  const position = reader.position
  const block = await readBlock(reader, archive)
  if (isZero(block)) {
    await readZeros(reader, blockSize, archive, 'at its end')
    if ((await reader.take(1)).byteLength === 0) return undefined
    throw damaged(archive, `it has bytes after its end, at byte ${reader.position - 1}`)
  }
  const first = parseBlock(block, archive, position)
  if (first.kind === 'file') return await checked(first, [block], archive, position)
  if (!(first.size > 0 && first.size <= maxPaxSize)) {
    throw damaged(archive, `the pax header at byte ${position} has a wrong size`)
  }
  const records = await readBlock(reader, archive)
  const { name, size } = parsePaxRecords(records.subarray(0, first.size), archive)
  const last = await readBlock(reader, archive)
  const file = parseBlock(last, archive, position + 2 * blockSize)
  if (file.kind === 'pax') throw damaged(archive, `a pax header follows another at byte ${position}`)
  return await checked({ ...file, name, size: size ?? file.size }, [block, records, last], archive, position)
}

/** Returns the header if dray writes the same bytes for it. */
async function checked(
  header: ParsedBlock,
  blocks: readonly Uint8Array[],
  archive: string,
  position: number,
): Promise<ParsedBlock> {
  const isValid = Number.isSafeInteger(header.size) && Number.isSafeInteger(header.mtime)
  const expected = isValid ? await encodeHeader(header) : undefined
  if (expected !== undefined && Buffer.concat(blocks).equals(expected)) return header
  throw damaged(archive, `the header of ${header.name} at byte ${position} is not as dray writes it`)
}

async function readBlock(reader: ForwardReader, archive: string): Promise<Uint8Array> {
  const block = await reader.take(blockSize)
  if (block.byteLength === blockSize) return block
  throw cut(archive, reader, 'in a header, or without its end')
}

async function readZeros(reader: ForwardReader, length: number, archive: string, at: string): Promise<void> {
  const zeros = await reader.take(length)
  if (zeros.byteLength < length) throw cut(archive, reader, at)
  if (!isZero(zeros)) throw damaged(archive, `it has other bytes than zeros ${at}`)
}

function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0)
}

function cut(archive: string, reader: ForwardReader, at: string): DrayError {
  return damaged(archive, `it ends at byte ${reader.position}, ${at}`)
}

function damaged(archive: string, why: string): DrayError {
  return new DrayError('corrupt', `${archive} is damaged`, {
    subject: archive,
    why,
    hint: 'Transfer the file again, unchanged and not compressed.',
  })
}
