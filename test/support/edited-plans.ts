import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { canonicalJson } from '../../src/plan/canonical-json.ts'
import type { AttachStep, Placement, Plan, TagStep } from '../../src/plan/plan.ts'
import type { DeleteManifestStep, PrunePlan, RepositoryPlan } from '../../src/plan/prune/prune-plan.ts'
import { sha256 } from './images.ts'

/** The type without `readonly`. */
export type Editable<T> = T extends object ? { -readonly [K in keyof T]: Editable<T[K]> } : T

/** A saved plan with its hash. */
export type EditablePlan = Editable<Plan> & { hash?: string }
export type EditablePrunePlan = Editable<PrunePlan> & { hash?: string }

/** Edits the plan `from` and writes it as `to` with a matching hash. */
export async function editPlan<P extends EditablePlan | EditablePrunePlan>(
  folder: string,
  from: string,
  to: string,
  edit: (plan: P) => P | void,
): Promise<void> {
  const plan = JSON.parse(await readFile(join(folder, from), 'utf8')) as P
  const { hash: _hash, ...edited } = edit(plan) ?? plan
  await writeFile(join(folder, to), JSON.stringify({ ...edited, hash: sha256(canonicalJson(edited)) }))
}

export function firstPlacement(plan: EditablePlan): Editable<Placement> {
  return mustExist(plan.placements[0])
}

export function tagStep(plan: EditablePlan, tag: string): Editable<TagStep> {
  return mustExist(plan.steps.filter((step) => step.kind === 'tag').find((step) => step.tag === tag))
}

export function attachStep(plan: EditablePlan): Editable<AttachStep> {
  return mustExist(plan.steps.find((step) => step.kind === 'attach'))
}

/** Adds a tag to the steps and to the shown tags. */
export function addTag(
  plan: EditablePlan,
  tag: string,
  before: string | undefined,
  override?: 'moveTag' | 'allowBackward' | 'rollback',
): void {
  const placement = firstPlacement(plan)
  const last = mustExist(plan.steps.findLast((step) => step.kind === 'tag'))
  const digest = (before ?? null) as TagStep['target']['digest'] | null
  const marked = override === undefined ? {} : { override }
  placement.tags = placement.tags.filter((one) => one.tag !== tag)
  placement.tags.push({ tag, before: digest, change: digest === null ? 'create' : 'move', ...marked })
  plan.steps = plan.steps.filter((step) => step.kind !== 'tag' || step.tag !== tag)
  plan.steps.push({
    ...structuredClone(last),
    id: `${last.id}-${tag}`,
    tag,
    expect: [{ kind: 'tag', repository: last.repository, tag, digest }],
    ...marked,
  })
}

/** Removes steps from the plan, also from `after` of other steps. */
export function removeSteps(
  plan: EditablePlan,
  isRemoved: (step: EditablePlan['steps'][number]) => boolean,
): void {
  const gone = new Set(plan.steps.filter(isRemoved).map(({ id }) => id))
  plan.steps = plan.steps.filter(({ id }) => !gone.has(id))
  for (const step of plan.steps) step.after = step.after.filter((id) => !gone.has(id))
}

/** Changes the verdict of a kept image to delete, and adds the step. */
export function addDelete(
  one: Editable<RepositoryPlan>,
  tag: string,
  size: number,
): Editable<DeleteManifestStep> {
  const model = mustExist(one.steps.find((step) => step.kind === 'deleteManifest'))
  const verdict = mustExist(one.tags.find((shown) => shown.tag === tag))
  const digest = mustExist(verdict.digest)
  verdict.verdict = 'delete'
  verdict.why = structuredClone(model.why)
  one.roots = one.roots.filter((root) => root !== digest)
  const step = {
    ...structuredClone(model),
    id: `edited-${tag}`,
    after: [],
    target: { ...model.target, digest, size },
    losesTags: [tag],
  }
  one.steps.push(step)
  one.count.deleted += 1
  return step
}

export function mustExist<T>(value: T | undefined | null): T {
  if (value === undefined || value === null) throw new Error('the plan is not as the edit expects it')
  return value
}
