import { isCosignTagOf } from '../oci/evidence-tags.ts'
import { type RepositoryName, sameRepository } from '../oci/reference.ts'
import { gateMismatchOf } from './gates/gate-consistency.ts'
import { invalidPlan } from './invalid-plan.ts'
import { isInLine, isTagOfLine } from '../semver/line.ts'
import { parseVersion, versionKeyWithBuild, versionTagsIn } from '../semver/version.ts'
import {
  isOfTag,
  type Placement,
  type PlacementId,
  type Plan,
  type PlannedTag,
  type Precondition,
  readingOf,
  type Step,
  type StepId,
  type TagOverride,
  type TagPrecondition,
  type TagStep,
  targetOf,
} from './plan.ts'

/**
 * Checks that the steps of a plan do what its placements show: each step stays within the source,
 * target, root and tags of its placement, each tag step expects the state that is shown, and
 * `after` names only earlier steps.
 * @throws `malformed`.
 */
export function checkConsistency(plan: Plan, name: string): void {
  const placements = new Map<PlacementId, Placement>()
  for (const placement of plan.placements) {
    if (placements.has(placement.id)) throw invalidPlan(name, `the placement ${placement.id} occurs twice`)
    placements.set(placement.id, placement)
    const impossible = placement.tags.find((tag) => !isPossible(tag, placement))
    if (impossible !== undefined)
      throw invalidPlan(
        name,
        `${placement.id} has the change ${impossible.change} for the tag ${impossible.tag}, which does not fit its digests`,
      )
    const wrong = mismatchOf(placement, plan)
    if (wrong !== undefined) throw invalidPlan(name, `${placement.id} ${wrong}`)
  }
  const seen = new Set<StepId>()
  for (const step of plan.steps) {
    if (seen.has(step.id)) throw invalidPlan(name, `the step ${step.id} occurs twice`)
    const unknown = step.after.find((other) => !seen.has(other))
    if (unknown !== undefined) {
      throw invalidPlan(name, `step ${step.id} comes after ${unknown}, which is not an earlier step`)
    }
    const placement = placements.get(step.placement)
    if (placement === undefined) throw invalidPlan(name, `step ${step.id} belongs to no placement`)
    if (!isWithin(step, placement)) throw invalidPlan(name, `step ${step.id} does not fit its placement`)
    seen.add(step.id)
  }
}

/** Returns how the steps of a placement differ from what it shows; undefined if they do not. */
function mismatchOf(placement: Placement, { operation, steps }: Plan): string | undefined {
  const { id, from, to, evidence, platforms, ofPlatforms } = placement
  if (placement.rule !== undefined && operation !== 'sync')
    return 'belongs to a rule, and the plan is no sync'
  const own = steps.filter((step) => step.placement === id)
  if ((platforms === undefined) !== (ofPlatforms === undefined))
    return 'has only one of the keys platforms and ofPlatforms'
  const gates = gateMismatchOf(placement, own.length > 0)
  if (gates !== undefined || own.length === 0) return gates
  const attached = own.filter(({ kind }) => kind === 'attach').length
  if (attached !== evidence.missing || evidence.found < evidence.missing)
    return `shows ${evidence.missing} attached artifacts to copy, and its steps copy ${attached}`
  const has = (override: TagOverride): boolean =>
    own.some((step) => step.kind === 'tag' && step.override === override)
  if (has('rollback') && operation !== 'rollback') return 'rolls tags back, and the plan is not a rollback'
  if (has('movedTags') && operation !== 'sync') return 'follows a source, and the plan is not a sync'
  if (operation !== 'tag' && operation !== 'rollback') return undefined
  if (!sameRepository(from.repository, to.repository)) return 'takes its image from another repository'
  return own.some(({ kind }) => kind !== 'tag') ? 'has steps other than tag writes' : undefined
}

function isPossible({ before, change, deletesBefore }: PlannedTag, { root }: Placement): boolean {
  if (deletesBefore === true && change !== 'move') return false
  switch (change) {
    case 'create':
      return before === null
    case 'move':
      return before !== null && before !== root.digest
    case 'unchanged':
      return before === root.digest
  }
}

function isWithin(step: Step, { from, to, root, tags, platforms }: Placement): boolean {
  const target = targetOf(step)
  if (!sameRepository(target, to.repository)) return false
  if (step.kind === 'attest') return step.subject.digest === root.digest && step.expect.length === 0
  if (!sameRepository(step.from, from.repository)) return false
  switch (step.kind) {
    case 'copy':
      return (
        step.root.digest === root.digest &&
        step.expect.length === 0 &&
        JSON.stringify(step.platforms) === JSON.stringify(platforms) &&
        (platforms === undefined || step.rootBy === 'digest')
      )
    case 'attach': {
      if (step.via === 'subject') return step.tag === undefined && step.expect.length === 0
      return (
        step.tag !== undefined &&
        isCosignTagOf(step.tag, step.subject) &&
        step.expect.length === 1 &&
        ownPrecondition(step.expect, target, step.tag) !== undefined
      )
    }
    case 'tag': {
      const shown = tags.find((planned) => planned.tag === step.tag && planned.change !== 'unchanged')
      const own = ownPrecondition(step.expect, target, step.tag)
      return (
        step.target.digest === root.digest &&
        shown !== undefined &&
        own?.digest === shown.before &&
        step.override === shown.override &&
        hasVersionPrecondition(step, shown) &&
        step.expect.every((one) => one === own || isOfVersion(one, step, { root, tags }))
      )
    }
  }
}

/** Returns the precondition on the tag of a step; undefined unless there is exactly one. */
function ownPrecondition(
  expect: readonly Precondition[],
  repository: RepositoryName,
  tag: string,
): TagPrecondition | undefined {
  const own = expect.filter((one) => isOfTag(one, repository, tag))
  return own.length === 1 ? own[0] : undefined
}

/** Whether a tag that follows a version expects the highest version, unless it is overridden. */
function hasVersionPrecondition({ expect, override }: TagStep, { reason }: PlannedTag): boolean {
  if (reason === undefined || (override !== undefined && override !== 'rollback')) return true
  return expect.length > 1
}

/** Whether a precondition expects the highest version, or the version tag on the image. */
function isOfVersion(
  one: Precondition,
  { repository, tag }: TagStep,
  { root, tags }: Pick<Placement, 'root' | 'tags'>,
): boolean {
  if (!sameRepository(one.repository, repository)) return false
  if (one.kind === 'tag') return one.digest === root.digest
  const reading = readingOf(one)
  const version = parseVersion(one.version, reading)
  if (version === undefined || !isInLine(version, one.line) || !isTagOfLine(tag, one.line)) return false
  // a higher version than that of the image could never be overtaken
  return versionTagsIn(
    tags.map((shown) => shown.tag),
    reading,
  ).some((exact) => versionKeyWithBuild(exact.version) === versionKeyWithBuild(version))
}
