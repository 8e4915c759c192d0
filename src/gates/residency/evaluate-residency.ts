import type { CompiledResidencyRule, Residency } from '../../config/gates/compile-residency.ts'
import { formatRepository, layoutRegistry, originOf, type RepositoryName } from '../../oci/reference.ts'

/** The labels of each image config of an image. */
export type ImageLabels = readonly Readonly<Record<string, string>>[]

/** Image content or an attached artifact that is written to a repository. */
export interface ResidencyWrite {
  /** undefined: the source is unknown, as for content that the repository has */
  readonly from: RepositoryName | undefined
  readonly to: RepositoryName
  /** undefined: they were not read */
  readonly labels: ImageLabels | undefined
}

export type ResidencyVerdict =
  | { readonly kind: 'allowed' }
  | ForbiddenWrite
  /** the labels of the image decide, and they were not read: `rule` needs them */
  | { readonly kind: 'needsLabels'; readonly rule: string }

export interface ForbiddenWrite {
  readonly kind: 'forbidden'
  /** the key of the rule, or `residency.default` */
  readonly rule: string
  /** one line for a person */
  readonly why: string
}

/**
 * Evaluates the residency of one write: pure. Every rule that selects the write must allow the
 * target, and `deny` wins. With `default: deny`, a rule without labels must allow it: the builder
 * of an image sets its labels, and could allow itself any target otherwise.
 */
export function evaluateResidency(residency: Residency, given: ResidencyWrite): ResidencyVerdict {
  // The source of an image in a bundle is the one that the bundle names.
  const write = { ...given, from: given.from && originOf(given.from) }
  const names = namesOf(residency, write)
  const selecting = residency.rules.filter((rule) => selects(rule, write, [...names.source, ...names.target]))
  const [sure, byLabels] = [
    selecting.filter(({ labels }) => labels === undefined),
    selecting.filter(({ labels }) => labels !== undefined),
  ]
  const found = findForbidding(sure, write) ?? findForbiddingDefault(residency, write, names)
  if (found !== undefined) return found
  const { labels } = write
  if (labels !== undefined) {
    const matching = byLabels.filter((rule) => labels.some((of) => hasLabels(of, rule.labels)))
    return findForbidding(matching, write) ?? { kind: 'allowed' }
  }
  const undecided = byLabels.find((rule) => findForbidding([rule], write) !== undefined)
  return undecided === undefined ? { kind: 'allowed' } : { kind: 'needsLabels', rule: undecided.key }
}

interface ImageNames {
  readonly source: readonly string[]
  readonly target: readonly string[]
}

function namesOf({ imageNames }: Residency, { from, to }: ResidencyWrite): ImageNames {
  return { source: from === undefined ? [] : imageNames(from), target: imageNames(to) }
}

function selects(rule: CompiledResidencyRule, { from }: ResidencyWrite, names: readonly string[]): boolean {
  const { selectsImage, selectsSource } = rule
  if (selectsImage !== undefined && !names.some((name) => selectsImage(name))) return false
  return selectsSource === undefined || (from !== undefined && selectsSource(from))
}

function hasLabels(
  labels: Readonly<Record<string, string>>,
  wanted: Readonly<Record<string, string>> = {},
): boolean {
  return Object.entries(wanted).every(
    ([name, value]) => Object.hasOwn(labels, name) && labels[name] === value,
  )
}

/** The first rule whose `deny` is about the target; otherwise the first that does not allow it. */
function findForbidding(
  rules: readonly CompiledResidencyRule[],
  { to }: ResidencyWrite,
): ForbiddenWrite | undefined {
  const denying = rules.find(({ deny }) => deny?.(to) === true)
  if (denying !== undefined) return forbidden(denying.key, `denies ${list(denying.patterns.deny)}`)
  const other = rules.find(({ allow }) => allow?.(to) === false)
  return other === undefined ? undefined : forbidden(other.key, `allows only ${list(other.patterns.allow)}`)
}

/**
 * With `default: deny`, the name of the source must be allowed: a write under another name at the
 * target changes nothing. An image layout has no name, and there the name at the target counts.
 */
function findForbiddingDefault(
  residency: Residency,
  write: ResidencyWrite,
  { source, target }: ImageNames,
): ForbiddenWrite | undefined {
  if (residency.default === 'allow') return undefined
  const { from, to } = write
  const names = from === undefined || from.registry === layoutRegistry ? target : source
  const isAllowed = residency.rules.some(({ selectsSource, ...rule }) => {
    // Content of an unknown source may have come from any repository.
    const counted = from === undefined || selectsSource === undefined ? rule : { ...rule, selectsSource }
    return rule.labels === undefined && rule.allow?.(to) === true && selects(counted, write, names)
  })
  if (isAllowed) return undefined
  return forbidden('residency.default', `is deny, and no rule allows ${formatRepository(to)}`)
}

function forbidden(rule: string, what: string): ForbiddenWrite {
  return { kind: 'forbidden', rule, why: `${rule} in dray.yaml ${what}` }
}

function list(patterns: readonly string[] = []): string {
  return patterns.length === 0 ? 'nothing' : patterns.join(', ')
}
