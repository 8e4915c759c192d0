/**
 * Signs programs for macOS without an identity ("ad hoc"). macOS ends a program whose signature
 * does not fit its bytes, and on arm64 one without a signature. Bun keeps the signature of its own
 * program for x64, which no longer fits.
 *
 * The format is in the public sources of macOS: mach-o/loader.h and kern/cs_blobs.h.
 */
import { createHash } from 'node:crypto'

const magic64 = 0xfeedfacf
const headerSize = 32
const segment64 = 0x19
const codeSignature = 0x1d
const superBlobMagic = 0xfade0cc0
const directoryMagic = 0xfade0c02
const directorySize = 88
/** with the position of the executable segment */
const directoryVersion = 0x20400
/** ad hoc, and signed by a linker instead of `codesign` */
const directoryFlags = 0x20002
const sha256 = { type: 2, size: 32 } as const
const pageBits = 12
const pageSize = 1 << pageBits
const mainProgramFlag = 1n

/** A part of the file, and the position of the load command that describes it. */
interface Part {
  readonly command: number
  readonly offset: number
  readonly size: number
}

interface Layout {
  readonly text: Part
  /** the segment at the end of the file, which contains the signature */
  readonly linkEdit: Part
  readonly signature: Part
}

/**
 * Returns the program with an ad-hoc signature in place of the one that it has.
 * @throws if it is no 64-bit Mach-O program with a signature at its end.
 */
export function signMachO(program: Uint8Array, identifier: string): Uint8Array {
  const { text, linkEdit, signature } = readLayout(program)
  const name = Buffer.from(`${identifier}\0`)
  const pages = Math.ceil(signature.offset / pageSize)
  const length = directorySize + name.length + pages * sha256.size
  const size = roundUp(20 + length, 16)
  const signed = Buffer.alloc(signature.offset + size)
  signed.set(program.subarray(0, signature.offset))
  // The pages with these fields are signed too.
  signed.writeUInt32LE(size, signature.command + 12)
  const linkEditSize = BigInt(signed.length - linkEdit.offset)
  signed.writeBigUInt64LE(BigInt(roundUp(Number(linkEditSize), 0x4000)), linkEdit.command + 32)
  signed.writeBigUInt64LE(linkEditSize, linkEdit.command + 48)
  const blob = Buffer.concat([
    encodeBigEndian([superBlobMagic, 20 + length, 1, 0, 20]),
    encodeDirectory(name, pages, length, signature.offset),
    encodeBigEndian64([0n, BigInt(text.offset), BigInt(text.size), mainProgramFlag]),
    name,
    ...pageHashes(signed.subarray(0, signature.offset)),
  ])
  blob.copy(signed, signature.offset)
  return signed
}

/** Whether a program has an ad-hoc signature that fits all of its bytes. */
export function hasValidSignature(program: Uint8Array): boolean {
  const { signature } = readLayout(program)
  const blob = Buffer.from(program.subarray(signature.offset, signature.offset + signature.size))
  if (blob.readUInt32BE(0) !== superBlobMagic) return false
  const at = blob.readUInt32BE(16)
  const [hashes, limit] = [at + blob.readUInt32BE(at + 16), blob.readUInt32BE(at + 32)]
  if (blob.readUInt32BE(at) !== directoryMagic || limit !== signature.offset) return false
  const isAdHoc = (blob.readUInt32BE(at + 12) & 2) !== 0
  const expected = Buffer.concat([...pageHashes(program.subarray(0, limit))])
  return isAdHoc && blob.subarray(hashes, hashes + expected.length).equals(expected)
}

/** The fields of the code directory before the executable segment. */
function encodeDirectory(name: Uint8Array, pages: number, length: number, limit: number): Uint8Array {
  const hashOffset = directorySize + name.length
  return Buffer.concat([
    encodeBigEndian([directoryMagic, length, directoryVersion, directoryFlags, hashOffset, directorySize]),
    encodeBigEndian([0, pages, limit]),
    Buffer.of(sha256.size, sha256.type, 0, pageBits),
    encodeBigEndian([0, 0, 0, 0]),
  ])
}

function* pageHashes(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += pageSize)
    yield createHash('sha256')
      .update(bytes.subarray(at, at + pageSize))
      .digest()
}

function readLayout(program: Uint8Array): Layout {
  const bytes = Buffer.from(program.buffer, program.byteOffset, program.byteLength)
  if (bytes.length < headerSize || bytes.readUInt32LE(0) !== magic64)
    throw new Error('the file is not a 64-bit Mach-O program')
  const segments = new Map<string, Part>()
  let signature: Part | undefined
  let command = headerSize
  for (let i = 0; i < bytes.readUInt32LE(16); i++) {
    const kind = bytes.readUInt32LE(command)
    if (kind === segment64) {
      const [offset, size] = [bytes.readBigUInt64LE(command + 40), bytes.readBigUInt64LE(command + 48)]
      const name = bytes.toString('latin1', command + 8, command + 24).replace(/\0.*$/s, '')
      segments.set(name, { command, offset: Number(offset), size: Number(size) })
    }
    if (kind === codeSignature) {
      const [offset, size] = [bytes.readUInt32LE(command + 8), bytes.readUInt32LE(command + 12)]
      signature = { command, offset, size }
    }
    command += bytes.readUInt32LE(command + 4)
  }
  const [text, linkEdit] = [segments.get('__TEXT'), segments.get('__LINKEDIT')]
  if (text === undefined || linkEdit === undefined || signature === undefined)
    throw new Error('the program has no signature or lacks a segment')
  if (signature.offset + signature.size !== bytes.length)
    throw new Error('the signature is not at the end of the program')
  return { text, linkEdit, signature }
}

function encodeBigEndian(values: readonly number[]): Uint8Array {
  const bytes = Buffer.alloc(values.length * 4)
  for (const [i, value] of values.entries()) bytes.writeUInt32BE(value, i * 4)
  return bytes
}

function encodeBigEndian64(values: readonly bigint[]): Uint8Array {
  const bytes = Buffer.alloc(values.length * 8)
  for (const [i, value] of values.entries()) bytes.writeBigUInt64BE(value, i * 8)
  return bytes
}

function roundUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit
}
