import type { Digest } from '../../oci/digest.ts'
import { bareDescriptor } from '../../oci/descriptor.ts'
import { sameRepository } from '../../oci/reference.ts'
import type { AttachStep, AttestStep, CopyStep, Precondition, Step, StepId } from '../../plan/plan.ts'
import { tagSteps } from '../../plan/tag-steps.ts'
import type { Decided } from './decide.ts'
import { hasRoot } from './snapshot.ts'

/**
 * The steps of one image at all of its targets, in the order of execution: content first, evidence next, the attestation, tags last. No tag moves anywhere
 * before every target has all of the content, unless `partial`.
 */
export function placementSteps(decided: readonly Decided[], partial: boolean): readonly Step[] {
  const needed = decided.filter(
    (one) =>
      needsTag(one) || isDamaged(one) || one.evidence.some((e) => e.kind === 'attach') || !isThere(one),
  )
  const content = needed.map((one) => ({ one, steps: contentSteps(one, needed.length === 1) }))
  const everywhere = content.flatMap(({ steps }) => steps.map((step) => step.id))
  const tags = content.flatMap(({ one, steps }) =>
    tagSteps(one.waves, {
      placement: { id: one.id, root: bareDescriptor(one.snapshot.source.root) },
      repository: one.target.repository,
      from: one.snapshot.request.from.repository,
      after: partial ? steps.map((step) => step.id) : everywhere,
    }),
  )
  return [...content.flatMap(({ steps }) => steps), ...tags]
}

function needsTag({ tags }: Decided): boolean {
  return tags.some((tag) => tag.change !== 'unchanged')
}

function isDamaged({ target, snapshot }: Decided): boolean {
  return target.damaged.has(snapshot.source.root.digest)
}

function contentSteps(one: Decided, alone: boolean): readonly (CopyStep | AttachStep | AttestStep)[] {
  const carried = carriedSteps(one, alone)
  if (!isAttested(one)) return carried
  const { root } = one.snapshot.source
  const attest: AttestStep = {
    id: `${one.id}.a`,
    placement: one.id,
    after: carried.map((step) => step.id),
    expect: [],
    kind: 'attest',
    subject: { mediaType: root.mediaType, digest: root.digest, size: root.size },
    repository: one.target.repository,
  }
  return [...carried, attest]
}

/** What only adds evidence or mends something promotes nothing: the tags are as they were. */
function isAttested(one: Decided): boolean {
  return one.snapshot.request.to.attest === true && needsTag(one)
}

function carriedSteps(one: Decided, alone: boolean): readonly (CopyStep | AttachStep)[] {
  const copy = copyStep(one, alone)
  const attached = new Map<Digest, StepId[]>()
  const steps: (CopyStep | AttachStep)[] = copy === undefined ? [] : [copy]
  for (const decision of one.evidence) {
    if (decision.kind !== 'attach') continue
    const { evidence, before, repair } = decision
    const { repository } = one.target
    const id = `${one.id}.e${steps.length}`
    const expect: readonly Precondition[] =
      evidence.tag === undefined ? [] : [{ kind: 'tag', repository, tag: evidence.tag, digest: before }]
    const { mediaType, digest, size } = evidence.manifest
    steps.push({
      id,
      placement: one.id,
      // Evidence comes after what it speaks of: the image, or the evidence that it signs.
      after: [...(copy === undefined ? [] : [copy.id]), ...(attached.get(evidence.subject) ?? [])],
      expect,
      kind: 'attach',
      subject: evidence.subject,
      manifest: { mediaType, digest, size },
      from: one.snapshot.request.from.repository,
      to: repository,
      via: evidence.via,
      ...(evidence.tag !== undefined && { tag: evidence.tag }),
      ...(repair && { repair }),
    })
    for (const node of evidence.graph.nodes) {
      attached.set(node.descriptor.digest, [...(attached.get(node.descriptor.digest) ?? []), id])
    }
  }
  return steps
}

function copyStep(one: Decided, alone: boolean): CopyStep | undefined {
  const { request, source } = one.snapshot
  if (isThere(one) && !isDamaged(one)) return undefined
  const isTaggedAtOnce =
    alone &&
    one.tags.filter((tag) => tag.change !== 'unchanged').length === 1 &&
    one.evidence.every((e) => e.kind !== 'attach') &&
    !isAttested(one)
  return {
    id: `${one.id}.c`,
    placement: one.id,
    after: [],
    expect: [],
    kind: 'copy',
    root: { mediaType: source.root.mediaType, digest: source.root.digest, size: source.root.size },
    from: request.from.repository,
    to: one.target.repository,
    rootBy: isTaggedAtOnce ? 'tag' : 'digest',
    ...(isDamaged(one) && { repair: true }),
  }
}

/** Where it was seen at the target, or the target is the source, the image is there. */
function isThere({ target, snapshot }: Decided): boolean {
  const { request, source } = snapshot
  return sameRepository(request.from.repository, target.repository) || hasRoot(target, source.root.digest)
}
