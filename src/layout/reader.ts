import type { Call } from '../lib/call.ts'
import { DrayError } from '../lib/errors.ts'
import { bareDescriptor, type Descriptor } from '../oci/descriptor.ts'
import { parseManifest } from '../oci/manifest.ts'
import { formatAt, type TagOrDigest } from '../oci/reference.ts'
import type { Capability, Known, ManifestContent, SourceRepository } from '../images/ports.ts'
import { blobMissing, blobSize, readBlob, readSmallBlob } from './blobs.ts'
import { emptyIndex, findTag, tagsOf } from './index-file.ts'
import { findDescriptor, type Layout, wrongSizeError } from './layout.ts'

const capabilities: Readonly<Record<Capability, Known>> = {
  referrers: 'yes',
  deleteTag: 'yes',
  deleteManifest: 'yes',
  deleteTagged: 'yes',
  freeReads: 'yes',
  keepsUntagged: 'yes',
  mount: 'no',
  manyTags: 'yes',
  chunks: 'yes',
  uploadRange: 'yes',
  sparseIndexes: 'yes',
}

/**
 * The ports that read an image layout (image-spec, image-layout.md). Tags are the `ref.name`
 * annotations in `index.json`. An absent or empty folder is an empty repository. Referrers are the
 * manifests of `index.json` with a `subject`.
 */
export function layoutReader(layout: Layout): SourceRepository {
  const { repository, folder, relations } = layout
  const tagPages = (call: Call) => listTagPages(layout, call)
  return {
    repository,
    resolve: (at, call) => resolveManifest(layout, at, call),
    manifest: (at, call) => readManifest(layout, at, call),
    findManifest: (at, call) => findManifest(layout, at, call),
    hasBlob: async (d, call) => {
      call.signal.throwIfAborted()
      return (await blobSize(folder, d.digest)) === d.size
    },
    blob: async (d, offset, call) => {
      call.signal.throwIfAborted()
      return await readBlob(folder, d, offset, call)
    },
    tags: async function* (call) {
      for await (const page of tagPages(call)) yield* page
    },
    tagPages,
    referrers: async (subject, call) => {
      call.signal.throwIfAborted()
      const index = await folder.readIndex()
      return index === undefined ? [] : await relations.referrers(index, subject)
    },
    hasReferrersApi: async () => true,
    capability: (name) => capabilities[name],
    clockDifference: () => 0,
  }
}

async function resolveManifest(layout: Layout, at: TagOrDigest, call: Call): Promise<Descriptor | undefined> {
  call.signal.throwIfAborted()
  const index = await layout.folder.readIndex()
  if (index === undefined) return undefined
  const d = await findDescriptor(layout, index, at)
  const size = d === undefined ? undefined : await blobSize(layout.folder, d.digest)
  if (d === undefined || size === undefined) return undefined
  if (size !== d.size) throw wrongSizeError(layout, d, size)
  return d
}

async function readManifest(
  layout: Layout,
  at: TagOrDigest | Descriptor,
  call: Call,
): Promise<ManifestContent> {
  const found = await findManifest(layout, at, call)
  if (found !== undefined) return found
  const { repository, folder } = layout
  const index = (await folder.readIndex()) ?? emptyIndex
  const digest = 'tag' in at ? findTag(index, at.tag, folder.name)?.digest : at.digest
  if (digest !== undefined) throw blobMissing(folder, digest)
  throw new DrayError('not-found', `${formatAt(repository, at)} does not exist`)
}

async function findManifest(
  layout: Layout,
  at: TagOrDigest | Descriptor,
  call: Call,
): Promise<ManifestContent | undefined> {
  call.signal.throwIfAborted()
  const index = await layout.folder.readIndex()
  if (index === undefined) return undefined
  const d = 'mediaType' in at ? bareDescriptor(at) : await findDescriptor(layout, index, at)
  const bytes = d === undefined ? undefined : await readSmallBlob(layout.folder, d.digest)
  if (d === undefined || bytes === undefined) return undefined
  if (bytes.byteLength !== d.size) throw wrongSizeError(layout, d, bytes.byteLength)
  // Parsing refuses schema 1 and manifests with two meanings, as it does for a registry.
  const { mediaType } = parseManifest(bytes, d.mediaType, formatAt(layout.repository, d))
  return { descriptor: d.mediaType === '' ? { ...d, mediaType } : d, bytes }
}

/** Lists the names that are tags. A layout may name its entries by any text. */
async function* listTagPages({ folder }: Layout, call: Call): AsyncGenerator<readonly string[], void> {
  call.signal.throwIfAborted()
  const index = await folder.readIndex()
  if (index === undefined) {
    throw new DrayError('not-found', `the image layout ${folder.name} does not exist`, {
      subject: folder.name,
    })
  }
  yield tagsOf(index)
}
