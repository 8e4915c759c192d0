import { type Digest, isDigest } from '../../../oci/digest.ts'
import { subjectOfEvidenceTag } from '../../../oci/evidence-tags.ts'
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

interface Accessory {
  readonly digest: Digest
  /** src/pkg/accessory/model/accessory.go */
  readonly type: 'signature.cosign' | 'subject.accessory' | 'attestation.intoto'
}

/**
 * Reads the manifests of a repository. With the trait `attestation-accessories`, the attestations
 * of BuildKit are accessories of a platform image and no references of their index
 * (src/controller/artifact/manifest/attestation.go).
 */
export async function readGraph(
  { storage, options }: VendorState,
  repository: string,
): Promise<ArtifactGraph> {
  const isSplit = options.traits?.has('attestation-accessories') === true
  const artifacts = new Map<Digest, StoredManifest>()
  for await (const stored of storage.manifests(repository)) artifacts.set(stored.digest, stored)
  const accessories = new Map<Digest, Accessory[]>()
  const isAccessory = new Set<Digest>()
  const parents = new Map<Digest, Digest[]>()
  const addAccessory = (subject: Digest, accessory: Accessory): void => {
    if (!artifacts.has(subject) || isAccessory.has(accessory.digest)) return
    isAccessory.add(accessory.digest)
    addTo(accessories, subject, accessory)
  }
  for (const stored of artifacts.values()) {
    const { digest, refers } = stored
    for (const child of childrenOf(manifestOf(stored))) {
      const subject = isSplit ? child.annotations?.['vnd.docker.reference.digest'] : undefined
      if (subject === undefined || !isDigest(subject)) addTo(parents, child.digest, digest)
      else addAccessory(subject, { digest: child.digest, type: 'attestation.intoto' })
    }
    if (refers !== undefined) addAccessory(refers.subject, { digest, type: 'subject.accessory' })
  }
  for (const tag of await storage.tags(repository)) {
    const subject = tag.endsWith('.sig') ? subjectOfEvidenceTag(tag) : undefined
    const digest = subject && (await storage.tag(repository, tag))
    if (subject !== undefined && digest !== undefined)
      addAccessory(subject, { digest, type: 'signature.cosign' })
  }
  return { artifacts, accessories, isAccessory, parents }
}

export function manifestOf({ bytes, mediaType, digest }: StoredManifest): Manifest {
  return parseManifest(bytes, mediaType, digest)
}

function addTo<V>(map: Map<Digest, V[]>, key: Digest, value: V): void {
  const known = map.get(key)
  if (known === undefined) map.set(key, [value])
  else if (!known.includes(value)) known.push(value)
}
