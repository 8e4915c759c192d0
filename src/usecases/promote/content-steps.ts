import { bareDescriptor } from '../../oci/descriptor.ts'
import type { Digest } from '../../oci/digest.ts'
import { platformsPresent } from '../../images/graph/select-platforms.ts'
import { formatPlatform } from '../../oci/platform.ts'
import { sameRepository } from '../../oci/reference.ts'
import type { AttachStep, AttestStep, CopyStep, Precondition, StepId } from '../../plan/plan.ts'
import { type ContentStep, hasTagToWrite } from '../placing/plan-images.ts'
import type { DecidedTarget } from './checks/check.ts'
import type { PromoteRequest } from './request.ts'
import { hasRoot, type PromoteSnapshot, type PromoteSource } from './snapshot.ts'

/** Returns the steps before the tags: the image, its attached artifacts, then the attestation. */
export function planContentSteps(snapshot: PromoteSnapshot, decided: DecidedTarget): readonly ContentStep[] {
  const copy = copySteps(snapshot, decided)
  const copied = [...copy, ...attachSteps(snapshot, decided, copy)]
  // without a tag to write, only attached artifacts are added or content is repaired: no promotion
  if (snapshot.request.to.attest !== true || !hasTagToWrite(decided)) return copied
  const attest: AttestStep = {
    id: `${decided.id}.a`,
    placement: decided.id,
    after: copied.map((step) => step.id),
    expect: [],
    kind: 'attest',
    subject: bareDescriptor(snapshot.source.root),
    repository: decided.target.repository,
  }
  return [...copied, attest]
}

function copySteps({ request, source }: PromoteSnapshot, { id, target }: DecidedTarget): readonly CopyStep[] {
  const { root } = source
  const isDamaged = target.damaged.has(root.digest)
  const exists = sameRepository(request.from.repository, target.repository) || hasRoot(target, root.digest)
  if (exists && !isDamaged && target.lacksPlatforms !== true) return []
  const platforms = sparsePlatforms(source, request)
  return [
    {
      id: `${id}.c`,
      placement: id,
      after: [],
      expect: [],
      kind: 'copy',
      root: bareDescriptor(root),
      from: request.from.repository,
      to: target.repository,
      rootBy: 'digest',
      ...(isDamaged && { repair: true }),
      ...(platforms.length > 0 && { platforms }),
    },
  ]
}

/**
 * The platforms that are copied, if others are omitted; empty if all are copied. They are those of
 * the request that the index has.
 */
export function sparsePlatforms(
  { graph: { nodes, omitted } }: PromoteSource,
  { platforms = [] }: PromoteRequest,
): readonly string[] {
  return omitted.length === 0 ? [] : platformsPresent(nodes, platforms).map(formatPlatform)
}

function attachSteps(
  { request }: PromoteSnapshot,
  { id: placement, target: { repository }, evidence: decisions }: DecidedTarget,
  copy: readonly CopyStep[],
): readonly AttachStep[] {
  const steps: AttachStep[] = []
  const byManifest = new Map<Digest, StepId[]>()
  for (const decision of decisions) {
    if (decision.kind !== 'attach') continue
    const { evidence, before, repair } = decision
    const { subject, manifest, tag, via } = evidence
    const id = `${placement}.e${copy.length + steps.length}`
    const expect: readonly Precondition[] =
      tag === undefined ? [] : [{ kind: 'tag', repository, tag, digest: before }]
    steps.push({
      id,
      placement,
      // an attached artifact comes after its subject: the image, or another attached artifact
      after: [...copy.map((step) => step.id), ...(byManifest.get(subject) ?? [])],
      expect,
      kind: 'attach',
      subject,
      manifest: bareDescriptor(manifest),
      from: request.from.repository,
      to: repository,
      via,
      ...(tag !== undefined && { tag }),
      ...(repair && { repair }),
    })
    for (const { descriptor } of evidence.graph.nodes) {
      byManifest.set(descriptor.digest, [...(byManifest.get(descriptor.digest) ?? []), id])
    }
  }
  return steps
}
