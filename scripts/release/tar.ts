/** Writes and reads tar archives (POSIX ustar), and compresses them. */
import { gzipSync } from 'node:zlib'

interface Entry {
  /** without a slash at the start or the end */
  readonly path: string
  /** the permission bits */
  readonly mode: number
}

export type TarEntry =
  | (Entry & { readonly kind: 'file'; readonly bytes: Uint8Array })
  | (Entry & { readonly kind: 'folder' })
  /** `target` is relative to the folder of the link, or begins at the root */
  | (Entry & { readonly kind: 'symlink'; readonly target: string })

const blockSize = 512
const typeFlags = { file: '0', symlink: '2', folder: '5' } as const

/**
 * Returns the archive of the entries in their order, owned by user and group 0: the same bytes for
 * the same entries. @param mtime seconds since 1970 of every entry
 */
export function tarArchive(entries: readonly TarEntry[], mtime = 0): Uint8Array {
  const blocks = entries.flatMap((entry) => {
    if (entry.kind !== 'file') return [headerOf(entry, 0, mtime)]
    const size = entry.bytes.byteLength
    return [headerOf(entry, size, mtime), entry.bytes, Buffer.alloc(paddingOf(size))]
  })
  return Buffer.concat([...blocks, Buffer.alloc(2 * blockSize)])
}

/** Returns the entries with each folder before its content, sorted by code unit. */
export function sortedEntries(entries: readonly TarEntry[]): readonly TarEntry[] {
  const keyOf = ({ path, kind }: TarEntry): string => (kind === 'folder' ? `${path}/` : path)
  return [...entries].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
}

/**
 * Compresses with a header that is the same on every system (RFC 1952): no time and an unknown
 * operating system. The rest depends on the version of zlib, which is part of Node.
 */
export function gzip(bytes: Uint8Array): Uint8Array {
  const compressed = gzipSync(bytes, { level: 9 })
  compressed[9] = 255
  return compressed
}

function headerOf(entry: TarEntry, size: number, mtime: number): Uint8Array {
  const header = Buffer.alloc(blockSize)
  const { prefix, name } = splitPath(entry.kind === 'folder' ? `${entry.path}/` : entry.path)
  header.write(name, 0)
  header.write(formatOctal(entry.mode, 8), 100)
  header.write(formatOctal(0, 8), 108)
  header.write(formatOctal(0, 8), 116)
  header.write(formatOctal(size, 12), 124)
  header.write(formatOctal(mtime, 12), 136)
  header.write('        ', 148)
  header.write(typeFlags[entry.kind], 156)
  if (entry.kind === 'symlink') header.write(checkLength(entry.target, 100), 157)
  header.write('ustar\x0000', 257)
  header.write(prefix, 345)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return header
}

function formatOctal(value: number, length: number): string {
  return `${value.toString(8).padStart(length - 1, '0')}\0`
}

function paddingOf(size: number): number {
  return (blockSize - (size % blockSize)) % blockSize
}

/** A longer path is split at a slash into two fields. */
function splitPath(path: string): { readonly prefix: string; readonly name: string } {
  if (Buffer.byteLength(path) <= 100) return { prefix: '', name: path }
  const slash = path.indexOf('/', Math.max(0, path.length - 101))
  const name = path.slice(slash + 1)
  if (slash <= 0 || name === '') throw new Error(`the path is too long for a tar archive: ${path}`)
  return { prefix: checkLength(path.slice(0, slash), 155), name: checkLength(name, 100) }
}

function checkLength(path: string, max: number): string {
  if (Buffer.byteLength(path) <= max) return path
  throw new Error(`the path is too long for a tar archive: ${path}`)
}

/**
 * Returns files, folders and symbolic links, with hard links as files and without owners and times.
 * Reads the long names of GNU tar. Throws for other types of entries, such as devices.
 */
export function readTar(archive: Uint8Array): readonly TarEntry[] {
  const bytes = Buffer.from(archive.buffer, archive.byteOffset, archive.byteLength)
  const found = new Map<string, TarEntry>()
  let longPath: string | undefined
  let longTarget: string | undefined
  for (let at = 0; at + blockSize <= bytes.byteLength && bytes[at] !== 0;) {
    const header = bytes.subarray(at, at + blockSize)
    const size = readNumber(header, 124, 12)
    const content = bytes.subarray(at + blockSize, at + blockSize + size)
    at += blockSize + size + paddingOf(size)
    const type = readText(header, 156, 1)
    if (type === 'L') longPath = readText(content, 0, size)
    else if (type === 'K') longTarget = readText(content, 0, size)
    else {
      const path = cleanPath(longPath ?? joinPath(readText(header, 345, 155), readText(header, 0, 100)))
      const target = longTarget ?? readText(header, 157, 100)
      longPath = longTarget = undefined
      const mode = readNumber(header, 100, 8) & 0o7777
      if (path !== '') found.set(path, readEntry({ path, mode }, { type, target, content }, found))
    }
  }
  return [...found.values()]
}

function readEntry(
  entry: Entry,
  { type, target, content }: { readonly type: string; readonly target: string; readonly content: Uint8Array },
  found: ReadonlyMap<string, TarEntry>,
): TarEntry {
  if (type === '0' || type === '') return { ...entry, kind: 'file', bytes: content }
  if (type === '5') return { ...entry, kind: 'folder' }
  if (type === '2') return { ...entry, kind: 'symlink', target }
  const linked = type === '1' ? found.get(cleanPath(target)) : undefined
  if (linked?.kind === 'file') return { ...linked, path: entry.path }
  throw new Error(`the archive has an entry of an unsupported type: ${entry.path}`)
}

function cleanPath(path: string): string {
  return path
    .replace(/^(?:\.?\/)+/, '')
    .replace(/\/+$/, '')
    .replace(/^\.$/, '')
}

function joinPath(prefix: string, name: string): string {
  return prefix === '' ? name : `${prefix}/${name}`
}

function readNumber(bytes: Buffer, at: number, length: number): number {
  return Number.parseInt(readText(bytes, at, length).trim() || '0', 8)
}

function readText(bytes: Buffer, at: number, length: number): string {
  const field = bytes.subarray(at, at + length)
  const end = field.indexOf(0)
  return field.subarray(0, end < 0 ? length : end).toString('utf8')
}
