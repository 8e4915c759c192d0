/** The machines of the platforms of the image (elf.h, e_machine). */
const machines: Readonly<Record<number, string>> = { 62: 'amd64', 183: 'arm64' }

const loadSegment = 1
const dynamicSegment = 2
const interpreterSegment = 3
const neededTag = 1
const stringTableTag = 5

/** What a program needs of the system that runs it. */
export interface ElfProgram {
  readonly architecture: string
  /** the path of the dynamic linker; undefined in a static program */
  readonly interpreter: string | undefined
  /** the names of the shared objects, in the order of the file */
  readonly needed: readonly string[]
}

interface Segment {
  readonly type: number
  readonly offset: number
  readonly address: number
  readonly size: number
}

/**
 * Reads the headers of a program for 64-bit Linux (ELF, System V ABI). @throws Error for other
 * files.
 */
export function readElf(bytes: Uint8Array): ElfProgram {
  const elf = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (elf.readUInt32BE(0) !== 0x7f454c46 || elf[4] !== 2 || elf[5] !== 1)
    throw new Error('the file is not a program for 64-bit Linux')
  const segments = segmentsOf(elf)
  const interpreter = segments.find(({ type }) => type === interpreterSegment)
  return {
    architecture: machines[elf.readUInt16LE(18)] ?? 'unknown',
    interpreter: interpreter && textAt(elf, interpreter.offset),
    needed: neededOf(elf, segments),
  }
}

function segmentsOf(elf: Buffer): readonly Segment[] {
  const first = Number(elf.readBigUInt64LE(32))
  const size = elf.readUInt16LE(54)
  return Array.from({ length: elf.readUInt16LE(56) }, (_, i) => {
    const at = first + i * size
    return {
      type: elf.readUInt32LE(at),
      offset: Number(elf.readBigUInt64LE(at + 8)),
      address: Number(elf.readBigUInt64LE(at + 16)),
      size: Number(elf.readBigUInt64LE(at + 32)),
    }
  })
}

function neededOf(elf: Buffer, segments: readonly Segment[]): readonly string[] {
  const dynamic = segments.find(({ type }) => type === dynamicSegment)
  if (dynamic === undefined) return []
  const tags = Array.from({ length: Math.floor(dynamic.size / 16) }, (_, i) => ({
    tag: Number(elf.readBigInt64LE(dynamic.offset + i * 16)),
    value: Number(elf.readBigUInt64LE(dynamic.offset + i * 16 + 8)),
  }))
  const table = tags.find(({ tag }) => tag === stringTableTag)
  if (table === undefined) return []
  const strings = offsetOf(table.value, segments)
  return tags.filter(({ tag }) => tag === neededTag).map(({ value }) => textAt(elf, strings + value))
}

/** The place in the file of an address in memory. */
function offsetOf(address: number, segments: readonly Segment[]): number {
  const segment = segments.find(
    (one) => one.type === loadSegment && address >= one.address && address < one.address + one.size,
  )
  if (segment === undefined) throw new Error('the program has a string table outside of its segments')
  return segment.offset + address - segment.address
}

function textAt(elf: Buffer, at: number): string {
  return elf.subarray(at, elf.indexOf(0, at)).toString('utf8')
}
