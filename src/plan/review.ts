import { DrayError, type ErrorInfo } from '../lib/errors.ts'
import type { Digest } from '../oci/digest.ts'
import { formatAt } from '../oci/reference.ts'
import { higherInLine } from '../semver/line.ts'
import { parseVersion, versionTagsIn } from '../semver/version.ts'
import { movedSince, overtaken } from './conflicts.ts'
import { addsArtifact, lacksStep, losesImage, movesTag, outOfOrder } from './review-errors.ts'
import {
  type AttachStep,
  isOfTag,
  type Placement,
  type PlannedTag,
  type Precondition,
  readingOf,
  type Step,
  type StepId,
  type TagPrecondition,
  type TagStep,
} from './plan.ts'

/** A placement of a saved plan with the current decisions about it. */
export interface Reviewable {
  readonly saved: Placement
  readonly current: Current
}

/** The current decision about one placement. */
export interface Current {
  readonly placement: Placement
  readonly steps: readonly Step[]
  /** why the current rules do not allow it */
  readonly refusals: readonly ErrorInfo[]
  /** why it could not be read, or why its gates do not allow it; nothing is decided then */
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
  /** the digest of `tag` at the target; null: there is no such tag */
  readonly at: Digest | null
}

/** Why a step cannot be executed. */
export interface Obstacle {
  readonly error: DrayError
  /** what the tag of the step points at, if it was read; null: it is not there */
  readonly found?: Digest | null
}

/** The result of a review. A plan with refusals is not executed at all. */
export interface Reviewed {
  readonly refusals: readonly DrayError[]
  /** steps that conflict with the current state; their placements are not started */
  readonly obstacles: ReadonlyMap<StepId, Obstacle>
  /** further preconditions of each step */
  readonly expect: ReadonlyMap<StepId, readonly Precondition[]>
}

/**
 * Compares one image of a saved plan, at all of its targets, with the current decisions: pure. dray
 * does not trust the file: each step must be decided now or have nothing left to do, every step
 * that is decided now for the tags of the plan must be in the file, and the current order must
 * hold. State that changed since the plan is an obstacle, and a broken rule is a refusal.
 * @param steps the steps of the saved plan
 */
export function reviewImage(
  steps: readonly Step[],
  images: readonly Reviewable[],
  { partial }: { readonly partial: boolean },
): Reviewed {
  const found = images.map((image) => new PlacementReview(image, steps))
  const isBlocked = found.some(({ obstacles }) => obstacles.size > 0)
  const reviewed = partial ? found.filter(({ obstacles }) => obstacles.size === 0) : isBlocked ? [] : found
  const refusals = reviewed.flatMap((one) => one.refusals())
  const disorder = isBlocked || refusals.length > 0 ? undefined : findDisorder(found)
  return {
    refusals: disorder === undefined ? refusals : [disorder],
    obstacles: partial || !isBlocked ? allObstacles(found) : obstaclesEverywhere(found),
    expect: new Map(reviewed.flatMap((one) => [...one.expect()])),
  }
}

function allObstacles(found: readonly PlacementReview[]): ReadonlyMap<StepId, Obstacle> {
  return new Map(found.flatMap(({ obstacles }) => [...obstacles]))
}

/** Without `--partial`, dray writes the tags at all targets or at none. */
function obstaclesEverywhere(found: readonly PlacementReview[]): ReadonlyMap<StepId, Obstacle> {
  const obstacles = new Map(allObstacles(found))
  for (const { steps, obstacles: own } of found) {
    const [first] = steps
    if (own.size === 0 && first !== undefined)
      obstacles.set(first.id, {
        error: new DrayError('conflict', 'another target of the image changed since the plan was made', {
          why: 'without --partial, dray writes the tags at all targets or at none',
          hint: 'Make a new plan.',
        }),
      })
  }
  return obstacles
}

class PlacementReview {
  readonly saved: Placement
  readonly current: Current
  /** of the saved plan, of this placement */
  readonly steps: readonly Step[]
  readonly obstacles = new Map<StepId, Obstacle>()
  readonly #tags = new Map<TagStep, DrayError>()

  constructor({ saved, current }: Reviewable, steps: readonly Step[]) {
    this.saved = saved
    this.current = current
    this.steps = steps.filter(({ placement }) => placement === saved.id)
    const [first] = this.steps
    if (first === undefined) return
    if (current.unread !== undefined) {
      this.obstacles.set(first.id, { error: current.unread })
      return
    }
    const moved = movedUnchanged(saved, current)
    if (moved !== undefined) this.obstacles.set(first.id, { error: moved })
    for (const step of this.steps) {
      if (step.kind === 'tag') this.#reviewTag(step)
      else if (step.kind === 'attach') this.#reviewEvidenceTag(step)
    }
  }

