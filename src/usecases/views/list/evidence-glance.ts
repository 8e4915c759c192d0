import type { Call } from '../../../lib/call.ts'
import type { Descriptor } from '../../../oci/descriptor.ts'
import type { Digest } from '../../../oci/digest.ts'
import {
  type EvidenceCounts,
  type EvidenceKind,
  evidenceKindOf,
  evidenceKinds,
  predicateTypeOf,
} from '../../../oci/evidence-kind.ts'
import { cosignSuffixes, cosignTag, fallbackTag } from '../../../oci/evidence-tags.ts'
import { listAllReferrers } from '../../../images/evidence/evidence.ts'
import type { Graph } from '../../../images/graph/graph.ts'
import { attestationChildren, isLeaf } from '../../../images/graph/platform-images.ts'
import type { ManifestReader, ReferrerLister } from '../../../images/ports.ts'

/**
 * Counts the evidence of images from lists: the tags that are known, the referrers API, the index under the fallback tag where there is one, and what an
 * index has beside its images. No piece of it is read; `EvidenceSearch` does that.
 */
export class EvidenceGlance {
  readonly #store: ManifestReader & ReferrerLister
  readonly #tags: ReadonlySet<string>
  /** the first question to the referrers API: whether it is there is known when it is answered */
  #first: Promise<unknown> | undefined

  constructor(store: ManifestReader & ReferrerLister, tags: ReadonlySet<string>) {
    this.#store = store
    this.#tags = tags
  }

  /** At most two requests: the API, and the fallback tag where it is listed. @throws what the store throws. */
  async count(image: Digest, graph: Graph | undefined, call: Call): Promise<EvidenceCounts> {
    const listed = await this.#referrers(image, call)
    return sum([
      ...cosignSuffixes.filter((suffix) => this.#tags.has(cosignTag(image, suffix))),
      ...listed.map(({ artifactType, annotations }) => evidenceKindOf(artifactType, annotations)),
      ...(graph === undefined ? [] : kindsInIndex(graph)),
    ])
  }

  async #referrers(image: Digest, call: Call): Promise<readonly Descriptor[]> {
    const ask = async (): Promise<readonly Descriptor[]> =>
      this.#tags.has(fallbackTag(image))
        ? await listAllReferrers(this.#store, image, call)
        : ((await this.#store.referrers(image, call)) ?? [])
    if (this.#first !== undefined) {
      await this.#first
      return await ask()
    }
    const first = ask()
    this.#first = first.catch(() => undefined)
    return await first
  }
}

/** Each statement that buildkit put into an index: its attestation manifests have a layer for each. */
function kindsInIndex(graph: Graph): readonly EvidenceKind[] {
  const attestations = new Set(attestationChildren(graph).map(({ digest }) => digest))
  return graph.nodes
    .filter(isLeaf)
    .filter(({ descriptor }) => attestations.has(descriptor.digest))
    .flatMap(({ manifest }): readonly EvidenceKind[] => {
      const said = manifest.layers.filter(({ annotations }) => predicateTypeOf(annotations) !== undefined)
      return said.length === 0
        ? ['att']
        : said.map(({ mediaType, annotations }) => evidenceKindOf(mediaType, annotations))
    })
}

function sum(kinds: readonly EvidenceKind[]): EvidenceCounts {
  const counted = evidenceKinds.map((kind) => [kind, kinds.filter((one) => one === kind).length] as const)
  return Object.fromEntries(counted.filter(([, count]) => count > 0))
}
