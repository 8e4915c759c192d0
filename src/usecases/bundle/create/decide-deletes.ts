import { DrayError } from '../../../lib/errors.ts'
import type { BundleRoot, BundleTag } from '../../../plan/bundle/bundle-document.ts'

/** A rule that deletes the tags that it no longer selects. */
export interface DeletingRule {
  readonly rule: string
  /** its repositories whose source has tags */
  readonly paths: ReadonlySet<string>
  readonly maxDeletes?: number
  /** of the tags that the base wrote for the rule */
  readonly maxPercent?: number
}

/**
 * Returns the tags that the base wrote for rules that delete, and that nothing in the new bundle
 * has: pure.
 * @param selected `library/alpine:3.20` for each tag of the new bundle
 * @throws `refused` if a rule would delete more than its limits allow.
 */
export function decideDeletes(
  base: readonly BundleRoot[],
  selected: ReadonlySet<string>,
  rules: readonly DeletingRule[],
): readonly BundleTag[] {
  return rules.flatMap((rule) => {
    const written = base
      .filter((root) => root.rule === rule.rule)
      .flatMap(({ repository, root, tags }) =>
        tags.map((tag) => ({ repository, tag, digest: root.digest, rule: rule.rule })),
      )
    const deletes = written.filter(
      ({ repository, tag }) => rule.paths.has(repository) && !selected.has(`${repository}:${tag}`),
    )
    checkLimits(rule, deletes.length, written.length)
    return deletes
  })
}

function checkLimits(
  { rule, maxDeletes = Infinity, maxPercent = 100 }: DeletingRule,
  deletes: number,
  all: number,
): void {
  const why =
    deletes > maxDeletes
      ? `it would delete ${deletes} tags, and \`maxDeletes\` is ${maxDeletes}`
      : deletes * 100 > maxPercent * all
        ? `it would delete ${deletes} of ${all} tags, and \`maxPercent\` is ${maxPercent}`
        : undefined
  if (why === undefined) return
  throw new DrayError('refused', `the rule ${rule} would delete too many tags`, {
    subject: rule,
    why,
    hint: 'Check the source. If the deletes are intended, increase the limit in dray.yaml.',
  })
}
