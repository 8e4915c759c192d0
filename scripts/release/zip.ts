/** Writes ZIP archives (PKWARE APPNOTE 6.3.10), for Windows. */
import { crc32, deflateRawSync } from 'node:zlib'
import type { TarEntry } from './tar.ts'

const versionNeeded = 20
/** Version 2.0 on Unix, so that the permission bits count. */
const versionMadeBy = (3 << 8) | versionNeeded
const utf8Names = 1 << 11
const deflated = 8
const stored = 0

interface Member {
  readonly name: Buffer
  readonly mode: number
  readonly method: number
  readonly crc: number
  readonly size: number
  readonly content: Uint8Array
}

/**
 * Returns the archive of files and folders in their order: the same bytes for the same entries and
 * the same zlib, which is part of Node. @param mtime seconds since 1970 of every entry
 */
export function zipArchive(entries: readonly TarEntry[], mtime: number): Uint8Array {
  const parts: Uint8Array[] = []
  const directory: Uint8Array[] = []
  let offset = 0
  for (const member of entries.map(memberOf)) {
    const common = encodeCommonFields(member, mtime)
    const local = Buffer.concat([encodeSignature(0x04034b50), common, member.name])
    parts.push(local, member.content)
    directory.push(encodeDirectoryHeader(member, common, offset))
    offset += local.length + member.content.length
  }
  const central = Buffer.concat(directory)
  return Buffer.concat([...parts, central, encodeEndRecord(entries.length, central.length, offset)])
}

function memberOf(entry: TarEntry): Member {
  if (entry.kind === 'symlink') throw new Error(`a ZIP archive has no symbolic links: ${entry.path}`)
  if (entry.kind === 'folder') {
    const name = Buffer.from(`${entry.path}/`)
    return { name, mode: 0o040000 | entry.mode, method: stored, crc: 0, size: 0, content: Buffer.alloc(0) }
  }
  const { bytes } = entry
  return {
    name: Buffer.from(entry.path),
    mode: 0o100000 | entry.mode,
    method: deflated,
    crc: crc32(bytes),
    size: bytes.byteLength,
    content: deflateRawSync(bytes, { level: 9 }),
  }
}

/** The fields from "version needed" to "extra field length", which both headers have (4.3.7). */
function encodeCommonFields(member: Member, mtime: number): Buffer {
  const fields = Buffer.alloc(26)
  fields.writeUInt16LE(versionNeeded, 0)
  fields.writeUInt16LE(utf8Names, 2)
  fields.writeUInt16LE(member.method, 4)
  fields.writeUInt32LE(dosTimeOf(mtime), 6)
  fields.writeUInt32LE(member.crc, 10)
  fields.writeUInt32LE(member.content.length, 14)
  fields.writeUInt32LE(member.size, 18)
  fields.writeUInt16LE(member.name.length, 22)
  return fields
}

function encodeDirectoryHeader(member: Member, common: Buffer, offset: number): Buffer {
  const made = Buffer.alloc(2)
  made.writeUInt16LE(versionMadeBy)
  const rest = Buffer.alloc(14)
  rest.writeUInt32LE((member.mode << 16) >>> 0, 6)
  rest.writeUInt32LE(offset, 10)
  return Buffer.concat([encodeSignature(0x02014b50), made, common, rest, member.name])
}

function encodeEndRecord(count: number, size: number, offset: number): Buffer {
  const record = Buffer.alloc(18)
  record.writeUInt16LE(count, 4)
  record.writeUInt16LE(count, 6)
  record.writeUInt32LE(size, 8)
  record.writeUInt32LE(offset, 12)
  return Buffer.concat([encodeSignature(0x06054b50), record])
}

/** The date and time of MS-DOS, in UTC, with 2 seconds as its unit. It begins in 1980. */
function dosTimeOf(seconds: number): number {
  const time = new Date(Math.max(seconds * 1000, Date.UTC(1980, 0)))
  const date = ((time.getUTCFullYear() - 1980) << 9) | ((time.getUTCMonth() + 1) << 5) | time.getUTCDate()
  const clock = (time.getUTCHours() << 11) | (time.getUTCMinutes() << 5) | (time.getUTCSeconds() >> 1)
  return ((date << 16) | clock) >>> 0
}

function encodeSignature(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}
