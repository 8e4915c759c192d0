import { basename } from 'node:path'
import type { Config } from '../../../config/config.ts'
import { findImagesAt } from '../../../config/environments.ts'
import { relativePathOf, sourceOf } from '../../../config/sync/destinations.ts'
import type { SyncRule } from '../../../config/sync/sync-rule.ts'
import { DrayError } from '../../../lib/errors.ts'
import { formatAt, formatRepository, type RepositoryName, sameRepository } from '../../../oci/reference.ts'
import type { Placement } from '../../../plan/plan.ts'
import type { SyncPlan } from '../../../plan/sync/sync-plan.ts'
import { compareTag } from '../../../usecases/sync/compare-tag.ts'
import { canSelect } from '../../../usecases/sync/select.ts'
import type { SyncTarget } from '../../../usecases/sync/snapshot.ts'
import { emptyState } from '../../../usecases/sync/sync-state.ts'
import { type ScopedSync, scopeOfPath } from '../sync-scope.ts'

/**
 * Checks that the rules of today's `dray.yaml` are those of a saved plan, and that they copy its
 * images with its tags from its sources to its destinations. Pure.
 * @throws `refused`.
 */
export function checkRules(plan: SyncPlan, rules: readonly SyncRule[], config: Config): void {
  const known = new Map(rules.map((rule) => [rule.name, rule]))
  for (const { name, hash } of plan.rules) {
    const now = known.get(name)
    if (now === undefined) throw ruleChanged(name, 'dray.yaml has no sync rule of this name')
    if (now.hash !== hash) throw ruleChanged(name, 'the rule was changed since the plan was made')
  }
  const scopes = new Map<string, ScopedSync>()
  for (const placement of plan.placements) {
    const rule = known.get(placement.rule ?? '')
    if (rule === undefined) throw ruleChanged(placement.rule ?? '', 'the plan does not name it')
    const path = pathOf(rule, placement.from.repository, config)
    if (path === undefined) throw otherPlace(placement, rule, placement.from.repository, 'source')
    const key = JSON.stringify([rule.name, path])
    const scoped = scopes.get(key) ?? scopeOfPath(rule, path, config)
    scopes.set(key, scoped)
    checkPlacement(placement, scoped)
  }
}

/** Returns the path of a source repository that the rule has now; undefined if it has none. */
export function pathOf(rule: SyncRule, repository: RepositoryName, config: Config): string | undefined {
  return candidatesOf(rule, repository, config).find(
    (path) =>
      sameRepository(sourceOf(rule, path, config), repository) &&
      (rule.from.kind === 'layout' ||
        rule.repositories.some(({ text, regex }) => text === path || regex.match(path) !== undefined)),
  )
}

function candidatesOf(rule: SyncRule, repository: RepositoryName, config: Config): readonly string[] {
  const { from, repositories } = rule
  switch (from.kind) {
    case 'registry': {
      const path = relativePathOf(rule, repository)
      return path === undefined ? [] : [path]
    }
    case 'environment':
      return findImagesAt(config, repository).flatMap(({ environment, image }) =>
        environment === from.environment ? [image] : [],
      )
    case 'layout': {
      const [pattern] = repositories
      return [pattern?.isPlain === true ? pattern.text : basename(from.folder)]
    }
  }
}

/** @throws `refused`. */
function checkPlacement(placement: Placement, { rule, path, source, destinations }: ScopedSync): void {
  const { image, from, to, tags, root } = placement
  const target = destinations.find(({ repository }) => sameRepository(repository, to.repository))
  if (target === undefined) throw otherPlace(placement, rule, to.repository, 'destination')
  const names = [`${path}:`, `${rule.name}/${path}:`]
  if (!names.some((name) => image.startsWith(name)))
    throw new DrayError('refused', `the plan has another image than ${image}`, {
      subject: formatRepository(from.repository),
      hint: 'Make a new plan.',
    })
  // Floating tags that the environment maintains are reviewed by its rules.
  const isMaintained = new Set(
    tags.flatMap(({ tag, reason }) => (reason === undefined || !target.keepsVersionTags ? [] : [tag])),
  )
  for (const { tag, change, before } of tags) {
    if (isMaintained.has(tag)) continue
    if (!canSelect(rule, source.reading, tag)) throw notSelected(placement, rule, tag)
    if (change !== 'move') continue
    const compared = compareTag({
      tag,
      source: root.digest,
      destination: before,
      evidenceMissing: 0,
      isIncomplete: false,
      rule,
      target: { ...target, state: emptyState } satisfies SyncTarget,
      overwriteChanged: true,
    })
    if (compared.state === 'kept')
      throw new DrayError('refused', `the plan moves ${formatAt(to.repository, { tag })}`, {
        why: compared.reason ?? 'the tag does not move',
        hint: 'Make a new plan.',
      })
  }
}

function ruleChanged(name: string, why: string): DrayError {
  return new DrayError('refused', `the plan was made with another rule ${name}`, {
    why,
    hint: 'Make a new plan.',
  })
}

function otherPlace(
  { image }: Placement,
  { name }: SyncRule,
  repository: RepositoryName,
  end: 'source' | 'destination',
): DrayError {
  return new DrayError('refused', `the rule ${name} has another ${end} of ${image}`, {
    subject: formatRepository(repository),
    why: `the rule does not have this ${end} now`,
    hint: 'Make a new plan.',
  })
}

function notSelected({ image }: Placement, { name }: SyncRule, tag: string): DrayError {
  return new DrayError('refused', `the plan writes the tag ${tag} of ${image}`, {
    why: `the rule ${name} does not select it`,
    hint: 'Make a new plan.',
  })
}
