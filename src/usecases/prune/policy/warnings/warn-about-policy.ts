import type { Rule } from '../../../../config/retention/policy.ts'
import type { Digest } from '../../../../oci/digest.ts'
import { variantGlobs } from '../../../../semver/variant.ts'
import { warnAboutTags } from '../../../../semver/warn-about-tags.ts'
import type { Evaluation } from '../../evaluate.ts'
import { joinFirst } from '../../../../lib/join-first.ts'
import { readingOfProtections, undeclaredVariants } from '../../../../selectors/select-versions.ts'
import { isByVersion } from '../../../../selectors/select-tag.ts'
import { warnAboutPreReleases } from './warn-about-pre-releases.ts'

/**
 * Returns warnings about images that a policy keeps, or does not protect, for a reason that a user
 * may not expect: whole sentences with the fix, without the name of the repository. Pure.
 */
export function warnAboutPolicy(evaluation: Evaluation): readonly string[] {
  return [...warnAboutVersions(evaluation), ...warnAboutUndated(evaluation)]
}

/** Warns if a protection or rule reads versions, about tags that it may read in another way. */
function warnAboutVersions({ policy, tags, keptImages, ruleVerdicts }: Evaluation): readonly string[] {
  const { protect, rules, reading } = policy
  const names = [...tags.keys()]
  const isProtected = protect.some((one) => one.tags.kind === 'semver')
  if (!isProtected && !rules.some(isByVersion)) return []
  if (!isProtected) return warnAboutTags(names, reading)
  const suffixes = undeclaredVariants(names, reading)
  const read = readingOfProtections(names, reading)
  const isKept = (tag: string): boolean => {
    const digest = tags.get(tag)
    if (digest !== undefined && keptImages.digests.has(digest)) return true
    return ruleVerdicts.get(tag)?.why.kind === 'unmatched'
  }
  const repository = { tags: names, reading: read, isKept }
  return [
    ...warnAboutTags(names, read),
    ...warnAboutVariants(suffixes),
    ...protect.flatMap((one) => warnAboutPreReleases(one, repository)),
  ]
}

function warnAboutVariants(suffixes: readonly string[]): readonly string[] {
  if (suffixes.length === 0) return []
  const [suffix, look, as, its] =
    suffixes.length === 1
      ? ['the suffix', 'looks like a variant', 'it as one', 'its']
      : ['the suffixes', 'look like variants', 'them as such', 'their']
  const globs = variantGlobs(suffixes)
  const setting =
    globs.length === 0 ? '' : `set variants: ${JSON.stringify(globs)} under tags in dray.yaml, or `
  const fix = `${setting}list ${its} tags under ignoreVersions`
  return [`${suffix} ${joinFirst(suffixes)} ${look}, and protections by version read ${as}: ${fix}`]
}

/** Warns about rules that keep images only because these have no time. */
function warnAboutUndated({ policy, tags, keptImages, ruleVerdicts }: Evaluation): readonly string[] {
  const undated = new Map<string, Set<Digest>>()
  for (const [tag, digest] of tags) {
    const { kind, by } = ruleVerdicts.get(tag)?.why ?? {}
    if (kind !== 'undated' || by === undefined || keptImages.digests.has(digest)) continue
    undated.set(by, (undated.get(by) ?? new Set()).add(digest))
  }
  return policy.rules.flatMap((rule) => {
    const count = undated.get(rule.name)?.size ?? 0
    if (count === 0) return []
    const images = count === 1 ? '1 image' : `${count} images`
    const [its, it] = count === 1 ? ['its', 'it has'] : ['their', 'they have']
    return [
      `the rule ${JSON.stringify(rule.name)} keeps ${images} only because ${it} no time. ${fixFor(rule, its)}`,
    ]
  })
}

function fixFor({ olderThan }: Rule, its: string): string {
  const source = `add a source of ${its} time to timeFrom`
  if (olderThan === undefined) return `Set orderBy to count them by version, name or number, or ${source}.`
  return `In dray.yaml, ${source}, or count them with orderBy and keepNewest, without olderThan.`
}
