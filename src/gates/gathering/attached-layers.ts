import type { Evidence } from '../../images/evidence/evidence.ts'
import type { Graph, GraphNode } from '../../images/graph/graph.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import type { Digest } from '../../oci/digest.ts'
import { predicateTypeOf } from '../../oci/evidence-kind.ts'
import { artifactTypeOf } from '../../oci/manifest.ts'
import { isBundleType } from '../../signing/sigstore-bundle.ts'
import { statementMediaType } from '../../signing/statement.ts'
import type { AttachedEvidence } from '../evidence.ts'
import { isUnspecificType } from '../unspecific-types.ts'
import { buildxManifests } from './judged-platforms.ts'

/** A layer of an attached artifact, by what its descriptors say. Nothing is read or trusted yet. */
export interface AttachedLayer {
  /** the manifest of the attached artifact */
  readonly artifact: Digest
  readonly attachedTo: Digest
  readonly layout: AttachedEvidence['layout']
  /** of a plain document: the most specific type that the manifest has for it */
  readonly type: string
  /** the predicate type that an annotation names */
  readonly predicateType?: string
  readonly layer: Descriptor
}

/** cosign, specs/SIGNATURE_SPEC.md */
const simpleSigningType = 'application/vnd.dev.cosign.simplesigning.v1+json'
/** cosign, specs/ATTESTATION_SPEC.md */
const dsseType = 'application/vnd.dsse.envelope.v1+json'
/** notaryproject/specifications, signature-specification.md */
const notationType = 'application/vnd.cncf.notary.signature'
/** How cosign's `.att` names the predicate type of a layer. */
const cosignPredicateAnnotation = 'predicateType'

/**
 * Returns the layers of the artifacts that are attached to manifests of an image: of referrers, of
 * cosign's tags, and of the attestation manifests that buildx added to the index.
 */
export function attachedLayers(evidence: readonly Evidence[], graph: Graph): readonly AttachedLayer[] {
  const subjects = new Set(graph.nodes.map(({ descriptor }) => descriptor.digest))
  const ofBuildx = new Set(buildxManifests(graph).map(({ digest }) => digest))
  const layers = evidence
    .filter(({ subject }) => subjects.has(subject))
    .flatMap((item) => item.graph.nodes.flatMap((node) => layersOf(node, item)))
    // Newer versions of buildkit give their manifests a subject, so that registries list them. An
    // index that lists a signed artifact in the same way must not hide it.
    .filter((one) => !(ofBuildx.has(one.artifact) && isPlainStatement(one)))
  // A manifest can be found by its subject and under a tag.
  const keyOf = ({ artifact, attachedTo, layer, predicateType = '' }: AttachedLayer): string =>
    [artifact, attachedTo, layer.digest, predicateType, JSON.stringify(layer.annotations ?? {})].join(' ')
  return [...new Map(layers.map((one) => [keyOf(one), one])).values(), ...buildxLayers(graph)]
}

function layersOf(
  { manifest }: GraphNode,
  { manifest: attached, subject }: Evidence,
): readonly AttachedLayer[] {
  const base = { artifact: attached.digest, attachedTo: subject }
  const artifactType = artifactTypeOf(manifest) ?? attached.artifactType ?? ''
  const layers =
    manifest.kind === 'manifest' ? manifest.layers : manifest.kind === 'artifact' ? manifest.blobs : []
  // An annotation of the manifest is about its only layer.
  const ofManifest = layers.length === 1 ? { ...attached.annotations, ...manifest.annotations } : {}
  return layers.map((layer): AttachedLayer => {
    const layout = artifactType === notationType ? 'notation' : layoutOf(layer.mediaType)
    const predicateType =
      predicateTypeOf(layer.annotations) ??
      (layout === 'dsse' ? layer.annotations?.[cosignPredicateAnnotation] : undefined) ??
      predicateTypeOf(ofManifest)
    const type = isUnspecificType(layer.mediaType) ? artifactType : layer.mediaType
    return { ...base, layout, type, layer, ...(predicateType !== undefined && { predicateType }) }
  })
}

function layoutOf(mediaType: string): AttachedEvidence['layout'] {
  if (isBundleType(mediaType)) return 'bundle'
  if (mediaType === simpleSigningType) return 'simpleSigning'
  return mediaType === dsseType ? 'dsse' : 'plain'
}

/** Whether a layer is a statement without a signature. */
export function isPlainStatement({ layout, layer }: AttachedLayer): boolean {
  return (layout === 'plain' || layout === 'buildx') && layer.mediaType === statementMediaType
}

/** They are attached to the platform image that the entry of the index names. */
function buildxLayers(graph: Graph): readonly AttachedLayer[] {
  const nodes = new Map(graph.nodes.map((node) => [node.descriptor.digest, node]))
  return buildxManifests(graph).flatMap((entry) => {
    const manifest = nodes.get(entry.digest)?.manifest
    const attachedTo = entry.annotations?.['vnd.docker.reference.digest'] ?? manifest?.subject?.digest
    const subject = graph.nodes.find(({ descriptor }) => descriptor.digest === attachedTo)?.descriptor.digest
    if (manifest?.kind !== 'manifest' || subject === undefined) return []
    return manifest.layers.map((layer): AttachedLayer => {
      const predicateType = predicateTypeOf(layer.annotations)
      return {
        artifact: entry.digest,
        attachedTo: subject,
        layout: 'buildx',
        type: layer.mediaType,
        layer,
        ...(predicateType !== undefined && { predicateType }),
      }
    })
  })
}
