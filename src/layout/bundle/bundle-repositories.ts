import type { Call } from '../../lib/call.ts'
import { DrayError } from '../../lib/errors.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import type { Digest } from '../../oci/digest.ts'
import { parseManifest } from '../../oci/manifest.ts'
import { bundleRegistry, formatAt, type RepositoryName, type TagOrDigest } from '../../oci/reference.ts'
import { asReferrer } from '../../images/copy.ts'
import type { Capability, Known, ManifestContent, SourceRepository } from '../../images/ports.ts'
import type { ContentFile } from './content-file.ts'

/** An image or an attached artifact of a bundle, at its source. */
export interface BundledImage {
  /** as in `RepositoryName.path` with the registry `bundle:` */
  readonly source: string
  readonly root: Descriptor
  readonly tags: readonly string[]
  /** of an attached artifact that names its subject */
  readonly subject?: Digest
}

export interface BundleImages {
  readonly images: readonly BundledImage[]
  readonly content: ContentFile
  /**
   * The repositories at the destination that have content which the bundle expects there. Empty for
   * other content.
   */
  readonly placesOf: (digest: Digest) => readonly SourceRepository[]
}

const capabilities: Readonly<Record<Capability, Known>> = {
  referrers: 'yes',
  deleteTag: 'no',
  deleteManifest: 'no',
  deleteTagged: 'no',
  freeReads: 'yes',
  keepsUntagged: 'yes',
  mount: 'no',
  manyTags: 'no',
  chunks: 'no',
  uploadRange: 'no',
  sparseIndexes: 'yes',
}

/**
 * Opens the images of a bundle as repositories to read from, by `{ registry: 'bundle:', path:
 * SOURCE }`. Content that the bundle does not carry is read at the destination, which has it from
 * an earlier bundle.
 */
export class BundleRepositories {
  readonly #bundle: BundleImages
  readonly #bySource: ReadonlyMap<string, readonly BundledImage[]>

  constructor(bundle: BundleImages) {
    this.#bundle = bundle
    this.#bySource = Map.groupBy(bundle.images, ({ source }) => source)
  }

  source({ path }: RepositoryName): SourceRepository {
    return bundleReader(path, this.#bySource.get(path) ?? [], this.#bundle)
  }
}

function bundleReader(path: string, images: readonly BundledImage[], bundle: BundleImages): SourceRepository {
  const repository = { registry: bundleRegistry, path }
  const { content, placesOf } = bundle
  const tags = new Map(images.flatMap(({ root, tags: own }) => own.map((tag) => [tag, root] as const)))
  const roots = new Map(images.map(({ root }) => [root.digest, root]))
  const referrers = Map.groupBy(
    images.filter(({ subject }) => subject !== undefined),
    ({ subject }) => subject,
  )
  const find = async (at: TagOrDigest | Descriptor, call: Call): Promise<ManifestContent | undefined> => {
    call.signal.throwIfAborted()
    const given = 'tag' in at ? tags.get(at.tag) : 'mediaType' in at ? at : roots.get(at.digest)
    const digest = 'tag' in at ? given?.digest : at.digest
    if (digest === undefined) return undefined
    if (content.sizeOf(digest) === undefined) {
      for (const place of placesOf(digest)) {
        const found = await place.findManifest(given ?? { digest }, call)
        if (found !== undefined) return found
      }
      return undefined
    }
    const bytes = await content.read(digest, call)
    const where = formatAt(repository, { digest })
    if (given !== undefined && given.size !== bytes.byteLength)
      throw wrongSize(where, given, bytes.byteLength)
    // Parsing refuses schema 1 and manifests with two meanings, as it does for a registry.
    const { mediaType } = parseManifest(bytes, given?.mediaType ?? '', where)
    return { descriptor: { mediaType, digest, size: bytes.byteLength }, bytes }
  }
  const read = async (at: TagOrDigest | Descriptor, call: Call): Promise<ManifestContent> => {
    const found = await find(at, call)
    if (found !== undefined) return found
    throw new DrayError('not-found', `${formatAt(repository, at)} does not exist`)
  }
  const listed = async function* (): AsyncGenerator<readonly string[], void> {
    yield [...tags.keys()]
  }
  return {
    repository,
    resolve: async (at, call) => (await find(at, call))?.descriptor,
    manifest: read,
    findManifest: find,
    hasBlob: async (d) => content.sizeOf(d.digest) === d.size || placesOf(d.digest).length > 0,
    blob: async (d, offset, call, end) => {
      call.signal.throwIfAborted()
      const [place] = content.sizeOf(d.digest) === undefined ? placesOf(d.digest) : []
      return await (place?.blob(d, offset, call, end) ?? content.stream(d.digest, offset, call))
    },
    placedAt: ({ digest }, registry) =>
      content.sizeOf(digest) === undefined
        ? placesOf(digest).find((place) => place.repository.registry === registry)?.repository
        : undefined,
    tags: async function* () {
      for await (const page of listed()) yield* page
    },
    tagPages: listed,
    referrers: async (subject, call) => {
      const found: Descriptor[] = []
      for (const { root } of referrers.get(subject) ?? []) {
        const { descriptor, bytes } = await read(root, call)
        const where = formatAt(repository, { digest: root.digest })
        const manifest = parseManifest(bytes, descriptor.mediaType, where)
        found.push(asReferrer({ descriptor, manifest }))
      }
      return found
    },
    hasReferrersApi: async () => true,
    capability: (name) => capabilities[name],
    clockDifference: () => 0,
  }
}

function wrongSize(where: string, { size }: Descriptor, actual: number): DrayError {
  return new DrayError('corrupt', `${where} has the wrong size`, {
    subject: where,
    why: `it has ${actual} bytes, and its descriptor has ${size}`,
  })
}
