import type { Descriptor } from '../../oci/descriptor.ts'
import type { Digest } from '../../oci/digest.ts'
import { mediaTypes } from '../../oci/media-types.ts'
import type { BundleDocument, BundleRoot } from './bundle-document.ts'

/** The annotation that names an entry (image-spec, annotations.md). */
const refName = 'org.opencontainers.image.ref.name'

/** The content of `oci-layout` (image-spec, image-layout.md). */
export const layoutFile: string = JSON.stringify({ imageLayoutVersion: '1.0.0' })

/**
 * Returns `index.json`, with which skopeo and oras read the bundle as an image layout. It follows
 * from the document alone, so that the signature of the document covers it. Entries are named by
 * their tags: `3.20`; or, in a bundle of several repositories, `library/alpine:3.20`, which skopeo
 * accepts, and oras reads those by digest.
 */
export function layoutIndexOf({ roots, carries }: BundleDocument): string {
  const isSingle = new Set(roots.map(({ repository }) => repository)).size === 1
  const carried = new Set(carries.map(({ digest }) => digest))
  const unnamed = new Set<Digest>()
  const manifests = roots.flatMap((root) => {
    const { digest } = root.root
    if (!carried.has(digest)) return []
    const tags = tagsOf(root)
    if (tags.length > 0) {
      return tags.map((tag) => entryOf(root.root, isSingle ? tag : `${root.repository}:${tag}`))
    }
    if (unnamed.has(digest)) return []
    unnamed.add(digest)
    return [entryOf(root.root)]
  })
  return JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.index, manifests })
}

function tagsOf({ tags, attached }: BundleRoot): readonly string[] {
  return attached?.tag === undefined ? tags : [attached.tag]
}

function entryOf({ mediaType, digest, size, artifactType }: Descriptor, name?: string): unknown {
  return {
    mediaType,
    digest,
    size,
    ...(artifactType !== undefined && { artifactType }),
    ...(name !== undefined && { annotations: { [refName]: name } }),
  }
}
