import { DrayError, isDrayError, toErrorInfo } from '../../lib/errors.ts'
import { bareDescriptor } from '../../oci/descriptor.ts'
import { formatAt, type RepositoryName, sameRepository } from '../../oci/reference.ts'
import { type Batch, type Comer, surveyBatch } from '../../plan/batch.ts'
import { asPlannedTag, decideTags, type TagsDecided } from '../../plan/decide-tags.ts'
import type {
  Hash,
  PlacementOperation,
  Placement,
  PlacementId,
  PlannedTag,
  Plan,
  Refusal,
  Step,
} from '../../plan/plan.ts'
import { decideEvidence, type EvidenceDecision } from './decide-evidence.ts'
import type { Gathered } from './gather.ts'
import type { Snapshot, TargetSnapshot } from './snapshot.ts'
import { placementSteps } from './steps.ts'
import { namedByFloating, versionToKeepUp, wantedAt } from './wanted.ts'

export interface PromotePolicy {
  readonly operation: PlacementOperation
  /** an exact version tag may be moved to another digest */
  readonly moveTags: boolean
  /** what to do where a cosign tag carries one thing here and another there */
  readonly evidenceConflict: 'refuse' | 'keep' | 'replace'
  /** a target that is ready need not wait for the others */
  readonly partial: boolean
  /** hash of the configuration and flags that this policy came from */
  readonly hash: Hash
  /** version of dray */
  readonly tool: string
}

/** One image at one target with what was decided for it; before it becomes a placement and its steps. */
export interface Decided {
  readonly id: PlacementId
  readonly snapshot: Snapshot
  readonly target: TargetSnapshot
  /** exact ones first, `latest` last */
  readonly tags: readonly PlannedTag[]
  readonly waves: TagsDecided['waves']
  readonly held: TagsDecided['held']
  readonly evidence: readonly EvidenceDecision[]
  readonly refusals: readonly DrayError[]
}

/** What has to be done so that every target has every image under its tags: pure. Images that cannot go are refusals in the plan, with the reason. */
export function decide(gathered: readonly Gathered[], policy: PromotePolicy, now: Date): Plan {
  const placements: Placement[] = []
  const steps: Step[] = []
  const refusals: Refusal[] = []
  const batch = batchOf(gathered)
  gathered.forEach((item, i) => {
    if (item.kind === 'unread') {
      refusals.push({ image: item.unread.request.image, error: toErrorInfo(item.unread.error) })
      return
    }
    const { snapshot } = item
    const image = decideImage(snapshot, `i${i + 1}`, batch, policy)
    placements.push(...image.placements)
    refusals.push(...image.refusals)
    const going = image.decided.filter((one) => one.refusals.length === 0)
    const mayGo = image.refusals.length === 0 || (policy.partial && image.isWhole)
    if (mayGo) steps.push(...placementSteps(going, policy.partial))
  })
  return {
    schema: 'dray.plan/1',
    operation: policy.operation,
    createdAt: now.toISOString(),
    tool: policy.tool,
    policy: policy.hash,
    placements,
    steps,
    refusals,
  }
}

interface DecidedImage {
  readonly placements: readonly Placement[]
  /** at the targets that could be read */
  readonly decided: readonly Decided[]
  readonly refusals: readonly Refusal[]
  /** nothing speaks against the image itself: what is refused is refused at single targets */
  readonly isWhole: boolean
}

function decideImage(snapshot: Snapshot, id: string, batch: Batch, policy: PromotePolicy): DecidedImage {
  const { image } = snapshot.request
  const ofImage = guardImage(snapshot).map((error): Refusal => ({ image, error: toErrorInfo(error) }))
  const decided: Decided[] = []
  const placements: Placement[] = []
  const ofTargets: Refusal[] = []
  snapshot.targets.forEach((target, i) => {
    const placement = `${id}.t${i + 1}`
    const one = target.kind === 'read' ? decideTarget(snapshot, target, placement, batch, policy) : undefined
    placements.push(placementOf(snapshot, placement, target.repository, one))
    if (one !== undefined) decided.push(one)
    const errors = target.kind === 'unread' ? [target.error] : (one?.refusals ?? [])
    ofTargets.push(...errors.map((error): Refusal => ({ image, placement, error: toErrorInfo(error) })))
  })
  return { placements, decided, refusals: [...ofImage, ...ofTargets], isWhole: ofImage.length === 0 }
}

