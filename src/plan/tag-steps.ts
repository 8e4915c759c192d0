import type { Placement, PlannedTag, Precondition, StepId, TagStep } from './plan.ts'

/** A tag of a target with the preconditions of its step, beside the tag's own state. */
export interface TagToWrite extends PlannedTag {
  readonly expect?: readonly Precondition[]
}

/**
 * Returns the steps for the tags that change, in the order of the waves. Tags of one wave are
 * written in parallel.
 * @param after steps that come before every tag
 */
export function planTagSteps(
  waves: readonly (readonly TagToWrite[])[],
  { id, root, from, to: { repository } }: Pick<Placement, 'id' | 'root' | 'from' | 'to'>,
  after: readonly StepId[],
): readonly TagStep[] {
  const steps: TagStep[] = []
  for (const wave of waves) {
    const before = [...after, ...steps.map((step) => step.id)]
    for (const { tag, before: digest, change, expect = [], override } of wave) {
      if (change === 'unchanged') continue
      steps.push({
        id: `${id}.g${steps.length + 1}`,
        placement: id,
        after: before,
        expect: [{ kind: 'tag', repository, tag, digest }, ...expect],
        kind: 'tag',
        repository,
        tag,
        target: root,
        from: from.repository,
        ...(override !== undefined && { override }),
      })
    }
  }
  return steps
}
