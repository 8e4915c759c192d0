import type { RegistryStorage, StoredManifest } from '../../../src/embedded/storage/storage.ts'

interface SeededManifest {
  readonly manifest: StoredManifest
  readonly tags: readonly string[]
}

/** The content of a repository. */
interface Seed {
  readonly blobs: readonly (readonly [digest: BlobDigest, bytes: Uint8Array])[]
  readonly manifests: readonly SeededManifest[]
}

type BlobDigest = StoredManifest['digest']

interface ManifestBody {
  readonly config?: { readonly digest: BlobDigest }
  readonly layers?: readonly { readonly digest: BlobDigest }[]
}

const seeds = new Map<string, Seed>()

/**
 * Fills a repository. Most pages start with the same content, which needs hundreds of requests: it
 * is pushed once, and copied to the storages of later pages.
 * @param key names the content
 */
export async function seed(
  key: string,
  repository: string,
  storage: RegistryStorage,
  push: () => Promise<void>,
): Promise<void> {
  const known = seeds.get(key)
  if (known !== undefined) return await copyTo(storage, repository, known)
  await push()
  seeds.set(key, await readSeed(storage, repository))
}

async function readSeed(storage: RegistryStorage, repository: string): Promise<Seed> {
  const manifests: SeededManifest[] = []
  const blobs = new Map<BlobDigest, Uint8Array>()
  for await (const manifest of storage.manifests(repository)) {
    manifests.push({ manifest, tags: await storage.tagsOf(repository, manifest.digest) })
    const { config, layers = [] } = JSON.parse(Buffer.from(manifest.bytes).toString()) as ManifestBody
    for (const { digest } of [...(config === undefined ? [] : [config]), ...layers]) {
      if (blobs.has(digest)) continue
      const size = (await storage.blobSize(repository, digest)) ?? 0
      const chunks = await Array.fromAsync(storage.readBlob(repository, digest, 0, size))
      blobs.set(digest, Buffer.concat(chunks))
    }
  }
  return { blobs: [...blobs], manifests }
}

async function copyTo(
  storage: RegistryStorage,
  repository: string,
  { blobs, manifests }: Seed,
): Promise<void> {
  for (const [digest, bytes] of blobs) {
    const writer = await storage.openWriter(digest)
    await writer.append(bytes)
    await writer.commit(repository, digest)
  }
  for (const { manifest, tags } of manifests) await storage.putManifest(repository, manifest, tags)
}
