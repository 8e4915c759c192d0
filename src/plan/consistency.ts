import { DrayError } from '../lib/errors.ts'
import { cosignSuffixes, cosignTag } from '../oci/evidence-tags.ts'
import { type RepositoryName, sameRepository } from '../oci/reference.ts'
import { isInLine, isTagOfLine } from '../semver/line.ts'
import { formatVersion, parseVersion, versionTagsIn } from '../semver/version.ts'
import {
  isOfTag,
  type Placement,
  type PlacementId,
  type Plan,
  type PlannedTag,
  type Precondition,
  type Step,
  type StepId,
  type TagPrecondition,
  type TagStep,
  targetOf,
} from './plan.ts'

/**
 * Checks that a plan does what it shows and nothing else: each step belongs to a placement and stays within its source, its target, its root and its
 * tags; no tag is written whose present state is not expected; and `after` goes back only to steps that are there, without a circle.
 * @throws `malformed`.
 */
export function checkConsistency(plan: Plan, name: string): void {
  const placements = new Map<PlacementId, Placement>()
  for (const placement of plan.placements) {
    if (placements.has(placement.id)) throw malformed(name, `the placement ${placement.id} is there twice`)
    placements.set(placement.id, placement)
    const odd = placement.tags.find((tag) => !isPossible(tag, placement))
    if (odd !== undefined)
      throw malformed(name, `${placement.id} says ${odd.change} of a tag that is otherwise`)
    const wrong = complaintOf(placement, plan)
    if (wrong !== undefined) throw malformed(name, `${placement.id} ${wrong}`)
  }
  const seen = new Set<StepId>()
  for (const step of plan.steps) {
    if (seen.has(step.id)) throw malformed(name, `the step ${step.id} is there twice`)
    const unknown = step.after.find((other) => !seen.has(other))
    if (unknown !== undefined) {
      throw malformed(name, `step ${step.id} comes after ${unknown}, which does not stand before it`)
    }
    const placement = placements.get(step.placement)
    if (placement === undefined) throw malformed(name, `step ${step.id} belongs to no placement`)
    if (!isWithin(step, placement)) throw malformed(name, `step ${step.id} does not fit its placement`)
    seen.add(step.id)
  }
}

/** What a placement shows that its plan does not do; undefined: nothing. */
function complaintOf({ id, from, to, evidence }: Placement, { operation, steps }: Plan): string | undefined {
  const own = steps.filter(({ placement }) => placement === id)
  if (own.length === 0) return undefined
  const attached = own.filter(({ kind }) => kind === 'attach').length
  if (attached !== evidence.missing || evidence.found < evidence.missing)
    return `shows ${evidence.missing} attached artifacts to copy, and its steps copy ${attached}`
  const isRollback = own.some((step) => step.kind === 'tag' && step.override === 'rollback')
  if (isRollback && operation !== 'rollback') return 'rolls tags back, and the plan is no rollback'
  if (operation === 'promote' || operation === 'copy') return undefined
  if (!sameRepository(from.repository, to.repository)) return `takes its image from another repository`
  return own.some(({ kind }) => kind !== 'tag') ? 'does more than to write tags' : undefined
}

function isPossible({ before, change }: PlannedTag, { root }: Placement): boolean {
  switch (change) {
    case 'create':
      return before === null
    case 'move':
      return before !== null && before !== root.digest
    case 'unchanged':
      return before === root.digest
  }
}

function isWithin(step: Step, { from, to, root, tags }: Placement): boolean {
  const target = targetOf(step)
  if (!sameRepository(target, to.repository)) return false
  if (step.kind === 'attest') return step.subject.digest === root.digest && step.expect.length === 0
  if (!sameRepository(step.from, from.repository)) return false
  switch (step.kind) {
    case 'copy':
      return step.root.digest === root.digest && step.expect.length === 0
    case 'attach': {
      if (step.via === 'subject') return step.tag === undefined && step.expect.length === 0
      const own = cosignSuffixes.map((suffix) => cosignTag(step.subject, suffix))
      return (
        step.tag !== undefined &&
        own.includes(step.tag) &&
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
        restsOnVersion(step, shown) &&
        step.expect.every((one) => one === own || isOfVersion(one, step, { root, tags }))
      )
    }
  }
}

/** What the plan saw of the tag that a step writes; undefined where it says so not once. */
function ownPrecondition(
  expect: readonly Precondition[],
  repository: RepositoryName,
  tag: string,
): TagPrecondition | undefined {
  const own = expect.filter((one) => isOfTag(one, repository, tag))
  return own.length === 1 ? own[0] : undefined
}

/** A tag that is said to move for its version moves only as long as that is so, unless it is said to move all the same. */
function restsOnVersion({ expect, override }: TagStep, { reason }: PlannedTag): boolean {
  if (reason === undefined || (override !== undefined && override !== 'rollback')) return true
  return expect.length > 1
}

/** What a floating tag rests on beside itself: that its version is the highest of its line, or that the exact tag is still on the image. */
function isOfVersion(
  one: Precondition,
  { repository, tag }: TagStep,
  { root, tags }: Pick<Placement, 'root' | 'tags'>,
): boolean {
  if (!sameRepository(one.repository, repository)) return false
  if (one.kind === 'tag') return one.digest === root.digest
  const version = parseVersion(one.version)
  if (version === undefined || !isInLine(version, one.line) || !isTagOfLine(tag, one.line)) return false
  // the version that the image gets there, and no higher one that nothing could overtake
  return versionTagsIn(
    tags.map((shown) => shown.tag),
    one,
  ).some((exact) => formatVersion(exact.version) === formatVersion(version))
}

function malformed(name: string, why: string): DrayError {
  return new DrayError('malformed', `${name} is not a plan: ${why}`)
}
