import type { StepOutcome } from '../outcome.ts'
import type { Placement, Plan, Step, StepId } from '../plan.ts'
import type { PlanAttempt } from './decide-again.ts'
import { writtenTag } from './written-tag.ts'

/**
 * Returns one attempt with the results of two: pure. For the images of `again`, it has the plan and
 * the outcomes of `again`, and the steps that only the first attempt has done. The result is for
 * reports: its plan was never executed in this form.
 */
export function mergeAttempts(first: PlanAttempt, again: PlanAttempt): PlanAttempt {
  const images = new Set([...again.plan.placements, ...again.plan.refusals].map(({ image }) => image))
  const replaced = new Map(again.plan.placements.map((placement) => [placement.id, placement]))
  const isReplaced = ({ placement }: Step): boolean => replaced.has(placement)
  const kept = earlierDone(first, again, isReplaced)
  const others = first.plan.steps.filter((step) => !isReplaced(step))
  const otherIds = new Set(others.map(({ id }) => id))
  return {
    plan: {
      ...first.plan,
      placements: first.plan.placements.map((one) => withEarlierTags(replaced.get(one.id) ?? one, one, kept)),
      steps: [...others, ...kept.map(({ step }) => step), ...again.plan.steps],
      refusals: [...first.plan.refusals.filter(({ image }) => !images.has(image)), ...again.plan.refusals],
    },
    steps: [
      ...first.steps.filter(({ step }) => otherIds.has(step)),
      ...kept.map(({ outcome }) => outcome),
      ...again.steps,
    ],
  }
}

/**
 * Removes the steps of content that an earlier attempt has brought to the target: within one run it
 * is not sent again. Attestations are kept, because each states the tags of its plan.
 */
export function withoutDoneContent(again: Plan, { plan, steps }: PlanAttempt): Plan {
  const done = doneSteps(steps)
  const brought = new Set(plan.steps.filter(({ id }) => done.has(id)).flatMap(contentsOf))
  const isBrought = (step: Step): boolean => brought.has(contentOf(step) ?? '')
  const removed = new Set(again.steps.filter(isBrought).map(({ id }) => id))
  return {
    ...again,
    steps: again.steps
      .filter(({ id }) => !removed.has(id))
      .map((step) => ({ ...step, after: step.after.filter((id) => !removed.has(id)) })),
  }
}

interface DoneStep {
  readonly step: Step
  readonly outcome: StepOutcome
}

/** The steps that only the first attempt has done, under ids that `again` does not use. */
function earlierDone(
  first: PlanAttempt,
  again: PlanAttempt,
  isReplaced: (step: Step) => boolean,
): readonly DoneStep[] {
  const repeated = new Set(again.plan.steps.map(changeOf))
  const used = new Set(again.plan.steps.map(({ id }) => id))
  const byId = new Map(first.plan.steps.map((step) => [step.id, step]))
  return first.steps.flatMap((outcome): readonly DoneStep[] => {
    const step = byId.get(outcome.step)
    if (step === undefined || outcome.result !== 'done') return []
    if (!isReplaced(step) || repeated.has(changeOf(step))) return []
    const id = unusedId(step.id, used)
    used.add(id)
    return [{ step: { ...step, id }, outcome: { ...outcome, step: id } }]
  })
}

function unusedId(id: StepId, used: ReadonlySet<StepId>): StepId {
  let unused = `earlier ${id}`
  while (used.has(unused)) unused = `earlier ${unused}`
  return unused
}

/** The placement of now, in which a tag that the earlier attempt moved has its digest of before. */
function withEarlierTags(now: Placement, before: Placement, kept: readonly DoneStep[]): Placement {
  if (now === before) return now
  const moved = new Set(
    kept.flatMap(({ step }) => (step.kind === 'tag' && step.placement === now.id ? [step.tag] : [])),
  )
  const earlier = new Map(before.tags.map((tag) => [tag.tag, tag]))
  return {
    ...now,
    tags: now.tags.map((tag) => (moved.has(tag.tag) ? (earlier.get(tag.tag) ?? tag) : tag)),
  }
}

function doneSteps(steps: readonly StepOutcome[]): ReadonlySet<StepId> {
  return new Set(
    steps.flatMap(({ step, result }) => (result === 'done' || result === 'unchanged' ? [step] : [])),
  )
}

/** Identifies what a step changes. */
function changeOf(step: Step): string {
  const tag = writtenTag(step)
  if (tag !== undefined) return `${step.placement} ${step.kind} ${tag.tag}`
  return contentOf(step) ?? step.id
}

/** Identifies what a step has brought: an image with its root is also an image without it. */
function contentsOf(step: Step): readonly string[] {
  const withoutRoot = step.kind === 'copy' ? contentOf({ ...step, rootBy: 'tag' }) : undefined
  return [contentOf(step), withoutRoot].filter((one) => one !== undefined)
}

/** Identifies the content that a step copies; undefined if it copies none without a tag. */
function contentOf(step: Step): string | undefined {
  if (step.kind === 'copy') return `${step.placement} copy ${step.root.digest} ${step.rootBy}`
  if (step.kind === 'attach' && step.via === 'subject')
    return `${step.placement} attach ${step.subject} ${step.manifest.digest}`
  return undefined
}
