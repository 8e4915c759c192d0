import { posix } from 'node:path'
import { describe } from '../../../src/audit/artifact.ts'
import type { Descriptor } from '../../../src/oci/descriptor.ts'
import { type Digest, digestOf } from '../../../src/oci/digest.ts'
import { gzip, sortedEntries, tarArchive, type TarEntry } from '../tar.ts'

const layerMediaType = 'application/vnd.oci.image.layer.v1.tar+gzip'

/** A layer of an image (image-spec, layer.md). */
export interface Layer {
  readonly descriptor: Descriptor
  readonly bytes: Uint8Array
  /** the digest of the archive before compression */
  readonly diffId: Digest
}

/**
 * Builds a layer of the entries and of the folders that contain them, sorted, owned by root, with
 * the time 0.
 * @throws Error for a path that is absolute, repeated or outside of the root, also of a link.
 */
export function buildLayer(entries: readonly TarEntry[]): Layer {
  checkEntries(entries)
  const archive = tarArchive(sortedEntries(withFolders(entries)))
  const bytes = gzip(archive)
  return { descriptor: describe(bytes, layerMediaType), bytes, diffId: digestOf(archive) }
}

function checkEntries(entries: readonly TarEntry[]): void {
  const kinds = new Map<string, TarEntry['kind']>()
  for (const { path, kind } of entries) {
    if (!isInside(path) || posix.normalize(path) !== path) throw new Error(`${path} is not a path in a layer`)
    if (kinds.has(path)) throw new Error(`${path} is in the layer twice`)
    kinds.set(path, kind)
  }
  for (const entry of entries) {
    const folder = foldersOf(entry.path).find((path) => (kinds.get(path) ?? 'folder') !== 'folder')
    if (folder !== undefined) throw new Error(`${entry.path} is below ${folder}, which is not a folder`)
    if (entry.kind !== 'symlink') continue
    const target = posix.join(posix.dirname(entry.path), entry.target)
    if (!isInside(target) || posix.isAbsolute(entry.target))
      throw new Error(`${entry.path} is a link to ${entry.target}, outside of the layer`)
  }
}

function isInside(path: string): boolean {
  return path !== '' && path !== '.' && !posix.isAbsolute(path) && path.split('/')[0] !== '..'
}

function withFolders(entries: readonly TarEntry[]): readonly TarEntry[] {
  const paths = new Set(entries.map(({ path }) => path))
  const folders = new Set(entries.flatMap(({ path }) => foldersOf(path)))
  return [
    ...entries,
    ...[...folders]
      .filter((path) => !paths.has(path))
      .map((path): TarEntry => ({ kind: 'folder', path, mode: 0o755 })),
  ]
}

function foldersOf(path: string): readonly string[] {
  const parts = path.split('/').slice(0, -1)
  return parts.map((_, i) => parts.slice(0, i + 1).join('/'))
}
