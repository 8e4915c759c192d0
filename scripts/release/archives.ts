import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzip, sortedEntries, tarArchive, type TarEntry } from './tar.ts'
import { archiveName, binaryName, targets } from './targets.ts'
import { zipArchive } from './zip.ts'

interface ArchiveOptions {
  /** the release folder, which has `bin/` */
  readonly folder: string
  /** the texts that every archive contains, by their paths, such as `man/dray.1` */
  readonly texts: ReadonlyMap<string, string>
  /** in seconds */
  readonly date: number
}

/**
 * Writes an archive for each binary in `bin/`. It has the same bytes on a rebuild from the same
 * binary. @returns the names of the archives
 */
export function buildArchives({ folder, texts, date }: ArchiveOptions): readonly string[] {
  const present = targets.filter((target) => existsSync(join(folder, 'bin', binaryName(target))))
  return present.map((target) => {
    const bytes = readFileSync(join(folder, 'bin', binaryName(target)))
    const program: TarEntry = {
      kind: 'file',
      path: target.isWindows ? 'dray.exe' : 'dray',
      mode: 0o755,
      bytes,
    }
    const entries = sortedEntries([program, ...textEntries(texts)])
    const archive = target.isWindows ? zipArchive(entries, date) : gzip(tarArchive(entries, date))
    writeFileSync(join(folder, archiveName(target)), archive)
    return archiveName(target)
  })
}

/** The texts, and the folders that contain them. */
function textEntries(texts: ReadonlyMap<string, string>): readonly TarEntry[] {
  const folders = new Set(
    [...texts.keys()].flatMap((path) => (path.includes('/') ? [path.split('/')[0] ?? ''] : [])),
  )
  return [
    ...[...folders].map((path): TarEntry => ({ kind: 'folder', path, mode: 0o755 })),
    ...[...texts].map(([path, text]): TarEntry => ({
      kind: 'file',
      path,
      mode: 0o644,
      bytes: Buffer.from(text),
    })),
  ]
}
