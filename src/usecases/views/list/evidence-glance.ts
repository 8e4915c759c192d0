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
import { type CosignTag, cosignTagsBySubject, fallbackTag } from '../../../oci/evidence-tags.ts'
import { listAllReferrers } from '../../../images/evidence/referrers.ts'
import type { Graph } from '../../../images/graph/graph.ts'
import { attestationChildren, isLeaf } from '../../../images/graph/platform-images.ts'
import type { Capabilities, ManifestReader, ReferrerLister } from '../../../images/ports.ts'

/**
 * Counts the attached artifacts of images from lists: known tags, the referrers API, the index of
 * the fallback tag, and the attestations in an index. `EvidenceSearch` reads the artifacts.
 */
export class EvidenceGlance {
  readonly #store: ManifestReader & ReferrerLister & Pick<Capabilities, 'capability'>
  readonly #tags: ReadonlySet<string>
  readonly #cosignTags: ReadonlyMap<string, readonly CosignTag[]>
  /** the first request to the referrers API; its response shows whether the API exists */
  #first: Promise<unknown> | undefined

  constructor(
    store: ManifestReader & ReferrerLister & Pick<Capabilities, 'capability'>,
    tags: ReadonlySet<string>,
  ) {
    this.#store = store
    this.#tags = tags
    this.#cosignTags = cosignTagsBySubject(tags)
  }

  /** At most two requests: the API, and the fallback tag if it is listed. */
  async count(image: Digest, graph: Graph | undefined, call: Call): Promise<EvidenceCounts> {
    const listed = await this.#referrers(image, call)
    return sum([
      ...(this.#cosignTags.get(fallbackTag(image)) ?? []).map(({ suffix }) => suffix),
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

/** Returns the kinds of buildkit's statements in an index, one for each attestation layer. */
function kindsInIndex(graph: Graph): readonly EvidenceKind[] {
  const attestations = new Set(attestationChildren(graph).map(({ digest }) => digest))
  return graph.nodes
    .filter(isLeaf)
    .filter(({ descriptor }) => attestations.has(descriptor.digest))
    .flatMap(({ manifest }): readonly EvidenceKind[] => {
      const statements = manifest.layers.filter(
        ({ annotations }) => predicateTypeOf(annotations) !== undefined,
      )
      return statements.length === 0
        ? ['att']
        : statements.map(({ mediaType, annotations }) => evidenceKindOf(mediaType, annotations))
    })
}

function sum(kinds: readonly EvidenceKind[]): EvidenceCounts {
  const counted = evidenceKinds.map((kind) => [kind, kinds.filter((one) => one === kind).length] as const)
  return Object.fromEntries(counted.filter(([, count]) => count > 0))
}
