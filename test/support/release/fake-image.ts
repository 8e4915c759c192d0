import { join } from 'node:path'
import { assembleImage, type ImageInputs } from '../../../scripts/release/image/assemble.ts'
import { applets } from '../../../scripts/release/image/applets.ts'
import { basePackages } from '../../../scripts/release/image/debian/base-packages.ts'
import { architectures, type Architecture, type Pin } from '../../../scripts/release/image/debian/pins.ts'
import type { DebianPackage } from '../../../scripts/release/image/debian/unpack.ts'
import { writeLayout } from '../../../scripts/release/image/write-layout.ts'
import type { TarEntry } from '../../../scripts/release/tar.ts'
import { tempFolder } from '../temp.ts'

const interpreters = { amd64: 'ld-linux-x86-64.so.2', arm64: 'ld-linux-aarch64.so.1' } as const
const machines = { amd64: 62, arm64: 183 } as const

/** What an image is built from, with small packages and programs. */
export function imageInputs(changed: Partial<ImageInputs> = {}): ImageInputs {
  return {
    product: { version: '1.4.0', license: 'Apache-2.0', description: 'Promotes images.' },
    commit: 'a'.repeat(40),
    date: 1_764_331_200,
    pins: {
      release: '13',
      snapshot: '20261128T000000Z',
      packages: architectures.flatMap((architecture) =>
        basePackages.map(({ name }) => pin(name, architecture)),
      ),
    },
    platforms: architectures.map((architecture) => ({
      architecture,
      packages: packagesFor(architecture),
      binary: program({ architecture, needed: ['libc.so.6', 'libm.so.6'] }),
    })),
    texts: new Map([['usr/share/doc/dray/LICENSE', 'license of dray\n']]),
    bundled: [
      { name: '@acme/a', version: '1.0.0', license: 'MIT' },
      { name: 'b', version: '2.0.0', license: 'SEE LICENSE IN file' },
    ],
    runtime: { name: 'bun', version: '1.4.5', license: 'MIT' },
    ...changed,
  }
}

/** Writes the image of these inputs to a layout. Returns its folder and the digest of the index. */
export async function writeImage(
  inputs: ImageInputs = imageInputs(),
): Promise<{ readonly folder: string; readonly root: string }> {
  const folder = join(await tempFolder(), 'image')
  const { image, attachments } = assembleImage(inputs)
  await writeLayout(folder, image, attachments, '1.4.0')
  return { folder, root: image.index.descriptor.digest }
}

function pin(name: string, architecture: Architecture): Pin {
  const path = `pool/${name}_${architecture}.deb`
  const source = name === 'libc6' ? 'glibc' : name
  const versions = { version: '1:2.0+b1', sourceVersion: '1:2.0' }
  return { name, ...versions, architecture, source, archive: 'debian', path, size: 1, sha256: '0'.repeat(64) }
}

export function packagesFor(architecture: Architecture): readonly DebianPackage[] {
  const triplet = architecture === 'amd64' ? 'x86_64-linux-gnu' : 'aarch64-linux-gnu'
  const files: Readonly<Record<string, readonly TarEntry[]>> = {
    'base-files': [
      file('usr/lib/os-release', 'ID=debian\n'),
      file('usr/share/common-licenses/GPL-2', 'GNU\n'),
    ],
    'busybox-static': [
      file('usr/bin/busybox', `code[\0[[\0${applets.slice(2).join('\0')}\0\0code`, 0o755),
      file('usr/share/man/man1/busybox.1', 'manual\n'),
    ],
    'ca-certificates': [
      file('usr/share/ca-certificates/mozilla/b.crt', 'second\n'),
      file('usr/share/ca-certificates/mozilla/a.crt', 'first'),
    ],
    libc6: [
      file(`usr/lib/${triplet}/libc.so.6`, 'objects', 0o755),
      file(`usr/lib/${triplet}/libm.so.6`, 'numbers'),
      file(`usr/lib/${triplet}/libnsl.so.1`, 'not needed'),
      file(`usr/lib/${triplet}/${interpreters[architecture]}`, 'linker', 0o755),
    ],
  }
  return basePackages.map(({ name }) => ({
    name,
    version: '1:2.0+b1',
    architecture,
    control: `Package: ${name}\nVersion: 1:2.0+b1\nArchitecture: ${architecture}\n${name === 'libc6' ? 'Multi-Arch: same\n' : ''}`,
    files: [...(files[name] ?? []), file(`usr/share/doc/${name}/copyright`, `copyright of ${name}\n`)],
  }))
}

function file(path: string, text: string, mode = 0o644): TarEntry {
  return { kind: 'file', path, mode, bytes: Buffer.from(text) }
}

/** A program for Linux with a dynamic section and no code (ELF64, little-endian). */
export function program({
  architecture,
  needed,
}: {
  readonly architecture: Architecture
  readonly needed: readonly string[]
}): Uint8Array {
  const address = 0x400000
  const interpreter = `/lib/${interpreters[architecture]}\0`
  const strings = Buffer.from(`\0${needed.map((name) => `${name}\0`).join('')}`)
  const tags = needed.map((name) => [1, strings.indexOf(`\0${name}\0`) + 1] as const)
  const [atInterpreter, atStrings] = [0x200, 0x240]
  const atTags = atStrings + strings.byteLength
  const elf = Buffer.alloc(atTags + (tags.length + 2) * 16)
  elf.write('\x7fELF\x02\x01\x01', 'latin1')
  elf.writeUInt16LE(machines[architecture], 18)
  elf.writeBigUInt64LE(64n, 32)
  elf.writeUInt16LE(56, 54)
  elf.writeUInt16LE(3, 56)
  const segments = [
    [1, 0, elf.byteLength],
    [3, atInterpreter, interpreter.length],
    [2, atTags, (tags.length + 2) * 16],
  ] as const
  for (const [i, [type, offset, size]] of segments.entries()) {
    const at = 64 + i * 56
    elf.writeUInt32LE(type, at)
    elf.writeBigUInt64LE(BigInt(offset), at + 8)
    elf.writeBigUInt64LE(BigInt(address + offset), at + 16)
    elf.writeBigUInt64LE(BigInt(size), at + 32)
  }
  elf.write(interpreter, atInterpreter)
  strings.copy(elf, atStrings)
  for (const [i, [tag, value]] of [...tags, [5, address + atStrings] as const].entries()) {
    elf.writeBigInt64LE(BigInt(tag), atTags + i * 16)
    elf.writeBigUInt64LE(BigInt(value), atTags + i * 16 + 8)
  }
  return elf
}
