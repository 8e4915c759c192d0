import { describe, expect, it } from 'vitest'
import { hasValidSignature, signMachO } from '../../../scripts/release/binaries/sign-macho.ts'

const signatureAt = 0x3010
const linkEditAt = 0x3000

/** A load command that describes a segment (struct segment_command_64). */
function segment(name: string, offset: number, size: number): Buffer {
  const command = Buffer.alloc(72)
  command.writeUInt32LE(0x19, 0)
  command.writeUInt32LE(command.length, 4)
  command.write(name, 8)
  command.writeBigUInt64LE(BigInt(offset), 40)
  command.writeBigUInt64LE(BigInt(size), 48)
  return command
}

/** A program with the segments of one, four pages of bytes, and `signature` at its end. */
function program(signature: Uint8Array): Buffer {
  const position = Buffer.alloc(16)
  position.writeUInt32LE(0x1d, 0)
  position.writeUInt32LE(position.length, 4)
  position.writeUInt32LE(signatureAt, 8)
  position.writeUInt32LE(signature.length, 12)
  const linkEditSize = signatureAt + signature.length - linkEditAt
  const commands = [segment('__TEXT', 0, 0x2000), segment('__LINKEDIT', linkEditAt, linkEditSize), position]
  const bytes = Buffer.alloc(signatureAt + signature.length, 7)
  bytes.fill(0, 0, 32)
  bytes.writeUInt32LE(0xfeedfacf, 0)
  bytes.writeUInt32LE(commands.length, 16)
  Buffer.concat(commands).copy(bytes, 32)
  bytes.set(signature, signatureAt)
  return bytes
}

describe('a program for macOS', () => {
  const foreign = program(Buffer.alloc(48, 1))
  const signed = signMachO(foreign, 'dray')

  it('has a signature that fits its bytes, whatever signature it had', () => {
    expect(hasValidSignature(foreign)).toBe(false)
    expect(hasValidSignature(signed)).toBe(true)
    expect(hasValidSignature(signMachO(signed, 'dray'))).toBe(true)
    expect(Buffer.from(signed).includes('dray\0')).toBe(true)
  })

  it('has no valid signature if a byte before the signature changes', () => {
    for (const at of [4, 0x1fff, 0x2000, signatureAt - 1]) {
      const changed = Buffer.from(signed)
      changed.writeUInt8((changed[at] ?? 0) ^ 1, at)
      expect(hasValidSignature(changed), String(at)).toBe(false)
    }
  })

  it('keeps its own bytes, except the sizes of the signature', () => {
    const own = Buffer.from(signed.subarray(0x1000, signatureAt))
    expect(own.equals(foreign.subarray(0x1000, signatureAt))).toBe(true)
  })

  it('is refused if it is another file, or if its signature is not at its end', () => {
    expect(() => signMachO(Buffer.from('#!/bin/sh'), 'dray')).toThrow('is not a 64-bit Mach-O program')
    expect(() => signMachO(Buffer.concat([foreign, Buffer.alloc(1)]), 'dray')).toThrow('not at the end')
  })
})