/** What speaks against the image wherever it should go. */
function guardImage({ request, source }: Snapshot): readonly DrayError[] {
  const { from, to, expect } = request
  const refusals: DrayError[] = []
  const version = versionToKeepUp(request, source.versions)
  if (isDrayError(version)) refusals.push(version)
  if (expect !== undefined && expect !== source.root.digest) {
    refusals.push(
      new DrayError('refused', `${request.image} is not the image that was expected`, {
        subject: source.root.digest,
        why: `expected ${expect}, found ${source.root.digest}`,
        hint: 'The tag has moved since that digest was tested. Test what is there now, or promote the digest itself.',
      }),
    )
  }
  if (
    to.accepts !== undefined &&
    (from.environment === undefined || !to.accepts.includes(from.environment))
  ) {
    const came = from.environment ?? 'outside every environment'
    refusals.push(
      new DrayError('refused', `${to.environment ?? 'the destination'} does not take images from ${came}`, {
        why: `its promoteFrom is [${to.accepts.join(', ')}]`,
        hint: `Promote through ${to.accepts.join(' or ')}, or change promoteFrom in dray.yaml.`,
      }),
    )
  }
  return refusals
}

function decideTarget(
  snapshot: Snapshot,
  target: TargetSnapshot,
  id: PlacementId,
  batch: Batch,
  policy: PromotePolicy,
): Decided {
  const { request, source } = snapshot
  const { repository } = target
  const version = versionToKeepUp(request, source.versions)
  const wanted = wantedAt(request, version, target.listed ?? [], batch.versionsAt(repository))
  const decided = decideTags(
    { image: request.image, repository, root: source.root.digest, ...wanted },
    target.tags,
    {
      immutable: request.to.immutable ?? [],
      moveTags: policy.moveTags,
      buildMetadata: request.to.buildMetadata ?? false,
    },
  )
  const { waves, held } = decided
  const tags = waves.flat().map(asPlannedTag)
  const isInPlace = sameRepository(request.from.repository, repository)
  const { evidence } = source
  const lacking = isInPlace ? evidence.filter((item) => target.damaged.has(item.manifest.digest)) : evidence
  const decisions = lacking.map((item) => decideEvidence(item, target, policy.evidenceConflict))
  const unknown = namedByFloating(request, version, repository, target.listed ?? [])
  const refusals = [
    ...(unknown === undefined ? [] : [unknown]),
    ...decided.refusals,
    ...tags.flatMap(({ tag }) => batch.contested.get(formatAt(repository, { tag })) ?? []),
    ...decisions.flatMap((decision) => (decision.kind === 'conflict' ? [decision.error] : [])),
  ]
  return { id, snapshot, target, tags, waves, held, evidence: decisions, refusals }
}

function batchOf(gathered: readonly Gathered[]): Batch {
  return surveyBatch(
    gathered.flatMap((item) => {
      if (item.kind === 'unread') return []
      const { request, source, targets } = item.snapshot
      const version = versionToKeepUp(request, source.versions)
      return targets.flatMap((target): readonly Comer[] => {
        if (target.kind === 'unread') return []
        return [
          {
            image: request.image,
            root: source.root.digest,
            repository: target.repository,
            version: isDrayError(version) ? undefined : version?.version,
            tags: (beside) => wantedAt(request, version, target.listed ?? [], beside),
          },
        ]
      })
    }),
  )
}

/** What was decided at a target, or `undefined` where it could not be read. */
function placementOf(
  { request, source }: Snapshot,
  id: PlacementId,
  repository: RepositoryName,
  decided: Decided | undefined,
): Placement {
  const { from, to } = request
  return {
    id,
    image: request.image,
    from: {
      ...(from.environment !== undefined && { environment: from.environment }),
      repository: from.repository,
      ...('tag' in from.at && { tag: from.at.tag }),
    },
    to: { ...(to.environment !== undefined && { environment: to.environment }), repository },
    root: bareDescriptor(source.root),
    tags: decided?.tags ?? [],
    ...(decided !== undefined && decided.held.length > 0 && { held: decided.held }),
    evidence: {
      found: source.evidence.length,
      missing: decided?.evidence.filter((one) => one.kind === 'attach').length ?? 0,
    },
    size: source.graph.size,
  }
}
