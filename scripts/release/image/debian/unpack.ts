import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readTar, type TarEntry } from '../../tar.ts'

/** The content of a package of Debian. */
export interface DebianPackage {
  readonly name: string
  readonly version: string
  readonly architecture: string
  /** the text of its file `control` (deb-control(5)), which ends with a line feed */
  readonly control: string
  readonly files: readonly TarEntry[]
}

/** Reads a `.deb` with dpkg-deb, whose formats of compression Node does not have. */
export function unpackPackage(bytes: Uint8Array): DebianPackage {
  const folder = mkdtempSync(join(tmpdir(), 'dray-deb-'))
  try {
    const path = join(folder, 'package.deb')
    writeFileSync(path, bytes)
    const control = dpkgDeb('--field', path).toString('utf8')
    return {
      name: fieldOf(control, 'Package'),
      version: fieldOf(control, 'Version'),
      architecture: fieldOf(control, 'Architecture'),
      control,
      files: readTar(dpkgDeb('--fsys-tarfile', path)).map(inUsr),
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Folders whose content is in `usr/` (file-hierarchy(7)). Older packages have the old paths. */
export const mergedFolders = ['bin', 'lib', 'lib64', 'sbin'] as const

function inUsr(entry: TarEntry): TarEntry {
  const isMerged = mergedFolders.some((name) => entry.path.startsWith(`${name}/`))
  return isMerged ? { ...entry, path: `usr/${entry.path}` } : entry
}

function dpkgDeb(...args: readonly string[]): Buffer {
  // dpkg-deb and its decompressors need a PATH and nothing else.
  const env = { PATH: process.env['PATH'], LC_ALL: 'C' }
  try {
    return execFileSync('dpkg-deb', args, { env, maxBuffer: 256 * 1024 * 1024 })
  } catch (cause) {
    throw new Error('cannot unpack a package of Debian with dpkg-deb, of the package dpkg', { cause })
  }
}

function fieldOf(control: string, name: string): string {
  const value = new RegExp(`^${name}: (.+)$`, 'm').exec(control)?.[1]
  if (value === undefined) throw new Error(`the package has no field ${name}`)
  return value
}
