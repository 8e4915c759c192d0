import type { RepositoryName } from '../oci/reference.ts'
import type { Placement, PlannedTag, Precondition, StepId, TagStep } from './plan.ts'

/** A tag that is to be written, with what its plan rests on beside the tag itself. */
export interface TagToWrite extends PlannedTag {
  readonly expect?: readonly Precondition[]
}

export interface TagStepsOptions {
  readonly placement: Pick<Placement, 'id' | 'root'>
  readonly repository: RepositoryName
  /** where the bytes of the root are to be had */
  readonly from: RepositoryName
  /** steps that come before every tag */
  readonly after: readonly StepId[]
}

/**
 * The steps of the tags that change, wave by wave: who follows a floating tag finds the exact one too, and `latest` comes last. Tags of one wave go side by
 * side.
 */
export function tagSteps(
  waves: readonly (readonly TagToWrite[])[],
  { placement, repository, from, after }: TagStepsOptions,
): readonly TagStep[] {
  const steps: TagStep[] = []
  for (const wave of waves) {
    const before = [...after, ...steps.map((step) => step.id)]
    for (const { tag, before: digest, change, expect = [], override } of wave) {
      if (change === 'unchanged') continue
      steps.push({
        id: `${placement.id}.g${steps.length + 1}`,
        placement: placement.id,
        after: before,
        expect: [{ kind: 'tag', repository, tag, digest }, ...expect],
        kind: 'tag',
        repository,
        tag,
        target: placement.root,
        from,
        ...(override !== undefined && { override }),
      })
    }
  }
  return steps
}
