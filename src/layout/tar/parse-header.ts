import { DrayError } from '../../lib/errors.ts'
import { blockSize, type TarHeader } from './header.ts'

/** The fields of a ustar header (POSIX.1-2017, pax): offset and length. */
const fields = {
  name: [0, 100],
  size: [124, 12],
  mtime: [136, 12],
  checksum: [148, 8],
  prefix: [345, 155],
} as const
const typeAt = 156
/** Kinds of entries that a bundle never has, by type flag. */
const refusedTypes: Readonly<Record<string, string>> = {
  '1': 'a hard link',
  '2': 'a symbolic link',
  '3': 'a device',
  '4': 'a device',
  '5': 'a folder',
  '6': 'a pipe',
}

/** The values in one block. The size of a file that follows a pax header is in that. */
export interface ParsedBlock extends TarHeader {
  readonly kind: 'file' | 'pax'
}

/**
 * Parses a header. It may still differ from the one that dray writes for the same file.
 * @throws `corrupt` for a block that is no header; `refused` for an entry that is no regular file.
 */
export function parseBlock(block: Uint8Array, archive: string, position: number): ParsedBlock {
  if (octal(block, ...fields.checksum) !== checksumOf(block)) {
    throw new DrayError('corrupt', `${archive} is damaged or is not a tar`, {
      subject: archive,
      why: `the header at byte ${position} has a wrong checksum`,
      hint: 'Transfer the file again, unchanged and not compressed.',
    })
  }
  const prefix = text(block, ...fields.prefix)
  const name = (prefix === '' ? '' : `${prefix}/`) + text(block, ...fields.name)
  const type = String.fromCharCode(block[typeAt] ?? 0)
  if (type === 'x') return { kind: 'pax', name, size: sizeOf(block), mtime: octal(block, ...fields.mtime) }
  if (type === '0') {
    checkName(name, archive)
    return { kind: 'file', name, size: sizeOf(block), mtime: octal(block, ...fields.mtime) }
  }
  throw new DrayError('refused', `${archive} contains ${shown(name)}, which is not a regular file`, {
    subject: archive,
    why: `it is ${refusedTypes[type] ?? `an entry of type ${JSON.stringify(type)}`}`,
  })
}

/** The values of the file that follows, from the records of a pax header. */
export interface PaxRecords {
  readonly name: string
  /** bytes; undefined: as in its header */
  readonly size: number | undefined
}

/**
 * Parses the records of a pax header (`28 path=blobs/…`, `20 size=21474836480`).
 * @throws `refused` for any other record: it could make the file a link.
 */
export function parsePaxRecords(records: Uint8Array, archive: string): PaxRecords {
  const found = /^\d+ path=([^\n]+)\n(?:\d+ size=(\d{1,16})\n)?$/.exec(
    Buffer.from(records).toString('latin1'),
  )
  if (found === null) {
    throw new DrayError('refused', `${archive} has a pax header that dray does not write`, {
      subject: archive,
      why: 'it has other records than the name and the size of a file',
    })
  }
  const [, name = '', size] = found
  checkName(name, archive)
  return { name, size: size === undefined ? undefined : Number(size) }
}

/** @throws `refused` for a name that is no path below the current folder. */
function checkName(name: string, archive: string): void {
  const isSafe =
    /^[A-Za-z0-9._/-]+$/.test(name) &&
    name.split('/').every((part) => part !== '' && part !== '.' && part !== '..')
  if (isSafe) return
  throw new DrayError('refused', `${archive} contains a file with the name ${shown(name)}`, {
    subject: archive,
    why: 'the name is not a path below the folder of the image layout',
  })
}

function shown(name: string): string {
  return JSON.stringify(name.slice(0, 200))
}

function checksumOf(block: Uint8Array): number {
  const [start, length] = fields.checksum
  let sum = 0
  for (let i = 0; i < blockSize; i++) sum += i >= start && i < start + length ? 0x20 : (block[i] ?? 0)
  return sum
}

/** A size of 8 GiB or more is binary here (GNU, star); the pax header before it has the same. */
function sizeOf(block: Uint8Array): number {
  const [start, length] = fields.size
  if (block[start] !== 0x80) return octal(block, start, length)
  let size = 0
  for (let i = start + 1; i < start + length; i++) size = size * 256 + (block[i] ?? 0)
  return Number.isSafeInteger(size) ? size : Number.NaN
}

function octal(block: Uint8Array, start: number, length: number): number {
  const digits = /^ *([0-7]+)[ \0]*$/.exec(latin1(block, start, length))
  return digits === null ? Number.NaN : Number.parseInt(digits[1] ?? '', 8)
}

function text(block: Uint8Array, start: number, length: number): string {
  return latin1(block, start, length).replace(/\0.*$/s, '')
}

function latin1(block: Uint8Array, start: number, length: number): string {
  return Buffer.from(block.buffer, block.byteOffset + start, length).toString('latin1')
}
