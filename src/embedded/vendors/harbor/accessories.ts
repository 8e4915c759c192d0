import type { Digest } from '../../../oci/digest.ts'
import { isEvidenceTag, subjectOfEvidenceTag } from '../../../oci/evidence-tags.ts'
import { childrenOf, type Manifest, parseManifest } from '../../../oci/manifest.ts'
import type { StoredManifest } from '../../storage/storage.ts'
import type { VendorState } from '../vendor.ts'

/** The manifests of a repository with the relations that Harbor keeps in its database. */
export interface ArtifactGraph {
  readonly artifacts: ReadonlyMap<Digest, StoredManifest>
  /** the accessories of each subject: referrers, and what cosign's tags point to */
  readonly accessories: ReadonlyMap<Digest, readonly Accessory[]>
  /** digests that are an accessory of another manifest */
  readonly isAccessory: ReadonlySet<Digest>
  /** the indexes that name a manifest */
  readonly parents: ReadonlyMap<Digest, readonly Digest[]>
}

export interface Accessory {
  readonly digest: Digest
  /** src/pkg/accessory/model/accessory.go */
  readonly type: 'signature.cosign' | 'subject.accessory'
}

/** Reads the manifests of a repository. */
export async function readGraph({ storage }: VendorState, repository: string): Promise<ArtifactGraph> {
  const artifacts = new Map<Digest, StoredManifest>()
  for await (const stored of storage.manifests(repository)) artifacts.set(stored.digest, stored)
  const accessories = new Map<Digest, Accessory[]>()
  const isAccessory = new Set<Digest>()
  const parents = new Map<Digest, Digest[]>()
  for (const stored of artifacts.values()) {
    for (const child of childrenOf(manifestOf(stored))) addTo(parents, child.digest, stored.digest)
    const { subject, type } = await subjectOf(storage, repository, stored)
    if (subject === undefined || !artifacts.has(subject)) continue
    isAccessory.add(stored.digest)
    addTo(accessories, subject, { digest: stored.digest, type })
  }
  return { artifacts, accessories, isAccessory, parents }
}

export function manifestOf({ bytes, mediaType, digest }: StoredManifest): Manifest {
  return parseManifest(bytes, mediaType, digest)
}

async function subjectOf(
  storage: VendorState['storage'],
  repository: string,
  { digest, refers }: StoredManifest,
): Promise<{ readonly subject: Digest | undefined; readonly type: Accessory['type'] }> {
  if (refers !== undefined) return { subject: refers.subject, type: 'subject.accessory' }
  const tags = await storage.tagsOf(repository, digest)
  const tag = tags.find((one) => one.endsWith('.sig') && isEvidenceTag(one))
  return { subject: tag === undefined ? undefined : subjectOfEvidenceTag(tag), type: 'signature.cosign' }
}

function addTo<V>(map: Map<Digest, V[]>, key: Digest, value: V): void {
  const known = map.get(key)
  if (known === undefined) map.set(key, [value])
  else if (!known.includes(value)) known.push(value)
}
