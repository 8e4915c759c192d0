import type { Repositories, SourceRepository, TargetRepository } from '../../../src/images/ports.ts'
import { DrayError } from '../../../src/lib/errors.ts'
import { type Descriptor, parseDescriptor } from '../../../src/oci/descriptor.ts'
import { algorithmOf, type Digest, digestOf } from '../../../src/oci/digest.ts'
import type { TagOrDigest } from '../../../src/oci/reference.ts'
import type { Content } from '../images.ts'

/**
 * A repository in memory with the referrers API, for tests that judge an image thousands of times.
 * It verifies content by its digest, as every adapter does.
 */
export function memoryStores(content: Content, ...tags: readonly string[]): Repositories {
  return {
    source: () => memoryRepository(content, tags),
    target: (): TargetRepository => {
      throw new Error('judging writes nothing')
    },
  }
}

function memoryRepository(content: Content, tags: readonly string[]): SourceRepository {
  const repository = { registry: 'registry.test', path: 'staging/api' }
  const manifests = new Map(content.manifests.map((one) => [one.descriptor.digest, one]))
  const tagged = new Map([
    ...tags.map((tag) => [tag, content.root.digest] as const),
    ...content.manifests.flatMap(({ tag, descriptor }) =>
      tag === undefined ? [] : [[tag, descriptor.digest] as const],
    ),
  ])
  const find = (at: TagOrDigest) => manifests.get(('tag' in at ? tagged.get(at.tag) : at.digest) ?? '')
  const verified = (digest: Digest, bytes: Uint8Array): Uint8Array => {
    if (digestOf(bytes, algorithmOf(digest)) === digest) return bytes
    throw new DrayError('corrupt', `the content of ${digest} differs from its digest`)
  }
  const findManifest: SourceRepository['findManifest'] = async (at) => {
    const found = find(at)
    if (found === undefined) return undefined
    const descriptor = parseDescriptor(found.descriptor, 'a manifest')
    return { descriptor, bytes: verified(descriptor.digest, found.bytes) }
  }
  return {
    repository,
    findManifest,
    manifest: async (at, call) => {
      const found = await findManifest(at, call)
      if (found === undefined) throw new DrayError('not-found', 'the manifest does not exist')
      return found
    },
    resolve: async (at) => {
      const found = find(at)
      return found && parseDescriptor(found.descriptor, 'a manifest')
    },
    hasBlob: async ({ digest }) => content.blobs.has(digest),
    blob: async ({ digest }) => {
      const bytes = content.blobs.get(digest)
      if (bytes === undefined) throw new DrayError('not-found', 'the blob does not exist')
      return (async function* () {
        yield verified(digest, bytes)
      })()
    },
    tags: async function* () {
      yield* tagged.keys()
    },
    tagPages: async function* () {
      yield [...tagged.keys()]
    },
    referrers: async (subject): Promise<readonly Descriptor[]> =>
      content.manifests.flatMap((one) =>
        one.subject === subject ? [parseDescriptor(one.descriptor, 'a referrer')] : [],
      ),
    hasReferrersApi: async () => true,
    capability: (name) => (name === 'referrers' ? 'yes' : 'unknown'),
    clockDifference: () => 0,
  }
}
