import { DrayError, type ErrorInfo } from '../lib/errors.ts'
import type { Digest } from '../oci/digest.ts'
import { formatAt } from '../oci/reference.ts'
import { higherInLine } from '../semver/line.ts'
import { parseVersion, versionTagsIn } from '../semver/version.ts'
import { movedSince, overtaken } from './conflicts.ts'
import { invents, omits, outOfOrder, stays } from './review-errors.ts'
import {
  type AttachStep,
  isOfTag,
  type Placement,
  type PlannedTag,
  type Precondition,
  type Step,
  type StepId,
  type TagPrecondition,
  type TagStep,
} from './plan.ts'

/** A placement of a saved plan with what the current rules decide about it. */
export interface Reviewable {
  readonly saved: Placement
  readonly current: Current
}

/** One placement as it is decided now. */
export interface Current {
  readonly placement: Placement
  readonly steps: readonly Step[]
  /** why the current rules do not allow it */
  readonly refusals: readonly ErrorInfo[]
  /** why it could not be read; then nothing is decided about it */
  readonly unread?: DrayError
  /** all tags of the target, if they were listed */
  readonly listed?: readonly string[]
  /** the attached artifacts of the image at its source */
  readonly evidence: readonly KnownEvidence[]
}

interface KnownEvidence {
  readonly subject: Digest
  readonly manifest: Digest
  readonly tag?: string
  /** what the target has under `tag`; null: nothing */
  readonly at: Digest | null
}

/** What a review found. A plan with refusals is not executed at all. */
export interface Reviewed {
  readonly refusals: readonly DrayError[]
  /** steps that conflict with the present state: their placements are not begun */
  readonly obstacles: ReadonlyMap<StepId, DrayError>
  /** what must hold just before a step, beside what the plan expects */
  readonly expect: ReadonlyMap<StepId, readonly Precondition[]>
}

/**
 * Compares one image of a saved plan, at all of its targets, with what the current rules decide
 * about it now: pure. The file is not believed: each step must be one that is decided now, or one
 * that has nothing left to do; every step that is decided now for the tags of the plan must be in
 * the file; and the order that is decided now must hold in the file. State that changed since the
 * plan is an obstacle, a broken rule is a refusal.
 * @param steps the steps of the saved plan
 */
export function reviewImage(
  steps: readonly Step[],
  images: readonly Reviewable[],
  { partial }: { readonly partial: boolean },
): Reviewed {
  const found = images.map((image) => new PlacementReview(image, steps))
  const isHeldUp = found.some(({ obstacles }) => obstacles.size > 0)
  const judged = partial ? found.filter(({ obstacles }) => obstacles.size === 0) : isHeldUp ? [] : found
  const refusals = judged.flatMap((one) => one.refusals())
  const disorder = isHeldUp || refusals.length > 0 ? undefined : disorderOf(found)
  return {
    refusals: disorder === undefined ? refusals : [disorder],
    obstacles: partial || !isHeldUp ? together(found) : everywhere(found),
    expect: new Map(judged.flatMap((one) => [...one.expect()])),
  }
}

function together(found: readonly PlacementReview[]): ReadonlyMap<StepId, DrayError> {
  return new Map(found.flatMap(({ obstacles }) => [...obstacles]))
}

/** Without `--partial`, an image goes to all of its targets or to none. */
function everywhere(found: readonly PlacementReview[]): ReadonlyMap<StepId, DrayError> {
  const obstacles = new Map(together(found))
  for (const { steps, obstacles: own } of found) {
    const [first] = steps
    if (own.size === 0 && first !== undefined)
      obstacles.set(first.id, new DrayError('conflict', 'another target of this image is not as planned'))
  }
  return obstacles
}

class PlacementReview {
  readonly saved: Placement
  readonly current: Current
  /** of the saved plan, of this placement */
  readonly steps: readonly Step[]
  readonly obstacles = new Map<StepId, DrayError>()
  readonly #tags = new Map<TagStep, DrayError>()

  constructor({ saved, current }: Reviewable, steps: readonly Step[]) {
    this.saved = saved
    this.current = current
    this.steps = steps.filter(({ placement }) => placement === saved.id)
    const [first] = this.steps
    if (first === undefined) return
    if (current.unread !== undefined) {
      this.obstacles.set(first.id, current.unread)
      return
    }
    const moved = movedUnchanged(saved, current)
    if (moved !== undefined) this.obstacles.set(first.id, moved)
    for (const step of this.steps) {
      if (step.kind === 'tag') this.#judgeTag(step)
      else if (step.kind === 'attach') this.#judgeEvidenceTag(step)
    }
  }

