import { type AttachedHold, attachedHold } from '../../audit/holds/find-holds.ts'
import { isAttestationType } from '../../audit/attestation/verify-attestation.ts'
import type { Call } from '../../lib/call.ts'
import { DrayError, isDrayError } from '../../lib/errors.ts'
import { listAllReferrers } from '../../images/evidence/referrers.ts'
import { type Gathered, gatherEach } from '../../images/graph/unread.ts'
import { nodeOf, type RepositoryNode } from '../../images/graph/repository-node.ts'
import { holdPredicateType, holdTag } from '../../images/holds/hold-tag.ts'
import { inParallel } from '../../images/parallel.ts'
import type { ManifestContent, Repositories, SourceRepository } from '../../images/ports.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import type { Digest } from '../../oci/digest.ts'
import { predicateTypeOf } from '../../oci/evidence-kind.ts'
import { mediaTypes } from '../../oci/media-types.ts'
import { formatAt, type RepositoryName } from '../../oci/reference.ts'
import type { HoldRequest } from './request.ts'

/** Images that are read at once. */
const imagesAtOnce = 16
/** Statements of one image that are read at once. */
const statementsAtOnce = 16

/** One image in one repository. */
interface PlacedRequest extends Omit<HoldRequest, 'targets'> {
  readonly repository: RepositoryName
}

/** An image and its holds, as the registry has them. */
export interface HoldSnapshot {
  readonly request: PlacedRequest
  readonly digest: Digest
  /** null: the repository does not have it */
  readonly subject: Descriptor | null
  readonly statements: readonly AttachedHold[]
  /** what the tag of the hold is on; null: there is no such tag */
  readonly tag: Digest | null
}

export type GatheredHold = Gathered<PlacedRequest, HoldSnapshot>

/**
 * Reads images with their holds. One that cannot be read is returned with the reason. A digest that
 * does not exist is no error: its hold can be ended in the audit log.
 * @throws the reason of the signal
 */
export async function gather(
  requests: readonly HoldRequest[],
  stores: Repositories,
  call: Call,
): Promise<readonly GatheredHold[]> {
  const placed = requests.flatMap(({ targets, ...rest }) =>
    targets.map((repository): PlacedRequest => ({ ...rest, repository })),
  )
  return await gatherEach(placed, imagesAtOnce, call, (request, c) => gatherOne(request, stores, c))
}

async function gatherOne(request: PlacedRequest, stores: Repositories, call: Call): Promise<HoldSnapshot> {
  const { repository, at } = request
  const store = stores.source(repository)
  const subject = (await store.resolve(at, call)) ?? null
  const digest = subject?.digest ?? ('digest' in at ? at.digest : undefined)
  if (digest === undefined) {
    throw new DrayError('not-found', `${formatAt(repository, at)} does not exist`, {
      subject: formatAt(repository, at),
      hint: 'List the tags with dray ls, or name the digest: IMAGE@DIGEST.',
    })
  }
  const [nodes, tag] = await Promise.all([
    subject === null ? [] : readHoldNodes(store, digest, call),
    store.resolve({ tag: holdTag(digest) }, call),
  ])
  const statements = nodes.flatMap((node) => attachedHold(node) ?? [])
  return { request, digest, subject, statements, tag: tag?.digest ?? null }
}

/** Reads the manifests of the hold statements about an image. @throws what the store throws */
export async function readHoldNodes(
  store: SourceRepository,
  digest: Digest,
  call: Call,
): Promise<readonly RepositoryNode[]> {
  const listed = (await listAllReferrers(store, digest, call)).filter(mayBeHold)
  const found = await inParallel(listed, statementsAtOnce, call, async (entry, c) => {
    const content = await store.findManifest(entry, c)
    const node = content === undefined ? undefined : parseNode(content, store.repository)
    return node !== undefined && attachedHold(node)?.subject === digest ? [node] : []
  })
  return found.flat()
}

/** A manifest that cannot be parsed is no statement. */
function parseNode(content: ManifestContent, repository: RepositoryName): RepositoryNode | undefined {
  try {
    return nodeOf(content, formatAt(repository, content.descriptor))
  } catch (error) {
    if (isDrayError(error)) return undefined
    throw error
  }
}

/** Lists of referrers do not always have the annotations of the manifests. */
function mayBeHold({ annotations, artifactType }: Descriptor): boolean {
  const type = predicateTypeOf(annotations)
  if (type !== undefined) return type === holdPredicateType
  return artifactType === undefined || artifactType === mediaTypes.empty || isAttestationType(artifactType)
}
