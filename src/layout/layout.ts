import { DrayError, isDrayError } from '../lib/errors.ts'
import { bareDescriptor, type Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import { maxManifestSize, parseManifest } from '../oci/manifest.ts'
import { formatAt, type RepositoryName, type TagOrDigest } from '../oci/reference.ts'
import { blobSize, readSmallBlob } from './blobs.ts'
import type { LayoutFolder } from './folder.ts'
import { findTag, type LayoutIndex } from './index-file.ts'
import type { LayoutRelations } from './relations.ts'

/** The state that the ports of one image layout share. */
export interface Layout {
  readonly repository: RepositoryName
  readonly folder: LayoutFolder
  readonly relations: LayoutRelations
}

/**
 * Returns the descriptor that the index has for a tag or digest. A manifest without an entry is
 * found by its file. Returns undefined for what is absent or not a manifest.
 */
export async function findDescriptor(
  layout: Layout,
  index: LayoutIndex,
  at: TagOrDigest,
): Promise<Descriptor | undefined> {
  if ('tag' in at) return findTag(index, at.tag, layout.folder.name)
  const listed = index.entries.find((entry) => entry.descriptor.digest === at.digest)
  return listed === undefined ? await describeFile(layout, at.digest) : bareDescriptor(listed.descriptor)
}

/** Reads the media type of a manifest from its bytes. Returns undefined if they are no manifest. */
async function describeFile({ repository, folder }: Layout, digest: Digest): Promise<Descriptor | undefined> {
  const size = await blobSize(folder, digest)
  if (size === undefined || size > maxManifestSize) return undefined
  const bytes = await readSmallBlob(folder, digest)
  if (bytes === undefined) return undefined
  try {
    const { mediaType } = parseManifest(bytes, '', formatAt(repository, { digest }))
    return { mediaType, digest, size }
  } catch (error) {
    if (isDrayError(error) && error.code === 'malformed') return undefined
    throw error
  }
}

export function wrongSizeError({ repository }: Layout, d: Descriptor, size: number): DrayError {
  return new DrayError('corrupt', `${formatAt(repository, d)} differs from its descriptor`, {
    subject: d.digest,
    why: `it has ${size} bytes, its descriptor has ${d.size}`,
  })
}
