import type { Call } from '../../../lib/call.ts'
import { bareDescriptor, type Descriptor } from '../../../oci/descriptor.ts'
import { type Digest, isDigest } from '../../../oci/digest.ts'
import { predicateTypeOf } from '../../../oci/evidence-kind.ts'
import { artifactTypeOf } from '../../../oci/manifest.ts'
import { formatAt } from '../../../oci/reference.ts'
import type { Evidence } from '../../../images/evidence/evidence.ts'
import { walkGraph } from '../../../images/graph/graph.ts'
import { inParallel } from '../../../images/parallel.ts'
import { isLeaf } from '../../../images/graph/platform-images.ts'
import type { ManifestReader } from '../../../images/ports.ts'

const readsAtOnce = 8

export interface EvidenceView {
  /** the manifest that it is attached to: of the image, or of other evidence */
  readonly subject: Digest
  readonly descriptor: Descriptor
  readonly artifactType?: string
  /** found by its `subject` field, by a cosign tag, or as a child of the index (buildkit) */
  readonly via: 'subject' | 'tag' | 'index'
  readonly tag?: string
  /** the predicate types of its statements, from annotations */
  readonly predicates?: readonly string[]
  /** bytes of all of its content */
  readonly size: number
}

export function describeEvidence({ subject, manifest, via, tag, graph }: Evidence): EvidenceView {
  const root = graph.nodes[0]
  const artifactType =
    manifest.artifactType ?? (root === undefined ? undefined : artifactTypeOf(root.manifest))
  const predicate = predicateTypeOf(manifest.annotations)
  return {
    subject,
    descriptor: manifest,
    ...(artifactType !== undefined && { artifactType }),
    via,
    ...(tag !== undefined && { tag }),
    ...(predicate !== undefined && { predicates: [predicate] }),
    size: graph.size,
  }
}

/**
 * Reads buildkit's attestations in an index. The subject is the image that the annotation names, or
 * the index. Warns about attestations that do not exist. @throws what the store throws.
 */
export async function readAttestationChildren(
  store: ManifestReader,
  index: Digest,
  attestations: readonly Descriptor[],
  call: Call,
): Promise<readonly EvidenceView[]> {
  const found = await inParallel(attestations, readsAtOnce, call, async (descriptor, c) => {
    const content = await store.findManifest(bareDescriptor(descriptor), c)
    if (content === undefined) {
      const where = formatAt(store.repository, descriptor)
      c.notify({ kind: 'warning', text: `the index lists the attestation ${where}, which does not exist` })
      return []
    }
    const graph = await walkGraph(store, content, c)
    const layers = graph.nodes.filter(isLeaf).flatMap(({ manifest }) => manifest.layers)
    const predicates = layers.flatMap(({ annotations }) => predicateTypeOf(annotations) ?? [])
    const view: EvidenceView = {
      subject: subjectOf(descriptor) ?? index,
      descriptor: bareDescriptor(descriptor),
      via: 'index',
      ...(predicates.length > 0 && { predicates }),
      size: graph.size,
    }
    return [view]
  })
  return found.flat()
}

/** Returns the image that an attestation in an index is about, by buildkit's annotation. */
export function subjectOf({ annotations }: Descriptor): Digest | undefined {
  const digest = annotations?.['vnd.docker.reference.digest']
  return digest !== undefined && isDigest(digest) ? digest : undefined
}