  refusals(): readonly DrayError[] {
    if (this.steps.length === 0) return []
    const { current } = this
    if (current.refusals.length > 0)
      return current.refusals.map((info) => new DrayError(info.code, info.message, info))
    return [...this.#tags.values(), ...this.#missingSteps(), ...this.#addedArtifacts()]
  }

  expect(): readonly (readonly [StepId, readonly Precondition[]])[] {
    return this.steps.flatMap((step) => {
      const now = this.current.steps.find((one) => keyOf(one) === keyOf(step))
      const known = new Set(step.expect.map((one) => JSON.stringify(one)))
      const more = (now?.expect ?? []).filter(
        (one) => isBesideOwnTag(one, step) && !known.has(JSON.stringify(one)),
      )
      return more.length === 0 ? [] : [[step.id, more] as const]
    })
  }

  #reviewTag(step: TagStep): void {
    const { placement, listed = [] } = this.current
    const { tag, target, repository } = step
    const shown = findTag(placement.tags, tag)
    const keptTag = shown === undefined ? findTag(placement.keptTags ?? [], tag) : undefined
    const now = shown?.tag === tag ? shown.before : keptTag?.tag === tag ? keptTag.at : undefined
    const own = step.expect.find((one) => isOfTag(one, repository, tag))
    if (now === target.digest) return
    const planned = findTag(this.saved.tags, tag)
    if (shown?.deletesBefore === true && planned?.deletesBefore !== true)
      this.obstacles.set(step.id, { error: losesImage(step, shown.before), found: shown.before })
    if (own !== undefined && now !== undefined && own.digest !== now)
      this.obstacles.set(step.id, { error: movedSince(own, now), found: now })
    else if (keptTag !== undefined) {
      const higher = higherSince(step, listed)
      if (higher === undefined) this.#tags.set(step, movesTag(this.saved, step, keptTag.reason))
      else this.obstacles.set(step.id, { error: higher, ...(now !== undefined && { found: now }) })
    } else if (shown === undefined)
      this.#tags.set(step, movesTag(this.saved, step, 'the current rules do not write this tag'))
  }

  #reviewEvidenceTag(step: AttachStep): void {
    const known = this.#known(step)
    const own = step.expect.find((one) => isOfTag(one, step.to, step.tag ?? ''))
    if (known === undefined || own === undefined || known.at === known.manifest) return
    if (own.digest !== known.at)
      this.obstacles.set(step.id, { error: movedSince(own, known.at), found: known.at })
  }

  #known(step: AttachStep): KnownEvidence | undefined {
    return this.current.evidence.find(
      ({ subject, manifest, tag }) =>
        subject === step.subject && manifest === step.manifest.digest && tag === step.tag,
    )
  }

  /** Content steps that are decided now and missing in the plan. The plan may omit tags. */
  #missingSteps(): readonly DrayError[] {
    const keys = new Set(this.steps.map(keyOf))
    return this.current.steps.flatMap((step) =>
      step.kind === 'tag' || keys.has(keyOf(step)) ? [] : [lacksStep(this.saved, step)],
    )
  }

  /** Refuses attached artifacts that the image does not have or that would replace others. */
  #addedArtifacts(): readonly DrayError[] {
    const decided = new Set(this.current.steps.map(keyOf))
    return this.steps.flatMap((step) => {
      if (step.kind !== 'attach' || decided.has(keyOf(step))) return []
      const known = this.#known(step)
      const hasNothingToDo = known !== undefined && (step.tag === undefined || known.at === known.manifest)
      return hasNothingToDo ? [] : [addsArtifact(this.saved, step, known !== undefined)]
    })
  }
}

/** Whether the precondition of a tag step is not about the tag that it writes. */
function isBesideOwnTag(one: Precondition, step: Step): boolean {
  return step.kind === 'tag' && !isOfTag(one, step.repository, step.tag)
}

/** Returns the error for a tag that the plan shows as up to date and that would be written now. */
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

/** Returns the error for a version that is higher than a precondition of the step allows. */
function higherSince(step: TagStep, listed: readonly string[]): DrayError | undefined {
  for (const one of step.expect) {
    if (one.kind !== 'highest') continue
    const reading = readingOf(one)
    const version = parseVersion(one.version, reading)
    if (version === undefined) continue
    const versions = versionTagsIn(listed, reading).map((tag) => tag.version)
    const higher = higherInLine(versions, one.line, version)
    if (higher !== undefined) return overtaken(one, higher, formatAt(step.repository, { tag: step.tag }))
  }
  return undefined
}

/** Finds a tag by its name, or by its name without `v`: `1.4` and `v1.4` are one floating tag. */
function findTag<T extends Pick<PlannedTag, 'tag'>>(all: readonly T[], tag: string): T | undefined {
  const bare = (name: string): string => name.replace(/^v(?=\d)/, '')
  return all.find((one) => one.tag === tag) ?? all.find((one) => bare(one.tag) === bare(tag))
}

/** Identifies a step across two plans of one image at one target, whose ids may differ. */
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

/** Returns the error for the first step that lacks one of its current predecessors in `after`. */
function findDisorder(found: readonly PlacementReview[]): DrayError | undefined {
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
