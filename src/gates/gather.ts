import type { Graph } from '../images/graph/graph.ts'
import type { SourceRepository } from '../images/ports.ts'
import type { Call } from '../lib/call.ts'
import type { Digest } from '../oci/digest.ts'
import type { VerifyContext } from '../signing/trust/verdict.ts'
import type { AttachedEvidence, JudgedImage, JudgedSubject } from './evidence.ts'
import type { GatePorts, GateRequest } from './gate-request.ts'
import { attachedDigests } from './gathering/attached-digests.ts'
import { type AttachedLayer, attachedLayers } from './gathering/attached-layers.ts'
import { confirmLists } from './gathering/confirm-lists.ts'
import { createdOfRoot, needsConfigs, withConfigs } from './gathering/configs.ts'
import { graphPlatforms } from './gathering/judged-platforms.ts'
import { exceededLimit } from './gathering/limits.ts'
import { neededLayers, neededSigners } from './gathering/needs.ts'
import { readImage } from './gathering/read-evidence.ts'
import { readLayers } from './gathering/read-layers.ts'
import { evidenceOfFile } from './gathering/report-files.ts'
import { verifyLayer } from './gathering/verify-layer.ts'

/** An image with its verified evidence, without what other repositories say about it. */
export type VerifiedImage = Omit<JudgedImage, 'isCurrentIn'>

/**
 * Reads the evidence that the gates of an image need, in the source repository alone, and verifies
 * it (docs/gates.md, Attached artifacts that gates use): the image and the lists of its attached
 * artifacts, unless the run has read them, and one GET for each attached artifact of a type that a
 * gate needs, in one wave. Evidence that is missing, damaged or beyond a limit is part of the
 * result, with the reason.
 * @param image the name of the image, which replaces `{image}` in the subject of a signer
 * @throws what the store throws for a read that failed: then nothing is known.
 */
export async function gatherImage(
  request: GateRequest,
  image: string,
  ports: GatePorts,
  call: Call,
): Promise<VerifiedImage> {
  const { from, root } = request
  const gates = request.gates.map(({ gate }) => gate)
  const store = ports.stores.source(from.repository)
  const { graph, evidence, reason } = await readImage(
    request,
    store,
    ports.reads.tagList(store, ports.clock, call),
    call,
  )
  const found = graphPlatforms(graph)
  const platforms = needsConfigs(gates, found)
    ? await withConfigs(store, found, call)
    : found.map(({ subject }) => subject)
  const subject = rootOf(root.digest, graph, platforms)
  const layers = neededLayers(attachedLayers(evidence, graph), gates, {
    root: subject,
    platforms,
  })
  const limit = reason ?? exceededLimit(layers.map(({ layer }) => layer.size))
  const context = { signers: neededSigners(gates, ports.trust), image, now: ports.clock.now() }
  const [verified] = await Promise.all([
    limit === undefined ? verifyLayers(store, layers, context, ports, call) : [],
    layers.length === 0 ? undefined : confirmLists(store, root.digest, evidence, ports.reads, call),
  ])
  const clockDifference = store.clockDifference()
  return {
    image,
    ...(from.tag !== undefined && { tag: from.tag }),
    root: subject,
    platforms,
    annotations: graph.nodes[0]?.manifest.annotations ?? {},
    size: graph.size,
    source: from.repository,
    evidence: [...verified, ...ports.reportFiles.map((file) => evidenceOfFile(file, root.digest))],
    attached: await attachedDigests(store, { evidence, verified, gates }, call),
    ...(limit !== undefined && { limit }),
    ...(clockDifference !== undefined && { clockDifference }),
  }
}

/** The image itself: a single image is its own platform image. */
function rootOf(digest: Digest, graph: Graph, platforms: readonly JudgedSubject[]): JudgedSubject {
  const own = platforms.find((platform) => platform.digest === digest)
  const created = createdOfRoot(graph.nodes[0]?.manifest, platforms)
  return { ...(own ?? { digest }), ...(created !== undefined && { created }) }
}

async function verifyLayers(
  store: SourceRepository,
  layers: readonly AttachedLayer[],
  context: VerifyContext,
  ports: GatePorts,
  call: Call,
): Promise<readonly AttachedEvidence[]> {
  const toRead = layers.filter(({ layout }) => layout !== 'notation').map(({ layer }) => layer)
  const contentOf = await readLayers(store, toRead, ports.reads, call)
  const verified: AttachedEvidence[] = []
  for (const layer of layers) {
    verified.push(await verifyLayer(layer, contentOf(layer.layer), context))
  }
  return verified
}