  refusals(): readonly DrayError[] {
    if (this.steps.length === 0) return []
    const { current } = this
    if (current.refusals.length > 0)
      return current.refusals.map((info) => new DrayError(info.code, info.message, info))
    return [...this.#tags.values(), ...this.#omitted(), ...this.#invented()]
  }

  expect(): readonly (readonly [StepId, readonly Precondition[]])[] {
    return this.steps.flatMap((step) => {
      const now = this.current.steps.find((one) => keyOf(one) === keyOf(step))
      const known = new Set(step.expect.map((one) => JSON.stringify(one)))
      const more = (now?.expect ?? []).filter(
        (one) => isOfOthers(one, step) && !known.has(JSON.stringify(one)),
      )
      return more.length === 0 ? [] : [[step.id, more] as const]
    })
  }

  #judgeTag(step: TagStep): void {
    const { placement, listed = [] } = this.current
    const { tag, target, repository } = step
    const shown = named(placement.tags, tag)
    const held = shown === undefined ? named(placement.held ?? [], tag) : undefined
    const now = shown?.tag === tag ? shown.before : held?.tag === tag ? held.at : undefined
    const own = step.expect.find((one) => isOfTag(one, repository, tag))
    if (now === target.digest) return
    if (own !== undefined && now !== undefined && own.digest !== now)
      this.obstacles.set(step.id, movedSince(own, now))
    else if (held !== undefined) {
      const higher = higherSince(step, listed)
      if (higher === undefined) this.#tags.set(step, stays(this.saved, step, held.reason))
      else this.obstacles.set(step.id, higher)
    } else if (shown === undefined)
      this.#tags.set(step, stays(this.saved, step, 'no rule gives this tag to the image now'))
  }

  #judgeEvidenceTag(step: AttachStep): void {
    const known = this.#known(step)
    const own = step.expect.find((one) => isOfTag(one, step.to, step.tag ?? ''))
    if (known === undefined || own === undefined || known.at === known.manifest) return
    if (own.digest !== known.at) this.obstacles.set(step.id, movedSince(own, known.at))
  }

  #known(step: AttachStep): KnownEvidence | undefined {
    return this.current.evidence.find(
      ({ subject, manifest, tag }) =>
        subject === step.subject && manifest === step.manifest.digest && tag === step.tag,
    )
  }

  /** What is decided now and is not in the plan, apart from tags that the plan does not write. */
  #omitted(): readonly DrayError[] {
    const keys = new Set(this.steps.map(keyOf))
    return this.current.steps.flatMap((step) =>
      step.kind === 'tag' || keys.has(keyOf(step)) ? [] : [omits(this.saved, step)],
    )
  }

  /** Attached artifacts that the image does not have, or that would replace others at the target. */
  #invented(): readonly DrayError[] {
    const decided = new Set(this.current.steps.map(keyOf))
    return this.steps.flatMap((step) => {
      if (step.kind !== 'attach' || decided.has(keyOf(step))) return []
      const known = this.#known(step)
      const hasNothingToDo = known !== undefined && (step.tag === undefined || known.at === known.manifest)
      return hasNothingToDo ? [] : [invents(this.saved, step, known !== undefined)]
    })
  }
}

/** A precondition on something else than the tag that the step writes. */
function isOfOthers(one: Precondition, step: Step): boolean {
  return step.kind === 'tag' && !isOfTag(one, step.repository, step.tag)
}

/** A tag that the plan shows as up to date and that would be written now. */
function movedUnchanged({ tags, to }: Placement, { placement }: Current): DrayError | undefined {
  for (const { tag, before, change } of tags) {
    if (change !== 'unchanged') continue
    const now = placement.tags.find((one) => one.tag === tag)
    if (now === undefined || now.change === 'unchanged') continue
    const seen: TagPrecondition = { kind: 'tag', repository: to.repository, tag, digest: before }
    return movedSince(seen, now.before)
  }
  return undefined
}

/** A higher version that came since, by what the step itself says that it rests on. */
function higherSince(step: TagStep, listed: readonly string[]): DrayError | undefined {
  for (const one of step.expect) {
    const version = one.kind === 'highest' ? parseVersion(one.version) : undefined
    if (one.kind !== 'highest' || version === undefined) continue
    const versions = versionTagsIn(listed, one).map((tag) => tag.version)
    const higher = higherInLine(versions, one.line, version)
    if (higher !== undefined) return overtaken(one, higher, formatAt(step.repository, { tag: step.tag }))
  }
  return undefined
}

/** By its name, else by the name that differs in a leading `v` only: `1.4` and `v1.4` are one floating tag. */
function named<T extends Pick<PlannedTag, 'tag'>>(all: readonly T[], tag: string): T | undefined {
  const bare = (name: string): string => name.replace(/^v(?=\d)/, '')
  return all.find((one) => one.tag === tag) ?? all.find((one) => bare(one.tag) === bare(tag))
}

/** What a step does, whatever its id: the same in two plans of one image at one target. */
function keyOf(step: Step): string {
  switch (step.kind) {
    case 'copy':
    case 'attest':
      return step.kind
    case 'attach':
      return `attach ${step.subject} ${step.manifest.digest} ${step.tag ?? ''}`
    case 'tag':
      return `tag ${step.tag}`
  }
}

/** The first step that does not come after all that it has to come after now. */
function disorderOf(found: readonly PlacementReview[]): DrayError | undefined {
  const savedIds = new Map<StepId, StepId>()
  const savedSteps = new Map<StepId, Step>()
  for (const { current, steps } of found) {
    const byKey = new Map(steps.map((step) => [keyOf(step), step]))
    for (const now of current.steps) {
      const step = byKey.get(keyOf(now))
      if (step === undefined) continue
      savedIds.set(now.id, step.id)
      savedSteps.set(now.id, step)
    }
  }
  for (const { current, saved } of found) {
    for (const now of current.steps) {
      const step = savedSteps.get(now.id)
      const missing = now.after.some((id) => {
        const before = savedIds.get(id)
        return before !== undefined && step?.after.includes(before) === false
      })
      if (missing) return outOfOrder(saved, now)
    }
  }
  return undefined
}
