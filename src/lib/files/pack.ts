import { readSync } from 'node:fs'

// A pack is a file with many entries: a head, an index, and the bytes of the entries.
//
//   head     8 bytes `draypack`, 4 bytes version, 4 bytes number of entries
//   index    for each entry 32 bytes of its name, 4 bytes offset in the file, 4 bytes size
//
// Numbers are little-endian. A pack is written once and never changed.

const magic = Buffer.from('draypack')
const version = 1
const headSize = 16
const nameSize = 32
const recordSize = nameSize + 8
/** More entries than any batch has. */
const maxEntries = 100_000

/** Where an entry is in a pack, in bytes. */
export interface PackedEntry {
  readonly name: string
  readonly offset: number
  readonly size: number
}

/** Returns the part of a name that a pack keeps: 64 hex digits. */
export function packedName(name: string): string {
  return name.slice(0, 2 * nameSize)
}

/** Returns a pack with the entries, whose names are at least 64 hex digits. */
export function encodePack(entries: ReadonlyMap<string, Uint8Array>): Uint8Array {
  const head = Buffer.alloc(headSize + entries.size * recordSize)
  magic.copy(head)
  head.writeUInt32LE(version, 8)
  head.writeUInt32LE(entries.size, 12)
  let at = headSize
  let offset = head.byteLength
  for (const [name, bytes] of entries) {
    head.write(packedName(name), at, 'hex')
    head.writeUInt32LE(offset, at + nameSize)
    head.writeUInt32LE(bytes.byteLength, at + nameSize + 4)
    at += recordSize
    offset += bytes.byteLength
  }
  return Buffer.concat([head, ...entries.values()], offset)
}

/** Returns the index of an open pack of `size` bytes; undefined if the file is no pack. */
export function readIndex(file: number, size: number): readonly PackedEntry[] | undefined {
  const head = readAt(file, 0, headSize)
  if (head === undefined || head.compare(magic, 0, 8, 0, 8) !== 0) return undefined
  const count = head.readUInt32LE(12)
  if (head.readUInt32LE(8) !== version || count > maxEntries) return undefined
  const index = readAt(file, headSize, count * recordSize)
  if (index === undefined) return undefined
  const entries: PackedEntry[] = []
  for (let at = 0; at < index.byteLength; at += recordSize) {
    const offset = index.readUInt32LE(at + nameSize)
    const entrySize = index.readUInt32LE(at + nameSize + 4)
    if (offset + entrySize > size) return undefined
    entries.push({ name: index.toString('hex', at, at + nameSize), offset, size: entrySize })
  }
  return entries
}

/** Returns the bytes at an offset; undefined if the file is shorter. */
export function readAt(file: number, offset: number, size: number): Buffer | undefined {
  const bytes = Buffer.allocUnsafeSlow(size)
  return readSync(file, bytes, 0, size, offset) === size ? bytes : undefined
}
